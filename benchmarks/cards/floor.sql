-- The four marts in one pass, written by hand for one complete batch: as little as gives the same rows.
-- Belongs here: only what the figures need. Not here: history over several batches, tables between the files and the marts that anybody keeps,
-- rules read from seeds (they are written out as shipped), tests. `benchmarks/cards/check.py` says whether the rows are still the same.
-- Variables: as_of (date), and the file of each entity by its name.

create schema marts;

create temp table customers as
select
    customers.customer_id,
    case when customers.manager_id is null then 'none' when employees.employee_id is null then 'unknown' else customers.manager_id end
        as manager_id,
    case
        when customers.relationship_id is null then 'none'
        when relationships.relationship_id is null then 'unknown'
        else customers.relationship_id
    end as relationship_id,
    case when customers.province_id is null then 'none' when provinces.province_id is null then 'unknown' else customers.province_id end
        as province_id,
    customers.gender,
    customers.birthday,
    customers.created_at,
    customers.last_contact_at,
    customers.deleted_at is not null as is_deleted,
    -- greatest() leaves nulls out: who is still there must have no end.
    case
        when customers.deleted_at is not null
            then greatest(least(customers.deleted_at, getvariable('as_of') + interval 1 day - interval 1 microsecond), customers.created_at)
    end as gone_at
from read_parquet(getvariable('customers')) as customers
left join read_parquet(getvariable('employees')) as employees on customers.manager_id = employees.employee_id
left join read_parquet(getvariable('relationships')) as relationships on customers.relationship_id = relationships.relationship_id
left join read_parquet(getvariable('provinces')) as provinces on customers.province_id = provinces.province_id;

-- The log gives the order of owners and of relationships; who is not in it has had one of each.
create temp table changes as
with members as (
    select 'manager_id' as field, employee_id as member_id from read_parquet(getvariable('employees'))
    union all
    select 'relationship_id' as field, relationship_id as member_id from read_parquet(getvariable('relationships'))
)

select
    changes.customer_id,
    changes.field,
    changes.changed_at,
    case when changes.old_value is null then 'none' when old_members.member_id is null then 'unknown' else changes.old_value end as old_value,
    case when changes.new_value is null then 'none' when new_members.member_id is null then 'unknown' else changes.new_value end as new_value
from read_parquet(getvariable('customer_changes')) as changes
left join members as old_members on changes.field = old_members.field and changes.old_value = old_members.member_id
left join members as new_members on changes.field = new_members.field and changes.new_value = new_members.member_id;

create temp table stays as
with starts as (
    select customer_id, field, arg_min(old_value, changed_at) as member_id
    from changes
    group by customer_id, field
),

held as (
    select
        customers.customer_id,
        fields.field,
        coalesce(starts.member_id, case when fields.field = 'manager_id' then customers.manager_id else customers.relationship_id end)
            as member_id,
        customers.created_at as occurred_at,
        0 as strength,
        customers.created_at as told_at,
        customers.gone_at,
        starts.customer_id is not null as has_changes
    from customers
    cross join (values ('manager_id'), ('relationship_id')) as fields(field)
    left join starts on customers.customer_id = starts.customer_id and fields.field = starts.field
    where customers.gone_at is null or customers.created_at < customers.gone_at
),

events as (
    select customer_id, field, member_id, occurred_at, strength, told_at, gone_at
    from held
    where has_changes
    union all
    select
        changes.customer_id,
        changes.field,
        changes.new_value as member_id,
        greatest(changes.changed_at, customers.created_at) as occurred_at,
        1 as strength,
        changes.changed_at as told_at,
        customers.gone_at
    from changes
    inner join customers on changes.customer_id = customers.customer_id
    where customers.gone_at is null or customers.created_at < customers.gone_at
),

-- Of several at one instant the log's last one holds.
lasting as (
    select *
    from events
    window in_order as (partition by customer_id, field order by occurred_at, strength, told_at)
    qualify lead(occurred_at) over in_order is distinct from occurred_at
),

changed as (
    select *
    from lasting
    qualify member_id is distinct from lag(member_id) over (partition by customer_id, field order by occurred_at)
)

select
    customer_id,
    field,
    member_id,
    occurred_at as valid_from_at,
    least(lead(occurred_at) over (partition by customer_id, field order by occurred_at), gone_at) as valid_to_at
from changed
qualify gone_at is null or occurred_at < gone_at
union all
select customer_id, field, member_id, occurred_at, gone_at
from held
where not has_changes;

