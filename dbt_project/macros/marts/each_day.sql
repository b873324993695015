{# One row per day from the first to the last, both included; no row when the last is before the first.
   A set-returning expression: it stands alone in a select list, and its value is a timestamp
   or a date, by engine: cast it where it is read. #}
{% macro each_day(first_date, last_date) %}
    {{- return(adapter.dispatch('each_day', 'kpi_warehouse')(first_date, last_date)) -}}
{% endmacro %}

{% macro default__each_day(first_date, last_date) -%}
    generate_series({{ first_date }}, {{ last_date }}, interval '1 day')
{%- endmacro %}

{% macro duckdb__each_day(first_date, last_date) -%}
    unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day))
{%- endmacro %}

{# A sequence that would run backwards is an error here. #}
{% macro spark__each_day(first_date, last_date) -%}
    explode(
        case
            when cast({{ first_date }} as date) <= cast({{ last_date }} as date)
                then sequence(cast({{ first_date }} as date), cast({{ last_date }} as date), interval 1 day)
        end
    )
{%- endmacro %}
