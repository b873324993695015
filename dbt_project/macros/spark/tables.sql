{# Belongs here: how tables come about on Spark. Not here: what is in them.

   Plain Parquet tables know neither transactions nor deleting rows. A table is written whole into a folder of its own, and then its entry
   in the catalog is pointed there: a reader finds the old rows or the new ones, and one that is still reading keeps its files. The
   folders that no entry names any more are cleared away after the build, not by dbt, which has no hand on files. #}

{% materialization table, adapter='spark' %}
    {{ return({'relations': [replaced_table(sql)]}) }}
{% endmaterialization %}


{% materialization updated, adapter='spark' %}
    {{ return({'relations': [replaced_table(sql)]}) }}
{% endmaterialization %}


{# dbt-spark's own writes texts without escaping them, and what is empty as the text None. #}
{% materialization seed, adapter='spark' %}
    {%- set rows = load_agate_table() -%}
    {%- do store_result('agate_table', response='OK', agate_table=rows) -%}
    {%- set types = config.get('column_types', {}) -%}
    {%- set lines = [] -%}
    {%- for row in rows.rows -%}
        {%- set values = [] -%}
        {%- for value in row -%}
            {%- do values.append('null' if value is none else spark_text(value)) -%}
        {%- endfor -%}
        {%- do lines.append('(' ~ values | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- set columns = [] -%}
    {%- for name in rows.column_names -%}
        {%- if name not in types -%}
            {{ exceptions.raise_compiler_error("the seed " ~ model.name ~ " has a column " ~ name ~ " without a type; add one to dbt_project.yml") }}
        {%- endif -%}
        {%- do columns.append('cast(' ~ name ~ ' as ' ~ spark_type(types[name]) ~ ') as ' ~ name) -%}
    {%- endfor -%}
    {#- A seed without rows still has its columns. -#}
    {%- set nothing = '(' ~ (['null'] * (rows.column_names | length)) | join(', ') ~ ')' -%}
    {%- set sql -%}
    select {{ columns | join(', ') }}
    from values {{ lines | join(', ') if lines else nothing }} as seed ({{ rows.column_names | join(', ') }})
    {{ 'limit 0' if not lines }}
    {%- endset -%}
    {{ return({'relations': [replaced_table(sql)]}) }}
{% endmaterialization %}


{# Without ANSI, Spark makes null of what it cannot convert and of sums that are too large. dbt-spark switches it off for every statement,
   unless it is started through orchestration/spark_dbt.py. #}
{% macro assert_ansi() -%}
    {%- if run_query('set spark.sql.ansi.enabled').columns[1].values()[0] != 'true' -%}
        {{ exceptions.raise_compiler_error("Spark runs without ANSI, which turns errors into nulls. Start dbt as docs/spark.md says: python -m orchestration.spark_dbt") }}
    {%- endif -%}
{%- endmacro %}


{# The table of the model at hand, with the rows of a query instead of those it has. #}
{% macro replaced_table(sql) -%}
    {%- do assert_ansi() -%}
    {%- set target_table = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
        {%- set existing = none -%}
    {%- endif -%}
    {%- set beside = api.Relation.create(schema=this.schema, identifier=this.identifier ~ '__beside', type='table') -%}
    {%- set folder = spark_text(env_var('KPI_SPARK_WAREHOUSE', env_var('KPI_HOME') ~ '/warehouse/spark') ~ '/tables/' ~ this.schema ~ '/'
        ~ this.identifier ~ '/' ~ invocation_id) -%}

    {{ run_hooks(pre_hooks) }}
    {%- do run_query('drop table if exists ' ~ beside) -%}
    {%- if config.get('contract') and config.get('contract').enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
        {%- set names = [] -%}
        {%- set typed = [] -%}
        {%- for column in model.columns.values() -%}
            {%- do names.append(column.name) -%}
            {%- do typed.append(column.name ~ ' ' ~ spark_type(column.data_type) ~ ' comment ' ~ spark_text(column.description)) -%}
        {%- endfor -%}
        {%- do run_query('create table ' ~ beside ~ ' (' ~ typed | join(', ') ~ ') using parquet location ' ~ folder
            ~ ' comment ' ~ spark_text(model.description)) -%}
        {% call statement('main') -%}
            insert into {{ beside }}
            select {{ names | join(', ') }}
            from (
                {{ sql }}
            ) as built
        {%- endcall %}
    {%- else -%}
        {% call statement('main') -%}
            create table {{ beside }} using parquet location {{ folder }} comment {{ spark_text(model.description) }} as
            {{ sql }}
        {%- endcall %}
    {%- endif -%}
    {%- do swapped_table(existing, target_table, beside, folder) -%}
    {{ run_hooks(post_hooks) }}
    {{ return(target_table) }}
{%- endmacro %}


{# Where the columns are the same the entry is only pointed elsewhere, and there is no moment without the table. #}
{% macro swapped_table(existing, target_table, beside, folder) -%}
    {%- set same = existing is not none
        and described_columns(target_table) == described_columns(beside) -%}
    {%- if same -%}
        {%- do run_query('alter table ' ~ target_table ~ ' set location ' ~ folder) -%}
        {%- do run_query('drop table ' ~ beside) -%}
    {%- else -%}
        {%- do run_query('drop table if exists ' ~ target_table) -%}
        {%- do run_query('alter table ' ~ beside ~ ' rename to ' ~ target_table) -%}
    {%- endif -%}
{%- endmacro %}


{% macro described_columns(relation) -%}
    {%- set described = [] -%}
    {%- for row in run_query('describe table ' ~ relation).rows -%}
        {%- do described.append(row.values() | list) -%}
    {%- endfor -%}
    {{ return(described) }}
{%- endmacro %}
