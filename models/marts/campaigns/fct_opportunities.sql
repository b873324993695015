{%- set touched -%}
select opportunity_id from {{ changes('core_opportunities') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'opportunity_id', 'touched': touched}}) }}

with opportunities as (
    select * from {{ ref('core_opportunities') }}
    {{ in_scope('opportunity_id') }}
),

-- One that was opened again may still carry the day it was once closed on.
settled as (
    select
        opportunities.opportunity_id,
        opportunities.campaign_id,
        opportunities.customer_id,
        opportunities.owner_id,
        opportunities.product_id,
        coalesce(opportunities.approach_method, 'unknown') as approach_method,
        opportunities.stage_name,
        opportunities.stage_order,
        opportunities.status,
        opportunities.expected_amount,
        opportunities.created_at,
        case when opportunities.status in ('won', 'lost') then opportunities.closed_at end as closed_at
    from opportunities
    where not opportunities.is_deleted
),

measured as (
    select
        settled.*,
        {{ dbt.datediff('cast(settled.created_at as date)', 'cast(settled.closed_at as date)', 'day') }} as days_to_close
    from settled
),

final as (
    select
        cast(measured.opportunity_id as string) as opportunity_id,
        cast(measured.campaign_id as string) as campaign_id,
        cast(measured.customer_id as string) as customer_id,
        cast(measured.owner_id as string) as owner_id,
        cast(measured.product_id as string) as product_id,
        cast(measured.approach_method as string) as approach_method,
        cast(measured.stage_name as string) as stage_name,
        cast(measured.stage_order as bigint) as stage_order,
        cast(measured.status as string) as status,
        cast(measured.status = 'open' as boolean) as is_open,
        cast(measured.status = 'won' as boolean) as is_won,
        cast(measured.status = 'lost' as boolean) as is_lost,
        cast(measured.created_at as timestamp) as created_at,
        cast(measured.created_at as date) as created_date,
        {{ month_of('measured.created_at') }} as month_date,
        cast(measured.closed_at as timestamp) as closed_at,
        cast(measured.closed_at as date) as closed_date,
        {{ month_of('measured.closed_at') }} as closed_month_date,
        cast(case when measured.days_to_close >= 0 then measured.days_to_close end as bigint) as days_to_close,
        cast(coalesce(measured.days_to_close < 0, false) as boolean) as has_negative_days_to_close,
        cast(measured.expected_amount as decimal(18, 2)) as expected_amount
    from measured
)

select * from final
