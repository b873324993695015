{# Belongs here: what engines write differently about list columns. Not here: which members count. #}

{# One row per record and list element, as a subquery; a record with an empty or missing list gives no row. #}
{% macro unnested(relation, key, list_column, element) -%}
    {{ return(adapter.dispatch('unnested', 'kpi_warehouse')(relation, key, list_column, element)) }}
{%- endmacro %}

{% macro duckdb__unnested(relation, key, list_column, element) -%}
    select
        {{ key }},
        unnest({{ list_column }}) as {{ element }}
    from {{ relation }}
{%- endmacro %}

{% macro spark__unnested(relation, key, list_column, element) -%}
    select
        {{ key }},
        explode({{ list_column }}) as {{ element }}
    from {{ relation }}
{%- endmacro %}
