{# Belongs here: how a model reads the landing zone's files. Not here: which batches are visible (the landing index decides that). #}

{# Rows of an entity in every visible batch, as a table expression. Nothing landed reads as a typed, empty table. #}
{% macro landing(entity) -%}
    {%- set lineage = source('landing', entity) -%}
    {{ return(adapter.dispatch('landed_files', 'kpi_warehouse')(landing_paths(entity, 'data_path', 'rows_landed'), entity)) }}
{%- endmacro %}


{# Rejected rows of an entity in every visible batch, as a table expression. #}
{% macro landing_quarantine(entity) -%}
    {%- set lineage = source('landing', entity) -%}
    {{ return(adapter.dispatch('landed_files', 'kpi_warehouse')(landing_paths(entity, 'quarantine_path', 'rows_quarantined'), '_quarantine')) }}
{%- endmacro %}


{# The index of visible batches, as a table expression. #}
{% macro landing_index() -%}
    {%- if execute and not file_exists(landing_index_path()) -%}
        {{ exceptions.raise_compiler_error(
            "there is no landing index at " ~ landing_index_path() ~ ". Run `kpi run` first: it lands the source's tables and writes the index."
        ) }}
    {%- endif -%}
    {{ return(adapter.dispatch('landed_files', 'kpi_warehouse')([landing_index_path()])) }}
{%- endmacro %}


{% macro landing_index_path() -%}
    {{ return(env_var('KPI_HOME') ~ '/warehouse/landing_index.parquet') }}
{%- endmacro %}


{# Paths of the entity's files that hold rows, oldest first; empty while dbt only parses. #}
{% macro landing_paths(entity, path_column, rows_column) -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set index = landing_index() -%}
    {%- set found = run_query(
        "select " ~ path_column ~ " from " ~ index
        ~ " where entity = '" ~ entity ~ "' and " ~ rows_column ~ " > 0 order by batch_seq"
    ) -%}
    {{ return(found.columns[0].values() | list) }}
{%- endmacro %}


{% macro default__landed_files(paths, shell=none) -%}
    {{ exceptions.raise_compiler_error("landing() has no form for the engine '" ~ target.type ~ "'; add one in macros/landing.sql") }}
{%- endmacro %}

{% macro duckdb__landed_files(paths, shell=none) -%}
    {%- set shells = [] if shell is none else [env_var('KPI_HOME') ~ '/warehouse/shells/' ~ shell ~ '.parquet'] -%}
    {%- set quoted = [] -%}
    {%- for path in shells + (paths | list) -%}
        {%- do quoted.append("'" ~ (path | replace("'", "''")) ~ "'") -%}
    {%- endfor -%}
    {{ return("read_parquet([" ~ quoted | join(', ') ~ "], union_by_name = true)") }}
{%- endmacro %}


{% macro file_exists(path) -%}
    {{ return(adapter.dispatch('file_exists', 'kpi_warehouse')(path)) }}
{%- endmacro %}

{# An engine without a way to look asks the file itself, and fails with its own message. #}
{% macro default__file_exists(path) -%}
    {{ return(true) }}
{%- endmacro %}

{% macro duckdb__file_exists(path) -%}
    {%- set found = run_query("select count(*) from glob('" ~ (path | replace("'", "''")) ~ "')") -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{%- endmacro %}
