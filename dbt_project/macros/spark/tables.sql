{# Belongs here: how tables come about on Spark. Not here: what is in them.

   Plain Parquet tables know neither transactions nor deleting rows. A table is written whole into a folder of its own, and then its entry
   in the catalog is pointed there: a reader finds the old rows or the new ones, and one that is still reading keeps its files. The
   folders that no entry names any more are cleared away after the build, not by dbt, which has no hand on files. #}

{% materialization table, adapter='spark' %}
    {{ return({'relations': [replaced_table(sql)]}) }}
{% endmaterialization %}


{% materialization updated, adapter='spark' %}
    {{ return({'relations': [spark_updated_table(sql) if only_changes() else replaced_table(sql)]}) }}
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
    {%- set folder = spark_folder(this.schema, this.identifier) -%}

    {{ run_hooks(pre_hooks) }}
    {%- do run_query('drop table if exists ' ~ beside) -%}
    {%- if config.get('contract') and config.get('contract').enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
        {%- set names = [] -%}
        {%- set typed = [] -%}
        {%- for column in model.columns.values() -%}
            {%- do names.append(column.name) -%}
            {%- do typed.append(column.name ~ ' ' ~ spark_type(column.data_type) ~ ' comment ' ~ spark_column_comment(column.description)) -%}
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


{# Hive's catalog keeps 256 letters of a column's comment. It tries ten times to write a longer one, for 20 seconds in which no other table is
   found, and then keeps the columns in a form that only Spark reads. #}
{% macro spark_column_comment(description) -%}
    {{ return(spark_text(description if description | length <= 256 else description[:255] ~ '…')) }}
{%- endmacro %}


{# Where a table's files go in this build, as a text of SQL. #}
{% macro spark_folder(schema, identifier) -%}
    {%- set warehouse = env_var('KPI_SPARK_WAREHOUSE', env_var('KPI_HOME') ~ '/warehouse/spark') -%}
    {{ return(spark_text(warehouse ~ '/tables/' ~ schema ~ '/' ~ identifier ~ '/' ~ invocation_id)) }}
{%- endmacro %}


{# The same as updated_table does on DuckDB (macros/updated.sql), without deleting rows: a table in which rows changed is written anew, from
   those that stay and those that come; one in which none did is left alone. #}
{% macro spark_updated_table(sql) -%}
    {%- do assert_ansi() -%}
    {%- set target_table = this.incorporate(type='table') -%}
    {%- set beside = api.Relation.create(schema=this.schema, identifier=this.identifier ~ '__beside', type='table') -%}
    {%- set names = [] -%}
    {%- for column in model.columns -%}
        {%- do names.append(adapter.quote(column)) -%}
    {%- endfor -%}
    {%- set listed = names | join(', ') -%}
    {%- set scope = model.config.meta.get('scope') -%}
    {%- set daily = model.config.meta.get('daily') -%}
    {%- set changed = changes(this.identifier) -%}
    {%- set built = 'built_' ~ model.name -%}
    {%- set folder = spark_folder(this.schema, this.identifier) -%}

    {#- The rows that stand, with what a formula gives a daily column by now. -#}
    {%- set standing -%}
    select
        {%- for column in model.columns %}
        {% if daily and column == daily.column -%}
        case when {{ daily.rows }} then {{ daily.value }} else {{ column }} end as {{ column }}
        {%- else -%}
        {{ adapter.quote(column) }}
        {%- endif -%}
        {{ ',' if not loop.last }}
        {%- endfor %}
    from {{ target_table }}
    {%- endset -%}

    {{ run_hooks(pre_hooks) }}
    {%- do run_query('create schema if not exists changes') -%}
    {%- if scope -%}
        {%- do spark_kept('touched_' ~ model.name, 'select distinct * from (' ~ scope.touched ~ ') as touched') -%}
    {%- endif -%}
    {%- do spark_kept(built, sql) -%}
    {%- do run_query('drop table if exists ' ~ changed) -%}
    {% call statement('main') -%}
        create table {{ changed }} using parquet location {{ spark_folder('changes', this.identifier) }} as
        with standing as (
            select {{ listed }}
            from (
                {{ standing }}
            ) as now
            {{ 'where ' ~ scope.column ~ ' in (' ~ touched_keys() ~ ')' if scope }}
        )

        select
            'removed' as _change,
            standing.*
        from standing
        anti join {{ built }} as built
            on {{ spark_same_row('standing', 'built') }}
        union all
        select
            'added' as _change,
            {{ listed }}
        from {{ built }} as built
        anti join standing
            on {{ spark_same_row('built', 'standing') }}
    {%- endcall %}
    {%- if daily or run_query('select count(*) from ' ~ changed).columns[0].values()[0] > 0 -%}
        {%- do run_query('drop table if exists ' ~ beside) -%}
        {%- do run_query(spark_table_like(beside, target_table, folder)) -%}
        {%- set rows -%}
        insert into {{ beside }}
        select {{ listed }}
        from (
            {{ standing }}
        ) as standing
        anti join (select * from {{ changed }} where _change = 'removed') as removed
            on {{ spark_same_row('standing', 'removed') }}
        union all
        select {{ listed }}
        from {{ changed }}
        where _change = 'added'
        {%- endset -%}
        {%- do run_query(rows) -%}
        {%- do swapped_table(target_table, target_table, beside, folder) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return(target_table) }}
{%- endmacro %}


{# A query's rows under a name, for the statements to come in this session. They are files: whatever reads a view of a query, cached or
   not, is analyzed with the whole query in the place of its name, and with the queries of the views in that. They are in no catalog
   either, which is slower than a small query. #}
{% macro spark_kept(name, sql) -%}
    {%- set folder = spark_folder('changes', name) -%}
    {%- do run_query('insert overwrite directory ' ~ folder ~ ' using parquet ' ~ sql) -%}
    {%- do run_query('create or replace temporary view ' ~ name ~ ' using parquet options (path ' ~ folder ~ ", mergeSchema 'false')") -%}
{%- endmacro %}


{# An empty table with the columns and comments of another. #}
{% macro spark_table_like(relation, other, folder) -%}
    {{ return('create table ' ~ relation ~ ' like ' ~ other ~ ' using parquet location ' ~ folder) }}
{%- endmacro %}


{% macro spark_same_row(one, other) -%}
    {%- for column in model.columns -%}
        {{ one }}.{{ adapter.quote(column) }} <=> {{ other }}.{{ adapter.quote(column) }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
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