create temp table tasks as
select
    tasks.task_id,
    case when tasks.assignee_id is null then 'none' when employees.employee_id is null then 'unknown' else tasks.assignee_id end as assignee_id,
    tasks.project_id,
    tasks.task_type_id,
    tasks.customer_ids,
    tasks.status,
    tasks.due_at,
    tasks.completed_at,
    cast(date_trunc('month', tasks.created_at) as date) as month_date
from read_parquet(getvariable('tasks')) as tasks
left join read_parquet(getvariable('employees')) as employees on tasks.assignee_id = employees.employee_id
where tasks.deleted_at is null;

create table marts.fct_task_status as
with stated as (
    select
        tasks.month_date,
        tasks.assignee_id,
        case when tasks.project_id is null then 'none' when projects.project_id is null then 'unknown' else tasks.project_id end as project_id,
        case when tasks.task_type_id is null then 'none' when task_types.task_type_id is null then 'unknown' else tasks.task_type_id end
            as task_type_id,
        case
            when tasks.status in ('completed', 'cancelled') then tasks.status
            when tasks.due_at < getvariable('as_of') + interval 1 day then 'late'
            else tasks.status
        end as task_state,
        tasks.completed_at > tasks.due_at as is_completed_after_due
    from tasks
    left join read_parquet(getvariable('projects')) as projects on tasks.project_id = projects.project_id
    left join read_parquet(getvariable('task_types')) as task_types on tasks.task_type_id = task_types.task_type_id
)

select
    month_date,
    assignee_id as employee_id,
    project_id,
    task_type_id,
    count(*) as tasks_created,
    count(*) filter (where task_state = 'new') as tasks_new,
    count(*) filter (where task_state = 'in_progress') as tasks_in_progress,
    count(*) filter (where task_state = 'awaiting_confirmation') as tasks_awaiting_confirmation,
    count(*) filter (where task_state = 'late') as tasks_late,
    count(*) filter (where task_state = 'completed') as tasks_completed,
    count(*) filter (where task_state = 'completed' and is_completed_after_due) as tasks_completed_late,
    count(*) filter (where task_state = 'cancelled') as tasks_cancelled
from stated
group by all;

-- Shares of an order's discount and VAT on its lines add up to the order, so they need not be computed.
create temp table orders as
with order_lines as (
    select
        order_id,
        sum(cast(round(cast(quantity as decimal(20, 4)) * unit_price, 2) as decimal(18, 2))) as ordered_amount,
        sum(coalesce(vat_amount, 0) - coalesce(discount_amount, 0)) as added_amount
    from read_parquet(getvariable('order_lines'))
    where deleted_at is null
    group by order_id
),

-- What counts is written out from seeds/order_status_rules.csv.
judged as (
    select
        *,
        case when order_type = 'return' then -1 else 1 end as sign,
        status in ('approved', 'delivering', 'partly_delivered', 'delivered') and deleted_at is null as is_counted
    from read_parquet(getvariable('orders'))
)

select
    orders.order_id,
    orders.customer_id,
    case when orders.executor_id is null then 'none' when employees.employee_id is null then 'unknown' else orders.executor_id end
        as executor_id,
    orders.order_date,
    cast(date_trunc('month', orders.order_date) as date) as month_date,
    orders.order_type,
    orders.created_at,
    orders.deleted_at is not null as is_deleted,
    cast(orders.is_counted and orders.order_type = 'sale' as integer) as orders,
    cast(orders.is_counted and orders.order_type = 'return' as integer) as returns,
    cast(orders.status = 'pending' and orders.order_type = 'sale' and orders.deleted_at is null as integer) as pending_orders,
    case when orders.is_counted then orders.sign * coalesce(order_lines.ordered_amount, 0) else 0 end as sales_amount,
    case
        when orders.is_counted then
            orders.sign * (
                coalesce(order_lines.ordered_amount + order_lines.added_amount, 0)
                + coalesce(orders.vat_amount, 0) - coalesce(orders.discount_amount, 0)
            )
        else 0
    end as revenue_amount
from judged as orders
left join order_lines on orders.order_id = order_lines.order_id
left join read_parquet(getvariable('employees')) as employees on orders.executor_id = employees.employee_id;

create temp table payments as
select
    orders.customer_id,
    coalesce(orders.executor_id, 'unknown') as executor_id,
    payments.paid_on,
    payments.amount
from read_parquet(getvariable('payments')) as payments
left join orders on payments.order_id = orders.order_id
where payments.deleted_at is null and not coalesce(orders.is_deleted, false);

