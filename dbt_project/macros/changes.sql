{# Belongs here: how a table is brought up to date from what changed, instead of being built anew.
   Not here: which records changed in the landing zone (orchestration/landing/changes.py), the statements that replace or update a
   table (macros/updated.sql).

   Every table is materialized as `updated`. In a build of everything (KPI_BUILD is not `changes`) it is made anew. In a build of
   changes:
     1. the model's SQL runs over its scope only: `in_scope` filters its inputs by the keys that changed inputs touch;
     2. the rows of the scope that are no longer there leave the table, the new ones enter it, equal ones stay;
     3. both are kept in schema `changes` under the model's name, where the models after it find what they have to look at.
   A model without a scope is built whole and compared whole: right, and cheap enough where a table is small.
   A column that is another on every day, in rows that nothing else changes, has a formula of its row (`daily`). It is set before step 1
   and counts as no change: no later table may ask what changed in it. #}


{# The changed rows of a model in this build, as a relation: `_change` (added or removed), then the model's columns. #}
{% macro changes(model_name) -%}
    changes.{{ model_name }}
{%- endmacro %}


{# Keys of a model's rows that changed in the given columns, whatever else changed in them. `columns` holds the row's key. #}
{% macro changed_in(model_name, columns, key) -%}
    {%- set listed = columns | join(', ') -%}
    {%- set was = 'select ' ~ listed ~ ' from changes.' ~ model_name ~ " where _change = 'removed'" -%}
    {%- set now = 'select ' ~ listed ~ ' from changes.' ~ model_name ~ " where _change = 'added'" -%}
    select {{ key }} from ({{ was }} except {{ now }}) as before
    union all
    select {{ key }} from ({{ now }} except {{ was }}) as after
{%- endmacro %}


{# The build before and this one, as a relation of one row: previous_as_of_end, as_of_end. #}
{% macro this_build() -%}
    {{ return(adapter.dispatch('this_build', 'kpi_warehouse')()) }}
{%- endmacro %}

{% macro default__this_build() -%}
    {{ return('changes._build') }}
{%- endmacro %}

{# Files, since nobody but dbt writes into Spark's catalog. #}
{% macro spark__this_build() -%}
    {{ return(spark_files([env_var('KPI_HOME') ~ '/warehouse/spark_changes/build.parquet'])) }}
{%- endmacro %}


{# The landed records that this build's batches brought, changed or took away, as a relation: entity, _record_key. #}
{% macro records_of_build() -%}
    {{ return(adapter.dispatch('records_of_build', 'kpi_warehouse')()) }}
{%- endmacro %}

{% macro default__records_of_build() -%}
    {{ return('changes._records') }}
{%- endmacro %}

{% macro spark__records_of_build() -%}
    {{ return(spark_files([env_var('KPI_HOME') ~ '/warehouse/spark_changes/records.parquet'])) }}
{%- endmacro %}


{# Keys of landed records that this build's batches brought, changed or took away. #}
{% macro changed_records(entity) -%}
    select _record_key from {{ records_of_build() }} where entity = '{{ entity }}'
{%- endmacro %}


{# Keys that a model has had since this build: rows may have named them before, and found nobody. #}
{% macro new_keys(model_name, key) -%}
    select {{ key }} from changes.{{ model_name }} where _change = 'added'
    except
    select {{ key }} from changes.{{ model_name }} where _change = 'removed'
{%- endmacro %}


{# Keys of landed records that name in `column` a key that a model has had since this build: what was unknown no longer is. Where nothing
   is new, nothing is read. #}
{% macro became_known(entity, column, model_name, key) -%}
    select _record_key from staging.stg_contract__{{ entity }} where {{ column }} in ({{ new_keys(model_name, key) }})
{%- endmacro %}


{# Whether an instant or a date lay in the future for the build before and no longer does: what is future is not counted yet. #}
{% macro became_past(column) -%}
    {{ column }} >= (select previous_as_of_end from {{ this_build() }}) and {{ column }} < (select as_of_end from {{ this_build() }})
{%- endmacro %}


{# The build's date, for what a model's `config` says: that is rendered when dbt parses, where `as_of()` knows no date yet. #}
{% macro day_of_build() -%}
    (select cast(as_of_end as date) - 1 from {{ this_build() }})
{%- endmacro %}


{# Whether somebody is a year older than for the build before, or was born since. #}
{% macro had_birthday(birthday) -%}
    {%- set before = '(select cast(previous_as_of_end as date) - 1 from ' ~ this_build() ~ ')' -%}
    {%- set now = day_of_build() -%}
    {{ birthday }} <= {{ now }} and ({{ birthday }} > {{ before }} or {{ completed_years(birthday, before) }} <> {{ completed_years(birthday, now) }})
{%- endmacro %}


{# Whether the model is being brought up to date from changes. Never while dbt parses, and never in a unit test. #}
{% macro only_changes() -%}
    {%- if not execute or env_var('KPI_BUILD', 'everything') != 'changes' or model.resource_type != 'model' or model.config.materialized != 'updated' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set standing = load_cached_relation(this) -%}
    {{ return(standing is not none and standing.is_table) }}
{%- endmacro %}


{# The keys of the model's scope, as a query: collected once before its SQL runs, since most inputs ask for them. #}
{% macro touched_keys() -%}
    select * from touched_{{ model.name }}
{%- endmacro %}


{# A filter on an input: only rows whose `column` is among the scope's keys, or among `keys` (a query). Empty in a build of everything.
   `prefix` is `where`, or `and` after another condition. #}
{% macro in_scope(column, keys=none, prefix='where') -%}
    {%- if only_changes() -%}
        {{ prefix }} {{ column }} in ({{ keys if keys is not none else touched_keys() }})
    {%- endif -%}
{%- endmacro %}


{# Whether a test may leave out the rows of a relation that did not change: the build brought it up to date from changes, and its other
   rows passed the same test in the build before, or there would have been no build of changes. A test that only warns says so again
   every night, so it looks at all rows. #}
{% macro has_changes(relation) -%}
    {%- if not execute or relation is string or env_var('KPI_BUILD', 'everything') != 'changes' or model.config.severity | lower == 'warn' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set node = graph.nodes.get('model.kpi_warehouse.' ~ relation.identifier) -%}
    {{ return(node is not none and node.config.materialized == 'updated') }}
{%- endmacro %}


{# The rows a test of single rows has to look at: in a build of changes those that came, otherwise all. #}
{% macro rows_to_test(relation) -%}
    {%- if has_changes(relation) -%}
        (select * from {{ changes(relation.identifier) }} where _change = 'added') as added_rows
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}


{# The rows a test of rows that share `columns` has to look at: in a build of changes all those that share them with one that came. Nulls are
   equal; rows with one are looked for by themselves, since the others are found by plain equality, for which most of a table is not read. #}
{% macro groups_to_test(relation, columns) -%}
    {%- if has_changes(relation) -%}
        (
            {% for equal, rows in [('=', none), ('is not distinct from', columns)] -%}
            select standing.*
            from {{ relation }} as standing
            semi join (select * from {{ changes(relation.identifier) }} where _change = 'added') as added_rows
                on
                    {% for column in columns -%}
                    standing.{{ column }} {{ equal }} added_rows.{{ column }}{{ ' and ' if not loop.last }}
                    {%- endfor %}
            {% if rows -%}
            where standing.{{ rows | join(' is null or standing.') }} is null
            {%- else -%}
            union all
            {%- endif %}
            {% endfor -%}
        ) as groups_of_added_rows
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}


{# The rows of a relation that a test has to look at where what it finds depends on rows with the same `column` only, of the `read`
   relations: in a build of changes those whose value is in a row of them that came or went, otherwise all. `whole_with`: relations
   without that column, which the test reads too; a change in one of them concerns all rows. `compared`: for relations of which the test
   reads some columns only, {name: columns with the row's key}; what else changes in them does not concern it. `others`: further
   relations without that column, whose changes concern the values that the query `more` finds. `column` may be several, `(a, b)`. #}
{% macro rows_of_changed(relation, column, read, whole_with=[], compared={}, others=[], more=none) -%}
    {%- set without_changes = [] -%}
    {%- for each in read + whole_with + others if not has_changes(each) -%}
        {%- do without_changes.append(each) -%}
    {%- endfor -%}
    {%- if without_changes -%}
        {{ relation }}
    {%- else -%}
        (
            select *
            from {{ relation }}
            where {{ column }} in (
                {%- for each in read %}
                {% if each.identifier in compared -%}
                {{ changed_in(each.identifier, compared[each.identifier], column) }}
                {%- else -%}
                select {{ column }} from {{ changes(each.identifier) }}
                {%- endif %}
                {%- if not loop.last %}
                union all
                {%- endif %}
                {%- endfor %}
                {%- if more is not none %}
                union all
                {{ more }}
                {%- endif %}
            )
            {%- for each in whole_with %}
            or exists (select 1 from {{ changes(each.identifier) }})
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro %}


{# The rows of a mart that may lack their member of a dimension: in a build of changes those that came, and those whose member went. #}
{% macro rows_to_match(mart, column, dimension, key) -%}
    {%- if has_changes(mart) and has_changes(dimension) -%}
        (
            select {{ column }}
            from {{ changes(mart.identifier) }}
            where _change = 'added'
            union all
            select {{ column }}
            from {{ mart }}
            where {{ column }} in (
                select {{ key }} from {{ changes(dimension.identifier) }} where _change = 'removed'
                except
                select {{ key }} from {{ changes(dimension.identifier) }} where _change = 'added'
            )
        )
    {%- else -%}
        {{ mart }}
    {%- endif -%}
{%- endmacro %}
