{%- set touched -%}
select cohort_month_date from {{ changes('fct_customer_milestones') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'cohort_month_date', 'touched': touched}}) }}

with milestones as (
    select * from {{ ref('fct_customer_milestones') }}
    {{ in_scope('cohort_month_date') }}
),

steps as (
    select
        milestones.cohort_month_date,
        milestones.manager_id,
        count(*) as customers,
        sum(case when milestones.has_reached_interaction then 1 else 0 end) as with_interaction,
        sum(case when milestones.has_reached_task then 1 else 0 end) as with_task,
        sum(case when milestones.has_reached_order then 1 else 0 end) as with_order,
        sum(case when milestones.has_reached_payment then 1 else 0 end) as with_payment,
        sum(milestones.revenue_amount) as revenue_amount
    from milestones
    group by
        milestones.cohort_month_date,
        milestones.manager_id
),

final as (
    select
        cast(steps.cohort_month_date as date) as cohort_month_date,
        cast(steps.manager_id as string) as manager_id,
        cast(steps.customers as bigint) as customers,
        cast(steps.with_interaction as bigint) as with_interaction,
        cast(steps.with_task as bigint) as with_task,
        cast(steps.with_order as bigint) as with_order,
        cast(steps.with_payment as bigint) as with_payment,
        cast(steps.revenue_amount as decimal(18, 2)) as revenue_amount,
        {{ ratio('steps.with_interaction', 'steps.customers') }} as with_interaction_rate,
        {{ ratio('steps.with_task', 'steps.customers') }} as with_task_rate,
        {{ ratio('steps.with_order', 'steps.customers') }} as with_order_rate,
        {{ ratio('steps.with_payment', 'steps.customers') }} as with_payment_rate,
        {{ ratio('steps.with_task', 'steps.with_interaction') }} as task_step_rate,
        {{ ratio('steps.with_order', 'steps.with_task') }} as order_step_rate,
        {{ ratio('steps.with_payment', 'steps.with_order') }} as payment_step_rate
    from steps
)

select * from final
