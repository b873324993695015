{# Belongs here: the history of an entity from its landed versions. Not here: the history of one column from a change log
   (core_customer_owner_history, core_customer_relationship_history). #}

{# Every version of every record with the time it held: half-open intervals from `starts_at` on, without gap or overlap.

   A version holds from its updated_at. When another version with the same updated_at came before it, or it has none, nobody knows
   when it was written: it holds from when its batch saw it (observed_at). It never holds before the version it follows. Versions
   that differ in updated_at only are one version. A record is deleted while its version says so, and from the first complete
   batch without it until the batch that brings it back.

   columns: the contract's columns. starts_at: when a record begins, over the landed columns; where that is null, the first version
   begins the record. Gives the columns without deleted_at, valid_from_at, valid_to_at (null: open), is_current, is_deleted,
   gone_at (the effective instant of the deletion). #}
{% macro entity_history(entity, columns, starts_at) -%}
    {%- set has_updated_at = 'updated_at' in columns -%}
    {%- set has_deleted_at = 'deleted_at' in columns -%}
    {%- set content = columns | reject('equalto', 'updated_at') | list -%}
    with landed as (
        select
            _record_key,
            _row_number,
            batch_seq,
            {{ observed_at() }} as observed_at,
            {{ 'updated_at' if has_updated_at else 'cast(null as timestamp)' }} as updated_at,
            {{ 'deleted_at' if has_deleted_at else 'cast(null as timestamp)' }} as deleted_at,
            {{ starts_at }} as starts_at,
            {{ claimed_at(has_updated_at) }} as claimed_at,
            {{ fingerprint(content) }} as content
        from {{ ref('stg_contract__' ~ entity) }}
        {{ in_scope('_record_key') if model.config.meta.get('scope') }}
    ),

    -- Complete batches deliver the same row night after night; only its first arrival says something.
    deliveries as (
        select
            *,
            content is distinct from lag(content) over in_arrival
            or updated_at is distinct from lag(updated_at) over in_arrival
            or claimed_at is distinct from lag(claimed_at) over in_arrival as is_news
        from landed
        window in_arrival as (
            partition by _record_key
            order by batch_seq, _row_number
        )
    ),

    arrivals as (
        select
            _record_key,
            _row_number,
            batch_seq,
            observed_at,
            updated_at,
            deleted_at,
            starts_at,
            claimed_at,
            content,
            case
                when content is distinct from first_value(content) over (
                    partition by _record_key, updated_at
                    order by batch_seq, _row_number
                ) then 1
                else 0
            end as differs_from_first
        from deliveries
        where is_news
    ),

    dated as (
        select
            *,
            case
                when updated_at is null then observed_at
                when max(differs_from_first) over (
                    partition by _record_key, updated_at
                    order by batch_seq, _row_number
                    rows between unbounded preceding and current row
                ) = 1 then observed_at
                else claimed_at
            end as effective_at,
            case
                when content is distinct from lag(content) over (
                    partition by _record_key
                    order by claimed_at, batch_seq, _row_number
                ) then 1
                else 0
            end as is_new_content
        from arrivals
    ),

    runs as (
        select
            *,
            max(effective_at) over version_order as reached_at,
            sum(is_new_content) over version_order as version_number,
            row_number() over (
                partition by _record_key
                order by claimed_at desc, batch_seq desc, _row_number desc
            ) as version_age
        from dated
        window version_order as (
            partition by _record_key
            order by claimed_at, batch_seq, _row_number
            rows between unbounded preceding and current row
        )
    ),

    run_starts as (
        select
            _record_key,
            version_number,
            min(reached_at) as reached_at,
            min(version_age) as version_age
        from runs
        group by _record_key, version_number
    ),

    record_starts as (
        select
            newest._record_key,
            coalesce(newest.starts_at, firsts.reached_at) as starts_at
        from runs as newest
        inner join run_starts as firsts
            on
                newest._record_key = firsts._record_key
                and firsts.version_number = 1
        where newest.version_age = 1
    ),

    versions as (
        select
            runs._record_key,
            runs.batch_seq,
            runs._row_number,
            runs.version_number,
            runs.observed_at,
            runs.deleted_at,
            case
                when runs.version_number = 1 then record_starts.starts_at
                else greatest(run_starts.reached_at, record_starts.starts_at)
            end as version_from_at
        from runs
        inner join run_starts
            on
                runs._record_key = run_starts._record_key
                and runs.version_age = run_starts.version_age
        inner join record_starts on runs._record_key = record_starts._record_key
    ),

    neighbours as (
        select
            _record_key,
            version_from_at,
            deleted_at,
            least(deleted_at, observed_at) as deleted_from_at,
            lag(version_from_at) over version_order as previous_from_at,
            lag(deleted_at) over version_order as previous_deleted_at,
            lead(version_from_at) over version_order as version_to_at
        from versions
        window version_order as (
            partition by _record_key
            order by version_number
        )
    ),

    -- A deletion may have happened before the version that reports it was written, but not before the last version that was alive.
    said_deletions as (
        select
            _record_key,
            case
                when previous_from_at is null then greatest(deleted_from_at, version_from_at)
                when previous_deleted_at is not null then version_from_at
                when deleted_from_at > previous_from_at then deleted_from_at
                else version_from_at
            end as gone_from_at,
            version_to_at as gone_to_at
        from neighbours
        where deleted_at is not null
    ),

    appearances as (
        {{ appearances_of(entity) | indent(8) }}
    ),

    batches as (
        {{ batches_with_next_complete(entity) | indent(8) }}
    ),

    next_appearances as (
        select
            _record_key,
            batch_seq,
            lead(batch_seq) over (partition by _record_key order by batch_seq) as next_batch_seq,
            lead(observed_at) over (partition by _record_key order by batch_seq) as next_observed_at
        from appearances
    ),

    absences as (
        select
            next_appearances._record_key,
            batches.next_complete_at as gone_from_at,
            next_appearances.next_observed_at as gone_to_at
        from next_appearances
        inner join batches on next_appearances.batch_seq = batches.batch_seq
        where
            batches.next_complete_seq is not null
            and (next_appearances.next_batch_seq is null or batches.next_complete_seq < next_appearances.next_batch_seq)
    ),

    -- Everything that can change at an instant: the version, said deletions (+1, -1) and absences (+1, -1).
    boundaries as (
        select
            _record_key,
            version_from_at as occurred_at,
            version_number,
            0 as said_change,
            0 as absence_change,
            cast(null as timestamp) as absent_from_at
        from versions
        union all
        select
            _record_key,
            gone_from_at,
            null,
            1,
            0,
            null
        from said_deletions
        where gone_to_at is null or gone_from_at < gone_to_at
        union all
        select
            _record_key,
            gone_to_at,
            null,
            -1,
            0,
            null
        from said_deletions
        where gone_from_at < gone_to_at
        union all
        select
            _record_key,
            gone_from_at,
            null,
            0,
            1,
            gone_from_at
        from absences
        union all
        select
            _record_key,
            gone_to_at,
            null,
            0,
            -1,
            null
        from absences
        where gone_to_at is not null
    ),

    instants as (
        select
            boundaries._record_key,
            greatest(boundaries.occurred_at, record_starts.starts_at) as occurred_at,
            max(boundaries.version_number) as version_number,
            sum(boundaries.said_change) as said_change,
            sum(boundaries.absence_change) as absence_change,
            max(boundaries.absent_from_at) as absent_from_at
        from boundaries
        inner join record_starts on boundaries._record_key = record_starts._record_key
        group by boundaries._record_key, greatest(boundaries.occurred_at, record_starts.starts_at)
    ),

    states as (
        select
            _record_key,
            occurred_at,
            max(version_number) over so_far as version_number,
            sum(said_change) over so_far > 0 as is_said_deleted,
            sum(absence_change) over so_far > 0 as is_absent,
            max(absent_from_at) over so_far as absent_from_at
        from instants
        window so_far as (
            partition by _record_key
            order by occurred_at
            rows between unbounded preceding and current row
        )
    ),

    state_changes as (
        select
            *,
            version_number is distinct from lag(version_number) over in_time
            or (is_said_deleted or is_absent) is distinct from lag(is_said_deleted or is_absent) over in_time as is_change
        from states
        window in_time as (partition by _record_key order by occurred_at)
    ),

    segments as (
        select
            _record_key,
            version_number,
            occurred_at as valid_from_at,
            lead(occurred_at) over (partition by _record_key order by occurred_at) as valid_to_at,
            is_said_deleted or is_absent as is_deleted,
            case when is_absent then absent_from_at else occurred_at end as deleted_since_at
        from state_changes
        where is_change
    )

    select
        {% for column in columns if column != 'deleted_at' -%}
        landed_rows.{{ column }},
        {% endfor -%}
        segments.valid_from_at,
        segments.valid_to_at,
        segments.valid_to_at is null as is_current,
        segments.is_deleted,
        case when segments.is_deleted then coalesce(versions.deleted_at, segments.deleted_since_at) end as gone_at
    from segments
    inner join versions
        on
            segments._record_key = versions._record_key
            and segments.version_number = versions.version_number
    inner join {{ ref('stg_contract__' ~ entity) }} as landed_rows
        on
            versions.batch_seq = landed_rows.batch_seq
            and versions._row_number = landed_rows._row_number
            and versions._record_key = landed_rows._record_key
    {{ in_scope('landed_rows._record_key') if model.config.meta.get('scope') }}
{%- endmacro %}
