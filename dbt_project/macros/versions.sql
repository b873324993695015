{# Belongs here: how landed rows become a current version and a history, the same way for every entity.
   Not here: the columns and references of one entity (its core model). #}

{# One text per record, the same for landed and for rejected rows. Empty text never lands, so it stands for null. #}
{% macro record_key(columns) -%}
    {%- if columns | length == 1 -%}
        cast({{ columns[0] }} as {{ dbt.type_string() }})
    {%- else -%}
        {%- for column in columns -%}
            coalesce(cast({{ column }} as {{ dbt.type_string() }}), '')
            {%- if not loop.last %} || chr(31) || {% endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{# The same key of a rejected row, from its key columns' texts. `types` gives each part's SQL type, so that a date or
   an instant written in another form still finds its record. #}
{% macro rejected_record_key(types) -%}
    {{ return(adapter.dispatch('rejected_record_key', 'kpi_warehouse')(types)) }}
{%- endmacro %}

{% macro duckdb__rejected_record_key(types) -%}
    {%- set parts = [] -%}
    {%- for type in types -%}
        {%- if type == 'varchar' -%}
            {%- do parts.append('entity_key[' ~ loop.index ~ ']') -%}
        {%- else -%}
            {%- do parts.append(
                'coalesce(cast(try_cast(entity_key[' ~ loop.index ~ '] as ' ~ type ~ ') as string), entity_key[' ~ loop.index ~ '])'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(record_key(parts)) }}
{%- endmacro %}

{% macro spark__rejected_record_key(types) -%}
    {%- set parts = [] -%}
    {%- for type in types -%}
        {%- set part = 'entity_key[' ~ loop.index0 ~ ']' -%}
        {%- do parts.append(part if type == 'varchar' else 'coalesce(cast(try_cast(' ~ part ~ ' as ' ~ type ~ ') as string), ' ~ part ~ ')') -%}
    {%- endfor -%}
    {{ return(record_key(parts)) }}
{%- endmacro %}


{# A row's content as one short value, to tell two versions of the same record apart; never stored. #}
{% macro fingerprint(columns) -%}
    {{ return(adapter.dispatch('fingerprint', 'kpi_warehouse')(columns)) }}
{%- endmacro %}

{% macro default__fingerprint(columns) -%}
    {{ return(dbt.hash(record_key(columns))) }}
{%- endmacro %}

{% macro duckdb__fingerprint(columns) -%}
    {{ return('hash(' ~ columns | join(', ') ~ ')') }}
{%- endmacro %}

{# Spark's hash passes over nulls, so that a value would be the same in one column as in the next. #}
{% macro spark__fingerprint(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append(column ~ ', ' ~ column ~ ' is null') -%}
    {%- endfor -%}
    {{ return('xxhash64(' ~ parts | join(', ') ~ ')') }}
{%- endmacro %}


{# A landed row's content, whatever batch brought it: every column of the contract. #}
{% macro delivered_content() -%}
    {{ return(adapter.dispatch('delivered_content', 'kpi_warehouse')()) }}
{%- endmacro %}

{% macro duckdb__delivered_content() -%}
    hash(*columns(* exclude (_record_key, _batch_id, _batch_date, _row_number, batch_seq, known_at)))
{%- endmacro %}

{# JSON leaves out what is null and names the rest; by default it would cut instants to milliseconds. #}
{% macro spark__delivered_content() -%}
    xxhash64(
        to_json(
            struct(* except (_record_key, _batch_id, _batch_date, _row_number, batch_seq, known_at)),
            map('timestampNTZFormat', 'yyyy-MM-dd HH:mm:ss.SSSSSS')
        )
    )
{%- endmacro %}


{# When a batch saw what it saw: the last instant of its day, since known_at is already the first one of the next. What a night
   finds new, changed or gone then belongs to the day it reports on, and is in that day's closing stock. #}
{% macro observed_at() -%}
    {{ dbt.dateadd('microsecond', -1, 'known_at') }}
{%- endmacro %}


{# When a landed row says it was written. A clock ahead of the batch that brought the row is not believed. #}
{% macro claimed_at(has_updated_at) -%}
    {%- if has_updated_at -%}
        coalesce(least(updated_at, {{ observed_at() }}), {{ observed_at() }})
    {%- else -%}
        {{ observed_at() }}
    {%- endif -%}
{%- endmacro %}


{# Batches in which a record was delivered, landed or rejected: a rejected row is there, it is only unreadable. #}
{% macro appearances_of(entity, keys=none) -%}
    {%- set scoped = keys is not none or model.config.meta.get('scope') -%}
    select
        _record_key,
        batch_seq,
        {{ observed_at() }} as observed_at
    from {{ ref('stg_contract__' ~ entity) }}
    {{ in_scope('_record_key', keys) if scoped }}
    union
    select
        _record_key,
        batch_seq,
        {{ observed_at() }} as observed_at
    from {{ ref('stg_contract__quarantined_keys') }}
    where entity = '{{ entity }}' {{ in_scope('_record_key', keys, prefix='and') if scoped }}
{%- endmacro %}


{# Every batch of the entity with the first complete batch after it: the first that can show a record to be gone. #}
{% macro batches_with_next_complete(entity) -%}
    select
        batch_seq,
        min(case when kind = 'complete' then batch_seq end) over (
            order by batch_seq
            rows between 1 following and unbounded following
        ) as next_complete_seq,
        min(case when kind = 'complete' then {{ observed_at() }} end) over (
            order by batch_seq
            rows between 1 following and unbounded following
        ) as next_complete_at
    from {{ ref('stg_contract__batches') }}
    where entity = '{{ entity }}'
{%- endmacro %}


{# Between `as` and the bracket of a CTE over very many rows that is read more than once: computing it again is cheaper than keeping
   all its columns. Spark keeps none. #}
{% macro not_kept() -%}
    {{ return(adapter.dispatch('not_kept', 'kpi_warehouse')()) }}
{%- endmacro %}

{% macro default__not_kept() -%}
{%- endmacro %}

{% macro duckdb__not_kept() -%}
    not materialized
{%- endmacro %}


{# The newest version of every record, and only then whether it is deleted: the other order brings deleted records back.
   Newest: by updated_at (not later than its batch), then by arrival. Deleted: the newest version says so, or a complete
   batch came after the last one that delivered the record.
   Gives the staging columns, first_batch_id and first_row_number (the first delivery of just this content: later ones repeat
   it), is_deleted and gone_at (the effective instant of deletion).
   `keys`: a query for the records to look at in a build of changes; default, the model's scope. #}
{% macro current_version(entity, has_updated_at=false, has_deleted_at=false, keys=none) -%}
    {%- set scoped = keys is not none or model.config.meta.get('scope') -%}
    with deliveries as {{ not_kept() }} (
        select
            *,
            {{ delivered_content() }} as content
        from {{ ref('stg_contract__' ~ entity) }}
        {{ in_scope('_record_key', keys) if scoped }}
    ),

    largest_batch as (
        select max_by(batch_seq, rows_landed) as batch_seq
        from {{ ref('stg_contract__batches') }}
        where entity = '{{ entity }}'
    ),

    -- A batch holds a record once, since landing keeps one row of each key: who comes in no batch but the largest comes once.
    repeated as (
        select distinct _record_key
        from deliveries
        where batch_seq is distinct from (select batch_seq from largest_batch)
    ),

    -- Most records are delivered once: only the others are put in order.
    versions as (
        select
            *,
            1 as version_age,
            _batch_id as first_batch_id,
            _row_number as first_row_number,
            batch_seq as last_batch_seq
        from deliveries
        anti join repeated on deliveries._record_key = repeated._record_key
        union all
        select
            *,
            row_number() over (
                partition by _record_key
                order by {{ claimed_at(has_updated_at) }} desc, batch_seq desc, _row_number desc
            ) as version_age,
            first_value(_batch_id) over same_content as first_batch_id,
            first_value(_row_number) over same_content as first_row_number,
            max(batch_seq) over (partition by _record_key) as last_batch_seq
        from deliveries
        semi join repeated on deliveries._record_key = repeated._record_key
        window same_content as (
            partition by _record_key, content
            order by batch_seq, _row_number
        )
    ),

    newest as (
        select *
        from versions
        where version_age = 1
    ),

    -- A rejected row was delivered too, it is only unreadable.
    last_rejections as (
        select
            _record_key,
            max(batch_seq) as batch_seq
        from {{ ref('stg_contract__quarantined_keys') }}
        where entity = '{{ entity }}' {{ in_scope('_record_key', keys, prefix='and') if scoped }}
        group by _record_key
    ),

    batches as (
        {{ batches_with_next_complete(entity) | indent(8) }}
    )

    select
        newest.*,
        {{ 'newest.deleted_at is not null or ' if has_deleted_at }}batches.next_complete_seq is not null as is_deleted,
        {% if has_deleted_at %}coalesce(newest.deleted_at, batches.next_complete_at){% else %}batches.next_complete_at{% endif %} as gone_at
    from newest
    left join last_rejections on newest._record_key = last_rejections._record_key
    inner join batches on greatest(newest.last_batch_seq, coalesce(last_rejections.batch_seq, newest.last_batch_seq)) = batches.batch_seq
{%- endmacro %}


{# A reference as core holds it: its id, 'none' when nothing was given, 'unknown' when it is not there.
   `found` is the key column of the referenced table, left joined. #}
{% macro resolve_reference(given, found) -%}
    case
        when {{ given }} is null then 'none'
        when {{ found }} is null then 'unknown'
        else {{ given }}
    end
{%- endmacro %}
