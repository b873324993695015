{# Belongs here: parts of a date that engines name differently. Not here: time zones (core has company time already). #}

{# Day of the week, 1 is Monday. #}
{% macro iso_weekday(expression) %}
    {{- return(adapter.dispatch('iso_weekday', 'kpi_warehouse')(expression)) -}}
{% endmacro %}

{% macro default__iso_weekday(expression) -%}
    extract(isodow from {{ expression }})
{%- endmacro %}

{% macro spark__iso_weekday(expression) -%}
    extract(dayofweek_iso from {{ expression }})
{%- endmacro %}


{# ISO week number: the week that holds the year's first Thursday is week 1. #}
{% macro iso_week(expression) %}
    {{- return(adapter.dispatch('iso_week', 'kpi_warehouse')(expression)) -}}
{% endmacro %}

{% macro default__iso_week(expression) -%}
    extract(week from {{ expression }})
{%- endmacro %}


{# Whole years from one date to another, as people count ages: the year is full on the birthday itself. #}
{% macro completed_years(birthday, on_date) -%}
    extract(year from {{ on_date }}) - extract(year from {{ birthday }})
    - case
        when
            extract(month from {{ on_date }}) * 100 + extract(day from {{ on_date }})
            < extract(month from {{ birthday }}) * 100 + extract(day from {{ birthday }})
            then 1
        else 0
    end
{%- endmacro %}
