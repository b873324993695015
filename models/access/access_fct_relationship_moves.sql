with final as (
    select
        fct_relationship_moves.move_id,
        fct_relationship_moves.customer_id,
        fct_relationship_moves.manager_id,
        fct_relationship_moves.from_relationship_id,
        fct_relationship_moves.to_relationship_id,
        fct_relationship_moves.moved_at,
        fct_relationship_moves.moved_date,
        fct_relationship_moves.month_date,
        fct_relationship_moves.move_direction,
        fct_relationship_moves.steps,
        fct_relationship_moves.days_in_previous,
        fct_relationship_moves.has_skipped
    from {{ in_this_database(ref('fct_relationship_moves')) }} as fct_relationship_moves
    where {{ in_viewer_scope('fct_relationship_moves.manager_id', ['employee', 'customer']) }}
)

select * from final
