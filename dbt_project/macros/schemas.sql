{# Schema names are exactly what the folder says (core, marts, access): readers and grants depend on them. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema if custom_schema_name is none else custom_schema_name | trim }}
{%- endmacro %}
