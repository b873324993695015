{# Belongs here: how a session names the viewer whose rows the access views show. Not here: who may see what (core_employee_scope). #}

{# The viewer's e-mail, lower case; null when the session has named nobody, and then no row passes. #}
{% macro current_viewer() -%}
    {{ return(adapter.dispatch('current_viewer', 'kpi_warehouse')()) }}
{%- endmacro %}

{# Views that are switched off are parsed all the same. #}
{% macro default__current_viewer() -%}
    {%- if not execute -%}{{ return('null') }}{%- endif -%}
    {{ exceptions.raise_compiler_error("current_viewer() has no form for the engine '" ~ target.type ~ "'; add one in macros/viewer.sql") }}
{%- endmacro %}

{% macro duckdb__current_viewer() -%}
    lower(cast(getvariable('kpi_viewer') as string))
{%- endmacro %}
