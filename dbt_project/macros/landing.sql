{# Belongs here: how a model reads the landing zone's files. Not here: which batches are visible (the landing index decides that). #}

{# Rows of an entity in every visible batch, as a table expression. Nothing landed reads as a typed, empty table. #}
{% macro landing(entity) -%}
    {%- set lineage = source('landing', entity) -%}
    {{ return(landed_rows(entity, 'data_path', 'rows_landed', entity)) }}
{%- endmacro %}


{# Rejected rows of an entity in every visible batch, as a table expression. #}
{% macro landing_quarantine(entity) -%}
    {%- set lineage = source('landing', entity) -%}
    {{ return(landed_rows(entity, 'quarantine_path', 'rows_quarantined', '_quarantine')) }}
{%- endmacro %}


{# Rows of batches in files of their own, and of compacted batches, which share a segment's file. #}
{% macro landed_rows(entity, path_column, rows_column, shell) -%}
    {%- set batches = landing_batches(entity, path_column, rows_column) -%}
    {%- set paths = batches | selectattr('number', 'none') | map(attribute='path') | list -%}
    {%- set compacted = batches | rejectattr('number', 'none') | list -%}
    {%- set rows = adapter.dispatch('landed_files', 'kpi_warehouse')(paths, shell) -%}
    {%- if compacted -%}
        {%- set rows = '(select * from ' ~ rows ~ ' union all by name select * from ' ~
            adapter.dispatch('compacted_batches', 'kpi_warehouse')(compacted) ~ ')' -%}
    {%- endif -%}
    {{ return(rows) }}
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


{# The entity's batches that hold rows, oldest first, each with its file and, if it is compacted, its number in there;
   empty while dbt only parses. #}
{% macro landing_batches(entity, path_column, rows_column) -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set index = landing_index() -%}
    {%- set found = run_query(
        "select " ~ path_column ~ ", segment_number, batch_id, cast(batch_date as varchar) from " ~ index
        ~ " where entity = '" ~ entity ~ "' and " ~ rows_column ~ " > 0 order by batch_seq"
    ) -%}
    {%- set batches = [] -%}
    {%- for path, number, batch_id, batch_date in found.rows -%}
        {%- do batches.append({'path': path, 'number': none if number is none else number | int, 'batch_id': batch_id, 'batch_date': batch_date}) -%}
    {%- endfor -%}
    {{ return(batches) }}
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


{% macro default__compacted_batches(batches) -%}
    {{ exceptions.raise_compiler_error("landing() cannot read segments on the engine '" ~ target.type ~ "'; add a form in macros/landing.sql") }}
{%- endmacro %}

{# Every row of a segment as often as it was delivered: the same as `expanded_sql` in orchestration/landing/reading.py. #}
{% macro duckdb__compacted_batches(batches) -%}
    {%- set paths = [] -%}
    {%- set values = [] -%}
    {%- for batch in batches -%}
        {%- set path = "'" ~ (batch.path | replace("'", "''")) ~ "'" -%}
        {%- if path not in paths -%}{%- do paths.append(path) -%}{%- endif -%}
        {%- do values.append("(" ~ path ~ ", " ~ batch.number ~ ", '" ~ batch.batch_id ~ "', date '" ~ batch.batch_date ~ "')") -%}
    {%- endfor -%}
    (
        select
            deliveries.* exclude (_run, _segment, _number),
            batches.batch_id as _batch_id,
            batches.batch_date as _batch_date,
            deliveries._run.row_number as _row_number
        from (
            select *, unnest(range(_run.first_batch, _run.last_batch + 1)) as _number
            from (
                select * exclude (_deliveries), unnest(_deliveries) as _run
                from read_parquet([{{ paths | join(', ') }}], union_by_name = true, filename = '_segment')
            )
        ) as deliveries
        inner join (values {{ values | join(', ') }}) as batches(path, number, batch_id, batch_date)
            on deliveries._segment = batches.path and deliveries._number = batches.number
    )
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
