{# Belongs here: the history of one customer field from the CRM's own change log and from the landed versions.
   Not here: the versions themselves (macros/history.sql). #}

{# Who or what a customer's field pointed at, and when: half-open intervals from the customer's creation on, cut where the
   customer was deleted.

   At creation: what the log's last entry until then set; without one, the old value of its first later entry; without a log, the
   first version's value. Then every logged change. Versions speak only after the last logged change, and only where they differ.
   At the same instant the later arrival wins: a version is weaker than the log.

   Gives customer_id, the field, valid_from_at, valid_to_at, is_inferred_start. #}
{% macro customer_field_history(field) -%}
    with changes as (
        select
            customer_id,
            old_value,
            new_value,
            changed_at
        from {{ ref('core_customer_changes') }}
        where
            field = '{{ field }}'
            and not is_deleted
            {{ in_scope('customer_id', prefix='and') }}
    ),

    versions as (
        select
            customer_id,
            {{ field }},
            valid_from_at,
            valid_to_at,
            is_deleted
        from {{ ref('core_customers_history') }}
        {{ in_scope('customer_id') }}
    ),

    starts as (
        select
            customer_id,
            min(valid_from_at) as starts_at
        from versions
        group by customer_id
    ),

    last_changes as (
        select
            customer_id,
            max(changed_at) as changed_at
        from changes
        group by customer_id
    ),

    first_changes as (
        select
            customer_id,
            old_value,
            row_number() over (partition by customer_id order by changed_at) as place
        from changes
    ),

    first_versions as (
        select
            customer_id,
            {{ field }},
            row_number() over (partition by customer_id order by valid_from_at) as place
        from versions
    ),

    -- strength: at the same instant the higher one holds.
    events as (
        select
            starts.customer_id,
            starts.starts_at as occurred_at,
            starts.starts_at as told_at,
            0 as strength,
            case when first_changes.customer_id is null then first_versions.{{ field }} else first_changes.old_value end as member_id,
            true as is_inferred
        from starts
        inner join first_versions
            on
                starts.customer_id = first_versions.customer_id
                and first_versions.place = 1
        left join first_changes
            on
                starts.customer_id = first_changes.customer_id
                and first_changes.place = 1
        union all
        select
            changes.customer_id,
            greatest(changes.changed_at, starts.starts_at) as occurred_at,
            changes.changed_at as told_at,
            1 as strength,
            changes.new_value as member_id,
            changes.changed_at < starts.starts_at as is_inferred
        from changes
        inner join starts on changes.customer_id = starts.customer_id
        union all
        select
            versions.customer_id,
            versions.valid_from_at as occurred_at,
            versions.valid_from_at as told_at,
            0 as strength,
            versions.{{ field }} as member_id,
            true as is_inferred
        from versions
        inner join starts on versions.customer_id = starts.customer_id
        left join last_changes on versions.customer_id = last_changes.customer_id
        where
            versions.valid_from_at > starts.starts_at
            and (last_changes.customer_id is null or versions.valid_from_at > last_changes.changed_at)
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by customer_id, occurred_at
                order by strength desc, told_at desc
            ) as place
        from events
    ),

    held as (
        select
            customer_id,
            occurred_at,
            member_id,
            is_inferred,
            member_id is distinct from lag(member_id) over (partition by customer_id order by occurred_at) as is_change
        from ranked
        where place = 1
    ),

    intervals as (
        select
            customer_id,
            member_id,
            is_inferred,
            occurred_at as valid_from_at,
            lead(occurred_at) over (partition by customer_id order by occurred_at) as valid_to_at
        from held
        where is_change
    ),

    -- Stretches in which the customer was there: neighbouring versions that are alive, joined.
    liveness as (
        select
            *,
            case
                when is_deleted is distinct from lag(is_deleted) over (partition by customer_id order by valid_from_at) then 1
                else 0
            end as is_turn
        from versions
    ),

    stretches as (
        select
            *,
            sum(is_turn) over (
                partition by customer_id
                order by valid_from_at
                rows between unbounded preceding and current row
            ) as stretch
        from liveness
    ),

    live_stretches as (
        select
            customer_id,
            min(valid_from_at) as live_from_at,
            case when count(valid_to_at) = count(*) then max(valid_to_at) end as live_to_at
        from stretches
        where not is_deleted
        group by customer_id, stretch
    )

    select
        intervals.customer_id,
        intervals.member_id as {{ field }},
        greatest(intervals.valid_from_at, live_stretches.live_from_at) as valid_from_at,
        case
            when intervals.valid_to_at is null then live_stretches.live_to_at
            when live_stretches.live_to_at is null then intervals.valid_to_at
            else least(intervals.valid_to_at, live_stretches.live_to_at)
        end as valid_to_at,
        intervals.is_inferred or live_stretches.live_from_at > intervals.valid_from_at as is_inferred_start
    from intervals
    inner join live_stretches
        on
            intervals.customer_id = live_stretches.customer_id
            and (live_stretches.live_to_at is null or intervals.valid_from_at < live_stretches.live_to_at)
            and (intervals.valid_to_at is null or live_stretches.live_from_at < intervals.valid_to_at)
{%- endmacro %}
