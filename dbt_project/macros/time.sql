{# Belongs here: the run's date and the few date expressions engines write differently. Not here: business rules about dates. #}

{# The run's date as a date expression: everything is as known at the end of that day.
   Read at run time only, so that a new night does not make dbt parse the project again. #}
{% macro as_of() -%}
    cast('{{ as_of_text() | trim }}' as date)
{%- endmacro %}


{# The instant at which that day ends; an event is known when it happened strictly before it. #}
{% macro as_of_end() -%}
    cast('{{ as_of_text() | trim }}' as timestamp) + interval 1 day
{%- endmacro %}


{# The last instant of a day: who or what holds then is the day's result, for events that have a day and no time. #}
{% macro last_instant_of(day) -%}
    {{ dbt.dateadd('microsecond', -1, dbt.dateadd('day', 1, 'cast(' ~ day ~ ' as timestamp)')) }}
{%- endmacro %}


{% macro as_of_text() -%}
    {%- if not execute -%}
        1900-01-01
    {%- else -%}
        {%- set given = env_var('KPI_AS_OF', '') -%}
        {%- if given -%}
            {%- set digits = given | replace('-', '') -%}
            {%- if given | length != 10 or not digits.isdigit() -%}
                {{ exceptions.raise_compiler_error("KPI_AS_OF is '" ~ given ~ "'; write a date as YYYY-MM-DD, for example 2026-03-31") }}
            {%- endif -%}
            {{ modules.datetime.date.fromisoformat(given).isoformat() }}
        {%- else -%}
            {%- set zone = modules.pytz.timezone(env_var('KPI_TIMEZONE', 'Asia/Ho_Chi_Minh')) -%}
            {{ (modules.datetime.datetime.now(zone).date() - modules.datetime.timedelta(days=1)).isoformat() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{# First day of the month of a date or timestamp, as a date. #}
{% macro month_of(expression) -%}
    cast({{ dbt.date_trunc('month', expression) }} as date)
{%- endmacro %}


{# The first of the months' ends that an instant lies before, where a month ends on the next one's first day, and the month of as_of at the
   end of as_of. For instants before that. #}
{% macro first_month_end(instant) -%}
    least({{ dbt.dateadd('month', 1, dbt.date_trunc('month', instant)) }}, {{ as_of_end() }})
{%- endmacro %}


{# The last of the months' ends that is not later than an instant; null is no end. #}
{% macro last_month_end(instant) -%}
    case
        when {{ instant }} < {{ as_of_end() }} then {{ dbt.date_trunc('month', instant) }}
        else {{ as_of_end() }}
    end
{%- endmacro %}
