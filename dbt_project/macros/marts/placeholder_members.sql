{# The two members every dimension has beside the real ones, so that an inner join never drops a fact.
   The contract keeps their ids free in every entity that has such a dimension. #}
{% macro placeholder_members() -%}
    select
        'none' as member_id,
        '(none)' as member_name
    union all
    select
        'unknown' as member_id,
        '(unknown)' as member_name
{%- endmacro %}
