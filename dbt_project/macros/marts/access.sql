{# Belongs here: how an access view filters a mart to what its viewer may see.
   Not here: who the viewer is (current_viewer) and whom a viewer may see (core_employee_scope). #}

{# Whether the viewer may see this owner through one of the reports; no reports given means any report.
   `exists`, and not a join: an owner reached through two reports is one row. #}
{% macro in_viewer_scope(owner_column, reports=none) -%}
    exists (
        select 1
        from {{ in_this_database(ref('core_employee_scope')) }} as employee_scope
        where
            employee_scope.employee_id = {{ owner_column }}
            and lower(employee_scope.viewer_email) = {{ current_viewer() }}
            {%- if reports %}
            and employee_scope.report in ('{{ reports | join("', '") }}')
            {%- endif %}
    )
{%- endmacro %}


{# A relation named without its database: a view written so works in every file that holds the same schemas,
   the published copies above all. #}
{% macro in_this_database(relation) -%}
    {{ return(relation.include(database=false)) }}
{%- endmacro %}
