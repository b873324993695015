{#- The lines of an order share its discount, so the order is what is brought up to date. -#}
{%- set touched -%}
select order_id from {{ changes('core_orders') }}
union all
select 'unknown' where exists ({{ changed_records('order_lines') }})
union all
select order_id from core.core_order_lines where order_id = 'unknown' and order_line_id in ({{ became_known('order_lines', 'order_id', 'core_orders', 'order_id') }})
union all
select order_id from core.core_order_lines where product_id = 'unknown' and order_line_id in ({{ became_known('order_lines', 'product_id', 'core_products', 'product_id') }})
union all
select order_id from core.core_order_lines where order_line_id in ({{ changed_records('order_lines') }})
union all
select order_id from staging.stg_contract__order_lines where _record_key in ({{ changed_records('order_lines') }})
{%- endset -%}
{%- set touched_lines -%}
{{ changed_records('order_lines') }}
union all
select order_line_id from core.core_order_lines where order_id in ({{ touched_keys() }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'order_id', 'touched': touched}}) }}

with current_rows as (
    {{ current_version('order_lines', has_updated_at=true, has_deleted_at=true, keys=touched_lines) | indent(4) }}
),

orders as (
    select
        order_id,
        discount_amount,
        vat_amount,
        is_deleted,
        deleted_at,
        updated_at
    from {{ ref('core_orders') }}
    {{ in_scope('order_id') }}
),

products as (
    select product_id from {{ ref('core_products') }}
),

lines as (
    select
        current_rows.order_line_id,
        {{ resolve_reference('current_rows.order_id', 'orders.order_id') }} as order_id,
        {{ resolve_reference('current_rows.product_id', 'products.product_id') }} as product_id,
        current_rows.quantity,
        current_rows.unit_price,
        -- Widened first: the engine keeps the product of two narrow decimals narrow, and fails on a large order.
        cast(round(cast(current_rows.quantity as decimal(20, 4)) * current_rows.unit_price, 2) as decimal(18, 2)) as ordered_amount,
        coalesce(current_rows.discount_amount, 0) as line_discount_amount,
        coalesce(current_rows.vat_amount, 0) as line_vat_amount,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join orders on current_rows.order_id = orders.order_id
    left join products on current_rows.product_id = products.product_id
),

live_lines as (
    select
        lines.order_line_id,
        lines.order_id,
        {{ whole_cents('greatest(lines.ordered_amount - lines.line_discount_amount, 0)') }} as net_cents,
        coalesce(orders.discount_amount, 0) as discount_amount,
        coalesce(orders.vat_amount, 0) as vat_amount
    from lines
    inner join orders on lines.order_id = orders.order_id
    where not lines.is_deleted
),

-- Lines weigh what they are worth; where none is worth anything they weigh the same.
weights as (
    select
        order_line_id,
        order_id,
        discount_amount,
        vat_amount,
        case
            when sum(net_cents) over (partition by order_id) = 0 then 1
            else net_cents
        end as weight
    from live_lines
),

running_weights as (
    select
        order_line_id,
        discount_amount,
        vat_amount,
        weight,
        sum(weight) over (
            partition by order_id
            order by order_line_id
            rows between unbounded preceding and current row
        ) as weight_reached,
        sum(weight) over (partition by order_id) as weight_total
    from weights
),

shares as (
    select
        order_line_id,
        {{ allocate_pro_rata('discount_amount', 'weight', 'weight_reached', 'weight_total') | indent(8) }} as order_discount_amount,
        {{ allocate_pro_rata('vat_amount', 'weight', 'weight_reached', 'weight_total') | indent(8) }} as order_vat_amount
    from running_weights
),

allocated_lines as (
    select
        lines.order_line_id,
        lines.order_id,
        lines.product_id,
        lines.quantity,
        lines.unit_price,
        lines.ordered_amount,
        lines.line_discount_amount,
        lines.line_vat_amount,
        coalesce(shares.order_discount_amount, 0) as order_discount_amount,
        coalesce(shares.order_vat_amount, 0) as order_vat_amount,
        false as is_unallocated,
        lines.updated_at,
        lines.is_deleted,
        lines.deleted_at,
        lines._batch_id,
        lines._row_number
    from lines
    left join shares on lines.order_line_id = shares.order_line_id
),

orders_with_live_lines as (
    select distinct order_id
    from live_lines
),

-- Money of an order without a live line to carry it: a line of its own, so that lines always add up to their order.
unallocated_lines as (
    select
        orders.order_id || '#unallocated' as order_line_id,
        orders.order_id,
        'none' as product_id,
        cast(0 as decimal(18, 4)) as quantity,
        cast(0 as decimal(18, 2)) as unit_price,
        cast(0 as decimal(18, 2)) as ordered_amount,
        cast(0 as decimal(18, 2)) as line_discount_amount,
        cast(0 as decimal(18, 2)) as line_vat_amount,
        coalesce(orders.discount_amount, 0) as order_discount_amount,
        coalesce(orders.vat_amount, 0) as order_vat_amount,
        true as is_unallocated,
        orders.updated_at,
        orders.is_deleted,
        orders.deleted_at,
        cast(null as string) as _batch_id,
        cast(null as bigint) as _row_number
    from orders
    left join orders_with_live_lines on orders.order_id = orders_with_live_lines.order_id
    where
        orders_with_live_lines.order_id is null
        and (coalesce(orders.discount_amount, 0) <> 0 or coalesce(orders.vat_amount, 0) <> 0)
),

all_lines as (
    select * from allocated_lines
    union all
    select * from unallocated_lines
),

final as (
    select
        order_line_id,
        order_id,
        product_id,
        quantity,
        unit_price,
        ordered_amount,
        cast(line_discount_amount as decimal(18, 2)) as line_discount_amount,
        cast(line_vat_amount as decimal(18, 2)) as line_vat_amount,
        cast(order_discount_amount as decimal(18, 2)) as order_discount_amount,
        cast(order_vat_amount as decimal(18, 2)) as order_vat_amount,
        cast(
            cast(ordered_amount as decimal(20, 2))
            - line_discount_amount - order_discount_amount + line_vat_amount + order_vat_amount
            as decimal(18, 2)
        ) as billed_amount,
        is_unallocated,
        updated_at,
        is_deleted,
        deleted_at,
        _batch_id,
        _row_number
    from all_lines
)

select * from final
