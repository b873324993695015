with intervals as (
    {{ customer_field_history('relationship_id') | indent(4) }}
),

final as (
    select
        customer_id,
        relationship_id,
        valid_from_at,
        valid_to_at,
        is_inferred_start
    from intervals
)

select * from final
