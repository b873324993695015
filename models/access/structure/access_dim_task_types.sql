-- Names of a list say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_task_types.task_type_id,
        dim_task_types.task_type_name,
        dim_task_types.is_deleted,
        dim_task_types.is_placeholder
    from {{ in_this_database(ref('dim_task_types')) }} as dim_task_types
    where {{ viewer_has_any_scope() }}
)

select * from final
