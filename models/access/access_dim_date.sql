with dates as (
    select
        calendar_date,
        week_date,
        month_date,
        quarter_date,
        year_number,
        month_number,
        iso_week_number,
        weekday_number,
        weekday_name_vi,
        weekday_name_en,
        is_weekend,
        is_as_of
    from {{ in_this_database(ref('dim_date')) }}
),

employee_scope as (
    select core_employee_scope.viewer_email
    from {{ in_this_database(ref('core_employee_scope')) }} as core_employee_scope
),

department_scope as (
    select core_department_scope.viewer_email
    from {{ in_this_database(ref('core_department_scope')) }} as core_department_scope
),

viewers as (
    select employee_scope.viewer_email from employee_scope
    union all
    select department_scope.viewer_email from department_scope
),

-- A calendar says nothing about anybody, but a stranger gets nothing at all.
final as (
    select
        calendar_date,
        week_date,
        month_date,
        quarter_date,
        year_number,
        month_number,
        iso_week_number,
        weekday_number,
        weekday_name_vi,
        weekday_name_en,
        is_weekend,
        is_as_of
    from dates
    where exists (
        select 1
        from viewers
        where lower(viewers.viewer_email) = {{ current_viewer() }}
    )
)

select * from final