-- Which interactions count and which are contact is written out from seeds/interaction_rules.csv.
create temp table interactions as
select
    customer_id,
    employee_id,
    occurred_at,
    coalesce(
        type = 'comment'
        or (type = 'email' and outcome = 'read')
        or (type = 'sms' and outcome in ('delivered', 'read'))
        or (type = 'call' and direction = 'outbound' and outcome = 'answered'),
        false
    ) as is_counted,
    coalesce(
        (type = 'email' and outcome = 'read')
        or (type = 'sms' and outcome in ('sent', 'delivered', 'read'))
        or (type = 'call' and (coalesce(direction = 'outbound', false) or coalesce(outcome = 'answered', false))),
        false
    ) as is_contact
from read_parquet(getvariable('interactions'))
where deleted_at is null;

create table marts.fct_funnel as
with new_customers as (
    select
        cast(date_trunc('month', customers.created_at) as date) as month_date,
        coalesce(first_owners.manager_id, 'unknown') as employee_id,
        count(*) as new_customers
    from customers
    left join (
        select customer_id, arg_min(member_id, valid_from_at) as manager_id
        from stays
        where field = 'manager_id'
        group by customer_id
    ) as first_owners on customers.customer_id = first_owners.customer_id
    group by all
),

new_customers_current as (
    select
        cast(date_trunc('month', created_at) as date) as month_date,
        manager_id as employee_id,
        count(*) as new_customers_current,
        count(*) filter (where created_at < getvariable('as_of') + interval 1 day) as came
    from customers
    where not is_deleted
    group by all
),

assigned_customers as (
    select
        cast(date_trunc('month', valid_from_at) as date) as month_date,
        member_id as employee_id,
        count(distinct customer_id) as customers_assigned,
        count(*) filter (where valid_from_at < getvariable('as_of') + interval 1 day) as came
    from stays
    where field = 'manager_id'
    group by all
),

left_customers as (
    select
        cast(date_trunc('month', valid_to_at) as date) as month_date,
        member_id as employee_id,
        count(*) as went
    from stays
    where field = 'manager_id' and valid_to_at < getvariable('as_of') + interval 1 day
    group by all
),

monthly_changes as (
    select month_date, employee_id, sum(stock) as stock, sum(stock_current) as stock_current
    from (
        select month_date, employee_id, came as stock, 0 as stock_current from assigned_customers where came > 0
        union all
        select month_date, employee_id, -went, 0 from left_customers
        union all
        select month_date, employee_id, 0, came from new_customers_current where came > 0
    )
    group by all
),

months as (
    select
        employee_id,
        unnest(generate_series(min(month_date), cast(date_trunc('month', getvariable('as_of')) as date), interval 1 month)) as month_date
    from monthly_changes
    group by employee_id
),

in_charge as (
    select
        cast(months.month_date as date) as month_date,
        months.employee_id,
        sum(coalesce(monthly_changes.stock, 0)) over so_far as customers_in_charge,
        sum(coalesce(monthly_changes.stock_current, 0)) over so_far as customers_in_charge_current
    from months
    left join monthly_changes on months.employee_id = monthly_changes.employee_id and months.month_date = monthly_changes.month_date
    window so_far as (partition by months.employee_id order by months.month_date)
),

counted_interactions as (
    select
        cast(date_trunc('month', interactions.occurred_at) as date) as month_date,
        case
            when interactions.employee_id is null then 'none' when employees.employee_id is null then 'unknown' else interactions.employee_id
        end as employee_id,
        count(*) as interactions
    from interactions
    left join read_parquet(getvariable('employees')) as employees on interactions.employee_id = employees.employee_id
    where interactions.is_counted
    group by all
),

-- A task is an interaction with each customer it names; several that are not there are one unknown customer.
named_customers as (
    select distinct named.month_date, named.assignee_id, named.task_id, coalesce(customers.customer_id, 'unknown') as customer_id
    from (
        select month_date, assignee_id, task_id, unnest(customer_ids) as customer_id
        from tasks
        where status <> 'cancelled'
    ) as named
    left join customers on named.customer_id = customers.customer_id
    where named.customer_id is not null
),

