-- An inner join to any dimension never drops a row of a campaign's marts. One row per pair that fails.
{% set pairs = [
    ('fct_opportunities', 'campaign_id', 'dim_campaigns', 'campaign_id'),
    ('fct_opportunities', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_opportunities', 'owner_id', 'dim_employees', 'employee_id'),
    ('fct_opportunities', 'product_id', 'dim_products', 'product_id'),
    ('fct_opportunities', 'created_date', 'dim_date', 'calendar_date'),
    ('fct_opportunities', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_opportunities', 'closed_date', 'dim_date', 'calendar_date'),
    ('fct_opportunities', 'closed_month_date', 'dim_date', 'calendar_date'),
    ('fct_campaign_interactions', 'campaign_id', 'dim_campaigns', 'campaign_id'),
    ('fct_campaign_interactions', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_campaign_interactions', 'owner_id', 'dim_employees', 'employee_id'),
    ('fct_campaign_interactions', 'occurred_date', 'dim_date', 'calendar_date'),
    ('fct_campaign_interactions', 'month_date', 'dim_date', 'calendar_date'),
    ('kpi_campaign_month', 'campaign_id', 'dim_campaigns', 'campaign_id'),
    ('kpi_campaign_month', 'owner_id', 'dim_employees', 'employee_id'),
    ('kpi_campaign_month', 'month_date', 'dim_date', 'calendar_date'),
    ('kpi_campaign_owner', 'campaign_id', 'dim_campaigns', 'campaign_id'),
    ('kpi_campaign_owner', 'owner_id', 'dim_employees', 'employee_id'),
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
