{# Belongs here: the journey's cells and what changed in them. Not here: where a customer stands (core_customer_placements). #}

{# The stock of some stretches, one row per day from first_day to last_day × owner × relationship × day of creation, which is kept
   for 84 days. `stretches` is a relation like core_customer_placements with `customers`, how often a stretch counts. #}
{% macro journey_cells(stretches, first_day, last_day) -%}
    select
        cast(on_day as date) as as_of_date,
        manager_id,
        relationship_id,
        case when cast(on_day as date) <= {{ dbt.dateadd('day', 84, 'created_date') }} then created_date end as created_date,
        sum(customers) as customers
    from (
        select
            manager_id,
            relationship_id,
            created_date,
            customers,
            {{ each_day('greatest(from_date, ' ~ first_day ~ ')', 'least(coalesce(to_date - 1, ' ~ last_day ~ '), ' ~ last_day ~ ')') }} as on_day
        from {{ stretches }}
    ) as days
    group by all
{%- endmacro %}


{# What stretches that came or went since the build before change in the days that were there already. #}
{% macro changed_journey_cells() -%}
    {%- set stretches -%}
    (select *, case when _change = 'added' then 1 else -1 end as customers from {{ changes('core_customer_placements') }}) as stretches
    {%- endset -%}
    {%- set last_day = '(select cast(previous_as_of_end as date) - 1 from ' ~ this_build() ~ ')' -%}
    select * from ({{ journey_cells(stretches, "cast('0001-01-01' as date)", last_day) }}) as cells
    where customers <> 0
{%- endmacro %}