-- Every figure with zeros for the others, added up once.
figures as (
    select
        month_date, employee_id, new_customers, 0 as new_customers_current, 0 as customers_assigned, 0 as customers_in_charge,
        0 as customers_in_charge_current, 0 as interactions, 0 as activities, 0 as orders, 0 as returns, 0 as pending_orders,
        0 as sales_amount, 0 as revenue_amount, 0 as collected_amount
    from new_customers
    union all by name
    select month_date, employee_id, new_customers_current from new_customers_current
    union all by name
    select month_date, employee_id, customers_assigned from assigned_customers
    union all by name
    select month_date, employee_id, customers_in_charge, customers_in_charge_current from in_charge
    union all by name
    select month_date, employee_id, interactions from counted_interactions
    union all by name
    select month_date, assignee_id as employee_id, count(*) as interactions from named_customers group by all
    union all by name
    select month_date, assignee_id as employee_id, count(*) as activities from tasks group by all
    union all by name
    select
        month_date, executor_id as employee_id, sum(orders) as orders, sum(returns) as returns, sum(pending_orders) as pending_orders,
        sum(sales_amount) as sales_amount, sum(revenue_amount) as revenue_amount
    from orders
    where not is_deleted
    group by all
    union all by name
    select cast(date_trunc('month', paid_on) as date) as month_date, executor_id as employee_id, sum(amount) as collected_amount
    from payments
    group by all
),

added as (
    select
        month_date,
        employee_id,
        cast(coalesce(sum(new_customers), 0) as bigint) as new_customers,
        cast(coalesce(sum(new_customers_current), 0) as bigint) as new_customers_current,
        cast(coalesce(sum(customers_assigned), 0) as bigint) as customers_assigned,
        cast(coalesce(sum(customers_in_charge), 0) as bigint) as customers_in_charge,
        cast(coalesce(sum(customers_in_charge_current), 0) as bigint) as customers_in_charge_current,
        cast(coalesce(sum(interactions), 0) as bigint) as interactions,
        cast(coalesce(sum(activities), 0) as bigint) as activities,
        cast(coalesce(sum(orders), 0) as bigint) as orders,
        cast(coalesce(sum(returns), 0) as bigint) as returns,
        cast(coalesce(sum(pending_orders), 0) as bigint) as pending_orders,
        cast(coalesce(sum(sales_amount), 0) as decimal(18, 2)) as sales_amount,
        cast(coalesce(sum(revenue_amount), 0) as decimal(18, 2)) as revenue_amount,
        cast(coalesce(sum(collected_amount), 0) as decimal(18, 2)) as collected_amount
    from figures
    group by month_date, employee_id
)

select *
from added
where
    new_customers <> 0 or new_customers_current <> 0 or customers_assigned <> 0 or customers_in_charge <> 0
    or customers_in_charge_current <> 0 or interactions <> 0 or activities <> 0 or orders <> 0 or returns <> 0 or pending_orders <> 0
    or sales_amount <> 0 or revenue_amount <> 0 or collected_amount <> 0;

create table marts.dim_customer_cohort as
with primary_contacts as (
    select customer_id, arg_min(birthday, contact_id) as birthday
    from read_parquet(getvariable('contacts'))
    where is_primary and deleted_at is null and birthday is not null
    group by customer_id
),

-- From seeds/last_contact_rules.csv: what the CRM reports goes before everything; then interactions and sales, whichever is later.
derived_contacts as (
    select customer_id, max(contact_at) as contact_at
    from (
        select customer_id, occurred_at as contact_at
        from interactions
        where is_contact
        union all
        select customer_id, coalesce(created_at, cast(order_date as timestamp)) as contact_at
        from orders
        where not is_deleted and order_type = 'sale'
    )
    where contact_at < getvariable('as_of') + interval 1 day
    group by customer_id
),

customer_orders as (
    select
        customer_id,
        min(order_date) filter (where orders = 1) as first_order_date,
        sum(orders) as orders,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount
    from orders
    where not is_deleted
    group by customer_id
),

customer_payments as (
    select customer_id, sum(amount) as collected_amount
    from payments
    group by customer_id
),

dated as (
    select
        customers.*,
        coalesce(
            case when customers.last_contact_at < getvariable('as_of') + interval 1 day then customers.last_contact_at end,
            derived_contacts.contact_at
        ) as contact_at,
        case
            when coalesce(customers.birthday, primary_contacts.birthday) <= getvariable('as_of')
                then date_sub('year', coalesce(customers.birthday, primary_contacts.birthday), getvariable('as_of'))
        end as age_years,
        customer_orders.first_order_date,
        customer_orders.first_order_date - cast(customers.created_at as date) as days_to_order,
        customer_orders.orders,
        customer_orders.sales_amount,
        customer_orders.revenue_amount,
        customer_payments.collected_amount
    from customers
    left join primary_contacts on customers.customer_id = primary_contacts.customer_id
    left join derived_contacts on customers.customer_id = derived_contacts.customer_id
    left join customer_orders on customers.customer_id = customer_orders.customer_id
    left join customer_payments on customers.customer_id = customer_payments.customer_id
),

