{# Belongs here: generic tests about half-open intervals. Each returns the offending rows. An open end is null. #}

{# The intervals of one key do not overlap, and each ends after it starts. #}
{% test no_overlap(model, key, valid_from='valid_from_at', valid_to='valid_to_at') %}
    with ordered as (
        select
            {{ key }},
            {{ valid_from }} as starts,
            {{ valid_to }} as ends,
            lead({{ valid_from }}) over (partition by {{ key }} order by {{ valid_from }}, {{ valid_to }} nulls last) as next_starts
        from {{ groups_to_test(model, [key]) }}
    )

    select *
    from ordered
    where
        starts is null
        or ends <= starts
        or (next_starts is not null and (ends is null or ends > next_starts))
{% endtest %}


{# Every interval of a key starts where the one before it ends. An interval that went leaves a gap as well. #}
{% test no_gap(model, key, valid_from='valid_from_at', valid_to='valid_to_at') %}
    with ordered as (
        select
            {{ key }},
            {{ valid_from }} as starts,
            lag({{ valid_to }}) over in_time as previous_ends,
            row_number() over in_time as place
        from {{ rows_of_changed(model, key, [model]) }} as intervals
        window in_time as (partition by {{ key }} order by {{ valid_from }})
    )

    select *
    from ordered
    where
        place > 1
        and previous_ends is distinct from starts
{% endtest %}


{# Half-open ranges of a small table cover everything from the first start on: no gap, no overlap, the last one open.
   Rows without a start (a bucket for "none") are left out. `problem` says what to write instead. #}
{% test covers_from(model, start, starts_at, ends_at) %}
    with ordered as (
        select
            {{ starts_at }} as starts,
            {{ ends_at }} as ends,
            lag({{ ends_at }}) over (order by {{ starts_at }}, {{ ends_at }} nulls last) as previous_ends,
            row_number() over (order by {{ starts_at }}, {{ ends_at }} nulls last) as place,
            row_number() over (order by {{ starts_at }} desc, {{ ends_at }} desc nulls first) as place_from_end
        from {{ model }}
        where {{ starts_at }} is not null
    ),

    judged as (
        select
            starts as {{ starts_at }},
            ends as {{ ends_at }},
            case
                when ends <= starts
                    then '{{ ends_at }} ' || cast(ends as string) || ' is not greater than {{ starts_at }} ' || cast(starts as string)
                        || ': write a greater {{ ends_at }}'
                when place = 1 and starts <> {{ start }}
                    then 'the first row starts at ' || cast(starts as string) || ': write {{ start }} as its {{ starts_at }}'
                when place > 1 and previous_ends is null
                    then 'the row before this one has no end, and only the last row may be open: write ' || cast(starts as string)
                        || ' as its {{ ends_at }}'
                when place > 1 and previous_ends < starts
                    then 'nothing covers ' || cast(previous_ends as string) || ' up to ' || cast(starts as string)
                        || ': write ' || cast(previous_ends as string) || ' as {{ starts_at }}, or '
                        || cast(starts as string) || ' as {{ ends_at }} of the row before'
                when place > 1 and previous_ends > starts
                    then 'two rows cover ' || cast(starts as string) || ' up to ' || cast(previous_ends as string)
                        || ': write ' || cast(previous_ends as string) || ' as {{ starts_at }}, or '
                        || cast(starts as string) || ' as {{ ends_at }} of the row before'
                when place_from_end = 1 and ends is not null
                    then 'nothing covers ' || cast(ends as string) || ' and more: leave {{ ends_at }} of the last row empty'
            end as problem
        from ordered
    )

    select *
    from judged
    where problem is not null
{% endtest %}
