-- Every stay but a customer's first begins with a move, every move ends a stay, and both tell the same days.
{% set customers = {
    'column': 'customer_id',
    'read': [ref('fct_relationship_stays'), ref('fct_relationship_moves')],
    'more': 'select customer_id from ' ~ ref('fct_relationship_moves') ~ ' where ' ~ became_past('moved_at'),
} %}

with stays as (
    select
        customer_id,
        stay_number,
        relationship_id,
        entered_at,
        lag(relationship_id) over (partition by customer_id order by stay_number) as previous_relationship_id,
        lag(days_in_stage) over (partition by customer_id order by stay_number) as previous_days,
        lag(has_moved_on) over (partition by customer_id order by stay_number) as has_previous_moved_on
    from {{ rows_of_changed(ref('fct_relationship_stays'), **customers) }}
),

later_stays as (
    select * from stays
    where stay_number > 1
),

moves as (
    select * from {{ rows_of_changed(ref('fct_relationship_moves'), **customers) }}
    where moved_at < {{ as_of_end() }}
),

final as (
    select
        coalesce(later_stays.customer_id, moves.customer_id) as customer_id,
        later_stays.entered_at,
        moves.moved_at
    from later_stays
    full outer join moves
        on
            later_stays.customer_id = moves.customer_id
            and later_stays.entered_at = moves.moved_at
    where
        later_stays.customer_id is null
        or moves.customer_id is null
        or later_stays.relationship_id != moves.to_relationship_id
        or later_stays.previous_relationship_id != moves.from_relationship_id
        or later_stays.previous_days != moves.days_in_previous
        or not later_stays.has_previous_moved_on
)

select * from final
