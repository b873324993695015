{# Belongs here: the one way to divide two measures. Not here: which measures are divided. #}

{# A rate or a mean, as a double; null when the denominator is 0 or null, so that 0/0 is no figure. #}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif({{ denominator }}, 0)
{%- endmacro %}
