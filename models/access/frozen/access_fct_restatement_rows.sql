with final as (
    select
        fct_restatement_rows.month_date,
        fct_restatement_rows.subject_level,
        fct_restatement_rows.subject_id,
        fct_restatement_rows.metric,
        fct_restatement_rows.version,
        fct_restatement_rows.employee_id,
        fct_restatement_rows.detail_mart,
        fct_restatement_rows.detail_key,
        fct_restatement_rows.change_kind,
        fct_restatement_rows.frozen_value,
        fct_restatement_rows.now_value,
        fct_restatement_rows.difference_value
    from {{ in_this_database(ref('fct_restatement_rows')) }} as fct_restatement_rows
    where {{ in_viewer_scope('fct_restatement_rows.employee_id', ['employee']) }}
)

select * from final
