{# Belongs here: dividing what cannot be told apart among members, without a remainder. Not here: which members there are.
   part: 1, 2, … parts; the same order every time gives the same parts. The parts always add up to the whole. #}

{# One part's money, to the cent: the rounded running total up to it minus the rounded running total before it. #}
{% macro equal_part_amount(amount, part, parts) -%}
    {{ return(allocate_pro_rata(amount, '1', part, parts)) }}
{%- endmacro %}


{# One part of 1, in millionths: thirds are 0.333333, 0.333334 and 0.333333. #}
{% macro equal_part(part, parts) -%}
    cast(
        (
            {{ divide_whole('2000000 * ' ~ part ~ ' + ' ~ parts, '2 * ' ~ parts) }}
            - {{ divide_whole('2000000 * (' ~ part ~ ' - 1) + ' ~ parts, '2 * ' ~ parts) }}
        )
        * cast(0.000001 as decimal(7, 6))
        as decimal(18, 6)
    )
{%- endmacro %}
