{%- set touched -%}
select customer_id from {{ changes('core_customer_owner_history') }}
union all
select customer_id from core.core_customer_owner_history where {{ became_past('valid_from_at') }}
union all
select customer_id from core.core_customer_owner_history where {{ became_past('valid_to_at') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with owner_history as (
    select * from {{ ref('core_customer_owner_history') }}
    {{ in_scope('customer_id') }}
),

numbered as (
    select
        owner_history.customer_id,
        owner_history.manager_id,
        owner_history.valid_from_at,
        owner_history.valid_to_at,
        owner_history.is_inferred_start,
        row_number() over (
            partition by owner_history.customer_id
            order by owner_history.valid_from_at
        ) as owner_number,
        lag(owner_history.manager_id) over (
            partition by owner_history.customer_id
            order by owner_history.valid_from_at
        ) as previous_manager_id
    from owner_history
),

-- Two stretches of one person in a row are the two sides of a deletion.
judged as (
    select
        numbered.*,
        case
            when numbered.owner_number = 1 then 'first'
            when numbered.previous_manager_id = numbered.manager_id then 'restored'
            else 'handover'
        end as start_reason
    from numbered
),

final as (
    select
        cast(judged.customer_id as string) as customer_id,
        cast(judged.owner_number as bigint) as owner_number,
        cast(judged.manager_id as string) as manager_id,
        cast(judged.previous_manager_id as string) as previous_manager_id,
        cast(judged.valid_from_at as timestamp) as valid_from_at,
        cast(judged.valid_from_at as date) as valid_from_date,
        {{ month_of('judged.valid_from_at') }} as month_date,
        cast(judged.valid_to_at as timestamp) as valid_to_at,
        cast(judged.valid_to_at as date) as valid_to_date,
        cast(judged.start_reason as string) as start_reason,
        cast(case when judged.start_reason = 'restored' then 0 else 1 end as bigint) as assignments,
        cast(judged.owner_number = 1 as boolean) as is_first_owner,
        cast(
            judged.valid_from_at < {{ as_of_end() }}
            and (judged.valid_to_at is null or judged.valid_to_at >= {{ as_of_end() }})
            as boolean
        ) as is_open,
        cast(judged.is_inferred_start as boolean) as is_inferred_start
    from judged
)

select * from final
