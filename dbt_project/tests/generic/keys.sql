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
