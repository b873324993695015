{# Belongs here: how a model reads the files of frozen months. Not here: which versions there are (the frozen index decides that),
   or what is frozen (marts/month_figure_rows.sql and the mart kpi_month_figures). #}

{# The files' columns and types; a file from before a column reads as null there. #}
{% macro frozen_columns(kind) -%}
    {{ return({
        'versions': {
            'month_date': 'date', 'version': 'integer', 'is_latest': 'boolean', 'as_of_date': 'date', 'frozen_at': 'timestamp',
            'code_version': 'varchar', 'reason': 'varchar', 'manifest_sha256': 'varchar',
            'figures_path': 'varchar', 'rows_path': 'varchar'
        },
        'figures': {
            'month_date': 'date', 'version': 'integer', 'subject_level': 'varchar', 'subject_id': 'varchar', 'metric': 'varchar',
            'unit': 'varchar', 'changes_with_time': 'boolean', 'value': 'decimal(24, 6)', 'numerator': 'decimal(24, 6)',
            'denominator': 'decimal(24, 6)', 'target_value': 'decimal(18, 4)', 'target_direction': 'varchar',
            'target_weight': 'decimal(9, 6)', 'attainment_rate': 'double', 'actual_value_with_below': 'decimal(18, 2)',
            'attainment_with_below_rate': 'double', 'input_batches': 'varchar'
        },
        'rows': {
            'month_date': 'date', 'version': 'integer', 'metric': 'varchar', 'employee_id': 'varchar', 'department_id': 'varchar',
            'detail_mart': 'varchar', 'detail_key': 'varchar', 'value': 'decimal(24, 6)'
        }
    }[kind]) }}
{%- endmacro %}


{# Rows of every frozen version, as a table expression: kind is versions, figures or rows. Nothing frozen reads as a typed, empty table. #}
{% macro frozen(kind) -%}
    {{ return(adapter.dispatch('frozen_files', 'kpi_warehouse')(frozen_columns(kind), frozen_paths(kind))) }}
{%- endmacro %}


{# The files to read; none while dbt only parses, and none where nothing has ever been frozen. #}
{% macro frozen_paths(kind) -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set index = env_var('KPI_HOME') ~ '/warehouse/frozen_index.parquet' -%}
    {%- if not file_exists(index) -%}
        {%- if file_exists(env_var('KPI_HOME') ~ '/frozen/head.json') -%}
            {{ exceptions.raise_compiler_error(
                "months are frozen under " ~ env_var('KPI_HOME') ~ "/frozen, but there is no index of them at " ~ index
                ~ ". Run `kpi run`: it writes the index before it builds."
            ) }}
        {%- endif -%}
        {{ return([]) }}
    {%- endif -%}
    {%- if kind == 'versions' -%}{{ return([index]) }}{%- endif -%}
    {%- set found = run_query(
        "select " ~ kind ~ "_path from "
        ~ adapter.dispatch('frozen_files', 'kpi_warehouse')(frozen_columns('versions'), [index])
        ~ " order by month_date, version"
    ) -%}
    {{ return(found.columns[0].values() | list) }}
{%- endmacro %}


{% macro default__frozen_files(columns, paths) -%}
    {{ exceptions.raise_compiler_error("frozen() has no form for the engine '" ~ target.type ~ "'; add one in macros/frozen.sql") }}
{%- endmacro %}

{% macro duckdb__frozen_files(columns, paths) -%}
    {%- set typed = [] -%}
    {%- for name, data_type in columns.items() -%}
        {%- do typed.append("cast(null as " ~ data_type ~ ") as " ~ name) -%}
    {%- endfor -%}
    {%- set quoted = [] -%}
    {%- for path in paths -%}
        {%- do quoted.append("'" ~ (path | replace("'", "''")) ~ "'") -%}
    {%- endfor -%}
    {%- set shell = "select " ~ typed | join(', ') ~ " where false" -%}
    {%- if quoted -%}
        {%- set shell = shell ~ " union all by name select * from read_parquet([" ~ quoted | join(', ') ~ "], union_by_name = true)" -%}
    {%- endif -%}
    {{ return("(" ~ shell ~ ") as frozen_files") }}
{%- endmacro %}

{% macro spark__frozen_files(columns, paths) -%}
    {%- set known = [] -%}
    {%- if paths -%}
        {%- do known.extend(run_query('select * from ' ~ spark_files(paths) ~ ' limit 0').column_names) -%}
    {%- endif -%}
    {%- set typed = [] -%}
    {%- for name, data_type in columns.items() -%}
        {%- do typed.append("cast(" ~ (name if name in known else 'null') ~ " as " ~ spark_type(data_type) ~ ") as " ~ name) -%}
    {%- endfor -%}
    {{ return("(select " ~ typed | join(', ') ~ (' from ' ~ spark_files(paths) if paths else ' limit 0') ~ ") as frozen_files") }}
{%- endmacro %}
