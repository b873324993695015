{# Belongs here: how an access view filters rows that are a department's. Not here: rows that are a person's (access.sql). #}

{# Whether the viewer may see this department through one of the reports. #}
{% macro in_viewer_department_scope(department_column, reports) -%}
    exists (
        select 1
        from {{ in_this_database(ref('core_department_scope')) }} as department_scope
        where
            department_scope.department_id = {{ department_column }}
            and lower(department_scope.viewer_email) = {{ current_viewer() }}
            and department_scope.report in ('{{ reports | join("', '") }}')
    )
{%- endmacro %}
