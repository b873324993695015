-- An inner join to a list of names never drops a row: every id is a member. One row per pair that fails.
{% set pairs = [
    ('fct_funnel_by_source', 'source_id', 'dim_sources', 'source_id'),
    ('fct_new_customer_sources', 'source_id', 'dim_sources', 'source_id'),
    ('fct_order_sources', 'source_id', 'dim_sources', 'source_id'),
    ('fct_customer_sources', 'source_id', 'dim_sources', 'source_id'),
    ('dim_sources', 'parent_source_id', 'dim_sources', 'source_id'),
    ('fct_customer_industries', 'industry_id', 'dim_industries', 'industry_id'),
    ('dim_customers', 'province_id', 'dim_provinces', 'province_id'),
    ('dim_customer_cohort', 'province_id', 'dim_provinces', 'province_id'),
    ('kpi_province_top', 'province_id', 'dim_provinces', 'province_id'),
    ('dim_customers', 'relationship_id', 'dim_relationships', 'relationship_id'),
    ('dim_customer_cohort', 'relationship_id', 'dim_relationships', 'relationship_id'),
    ('fct_journey', 'relationship_id', 'dim_relationships', 'relationship_id'),
    ('fct_relationship_moves', 'from_relationship_id', 'dim_relationships', 'relationship_id'),
    ('fct_relationship_moves', 'to_relationship_id', 'dim_relationships', 'relationship_id'),
    ('fct_order_lines', 'product_id', 'dim_products', 'product_id'),
    ('fct_product_sales', 'product_id', 'dim_products', 'product_id'),
    ('fct_tasks', 'project_id', 'dim_projects', 'project_id'),
    ('fct_tasks', 'task_type_id', 'dim_task_types', 'task_type_id'),
    ('fct_task_status', 'project_id', 'dim_projects', 'project_id'),
    ('fct_task_status', 'task_type_id', 'dim_task_types', 'task_type_id'),
    ('fct_funnel_by_source', 'employee_id', 'dim_employees', 'employee_id'),
    ('fct_new_customer_sources', 'employee_id', 'dim_employees', 'employee_id'),
    ('fct_order_sources', 'executor_id', 'dim_employees', 'employee_id'),
    ('fct_product_sales', 'executor_id', 'dim_employees', 'employee_id'),
    ('kpi_interactions_by_type', 'employee_id', 'dim_employees', 'employee_id'),
    ('fct_customer_sources', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_customer_industries', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_customer_persons', 'manager_id', 'dim_employees', 'employee_id'),
    ('kpi_customer_structure', 'manager_id', 'dim_employees', 'employee_id'),
    ('kpi_province_top', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_new_customer_sources', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_order_sources', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_customer_sources', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_customer_industries', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_customer_persons', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_funnel_by_source', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_new_customer_sources', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_order_sources', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_product_sales', 'month_date', 'dim_date', 'calendar_date'),
    ('kpi_interactions_by_type', 'month_date', 'dim_date', 'calendar_date'),
] %}

with final as (
    {% for mart, column, dimension, key in pairs %}
    select
        '{{ mart }}.{{ column }}' as mart_column,
        '{{ dimension }}.{{ key }}' as dimension_key,
        count(*) as missing_rows
    from {{ rows_to_match(ref(mart), column, ref(dimension), key) }} as facts
    left join {{ ref(dimension) }} as members on facts.{{ column }} = members.{{ key }}
    where
        facts.{{ column }} is not null
        and members.{{ key }} is null
    having count(*) > 0
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
)

select * from final
