with labels as (
    select * from {{ ref('labels') }}
),

final as (
    select
        cast(labels.domain as string) as domain,
        cast(labels.code as string) as code,
        cast(labels.label_vi as string) as label_vi,
        cast(labels.label_en as string) as label_en,
        cast(labels.sort_order as integer) as sort_order
    from labels
)

select * from final
