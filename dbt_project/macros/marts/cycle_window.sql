{# Belongs here: the trailing windows of the customer cycle and of the journey. Not here: which windows are shown (seed cycle_windows). #}

{# The window's length as a whole number of company days; an error for anything but 4 to 84 (12 weeks), as on the CRM's page. #}
{% macro assert_cycle_window(window_days) -%}
    {%- if not window_days is integer or window_days < 4 or window_days > 84 -%}
        {{ exceptions.raise_compiler_error(
            "A cycle window of '" ~ window_days ~ "' days is not allowed: give a whole number of days from 4 to 84 (12 weeks), for example 28"
        ) }}
    {%- endif -%}
    {{- window_days -}}
{%- endmacro %}


{# Whether a company day lies in the window that ends with as_of: the last window_days days, as_of itself the last of them.
   window_days: a number, asserted here, or the column that holds one (the seed's test keeps that within bounds). #}
{% macro in_trailing_window(date_column, window_days) -%}
    {%- set days = window_days if window_days is string else assert_cycle_window(window_days) -%}
    {{ date_column }} > {{ as_of() }} - {{ days }}
    and {{ date_column }} <= {{ as_of() }}
{%- endmacro %}
