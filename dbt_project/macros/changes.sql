{# Belongs here: how a table is brought up to date from what changed, instead of being built anew.
   Not here: which records changed in the landing zone (orchestration/landing/changes.py).

   Every table is an incremental model with the strategy `changes`. In a build of everything (KPI_BUILD is not `changes`, or
   --full-refresh) it is an ordinary table. In a build of changes:
     1. the model's SQL runs over its scope only: `in_scope` filters its inputs by the keys that changed inputs touch;
     2. the rows of the scope that are no longer there leave the table, the new ones enter it, equal ones stay;
     3. both are kept in schema `changes` under the model's name, where the models after it find what they have to look at.
   A model without a scope is built whole and compared whole: right, and cheap enough where a table is small. #}


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


{# Keys of landed records that this build's batches brought, changed or took away. #}
{% macro changed_records(entity) -%}
    select _record_key from changes._records where entity = '{{ entity }}'
{%- endmacro %}


{# Whether an instant or a date lay in the future for the build before and no longer does: what is future is not counted yet. #}
{% macro became_past(column) -%}
    {{ column }} >= (select previous_as_of_end from changes._build) and {{ column }} < (select as_of_end from changes._build)
{%- endmacro %}


{# Whether somebody is a year older than for the build before, or was born since. #}
{% macro had_birthday(birthday) -%}
    {%- set before = '(select cast(previous_as_of_end as date) - 1 from changes._build)' -%}
    {%- set now = '(select cast(as_of_end as date) - 1 from changes._build)' -%}
    {{ birthday }} <= {{ now }} and ({{ birthday }} > {{ before }} or {{ completed_years(birthday, before) }} <> {{ completed_years(birthday, now) }})
{%- endmacro %}


{# Whether the model is being brought up to date from changes. Never while dbt parses, and never in a unit test. #}
{% macro only_changes() -%}
    {{ return(execute and env_var('KPI_BUILD', 'everything') == 'changes' and model.resource_type == 'model' and is_incremental()) }}
{%- endmacro %}


{# A filter on an input: only rows whose `column` is among the scope's keys, or among `keys` (a query). Empty in a build of everything.
   `prefix` is `where`, or `and` after another condition. #}
{% macro in_scope(column, keys=none, prefix='where') -%}
    {%- if only_changes() -%}
        {{ prefix }} {{ column }} in ({{ keys if keys is not none else model.config.meta.scope.touched }})
    {%- endif -%}
{%- endmacro %}


{# dbt's hook for the strategy: the table keeps equal rows, loses those that went and gets those that came. #}
{% macro get_incremental_changes_sql(arguments) -%}
    {{ return(adapter.dispatch('changes_sql', 'kpi_warehouse')(arguments)) }}
{%- endmacro %}

{% macro default__changes_sql(arguments) -%}
    {{ exceptions.raise_compiler_error("the incremental strategy `changes` has no form for the engine '" ~ target.type ~ "'; add one in macros/changes.sql") }}
{%- endmacro %}

{% macro duckdb__changes_sql(arguments) -%}
    {{ updated_rows(arguments) if only_changes() else replaced_rows(arguments) }}
{%- endmacro %}


{# All rows anew, for a build of everything without --full-refresh. #}
{% macro replaced_rows(arguments) -%}
    {%- set columns = arguments.dest_columns | map(attribute='name') | map('tojson') | join(', ') -%}
    delete from {{ arguments.target_relation }};

    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }}
    from {{ arguments.temp_relation }};

    drop table {{ arguments.temp_relation }};
{%- endmacro %}


{# Only the rows that differ within the model's scope. #}
{% macro updated_rows(arguments) -%}
    {%- set table = arguments.target_relation -%}
    {%- set columns = arguments.dest_columns | map(attribute='name') | map('tojson') | list -%}
    {%- set scope = model.config.meta.get('scope') -%}
    {%- set changed = 'changes.' ~ table.identifier -%}
    create or replace temp table standing_rows as
    select
        rowid as _row,
        {{ columns | join(', ') }}
    from {{ table }}
    {%- if scope %}
    where {{ scope.column }} in ({{ scope.touched }})
    {%- endif %};

    create or replace table {{ changed }} as
    select
        'removed' as _change,
        standing._row,
        {% for column in columns -%}
        standing.{{ column }}{{ ', ' if not loop.last }}
        {%- endfor %}
    from standing_rows as standing
    anti join {{ arguments.temp_relation }} as built
        on {{ same_row(columns) }}
    union all
    select
        'added' as _change,
        null as _row,
        {% for column in columns -%}
        built.{{ column }}{{ ', ' if not loop.last }}
        {%- endfor %}
    from {{ arguments.temp_relation }} as built
    anti join standing_rows as standing
        on {{ same_row(columns) }};

    delete from {{ table }}
    where rowid in (select _row from {{ changed }} where _change = 'removed');

    insert into {{ table }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }}
    from {{ changed }}
    where _change = 'added';

    drop table standing_rows;
    drop table {{ arguments.temp_relation }};
{%- endmacro %}

{% macro same_row(columns) -%}
    {%- for column in columns -%}
        standing.{{ column }} is not distinct from built.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{# Whether the build brought the relation up to date from changes. Its other rows passed the same tests in the build before, or
   there would have been no build of changes. #}
{% macro has_changes(relation) -%}
    {%- set node = graph.nodes.get('model.kpi_warehouse.' ~ relation.identifier) if execute and relation is not string -%}
    {{ return(
        env_var('KPI_BUILD', 'everything') == 'changes' and node is not none and node.config.materialized == 'incremental'
        if execute and relation is not string else false
    ) }}
{%- endmacro %}


{# The rows a test of single rows has to look at: in a build of changes those that came, otherwise all. #}
{% macro rows_to_test(relation) -%}
    {%- if has_changes(relation) -%}
        (select * from {{ changes(relation.identifier) }} where _change = 'added') as added_rows
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}


{# The rows a test of rows that share `columns` has to look at: in a build of changes all those that share them with one that came. #}
{% macro groups_to_test(relation, columns) -%}
    {%- if has_changes(relation) -%}
        (
            select standing.*
            from {{ relation }} as standing
            semi join (select * from {{ changes(relation.identifier) }} where _change = 'added') as added_rows
                on
                    {% for column in columns -%}
                    standing.{{ column }} is not distinct from added_rows.{{ column }}{{ ' and ' if not loop.last }}
                    {%- endfor %}
        ) as groups_of_added_rows
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
