{# Belongs here: generic tests about the values of rows and tables. Each returns the offending rows. #}

{# Values lie between min_value and max_value (each inclusive, each optional); null passes. #}
{% test accepted_range(model, column_name, min_value=none, max_value=none) %}
    select {{ column_name }}
    from {{ model }}
    where
        false
        {%- if min_value is not none %}
        or {{ column_name }} < {{ min_value }}
        {%- endif %}
        {%- if max_value is not none %}
        or {{ column_name }} > {{ max_value }}
        {%- endif %}
{% endtest %}


{# An expression over a row's columns is true in every row; null fails. `problem` says it in words, for tables that people edit. #}
{% test expression_is_true(model, expression, problem=none) %}
    select
        *
        {%- if problem is not none %},
        '{{ problem | replace("'", "''") }}' as problem
        {%- endif %}
    from {{ rows_to_test(model) }}
    where ({{ expression }}) is not true
{% endtest %}


{# The table has as many rows as another one; `where` narrows this one, `compare_where` the other. #}
{% test equal_rowcount(model, compare_model, where='true', compare_where='true') %}
    select *
    from (
        select
            (select count(*) from {{ model }} where {{ where }}) as rows_here,
            (select count(*) from {{ compare_model }} where {{ compare_where }}) as rows_there
    ) as counts
    where rows_here <> rows_there
{% endtest %}


{# The table is empty; its rows are the finding. #}
{% test no_rows(model) %}
    select *
    from {{ model }}
{% endtest %}


{# The current rows of a history say the same as the current table, in every column they share; `key` is one of these and names the
   record. #}
{% test current_rows_equal(model, compare_model, key) %}
    {%- set shared = [] -%}
    {%- if execute -%}
        {%- set there = adapter.get_columns_in_relation(compare_model) | map(attribute='name') | list -%}
        {%- for column in adapter.get_columns_in_relation(model) if column.name in there -%}
            {%- do shared.append(column.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set columns = shared | join(', ') or '*' -%}
    {%- set here = rows_of_changed(model, key, [model, compare_model]) -%}
    {%- set compared = rows_of_changed(compare_model, key, [model, compare_model]) %}
    (
        select {{ columns }} from {{ here }} as history where is_current
        except
        select {{ columns }} from {{ compared }} as now
    )
    union all
    (
        select {{ columns }} from {{ compared }} as now
        except
        select {{ columns }} from {{ here }} as history where is_current
    )
{% endtest %}


{# A seed has a row for every combination of the values given per column: {column: [values], ...}. #}
{% test covers_combinations(model, values) %}
    with
    {%- for column, members in values.items() %}
    values_{{ loop.index }} as (
        {%- for member in members %}
        select '{{ member }}' as {{ column }}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ),
    {%- endfor %}

    wanted as (
        select *
        from values_1
        {%- for column in values %}
        {%- if not loop.first %}
        cross join values_{{ loop.index }}
        {%- endif %}
        {%- endfor %}
    )

    select
        wanted.*,
        'there is no row for '
        {%- for column in values %}
        || '{{ column }} ' || wanted.{{ column }}
        {%- if not loop.last %} || ', ' {%- endif %}
        {%- endfor %}
        || ': add one and say whether it counts' as problem
    from wanted
    left join {{ model }} as given
        on
            true
            {%- for column in values %}
            and wanted.{{ column }} = given.{{ column }}
            {%- endfor %}
    where given.{{ values.keys() | first }} is null
{% endtest %}


{# A column of a table that people edit holds one of the words (null passes); the finding lists them. #}
{% test one_of(model, column_name, values) %}
    select
        {{ column_name }},
        '{{ column_name }} ''' || {{ column_name }} || ''' is not known: write one of {{ values | join(', ') }}' as problem
    from {{ model }}
    where {{ column_name }} not in (
        {%- for value in values %}'{{ value }}'{% if not loop.last %}, {% endif %}{% endfor -%}
    )
{% endtest %}


{# Every code of a column has its words in the seed of labels; without them people read the code. #}
{% test labelled(model, column_name, labels, domain) %}
    select
        given.{{ column_name }},
        '{{ column_name }} ' || given.{{ column_name }} || ' has no words to show: add a row that starts with {{ domain }},'
        || given.{{ column_name }} || ' to seeds/labels.csv' as problem
    from {{ model }} as given
    left join {{ labels }} as labels
        on
            labels.domain = '{{ domain }}'
            and labels.code = given.{{ column_name }}
    where labels.code is null
{% endtest %}


{# A table that people edit has the one row that the models cannot do without. #}
{% test has_row(model, column, value, meaning) %}
    select 'there is no row with {{ column }} {{ value }}, for {{ meaning }}: add one' as problem
    where not exists (select 1 from {{ model }} where {{ column }} = '{{ value }}')
{% endtest %}
