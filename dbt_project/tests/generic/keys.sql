{# Belongs here: generic tests about keys and missing values. Each returns the offending rows. #}

{# No two rows share the columns' values; nulls compare as equal. #}
{% test unique_combination(model, columns) %}
    select
        {{ columns | join(', ') }},
        count(*) as number_of_rows,
        cast(count(*) as varchar) || ' rows have the same {{ columns | join(', ') }}: there may be one' as problem
    from {{ groups_to_test(model, columns) }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}


{# None of the columns is null in any row; one row per column that is, with how often. #}
{% test not_null_columns(model, columns) %}
    {%- for column in columns %}
    select
        '{{ column }}' as column_name,
        count(*) as number_of_nulls,
        '{{ column }} is empty: every row needs a value there' as problem
    from {{ rows_to_test(model) }}
    where {{ adapter.quote(column) }} is null
    having count(*) > 0
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{% endtest %}
