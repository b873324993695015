{# Belongs here: whom the names of plain lists are shown to. Not here: rows that belong to somebody (access.sql). #}

{# Whether the viewer has a right in any report, over people or over departments: enough for what is nobody's data. #}
{% macro viewer_has_any_scope() -%}
    (
        exists (
            select 1
            from {{ in_this_database(ref('core_employee_scope')) }} as employee_scope
            where lower(employee_scope.viewer_email) = {{ current_viewer() }}
        )
        or exists (
            select 1
            from {{ in_this_database(ref('core_department_scope')) }} as department_scope
            where lower(department_scope.viewer_email) = {{ current_viewer() }}
        )
    )
{%- endmacro %}
