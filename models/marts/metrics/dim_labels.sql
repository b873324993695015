with labels as (
    select * from {{ ref('labels') }}
),

final as (
    select
        cast(labels.domain as varchar) as domain,
        cast(labels.code as varchar) as code,
        cast(labels.label_vi as varchar) as label_vi,
        cast(labels.label_en as varchar) as label_en,
        cast(labels.sort_order as integer) as sort_order
    from labels
)

select * from final
