-- New customers and customers in charge are the funnel's, person by person; what happened with the customers is, over all managers, what
-- everybody did, and by today's managers all of that but the deleted customers'.
{% set totals = {
    'customer_interactions': 'interactions',
    'customer_orders': 'orders',
    'customer_sales_amount': 'sales_amount',
    'customer_revenue_amount': 'revenue_amount',
    'customer_collected_amount': 'collected_amount',
} %}

with customer_months as (
    select
        month_date,
        {%- for measure in totals %}
        sum({{ measure }}) as {{ measure }},
        sum({{ measure }}_current) as {{ measure }}_current,
        {%- endfor %}
        count(*) as all_rows
    from {{ ref('kpi_customer_month') }}
    group by month_date
),

funnel_months as (
    select
        month_date,
        {%- for measure in totals.values() %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        count(*) as all_rows
    from {{ ref('fct_funnel') }}
    group by month_date
),

deleted_months as (
    select
        events.month_date,
        {%- for measure in totals.values() %}
        sum(events.{{ measure }}) as {{ measure }},
        {%- endfor %}
        count(*) as all_rows
    from {{ ref('fct_customer_events') }} as events
    inner join {{ ref('dim_customers') }} as customers on events.customer_id = customers.customer_id
    where customers.is_deleted
    group by events.month_date
),

different_totals as (
    select
        coalesce(customer_months.month_date, funnel_months.month_date) as month_date,
        'all' as manager_id
    from customer_months
    full outer join funnel_months on customer_months.month_date = funnel_months.month_date
    left join deleted_months on funnel_months.month_date = deleted_months.month_date
    where
        false
        {%- for measure, in_funnel in totals.items() %}
        or coalesce(customer_months.{{ measure }}, 0) != coalesce(funnel_months.{{ in_funnel }}, 0)
        or coalesce(customer_months.{{ measure }}_current, 0)
        != coalesce(funnel_months.{{ in_funnel }}, 0) - coalesce(deleted_months.{{ in_funnel }}, 0)
        {%- endfor %}
),

different_stocks as (
    select
        coalesce(figures.month_date, funnel.month_date) as month_date,
        coalesce(figures.manager_id, funnel.employee_id) as manager_id
    from {{ ref('kpi_customer_month') }} as figures
    full outer join {{ ref('fct_funnel') }} as funnel
        on
            figures.month_date = funnel.month_date
            and figures.manager_id = funnel.employee_id
    where
        coalesce(figures.new_customers, 0) != coalesce(funnel.new_customers, 0)
        or coalesce(figures.new_customers_current, 0) != coalesce(funnel.new_customers_current, 0)
        or coalesce(figures.customers_in_charge, 0) != coalesce(funnel.customers_in_charge, 0)
        or coalesce(figures.customers_in_charge_current, 0) != coalesce(funnel.customers_in_charge_current, 0)
),

final as (
    select * from different_totals
    union all
    select * from different_stocks
)

select * from final
