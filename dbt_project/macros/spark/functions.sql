{# Belongs here: dbt's own cross-database macros where dbt-spark's form means something else than DuckDB's. Not here: the project's own
   macros, whose Spark forms stand beside their others.
   dbt-spark's forms were made for instants with a time zone: they lose fractions of a second. #}

{# Spark truncates instants with a time zone only; in a session in UTC nothing is shifted on the way. #}
{% macro spark__date_trunc(datepart, date) -%}
    cast(date_trunc('{{ datepart }}', {{ date }}) as timestamp_ntz)
{%- endmacro %}


{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, {{ interval }}, cast({{ from_date_or_timestamp }} as timestamp_ntz))
{%- endmacro %}


{# How many boundaries of the part lie between the two. #}
{% macro spark__datediff(first_date, second_date, datepart) -%}
    {%- if datepart == 'day' -%}
        datediff(cast({{ second_date }} as date), cast({{ first_date }} as date))
    {%- else -%}
        timestampdiff({{ datepart }}, {{ dbt.date_trunc(datepart, first_date) }}, {{ dbt.date_trunc(datepart, second_date) }})
    {%- endif -%}
{%- endmacro %}


{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    listagg({{ measure }}, {{ delimiter_text }}) within group ({{ order_by_clause }})
{%- endmacro %}


{# A model's type as Spark writes it. #}
{% macro spark_type(data_type) -%}
    {%- set types = {'varchar': 'string', 'varchar[]': 'array<string>', 'timestamp': 'timestamp_ntz', 'hugeint': 'decimal(38, 0)'} -%}
    {{ return(types.get(data_type | lower, data_type)) }}
{%- endmacro %}


{% macro spark_text(value) -%}
    {{ return("'" ~ (value | string | replace('\\', '\\\\') | replace("'", "\\'")) ~ "'") }}
{%- endmacro %}


{# What an enforced contract compares a model's columns with. #}
{% macro spark__get_empty_schema_sql(columns) -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ spark_type(column.data_type) }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
    limit 0
{%- endmacro %}
