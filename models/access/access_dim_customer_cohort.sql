with final as (
    select
        dim_customer_cohort.customer_id,
        dim_customer_cohort.cohort_month_date,
        dim_customer_cohort.manager_id,
        dim_customer_cohort.relationship_id,
        dim_customer_cohort.province_id,
        dim_customer_cohort.gender,
        dim_customer_cohort.age_years,
        dim_customer_cohort.age_band,
        dim_customer_cohort.care_recency_days,
        dim_customer_cohort.care_recency_bucket,
        dim_customer_cohort.last_contact_at,
        dim_customer_cohort.first_order_date,
        dim_customer_cohort.orders,
        dim_customer_cohort.sales_amount,
        dim_customer_cohort.revenue_amount,
        dim_customer_cohort.collected_amount,
        dim_customer_cohort.days_to_first_order,
        dim_customer_cohort.has_negative_cycle,
        dim_customer_cohort.is_deleted
    from {{ in_this_database(ref('dim_customer_cohort')) }} as dim_customer_cohort
    where {{ in_viewer_scope('dim_customer_cohort.manager_id', ['employee', 'customer']) }}
)

select * from final
