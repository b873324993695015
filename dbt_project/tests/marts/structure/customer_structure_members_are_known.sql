-- Every member of a dimension is an id of its list of names or a code of its seed, so that each has a name to show.
with known as (
    {% for dimension, list, key in [
        ('relationship', 'dim_relationships', 'relationship_id'),
        ('source', 'dim_sources', 'source_id'),
        ('industry', 'dim_industries', 'industry_id'),
        ('province', 'dim_provinces', 'province_id'),
        ('age_band', 'age_bands', 'age_band'),
        ('contact_age_band', 'age_bands', 'age_band'),
        ('care_recency', 'recency_buckets', 'bucket'),
    ] %}
    select
        '{{ dimension }}' as dimension,
        {{ key }} as member_id
    from {{ ref(list) }}
    union all
    {% endfor %}
    select
        domain as dimension,
        code as member_id
    from {{ ref('labels') }}
    where domain = 'gender'
),

final as (
    select
        structure.dimension,
        structure.member_id
    from {{ ref('kpi_customer_structure') }} as structure
    left join known
        on
            structure.dimension = known.dimension
            and structure.member_id = known.member_id
    where known.member_id is null
)

select * from final
