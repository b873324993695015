{# Belongs here: generic tests about keys and missing values. Each returns the offending rows. #}

{# What every table promises, in one test: no two rows share the key (nulls compare as equal), and no required column is null in any row.
   One row per key that is shared, with the key, and one per column that is null somewhere, with how often. The two questions are one
   test because what dbt does around a test costs more than either. #}
{% test key_and_values(model, key, required) %}
    with shared_keys as (
        select
            {{ key | join(', ') }},
            count(*) as number_of_rows
        from {{ groups_to_test(model, key) }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    ),

    counted as (
        select
            {%- for column in required %}
            count(*) - count({{ adapter.quote(column) }}) as nulls_{{ loop.index }}
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        from {{ rows_to_test(model) }}
    )

    select
        'key' as rule,
        {{ key | join(', ') }},
        number_of_rows,
        cast(number_of_rows as string) || ' rows have the same {{ key | join(', ') }}: there may be one' as problem
    from shared_keys
    {%- for column in required %}
    union all
    select
        'required value' as rule,
        {{ (['null'] * key | length) | join(', ') }},
        nulls_{{ loop.index }} as number_of_rows,
        '{{ column }} is empty: every row needs a value there' as problem
    from counted
    where nulls_{{ loop.index }} > 0
    {%- endfor %}
{% endtest %}


{# No two rows share the columns' values; nulls compare as equal. #}
{% test unique_combination(model, columns) %}
    select
        {{ columns | join(', ') }},
        count(*) as number_of_rows,
        cast(count(*) as string) || ' rows have the same {{ columns | join(', ') }}: there may be one' as problem
    from {{ groups_to_test(model, columns) }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}


{# None of the columns is null in any row; one row per column that is, with how often. The table is read once for all columns. #}
{% test not_null_columns(model, columns) %}
    with counted as (
        select
            {%- for column in columns %}
            count(*) - count({{ adapter.quote(column) }}) as nulls_{{ loop.index }}
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        from {{ rows_to_test(model) }}
    )
    {% for column in columns %}
    select
        '{{ column }}' as column_name,
        nulls_{{ loop.index }} as number_of_nulls,
        '{{ column }} is empty: every row needs a value there' as problem
    from counted
    where nulls_{{ loop.index }} > 0
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{% endtest %}
