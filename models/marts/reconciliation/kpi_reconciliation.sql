{#- Built whole: it looks at all facts, and no later table asks what changed in it. -#}
{{ config(materialized='table') }}

-- One step per topic: its figures as other marts have them, and what explains their difference, taken from the rows behind. The two are
-- never computed from each other, so that the lines add up only if every row was explained.
{% set funnel_measures = ['new_customers', 'orders', 'sales_amount', 'revenue_amount'] %}
{% set structure_dimensions = {'source': 'customer_sources', 'industry': 'customer_industries'} %}
{% set structure_measures = {'customers': 'customers', 'customer_revenue': 'revenue_amount'} %}
{% set employee_topics = {
    'revenue_by_executor_or_owner': 'revenue_by_owner',
    'total_or_sum_of_members': 'sums_of_members',
    'kpi_or_card_interactions': 'card',
    'created_or_assigned': 'assigned',
    'customers_or_persons': 'people',
    'tasks_created_or_state': 'task_states',
    'sales_revenue_collected': 'moneys',
    'then_or_now': 'then_or_now',
} %}
{% set department_topics = {
    'orders_by_executor_or_owner': 'orders_by_owner',
    'members_or_department': 'members',
} %}

with lines as (
    select * from {{ ref('reconciliation_lines') }}
),

funnel as (
    select * from {{ ref('fct_funnel') }}
),

funnel_by_source as (
    select * from {{ ref('fct_funnel_by_source') }}
),

structure as (
    select * from {{ ref('kpi_customer_structure') }}
),

task_status as (
    select * from {{ ref('fct_task_status') }}
),

task_months as (
    select * from {{ ref('kpi_task_month') }}
),

department_months as (
    select * from {{ ref('kpi_department_month') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

cohort as (
    select * from {{ ref('dim_customer_cohort') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

payments as (
    select * from {{ ref('fct_payments') }}
),

tasks as (
    select * from {{ ref('fct_tasks') }}
),

persons as (
    select * from {{ ref('fct_customer_persons') }}
),

new_customer_sources as (
    select * from {{ ref('fct_new_customer_sources') }}
),

order_sources as (
    select * from {{ ref('fct_order_sources') }}
),

customer_sources as (
    select * from {{ ref('fct_customer_sources') }}
),

customer_industries as (
    select * from {{ ref('fct_customer_industries') }}
),

owners as (
    select * from {{ ref('fct_customer_owners') }}
),

card_interactions as (
    select * from {{ ref('fct_card_interactions') }}
),

places as (
    select * from {{ ref('fct_employee_departments') }}
),

-- Counted orders with the two people and the two departments they can belong to.
owned_orders as (
    select
        orders.order_id,
        orders.month_date,
        orders.order_date,
        orders.customer_id,
        orders.executor_id,
        customers.manager_id,
        executors.department_id as executor_department_id,
        managers.department_id as manager_department_id,
        orders.orders,
        orders.revenue_amount,
        case
            when customers.is_placeholder then 'unknown'
            when customers.is_deleted then 'deleted'
            else 'live'
        end as customer_state
    from orders
    inner join customers on orders.customer_id = customers.customer_id
    inner join employees as executors on orders.executor_id = executors.employee_id
    inner join employees as managers on customers.manager_id = managers.employee_id
    where orders.is_counted
),

-- Topic 1.
sold_to_own as (
    select
        owned_orders.manager_id as owner_id,
        sum(owned_orders.revenue_amount) as revenue_amount
    from owned_orders
    where owned_orders.customer_state = 'live'
    group by owned_orders.manager_id
),

sold_to_own_in_month as (
    select
        owned_orders.month_date,
        owned_orders.manager_id as owner_id,
        sum(owned_orders.revenue_amount) as revenue_amount,
        sum(case when owned_orders.executor_id != owned_orders.manager_id then owned_orders.revenue_amount else 0 end)
            as revenue_amount_by_others
    from owned_orders
    where owned_orders.customer_state = 'live'
    group by
        owned_orders.month_date,
        owned_orders.manager_id
),

structure_revenue as (
    select
        structure.manager_id as owner_id,
        sum(structure.revenue_amount) as revenue_amount
    from structure
    where structure.dimension = 'relationship'
    group by structure.manager_id
),

revenue_by_owner as (
    select
        'revenue_amount' as metric,
        'revenue_executed' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.revenue_amount as figure
    from funnel
    union all
    select
        'revenue_amount' as metric,
        case owned_orders.customer_state
            when 'unknown' then 'sold_to_unknown_customers'
            when 'deleted' then 'sold_to_deleted_customers'
            else 'sold_to_customers_of_others'
        end as line,
        owned_orders.month_date,
        owned_orders.executor_id as owner_id,
        -owned_orders.revenue_amount as figure
    from owned_orders
    where
        owned_orders.customer_state != 'live'
        or owned_orders.executor_id != owned_orders.manager_id
    union all
    select
        'revenue_amount' as metric,
        'sold_by_others' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        sold_to_own_in_month.revenue_amount_by_others as figure
    from funnel
    inner join sold_to_own_in_month
        on
            funnel.month_date = sold_to_own_in_month.month_date
            and funnel.employee_id = sold_to_own_in_month.owner_id
    union all
    select
        'revenue_amount' as metric,
        'revenue_of_other_months' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        sold_to_own.revenue_amount - coalesce(sold_to_own_in_month.revenue_amount, 0) as figure
    from funnel
    inner join sold_to_own on funnel.employee_id = sold_to_own.owner_id
    left join sold_to_own_in_month
        on
            funnel.month_date = sold_to_own_in_month.month_date
            and funnel.employee_id = sold_to_own_in_month.owner_id
    union all
    select
        'revenue_amount' as metric,
        'revenue_of_own_customers' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        structure_revenue.revenue_amount as figure
    from funnel
    inner join structure_revenue on funnel.employee_id = structure_revenue.owner_id
),

-- Topic 2.
orders_by_owner as (
    select
        'orders' as metric,
        'executed_by_department' as line,
        department_months.month_date,
        department_months.department_id as owner_id,
        department_months.orders as figure
    from department_months
    union all
    select
        'orders' as metric,
        case
            when owned_orders.customer_state = 'unknown' then 'sold_to_unknown_customers'
            when owned_orders.customer_state = 'deleted' then 'sold_to_deleted_customers'
            when owned_orders.manager_department_id in ('none', 'unknown') then 'sold_to_customers_without_department'
            else 'sold_to_customers_of_other_departments'
        end as line,
        owned_orders.month_date,
        owned_orders.executor_department_id as owner_id,
        -owned_orders.orders as figure
    from owned_orders
    where
        owned_orders.customer_state != 'live'
        or owned_orders.executor_department_id != owned_orders.manager_department_id
    union all
    select
        'orders' as metric,
        case
            when owned_orders.executor_department_id in ('none', 'unknown') then 'sold_by_people_without_department'
            else 'sold_by_other_departments'
        end as line,
        owned_orders.month_date,
        owned_orders.manager_department_id as owner_id,
        owned_orders.orders as figure
    from owned_orders
    where
        owned_orders.customer_state = 'live'
        and owned_orders.executor_department_id != owned_orders.manager_department_id
    union all
    select
        'orders' as metric,
        'orders_of_department_customers' as line,
        owned_orders.month_date,
        owned_orders.manager_department_id as owner_id,
        owned_orders.orders as figure
    from owned_orders
    where owned_orders.customer_state = 'live'
),

-- Topic 3: what is counted once for each member is counted again for every member but the first.
repeated as (
    select
        'new_customers_by_source' as metric,
        new_customer_sources.month_date,
        new_customer_sources.employee_id as owner_id,
        new_customer_sources.source_count as member_count,
        max(new_customer_sources.new_customers) as figure
    from new_customer_sources
    group by
        new_customer_sources.customer_id,
        new_customer_sources.month_date,
        new_customer_sources.employee_id,
        new_customer_sources.source_count
    {%- for measure in funnel_measures if measure != 'new_customers' %}
    union all
    select
        '{{ measure }}_by_source' as metric,
        order_sources.month_date,
        order_sources.executor_id as owner_id,
        order_sources.source_count as member_count,
        max(order_sources.{{ measure }}) as figure
    from order_sources
    group by
        order_sources.order_id,
        order_sources.month_date,
        order_sources.executor_id,
        order_sources.source_count
    {%- endfor %}
    {%- for dimension, relation in structure_dimensions.items() %}
    {%- for measure, column in structure_measures.items() %}
    union all
    select
        '{{ measure }}_by_{{ dimension }}' as metric,
        {{ month_of(as_of()) }} as month_date,
        {{ relation }}.manager_id as owner_id,
        {{ relation }}.{{ dimension }}_count as member_count,
        max({{ relation }}.{{ column }}) as figure
    from {{ relation }}
    group by
        {{ relation }}.customer_id,
        {{ relation }}.manager_id,
        {{ relation }}.{{ dimension }}_count
    {%- endfor %}
    {%- endfor %}
),

sums_of_members as (
    {%- for measure in funnel_measures %}
    select
        '{{ measure }}_by_source' as metric,
        'total' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.{{ measure }} as figure
    from funnel
    union all
    select
        '{{ measure }}_by_source' as metric,
        'sum_of_members' as line,
        funnel_by_source.month_date,
        funnel_by_source.employee_id as owner_id,
        funnel_by_source.{{ measure }} as figure
    from funnel_by_source
    union all
    {%- endfor %}
    {%- for dimension in structure_dimensions %}
    {%- for measure, column in structure_measures.items() %}
    select
        '{{ measure }}_by_{{ dimension }}' as metric,
        case structure.dimension when '{{ dimension }}' then 'sum_of_members' else 'total' end as line,
        {{ month_of(as_of()) }} as month_date,
        structure.manager_id as owner_id,
        structure.{{ column }} as figure
    from structure
    where structure.dimension in ('relationship', '{{ dimension }}')
    union all
    {%- endfor %}
    {%- endfor %}
    select
        repeated.metric,
        'again_in_second_member' as line,
        repeated.month_date,
        repeated.owner_id,
        repeated.figure
    from repeated
    where repeated.member_count > 1
    union all
    select
        repeated.metric,
        'again_in_further_members' as line,
        repeated.month_date,
        repeated.owner_id,
        (repeated.member_count - 2) * repeated.figure as figure
    from repeated
    where repeated.member_count > 2
),

-- Topic 4.
card as (
    select
        'interactions' as metric,
        'kpi_interactions' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.interactions as figure
    from funnel
    union all
    select
        'interactions' as metric,
        case
            when card_interactions.card_interactions = 0 then 'not_on_card'
            when card_interactions.event_type = 'created' then 'customers_created'
            when card_interactions.is_deleted then 'comments_deleted'
            when card_interactions.event_type = 'sms' then 'sms_only_sent'
            else 'on_card_only'
        end as line,
        card_interactions.month_date,
        card_interactions.employee_id as owner_id,
        card_interactions.card_interactions - card_interactions.interactions as figure
    from card_interactions
    where card_interactions.card_interactions != card_interactions.interactions
    union all
    select
        'interactions' as metric,
        'card_interactions' as line,
        card_interactions.month_date,
        card_interactions.employee_id as owner_id,
        card_interactions.card_interactions as figure
    from card_interactions
),

-- Topic 5.
first_owners as (
    select
        cohort.customer_id,
        cohort.cohort_month_date,
        cohort.manager_id,
        cohort.is_deleted,
        coalesce(owners.manager_id, 'unknown') as first_manager_id,
        owners.month_date as first_month_date
    from cohort
    left join owners
        on
            cohort.customer_id = owners.customer_id
            and owners.is_first_owner
),

monthly_assignments as (
    select
        owners.month_date,
        owners.manager_id,
        owners.customer_id,
        sum(owners.assignments) as assignments
    from owners
    where owners.assignments = 1
    group by
        owners.month_date,
        owners.manager_id,
        owners.customer_id
),

assigned as (
    select
        'customers' as metric,
        'new_customers' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.new_customers as figure
    from funnel
    union all
    select
        'customers' as metric,
        case
            when owners.previous_manager_id in ('none', 'unknown') then 'received_from_nobody'
            else 'received_from_others'
        end as line,
        owners.month_date,
        owners.manager_id as owner_id,
        1 as figure
    from owners
    where owners.start_reason = 'handover'
    union all
    select
        'customers' as metric,
        'several_times_in_month' as line,
        monthly_assignments.month_date,
        monthly_assignments.manager_id as owner_id,
        1 - monthly_assignments.assignments as figure
    from monthly_assignments
    union all
    select
        'customers' as metric,
        'first_owner_in_another_month' as line,
        first_owners.first_month_date as month_date,
        first_owners.first_manager_id as owner_id,
        1 as figure
    from first_owners
    where first_owners.first_month_date != first_owners.cohort_month_date
    union all
    select
        'customers' as metric,
        'first_owner_in_another_month' as line,
        first_owners.cohort_month_date as month_date,
        first_owners.first_manager_id as owner_id,
        -1 as figure
    from first_owners
    where first_owners.first_month_date != first_owners.cohort_month_date
    union all
    select
        'customers' as metric,
        'never_in_charge' as line,
        first_owners.cohort_month_date as month_date,
        first_owners.first_manager_id as owner_id,
        -1 as figure
    from first_owners
    where first_owners.first_month_date is null
    union all
    select
        'customers' as metric,
        'customers_assigned' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.customers_assigned as figure
    from funnel
),

-- Topic 6.
own_ages as (
    select
        persons.customer_id,
        persons.age_years
    from persons
    where persons.person_type = 'customer'
),

people as (
    select
        'persons' as metric,
        case structure.dimension when 'age_band' then 'customers' else 'persons' end as line,
        {{ month_of(as_of()) }} as month_date,
        structure.manager_id as owner_id,
        structure.persons as figure
    from structure
    where structure.dimension in ('age_band', 'contact_age_band')
    union all
    select
        'persons_of_known_age' as metric,
        case structure.dimension when 'age_band' then 'customers_of_known_age' else 'persons_of_known_age' end as line,
        {{ month_of(as_of()) }} as month_date,
        structure.manager_id as owner_id,
        structure.persons as figure
    from structure
    where
        structure.dimension in ('age_band', 'contact_age_band')
        and structure.member_id != 'unknown'
    union all
    select
        'persons' as metric,
        case when persons.age_years is null then 'contacts_without_age' else 'contacts_with_age' end as line,
        {{ month_of(as_of()) }} as month_date,
        persons.manager_id as owner_id,
        1 as figure
    from persons
    where persons.person_type = 'contact'
    union all
    select
        'persons_of_known_age' as metric,
        'contacts_with_age' as line,
        {{ month_of(as_of()) }} as month_date,
        persons.manager_id as owner_id,
        1 as figure
    from persons
    where
        persons.person_type = 'contact'
        and persons.age_years is not null
    union all
    select
        'persons_of_known_age' as metric,
        'age_taken_from_contact' as line,
        {{ month_of(as_of()) }} as month_date,
        cohort.manager_id as owner_id,
        -1 as figure
    from cohort
    inner join own_ages on cohort.customer_id = own_ages.customer_id
    where
        cohort.age_years is not null
        and own_ages.age_years is null
),

-- Topic 7.
confirmed_tasks as (
    select
        tasks.assignee_id as owner_id,
        tasks.month_date as created_month_date,
        {{ month_of('tasks.completed_at') }} as confirmed_month_date
    from tasks
    where
        tasks.task_state = 'completed'
        and tasks.completed_at is not null
),

task_states as (
    {%- for metric in ['tasks_not_cancelled', 'tasks_confirmed'] %}
    select
        '{{ metric }}' as metric,
        'tasks_created' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.activities as figure
    from funnel
    union all
    select
        '{{ metric }}' as metric,
        'tasks_cancelled' as line,
        tasks.month_date,
        tasks.assignee_id as owner_id,
        -1 as figure
    from tasks
    where tasks.task_state = 'cancelled'
    union all
    {%- endfor %}
    select
        'tasks_not_cancelled' as metric,
        'tasks_in_other_states' as line,
        task_status.month_date,
        task_status.employee_id as owner_id,
        task_status.tasks_new
        + task_status.tasks_in_progress
        + task_status.tasks_awaiting_confirmation
        + task_status.tasks_late
        + task_status.tasks_completed as figure
    from task_status
    union all
    select
        'tasks_confirmed' as metric,
        case tasks.task_state when 'completed' then 'confirmed_without_time' else 'tasks_open' end as line,
        tasks.month_date,
        tasks.assignee_id as owner_id,
        -1 as figure
    from tasks
    where
        tasks.task_state != 'cancelled'
        and (tasks.task_state != 'completed' or tasks.completed_at is null)
    union all
    select
        'tasks_confirmed' as metric,
        'confirmed_in_another_month' as line,
        confirmed_tasks.created_month_date as month_date,
        confirmed_tasks.owner_id,
        -1 as figure
    from confirmed_tasks
    where confirmed_tasks.created_month_date != confirmed_tasks.confirmed_month_date
    union all
    select
        'tasks_confirmed' as metric,
        'created_in_another_month' as line,
        confirmed_tasks.confirmed_month_date as month_date,
        confirmed_tasks.owner_id,
        1 as figure
    from confirmed_tasks
    where confirmed_tasks.created_month_date != confirmed_tasks.confirmed_month_date
    union all
    select
        'tasks_confirmed' as metric,
        'tasks_confirmed' as line,
        task_months.month_date,
        task_months.employee_id as owner_id,
        task_months.tasks_confirmed as figure
    from task_months
),

-- Topic 8.
paid_orders as (
    select
        payments.executor_id as owner_id,
        payments.month_date,
        payments.collected_amount,
        case
            when orders.order_id is null then 'collected_for_unknown_orders'
            when orders.is_pending then 'collected_for_pending_orders'
            when not orders.is_counted then 'collected_for_cancelled_orders'
            when orders.month_date < payments.month_date then 'collected_for_earlier_orders'
            when orders.month_date > payments.month_date then 'collected_for_later_orders'
            else 'not_collected_in_month'
        end as line
    from payments
    left join orders on payments.order_id = orders.order_id
    where payments.is_counted
),

moneys as (
    select
        'revenue_amount' as metric,
        'sales' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.sales_amount as figure
    from funnel
    union all
    select
        'revenue_amount' as metric,
        'discounts' as line,
        orders.month_date,
        orders.executor_id as owner_id,
        -orders.discount_amount as figure
    from orders
    where orders.is_counted
    union all
    select
        'revenue_amount' as metric,
        'vat' as line,
        orders.month_date,
        orders.executor_id as owner_id,
        orders.vat_amount as figure
    from orders
    where orders.is_counted
    {%- for metric in ['revenue_amount', 'collected_amount'] %}
    union all
    select
        '{{ metric }}' as metric,
        'revenue' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.revenue_amount as figure
    from funnel
    {%- endfor %}
    union all
    select
        'collected_amount' as metric,
        'not_collected_in_month' as line,
        orders.month_date,
        orders.executor_id as owner_id,
        -orders.revenue_amount as figure
    from orders
    where orders.is_counted
    union all
    select
        'collected_amount' as metric,
        paid_orders.line,
        paid_orders.month_date,
        paid_orders.owner_id,
        paid_orders.collected_amount as figure
    from paid_orders
    union all
    select
        'collected_amount' as metric,
        'collected' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.collected_amount as figure
    from funnel
),

-- Topic 9: a stretch lies over every month end from the month it starts in up to, not including, the month it ends in.
stretch_changes as (
    select
        owners.customer_id,
        owners.manager_id,
        owners.month_date,
        1 as change
    from owners
    where owners.valid_from_at < {{ as_of_end() }}
    union all
    select
        owners.customer_id,
        owners.manager_id,
        {{ month_of('owners.valid_to_at') }} as month_date,
        -1 as change
    from owners
    where
        owners.valid_from_at < {{ as_of_end() }}
        and owners.valid_to_at < {{ as_of_end() }}
),

then_changes as (
    select
        case when cohort.is_deleted then 'deleted_since' else 'handed_over_since' end as line,
        stretch_changes.month_date,
        stretch_changes.manager_id as owner_id,
        -stretch_changes.change as change
    from stretch_changes
    inner join cohort on stretch_changes.customer_id = cohort.customer_id
    where
        cohort.is_deleted
        or stretch_changes.manager_id != cohort.manager_id
    union all
    select
        'received_since' as line,
        stretch_changes.month_date,
        cohort.manager_id as owner_id,
        stretch_changes.change
    from stretch_changes
    inner join cohort on stretch_changes.customer_id = cohort.customer_id
    where
        not cohort.is_deleted
        and stretch_changes.manager_id != cohort.manager_id
    union all
    select
        'restored_since' as line,
        stretch_changes.month_date,
        cohort.manager_id as owner_id,
        -stretch_changes.change as change
    from stretch_changes
    inner join cohort on stretch_changes.customer_id = cohort.customer_id
    where not cohort.is_deleted
    union all
    select
        'restored_since' as line,
        customers.created_month_date as month_date,
        customers.manager_id as owner_id,
        1 as change
    from customers
    where
        not customers.is_deleted
        and customers.created_at < {{ as_of_end() }}
),

monthly_then_changes as (
    select
        then_changes.line,
        then_changes.month_date,
        then_changes.owner_id,
        sum(then_changes.change) as change
    from then_changes
    group by
        then_changes.line,
        then_changes.month_date,
        then_changes.owner_id
),

first_then_changes as (
    select
        monthly_then_changes.line,
        monthly_then_changes.owner_id,
        min(monthly_then_changes.month_date) as first_month_date
    from monthly_then_changes
    group by
        monthly_then_changes.line,
        monthly_then_changes.owner_id
),

months as (
    select distinct dates.month_date
    from dates
    where dates.month_date <= {{ as_of() }}
),

then_stock as (
    select
        first_then_changes.line,
        months.month_date,
        first_then_changes.owner_id,
        sum(coalesce(monthly_then_changes.change, 0)) over (
            partition by first_then_changes.line, first_then_changes.owner_id
            order by months.month_date
        ) as figure
    from first_then_changes
    inner join months on first_then_changes.first_month_date <= months.month_date
    left join monthly_then_changes
        on
            first_then_changes.line = monthly_then_changes.line
            and first_then_changes.owner_id = monthly_then_changes.owner_id
            and months.month_date = monthly_then_changes.month_date
),

then_or_now as (
    {%- for metric, first_line, last_line in [
        ('customers_in_charge', 'in_charge_then', 'in_charge_now'),
        ('new_customers', 'new_customers', 'new_customers_now'),
    ] %}
    select
        '{{ metric }}' as metric,
        '{{ first_line }}' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.{{ metric }} as figure
    from funnel
    union all
    select
        '{{ metric }}' as metric,
        '{{ last_line }}' as line,
        funnel.month_date,
        funnel.employee_id as owner_id,
        funnel.{{ metric }}_current as figure
    from funnel
    union all
    {%- endfor %}
    select
        'customers_in_charge' as metric,
        then_stock.line,
        then_stock.month_date,
        then_stock.owner_id,
        then_stock.figure
    from then_stock
    union all
    select
        'new_customers' as metric,
        case when first_owners.is_deleted then 'deleted_since' else 'handed_over_since' end as line,
        first_owners.cohort_month_date as month_date,
        first_owners.first_manager_id as owner_id,
        -1 as figure
    from first_owners
    where
        first_owners.is_deleted
        or first_owners.first_manager_id != first_owners.manager_id
    union all
    select
        'new_customers' as metric,
        'received_since' as line,
        first_owners.cohort_month_date as month_date,
        first_owners.manager_id as owner_id,
        1 as figure
    from first_owners
    where
        not first_owners.is_deleted
        and first_owners.first_manager_id != first_owners.manager_id
),

-- Topic 10. An open end is far away here, so that the join below compares and nothing else.
primary_places as (
    select
        places.employee_id,
        places.department_id,
        places.valid_from_at,
        coalesce(places.valid_to_at, cast('9999-12-31' as timestamp)) as valid_to_at
    from places
    where places.is_primary
),

-- Who executed is in a department at the end of the order's day.
orders_then as (
    select
        owned_orders.order_id,
        owned_orders.month_date,
        owned_orders.executor_id,
        owned_orders.executor_department_id,
        owned_orders.orders,
        owned_orders.revenue_amount,
        coalesce(primary_places.department_id, owned_orders.executor_department_id) as department_id_then
    from owned_orders
    left join primary_places
        on
            owned_orders.executor_id = primary_places.employee_id
            and {{ dbt.dateadd('day', 1, 'owned_orders.order_date') }} > primary_places.valid_from_at
            and {{ dbt.dateadd('day', 1, 'owned_orders.order_date') }} <= primary_places.valid_to_at
),

buyers as (
    select distinct
        owned_orders.month_date,
        owned_orders.executor_department_id,
        owned_orders.executor_id,
        owned_orders.customer_id
    from owned_orders
    where owned_orders.orders = 1
),

shared_buyers as (
    select
        buyers.month_date,
        buyers.executor_department_id,
        buyers.customer_id,
        count(*) as sellers
    from buyers
    group by
        buyers.month_date,
        buyers.executor_department_id,
        buyers.customer_id
),

members as (
    select
        'ordering_customers' as metric,
        'sum_over_people' as line,
        buyers.month_date,
        buyers.executor_department_id as owner_id,
        1 as figure
    from buyers
    union all
    select
        'ordering_customers' as metric,
        'bought_from_several_people' as line,
        shared_buyers.month_date,
        shared_buyers.executor_department_id as owner_id,
        1 - shared_buyers.sellers as figure
    from shared_buyers
    union all
    select
        'ordering_customers' as metric,
        'ordering_customers' as line,
        department_months.month_date,
        department_months.department_id as owner_id,
        department_months.ordering_customers as figure
    from department_months
    {%- for measure in ['orders', 'revenue_amount'] %}
    {%- for metric in ['by_department_then', 'of_all_members'] %}
    union all
    select
        '{{ measure }}_{{ metric }}' as metric,
        'of_people_now' as line,
        department_months.month_date,
        department_months.department_id as owner_id,
        department_months.{{ measure }} as figure
    from department_months
    {%- endfor %}
    union all
    select
        '{{ measure }}_by_department_then' as metric,
        'people_who_came_since' as line,
        orders_then.month_date,
        orders_then.executor_department_id as owner_id,
        -orders_then.{{ measure }} as figure
    from orders_then
    where orders_then.executor_department_id != orders_then.department_id_then
    union all
    select
        '{{ measure }}_by_department_then' as metric,
        'people_who_left_since' as line,
        orders_then.month_date,
        orders_then.department_id_then as owner_id,
        orders_then.{{ measure }} as figure
    from orders_then
    where orders_then.executor_department_id != orders_then.department_id_then
    union all
    select
        '{{ measure }}_by_department_then' as metric,
        'of_people_then' as line,
        orders_then.month_date,
        orders_then.department_id_then as owner_id,
        orders_then.{{ measure }} as figure
    from orders_then
    union all
    select
        '{{ measure }}_of_all_members' as metric,
        'of_further_members' as line,
        owned_orders.month_date,
        places.department_id as owner_id,
        owned_orders.{{ measure }} as figure
    from owned_orders
    inner join places
        on
            owned_orders.executor_id = places.employee_id
            and not places.is_primary
    union all
    select
        '{{ measure }}_of_all_members' as metric,
        'of_all_members' as line,
        owned_orders.month_date,
        places.department_id as owner_id,
        owned_orders.{{ measure }} as figure
    from owned_orders
    inner join places
        on
            owned_orders.executor_id = places.employee_id
            and places.is_current
    {%- endfor %}
),

-- Each step by itself: its topic need not be grouped by.
totals as (
    {%- for topic, step in employee_topics.items() %}
    select
        '{{ topic }}' as topic,
        {{ step }}.metric,
        {{ step }}.month_date,
        {{ step }}.owner_id as employee_id,
        'none' as department_id,
        {{ step }}.line,
        sum({{ step }}.figure) as figure
    from {{ step }}
    group by
        {{ step }}.metric,
        {{ step }}.month_date,
        {{ step }}.owner_id,
        {{ step }}.line
    union all
    {%- endfor %}
    {%- for topic, step in department_topics.items() %}
    select
        '{{ topic }}' as topic,
        {{ step }}.metric,
        {{ step }}.month_date,
        'none' as employee_id,
        {{ step }}.owner_id as department_id,
        {{ step }}.line,
        sum({{ step }}.figure) as figure
    from {{ step }}
    where {{ step }}.owner_id not in ('none', 'unknown')
    group by
        {{ step }}.metric,
        {{ step }}.month_date,
        {{ step }}.owner_id,
        {{ step }}.line
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

comparisons as (
    select distinct
        totals.topic,
        totals.metric,
        totals.month_date,
        totals.employee_id,
        totals.department_id
    from totals
    where totals.figure != 0
),

final as (
    select
        cast(comparisons.topic as string) as topic,
        cast(comparisons.metric as string) as metric,
        cast(comparisons.month_date as date) as month_date,
        cast(comparisons.employee_id as string) as employee_id,
        cast(comparisons.department_id as string) as department_id,
        cast(lines.line_number as integer) as line_number,
        cast(lines.line as string) as line,
        cast(lines.line_kind as string) as line_kind,
        cast(lines.figure_metric as string) as figure_metric,
        cast(coalesce(totals.figure, 0) as decimal(18, 2)) as value,
        cast(lines.unit as string) as unit
    from comparisons
    inner join lines
        on
            comparisons.topic = lines.topic
            and comparisons.metric = lines.metric
    left join totals
        on
            comparisons.topic = totals.topic
            and comparisons.metric = totals.metric
            and comparisons.month_date = totals.month_date
            and comparisons.employee_id = totals.employee_id
            and comparisons.department_id = totals.department_id
            and lines.line = totals.line
)

select * from final
