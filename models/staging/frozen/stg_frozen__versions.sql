with frozen_rows as (
    select * from {{ frozen('versions') }}
),

final as (
    select
        month_date,
        version,
        is_latest,
        as_of_date,
        frozen_at,
        code_version,
        reason,
        manifest_sha256,
        figures_path,
        rows_path
    from frozen_rows
)

select * from final