recent as (
    select *, getvariable('as_of') - cast(contact_at as date) as care_recency_days
    from dated
)

-- Bands and buckets are those of seeds/age_bands.csv and seeds/recency_buckets.csv.
select
    customer_id,
    cast(date_trunc('month', created_at) as date) as cohort_month_date,
    manager_id,
    relationship_id,
    province_id,
    coalesce(gender, 'unknown') as gender,
    cast(age_years as integer) as age_years,
    case
        when age_years is null then 'unknown' when age_years < 18 then 'under_18' when age_years < 25 then '18_to_24'
        when age_years < 35 then '25_to_34' when age_years < 45 then '35_to_44' when age_years < 55 then '45_to_54'
        when age_years < 65 then '55_to_64' else '65_and_over'
    end as age_band,
    care_recency_days,
    case
        when care_recency_days is null then 'never' when care_recency_days < 7 then '0_to_6_days' when care_recency_days < 14 then '7_to_13_days'
        when care_recency_days < 30 then '14_to_29_days' when care_recency_days < 90 then '30_to_89_days' else '90_days_and_more'
    end as care_recency_bucket,
    contact_at as last_contact_at,
    first_order_date,
    cast(coalesce(orders, 0) as bigint) as orders,
    cast(coalesce(sales_amount, 0) as decimal(18, 2)) as sales_amount,
    cast(coalesce(revenue_amount, 0) as decimal(18, 2)) as revenue_amount,
    cast(coalesce(collected_amount, 0) as decimal(18, 2)) as collected_amount,
    case when days_to_order >= 0 then days_to_order end as days_to_first_order,
    coalesce(days_to_order < 0, false) as has_negative_cycle,
    is_deleted
from recent;

create table marts.fct_journey as
with owners as (
    select customer_id, member_id as manager_id, valid_from_at, coalesce(valid_to_at, timestamp '9999-12-31') as valid_to_at
    from stays
    where field = 'manager_id'
),

relationships as (
    select customer_id, member_id as relationship_id, valid_from_at, coalesce(valid_to_at, timestamp '9999-12-31') as valid_to_at
    from stays
    where field = 'relationship_id'
),

-- A stretch has the days from its first one up to, not including, the one it ends in.
stretches as (
    select
        owners.manager_id,
        relationships.relationship_id,
        cast(customers.created_at as date) as created_date,
        cast(greatest(owners.valid_from_at, relationships.valid_from_at) as date) as from_date,
        least(cast(least(owners.valid_to_at, relationships.valid_to_at) as date), getvariable('as_of') + 1) as to_date,
        cast(customers.created_at as date) + 85 as old_from_date
    from owners
    inner join relationships
        on
            owners.customer_id = relationships.customer_id
            and owners.valid_from_at < relationships.valid_to_at
            and owners.valid_to_at > relationships.valid_from_at
    inner join customers on owners.customer_id = customers.customer_id
),

-- In the cells of the day of creation until the customer is old, and then in those of no day.
cell_stretches as (
    select manager_id, relationship_id, created_date, from_date, least(to_date, old_from_date) as to_date
    from stretches
    where from_date < least(to_date, old_from_date)
    union all
    select manager_id, relationship_id, null, greatest(from_date, old_from_date), to_date
    from stretches
    where greatest(from_date, old_from_date) < to_date
),

daily_changes as (
    select manager_id, relationship_id, created_date, on_date, sum(customers) as customers
    from (
        select manager_id, relationship_id, created_date, from_date as on_date, 1 as customers
        from cell_stretches
        union all
        select manager_id, relationship_id, created_date, to_date as on_date, -1 as customers
        from cell_stretches
    )
    group by all
),

-- A stock holds until its next change.
levels as (
    select
        manager_id,
        relationship_id,
        created_date,
        on_date,
        sum(customers) over in_time as customers,
        lead(on_date) over in_time as next_date
    from daily_changes
    window in_time as (partition by manager_id, relationship_id, created_date order by on_date)
)

select
    cast(unnest(range(on_date, next_date, interval 1 day)) as date) as as_of_date,
    manager_id,
    relationship_id,
    created_date,
    cast(customers as bigint) as customers
from levels
where customers > 0;
