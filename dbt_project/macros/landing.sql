{# Belongs here: how a model reads the landing zone's files. Not here: which batches are visible (the landing index decides that). #}

{# Rows of an entity in every visible batch, as a table expression. Nothing landed reads as a typed, empty table. #}
{% macro landing(entity) -%}
    {%- set lineage = source('landing', entity) -%}
    {{ return(landed_rows(entity, 'data_path', 'rows_landed', entity)) }}
{%- endmacro %}


{# Rejected rows of an entity in every visible batch, as a table expression. #}
{% macro landing_quarantine(entity) -%}
    {%- set lineage = source('landing', entity) -%}
    {{ return(landed_rows(entity, 'quarantine_path', 'rows_quarantined', 'rejected_rows')) }}
{%- endmacro %}


{# Rows of batches in files of their own, and of compacted batches, which share a segment's file. #}
{% macro landed_rows(entity, path_column, rows_column, shell) -%}
    {%- set batches = landing_batches(entity, path_column, rows_column) -%}
    {%- set paths = batches | selectattr('number', 'none') | map(attribute='path') | list -%}
    {%- set compacted = batches | rejectattr('number', 'none') | list -%}
    {%- set rows = adapter.dispatch('landed_files', 'kpi_warehouse')(paths, shell) -%}
    {%- if compacted -%}
        {%- set rows = adapter.dispatch('landed_and_compacted', 'kpi_warehouse')(
            rows, adapter.dispatch('compacted_batches', 'kpi_warehouse')(compacted, shell)
        ) -%}
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
        "select " ~ path_column ~ ", segment_number, batch_id, cast(batch_date as string) from " ~ index
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


{# The columns of a shell, as a list: Spark's SQL puts rows together by the place of a column only. #}
{% macro spark_shell_columns(shell) -%}
    {%- set found = run_query('select * from ' ~ spark_files([spark_shell_path(shell)]) ~ ' limit 0') -%}
    {{ return(found.column_names | list) }}
{%- endmacro %}

{% macro spark_shell_path(shell) -%}
    {{ return(env_var('KPI_HOME') ~ '/warehouse/shells/' ~ shell ~ '.parquet') }}
{%- endmacro %}

{# Files as one relation with the columns that any of them has; a column that a file lacks is null in its rows. #}
{% macro spark_files(paths) -%}
    {%- set escaped = [] -%}
    {%- for path in paths -%}
        {%- set letters = [] -%}
        {%- for letter in path -%}
            {%- do letters.append('\\' ~ letter if letter in '\\{}[]*?,' else letter) -%}
        {%- endfor -%}
        {%- do escaped.append(letters | join | replace('`', '``')) -%}
    {%- endfor -%}
    {#- A pattern has to begin with the root, or it is looked for below the working directory. -#}
    {{ return('parquet.`/{' ~ escaped | map('trim', '/') | join(',') ~ '}`') }}
{%- endmacro %}

{% macro spark__landed_files(paths, shell=none) -%}
    {%- if shell is none -%}{{ return(spark_files(paths)) }}{%- endif -%}
    {%- if not execute -%}{{ return('(select 1 as nothing) as landed_rows') }}{%- endif -%}
    {{ return(
        '(select ' ~ spark_shell_columns(shell) | join(', ') ~ ' from ' ~ spark_files([spark_shell_path(shell)] + (paths | list)) ~ ') as landed_rows'
    ) }}
{%- endmacro %}


{# Rows in files of their own and rows of segments, as one relation. #}
{% macro default__landed_and_compacted(landed, compacted) -%}
    {{ exceptions.raise_compiler_error("landing() cannot read segments on the engine '" ~ target.type ~ "'; add a form in macros/landing.sql") }}
{%- endmacro %}

{% macro duckdb__landed_and_compacted(landed, compacted) -%}
    {{ return('(select * from ' ~ landed ~ ' union all by name select * from ' ~ compacted ~ ')') }}
{%- endmacro %}

{# Both name the shell's columns, in its order. #}
{% macro spark__landed_and_compacted(landed, compacted) -%}
    {{ return('(select * from ' ~ landed ~ ' union all select * from ' ~ compacted ~ ') as all_rows') }}
{%- endmacro %}


{% macro default__compacted_batches(batches, shell) -%}
    {{ exceptions.raise_compiler_error("landing() cannot read segments on the engine '" ~ target.type ~ "'; add a form in macros/landing.sql") }}
{%- endmacro %}

{# Every row of a segment as often as it was delivered: the same as `expanded_sql` in orchestration/landing/reading.py. #}
{% macro duckdb__compacted_batches(batches, shell) -%}
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

{# The same; every segment by itself, so that its rows know which one it is. #}
{% macro spark__compacted_batches(batches, shell) -%}
    {%- set given = {'_batch_id': 'batches.batch_id', '_batch_date': 'batches.batch_date', '_row_number': 'deliveries._run.row_number'} -%}
    {%- set columns = spark_shell_columns(shell) -%}
    {%- set content = columns | reject('in', given) | list -%}
    {%- set values = [] -%}
    {%- for batch in batches -%}
        {%- do values.append("(" ~ spark_text(batch.path) ~ ", " ~ batch.number ~ ", '" ~ batch.batch_id ~ "', date '" ~ batch.batch_date ~ "')") -%}
    {%- endfor -%}
    (
        select
            {% for column in columns -%}
            {{ given[column] ~ ' as ' ~ column if column in given else 'deliveries.' ~ column }}{{ ', ' if not loop.last }}
            {%- endfor %}
        from (
            select *, explode(sequence(_run.first_batch, _run.last_batch)) as _number
            from (
                {% for path in batches | map(attribute='path') | unique -%}
                select {{ content | join(', ') }}, explode(_deliveries) as _run, {{ spark_text(path) }} as _segment
                from {{ spark_files([spark_shell_path(shell), path]) }}
                {{ 'union all' if not loop.last }}
                {% endfor -%}
            ) as runs
        ) as deliveries
        inner join (values {{ values | join(', ') }}) as batches(path, number, batch_id, batch_date)
            on deliveries._segment = batches.path and deliveries._number = batches.number
    ) as compacted_rows
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

{# A pattern that finds nothing at all is an error: it is looked for together with the index, which every build has. #}
{% macro spark__file_exists(path) -%}
    {%- if path == landing_index_path() -%}{{ return(true) }}{%- endif -%}
    {%- set both = spark_files([landing_index_path(), path]) | replace('parquet.', 'binaryFile.', 1) -%}
    {%- set found = run_query('select count(*) from (select path from ' ~ both ~ ') as files') -%}
    {{ return(found.columns[0].values()[0] > 1) }}
{%- endmacro %}
