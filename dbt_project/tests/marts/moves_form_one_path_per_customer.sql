-- A customer leaves the relationship it entered last, and the path ends where the customer stands now.
{% set read = [
    ref('fct_relationship_moves'),
    ref('dim_customers'),
] %}

with moves as (
    select
        customer_id,
        from_relationship_id,
        to_relationship_id,
        moved_at,
        lag(to_relationship_id) over (partition by customer_id order by moved_at) as entered_relationship_id,
        row_number() over (partition by customer_id order by moved_at desc) as move_rank
    from {{ rows_of_changed(ref('fct_relationship_moves'), 'customer_id', read) }}
),

customers as (
    select
        customer_id,
        relationship_id
    from {{ rows_of_changed(ref('dim_customers'), 'customer_id', read) }}
    where not is_deleted
),

broken as (
    select
        customer_id,
        moved_at
    from moves
    where
        from_relationship_id = to_relationship_id
        or entered_relationship_id != from_relationship_id
),

astray as (
    select
        moves.customer_id,
        moves.moved_at
    from moves
    inner join customers on moves.customer_id = customers.customer_id
    where
        moves.move_rank = 1
        and moves.to_relationship_id != customers.relationship_id
),

final as (
    select * from broken
    union all
    select * from astray
)

select * from final
