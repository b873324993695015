{# Belongs here: the materialization `updated`, a table that is made anew or brought up to date from what changed; and how a view is
   replaced.
   Not here: which rows to look at, and how rows that changed find their way (macros/changes.sql).

   dbt's own `incremental` makes a table under another name, renames twice and drops, or asks the database for the columns of two
   relations to compare them; around a small table that is most of the work. Here a table is replaced in one statement, or updated
   in one transaction, with the columns that its YAML names. #}
{% materialization updated, default %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {{ updated_table(target, sql) if only_changes() else new_table(target, sql) }}
    {%- endcall %}
    {% do persist_docs(target, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{# A view in the place of the one that stood there. dbt's own way makes it under another name, renames twice and drops, which for a view is
   most of the work. #}
{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_view -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        create or replace view {{ target }} as (
            {{ sql }}
        )
    {%- endcall %}
    {% do persist_docs(target, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{# All rows anew, whatever stood there. #}
{% macro new_table(target, sql) -%}
    {{ return(adapter.dispatch('new_table', 'kpi_warehouse')(target, sql)) }}
{%- endmacro %}

{% macro default__new_table(target, sql) -%}
    {{ exceptions.raise_compiler_error("the materialization `updated` has no form for the engine '" ~ target.type ~ "'; add one in macros/updated.sql") }}
{%- endmacro %}

{% macro duckdb__new_table(target, sql) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
        create or replace table {{ target }} {{ get_table_columns_and_constraints() }};

        insert into {{ target }} {{ get_column_names() }}
        {{ get_select_subquery(sql) }}
    {%- else -%}
        create or replace table {{ target }} as (
            {{ sql }}
        )
    {%- endif -%}
{%- endmacro %}


{# Only the rows that differ within the model's scope. #}
{% macro updated_table(target, sql) -%}
    {{ return(adapter.dispatch('updated_table', 'kpi_warehouse')(target, sql)) }}
{%- endmacro %}

{% macro default__updated_table(target, sql) -%}
    {{ exceptions.raise_compiler_error("tables cannot be brought up to date on the engine '" ~ target.type ~ "'; build everything, or add a form in macros/updated.sql") }}
{%- endmacro %}

{% macro duckdb__updated_table(target, sql) -%}
    {%- set columns = model.columns | map('tojson') | list -%}
    {%- set scope = model.config.meta.get('scope') -%}
    {%- set daily = model.config.meta.get('daily') -%}
    {%- set changed = changes(target.identifier) -%}
    {%- if scope -%}
    create or replace temp table touched_{{ model.name }} as
    select distinct *
    from (
        {{ scope.touched }}
    ) as touched;

    {% endif -%}
    {%- if daily -%}
    update {{ target }}
    set {{ daily.column }} = {{ daily.value }}
    where {{ daily.rows }};

    {% endif -%}
    create or replace table {{ changed }} as
    with built as materialized (
        {{ sql }}
    ),

    standing as materialized (
        select
            rowid as _row,
            {{ columns | join(', ') }}
        from {{ target }}
        {%- if scope %}
        where {{ scope.column }} in ({{ touched_keys() }})
        {%- endif %}
    )

    select
        'removed' as _change,
        standing._row,
        {% for column in columns -%}
        standing.{{ column }}{{ ', ' if not loop.last }}
        {%- endfor %}
    from standing
    anti join built
        on {{ same_row(columns) }}
    union all
    select
        'added' as _change,
        null as _row,
        {% for column in columns -%}
        built.{{ column }}{{ ', ' if not loop.last }}
        {%- endfor %}
    from built
    anti join standing
        on {{ same_row(columns) }};

    delete from {{ target }}
    where rowid in (select _row from {{ changed }} where _change = 'removed');

    insert into {{ target }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }}
    from {{ changed }}
    where _change = 'added'
    {%- if scope %};

    drop table touched_{{ model.name }}
    {%- endif %}
{%- endmacro %}

{% macro same_row(columns) -%}
    {%- for column in columns -%}
        standing.{{ column }} is not distinct from built.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
