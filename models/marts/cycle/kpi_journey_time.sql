{#- Built whole: its days move on every night, and no later table asks what changed in it. -#}
{{ config(materialized='table') }}

with stages as (
    select * from {{ ref('fct_customer_stages') }}
),

stays as (
    select * from {{ ref('fct_relationship_stays') }}
),

moves as (
    select * from {{ ref('fct_relationship_moves') }}
    where {{ in_trailing_window('moved_date', 84) }}
),

open_stays as (
    select
        stages.manager_id,
        stages.relationship_id,
        count(*) as customers,
        sum(stages.days_in_stage) as total_open_days,
        percentile_cont(0.5) within group (order by stages.days_in_stage) as median_open_days
    from stages
    group by
        stages.manager_id,
        stages.relationship_id
),

closed_stays as (
    select
        stays.manager_id,
        stays.relationship_id,
        count(*) as closed_stays,
        sum(stays.days_in_stage) as total_closed_days,
        percentile_cont(0.5) within group (order by stays.days_in_stage) as median_closed_days
    from stays
    where stays.has_moved_on
    group by
        stays.manager_id,
        stays.relationship_id
),

moves_out as (
    select
        moves.manager_id,
        moves.from_relationship_id as relationship_id,
        count(*) as moves_out,
        sum(case when moves.move_direction = 'forward' then 1 else 0 end) as moves_forward,
        sum(case when moves.move_direction = 'backward' then 1 else 0 end) as moves_backward,
        sum(case when moves.move_direction = 'unordered' then 1 else 0 end) as moves_unordered,
        sum(case when moves.has_skipped then 1 else 0 end) as moves_skipping
    from moves
    group by
        moves.manager_id,
        moves.from_relationship_id
),

moves_in as (
    select
        moves.manager_id,
        moves.to_relationship_id as relationship_id,
        count(*) as moves_in
    from moves
    group by
        moves.manager_id,
        moves.to_relationship_id
),

cells as (
    select
        manager_id,
        relationship_id
    from open_stays
    union
    select
        manager_id,
        relationship_id
    from closed_stays
    union
    select
        manager_id,
        relationship_id
    from moves_out
    union
    select
        manager_id,
        relationship_id
    from moves_in
),

final as (
    select
        cast(cells.manager_id as string) as manager_id,
        cast(cells.relationship_id as string) as relationship_id,
        cast(coalesce(open_stays.customers, 0) as bigint) as customers,
        cast(coalesce(open_stays.total_open_days, 0) as bigint) as total_open_days,
        {{ ratio('open_stays.total_open_days', 'open_stays.customers') }} as mean_open_days,
        cast(open_stays.median_open_days as double) as median_open_days,
        cast(coalesce(closed_stays.closed_stays, 0) as bigint) as closed_stays,
        cast(coalesce(closed_stays.total_closed_days, 0) as bigint) as total_closed_days,
        {{ ratio('closed_stays.total_closed_days', 'closed_stays.closed_stays') }} as mean_closed_days,
        cast(closed_stays.median_closed_days as double) as median_closed_days,
        cast(coalesce(moves_in.moves_in, 0) as bigint) as moves_in,
        cast(coalesce(moves_out.moves_out, 0) as bigint) as moves_out,
        cast(coalesce(moves_out.moves_forward, 0) as bigint) as moves_forward,
        cast(coalesce(moves_out.moves_backward, 0) as bigint) as moves_backward,
        cast(coalesce(moves_out.moves_unordered, 0) as bigint) as moves_unordered,
        cast(coalesce(moves_out.moves_skipping, 0) as bigint) as moves_skipping
    from cells
    left join open_stays
        on
            cells.manager_id = open_stays.manager_id
            and cells.relationship_id = open_stays.relationship_id
    left join closed_stays
        on
            cells.manager_id = closed_stays.manager_id
            and cells.relationship_id = closed_stays.relationship_id
    left join moves_out
        on
            cells.manager_id = moves_out.manager_id
            and cells.relationship_id = moves_out.relationship_id
    left join moves_in
        on
            cells.manager_id = moves_in.manager_id
            and cells.relationship_id = moves_in.relationship_id
)

select * from final
