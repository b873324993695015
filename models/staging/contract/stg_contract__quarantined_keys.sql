-- A table, not a view: small, and every core model reads it; as a view each of them would open all entities' quarantine files.
{{ config(materialized='table') }}

with rejected as (
    select
        'departments' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('departments') }}
    where entity_key is not null
    union all
    select
        'employees' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('employees') }}
    where entity_key is not null
    union all
    select
        'department_memberships' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar', 'varchar']) }} as _record_key
    from {{ landing_quarantine('department_memberships') }}
    where entity_key is not null
    union all
    select
        'employee_permissions' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar', 'varchar', 'varchar']) }} as _record_key
    from {{ landing_quarantine('employee_permissions') }}
    where entity_key is not null
    union all
    select
        'relationships' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('relationships') }}
    where entity_key is not null
    union all
    select
        'sources' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('sources') }}
    where entity_key is not null
    union all
    select
        'industries' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('industries') }}
    where entity_key is not null
    union all
    select
        'provinces' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('provinces') }}
    where entity_key is not null
    union all
    select
        'customers' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('customers') }}
    where entity_key is not null
    union all
    select
        'contacts' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('contacts') }}
    where entity_key is not null
    union all
    select
        'customer_changes' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar', 'varchar', 'timestamp']) }} as _record_key
    from {{ landing_quarantine('customer_changes') }}
    where entity_key is not null
    union all
    select
        'projects' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('projects') }}
    where entity_key is not null
    union all
    select
        'task_types' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('task_types') }}
    where entity_key is not null
    union all
    select
        'tasks' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('tasks') }}
    where entity_key is not null
    union all
    select
        'interactions' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('interactions') }}
    where entity_key is not null
    union all
    select
        'product_categories' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('product_categories') }}
    where entity_key is not null
    union all
    select
        'products' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('products') }}
    where entity_key is not null
    union all
    select
        'orders' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('orders') }}
    where entity_key is not null
    union all
    select
        'order_lines' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('order_lines') }}
    where entity_key is not null
    union all
    select
        'payments' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('payments') }}
    where entity_key is not null
    union all
    select
        'campaigns' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('campaigns') }}
    where entity_key is not null
    union all
    select
        'opportunities' as entity,
        _batch_id,
        {{ rejected_record_key(['varchar']) }} as _record_key
    from {{ landing_quarantine('opportunities') }}
    where entity_key is not null
    union all
    select
        'kpi_targets' as entity,
        _batch_id,
        {{ rejected_record_key(['date', 'date', 'varchar', 'varchar', 'varchar']) }} as _record_key
    from {{ landing_quarantine('kpi_targets') }}
    where entity_key is not null
),

batches as (
    select
        entity,
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
),

final as (
    select distinct
        rejected.entity,
        rejected._record_key,
        batches.batch_seq,
        batches.known_at
    from rejected
    inner join batches
        on
            rejected.entity = batches.entity
            and rejected._batch_id = batches.batch_id
    where rejected._record_key is not null
)

select * from final
