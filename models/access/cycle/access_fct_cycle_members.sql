with final as (
    select
        fct_cycle_members.customer_id,
        fct_cycle_members.breakdown,
        fct_cycle_members.member_id,
        fct_cycle_members.manager_id
    from {{ in_this_database(ref('fct_cycle_members')) }} as fct_cycle_members
    where {{ in_viewer_scope('fct_cycle_members.manager_id', ['employee', 'customer']) }}
)

select * from final
