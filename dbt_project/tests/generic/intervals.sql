{# Belongs here: generic tests about half-open intervals. Each returns the offending rows. An open end is null. #}

{# The intervals of one key do not overlap, and each ends after it starts. #}
{% test no_overlap(model, key, valid_from='valid_from_at', valid_to='valid_to_at') %}
    with ordered as (
        select
            {{ key }},
            {{ valid_from }} as starts,
            {{ valid_to }} as ends,
            lead({{ valid_from }}) over (partition by {{ key }} order by {{ valid_from }}, {{ valid_to }} nulls last) as next_starts
        from {{ model }}
    )

    select *
    from ordered
    where
        starts is null
        or ends <= starts
        or (next_starts is not null and (ends is null or ends > next_starts))
{% endtest %}


{# Every interval of a key starts where the one before it ends. #}
{% test no_gap(model, key, valid_from='valid_from_at', valid_to='valid_to_at') %}
    with ordered as (
        select
            {{ key }},
            {{ valid_from }} as starts,
            lag({{ valid_to }}) over in_time as previous_ends,
            row_number() over in_time as place
        from {{ model }}
        window in_time as (partition by {{ key }} order by {{ valid_from }})
    )

    select *
    from ordered
    where
        place > 1
        and previous_ends is distinct from starts
{% endtest %}


{# Half-open ranges of a small table cover everything from the first start on: no gap, no overlap, the last one open.
   Rows without a start (a bucket for "none") are left out. #}
{% test covers_from(model, start, starts_at, ends_at) %}
    with ordered as (
        select
            {{ starts_at }} as starts,
            {{ ends_at }} as ends,
            lag({{ ends_at }}) over (order by {{ starts_at }}) as previous_ends,
            row_number() over (order by {{ starts_at }}) as place,
            row_number() over (order by {{ starts_at }} desc) as place_from_end
        from {{ model }}
        where {{ starts_at }} is not null
    )

    select *
    from ordered
    where
        (place = 1 and starts <> {{ start }})
        or (place > 1 and previous_ends is distinct from starts)
        or (place_from_end = 1 and ends is not null)
        or ends <= starts
{% endtest %}
