-- An inner join to any dimension never drops a row: every id and every day is a member. One row per pair that fails.
{% set pairs = [
    ('fct_customer_owners', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_customer_owners', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_customer_owners', 'previous_manager_id', 'dim_employees', 'employee_id'),
    ('fct_customer_owners', 'valid_from_date', 'dim_date', 'calendar_date'),
    ('fct_customer_owners', 'valid_to_date', 'dim_date', 'calendar_date'),
    ('fct_customer_owners', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_card_interactions', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_card_interactions', 'employee_id', 'dim_employees', 'employee_id'),
    ('fct_card_interactions', 'occurred_date', 'dim_date', 'calendar_date'),
    ('fct_card_interactions', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_employee_departments', 'employee_id', 'dim_employees', 'employee_id'),
    ('fct_employee_departments', 'department_id', 'dim_departments', 'department_id'),
    ('kpi_reconciliation', 'employee_id', 'dim_employees', 'employee_id'),
    ('kpi_reconciliation', 'department_id', 'dim_departments', 'department_id'),
    ('kpi_reconciliation', 'month_date', 'dim_date', 'calendar_date'),
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
