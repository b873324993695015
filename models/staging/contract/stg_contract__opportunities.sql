with landed as (
    select * from {{ landing('opportunities') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'opportunities'
),

final as (
    select
        landed.opportunity_id,
        landed.campaign_id,
        landed.customer_id,
        landed.owner_id,
        landed.product_id,
        landed.approach_method,
        landed.stage_name,
        landed.stage_order,
        landed.status,
        landed.expected_amount,
        landed.created_at,
        landed.closed_at,
        landed.updated_at,
        landed.deleted_at,
        {{ record_key(['landed.opportunity_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
