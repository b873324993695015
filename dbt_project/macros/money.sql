{# Belongs here: arithmetic on money that must come out exact. Not here: which money counts. #}

{# The share of an amount that falls on one of the rows it is divided among: in proportion to the row's weight, to the cent,
   and the shares add up to the amount. A row gets the rounded running total up to it minus the rounded running total before it.
   amount: decimal(18,2), the same on all rows of the group. weight, weight_reached (running total, this row included) and
   weight_total: whole numbers, not negative, their total above zero. Half a cent rounds up; no floating point. #}
{% macro allocate_pro_rata(amount, weight, weight_reached, weight_total) -%}
    {%- set cents = whole_cents('abs(' ~ amount ~ ')') -%}
    cast(
        case when {{ amount }} < 0 then -1 else 1 end
        * cast(
            {{ divide_whole('2 * ' ~ cents ~ ' * ' ~ weight_reached ~ ' + ' ~ weight_total, '2 * ' ~ weight_total) }}
            - {{ divide_whole('2 * ' ~ cents ~ ' * (' ~ weight_reached ~ ' - ' ~ weight ~ ') + ' ~ weight_total, '2 * ' ~ weight_total) }}
            as decimal(20, 0)
        )
        * cast(0.01 as decimal(3, 2))
        as decimal(18, 2)
    )
{%- endmacro %}


{# An amount in cents, as a whole number. Widened first: DuckDB keeps the product of two narrow decimals narrow, and overflows. #}
{% macro whole_cents(amount) -%}
    {{ return(whole('cast(' ~ amount ~ ' as decimal(20, 2)) * 100')) }}
{%- endmacro %}


{# The widest whole number the engine has: products of two amounts in cents must fit. #}
{% macro whole(expression) -%}
    {{ return(adapter.dispatch('whole', 'kpi_warehouse')(expression)) }}
{%- endmacro %}

{% macro default__whole(expression) -%}
    {{ return('cast(' ~ expression ~ ' as decimal(38, 0))') }}
{%- endmacro %}

{% macro duckdb__whole(expression) -%}
    {{ return('cast(' ~ expression ~ ' as hugeint)') }}
{%- endmacro %}


{# Division of whole numbers, not negative, rounding down. #}
{% macro divide_whole(dividend, divisor) -%}
    {{ return(adapter.dispatch('divide_whole', 'kpi_warehouse')(dividend, divisor)) }}
{%- endmacro %}

{% macro default__divide_whole(dividend, divisor) -%}
    {{ return('floor((' ~ dividend ~ ') / (' ~ divisor ~ '))') }}
{%- endmacro %}

{% macro duckdb__divide_whole(dividend, divisor) -%}
    {{ return('((' ~ dividend ~ ') // (' ~ divisor ~ '))') }}
{%- endmacro %}

{% macro spark__divide_whole(dividend, divisor) -%}
    {{ return('((' ~ dividend ~ ') div (' ~ divisor ~ '))') }}
{%- endmacro %}
