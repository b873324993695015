{# Belongs here: generic tests about windows that a company edits. Each returns the offending rows. #}

{# Every window is a whole number of days within the bounds (each inclusive); the finding says what to write instead. #}
{% test windows_within(model, column_name, min_days, max_days) %}
    select
        {{ column_name }},
        'a window of ' || coalesce(cast({{ column_name }} as string), 'no') || ' days: '
        || 'give a whole number from {{ min_days }} to {{ max_days }}' as problem
    from {{ model }}
    where
        {{ column_name }} is null
        or {{ column_name }} < {{ min_days }}
        or {{ column_name }} > {{ max_days }}
        or {{ column_name }} <> floor({{ column_name }})
{% endtest %}
