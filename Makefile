# Two commands are enough: `make run` plays the demo company, `make test` checks everything.
# Each alone takes a bare machine with Python 3.11 to 3.13 all the way: no uv, no virtual environment, no root needed.
# Belongs here: the order of steps. Not here: what a step does (`kpi`, pytest, ruff, mypy, sqlfluff, dbt).

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
STAMP := $(VENV)/.installed
SUPERSET_VENV := .venv-superset
SUPERSET_LOCK := bi/superset/requirements.txt
SUPERSET_STAMP := $(SUPERSET_VENV)/.installed
SPARK_VENV := .venv-spark
SPARK_LOCK := dbt_project/spark/requirements.txt
SPARK_STAMP := $(SPARK_VENV)/.installed
SQLMESH_VENV := .venv-sqlmesh
SQLMESH_LOCK := benchmarks/cards/sqlmesh/requirements.txt
SQLMESH_STAMP := $(SQLMESH_VENV)/.installed

# Millions of rows of history, and how often everything is measured.
BENCH_SIZES ?= 1
BENCH_REPEATS ?= 3

.PHONY: help install run test lint format typecheck sql-lint unit test-bi install-spark test-spark bench dev docs dbt-docs doctor clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

install: $(STAMP)  ## install the locked packages into .venv

# Done again only when the lock file changes.
$(STAMP): uv.lock
	@PYTHON="$(PYTHON)" .ci/install "$(VENV)" "$(UV_VERSION)"
	@touch $@

run: install  ## play the demo company's history and its last seven nights, show two pages and write them as HTML
	@$(BIN)/kpi run --source demo --nights 8 --at-once
	@$(BIN)/kpi tour

test: install  ## everything a change has to pass
# mypy has use for one processor only, so the others are beside it.
	@$(MAKE) --no-print-directory -j 3 lint typecheck sql-lint
	@$(MAKE) --no-print-directory unit

lint: install  ## style of the Python code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: install  ## repair what can be repaired
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

typecheck: install  ## types of the Python code
	@$(BIN)/mypy

sql-lint: install  ## style of the SQL
	@$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar models dbt_project/tests

unit: install  ## tests, the dbt unit tests among them
# Two processes; a file's tests stay together, because they share what their fixtures build. `tests/conftest.py` says in
# which order files are handed out.
	@$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder

# Superset's packages contradict the project's: an environment of its own, made again only when its lock changes.
$(SUPERSET_STAMP): $(SUPERSET_LOCK) | install
	@.ci/install-apart "$(SUPERSET_VENV)" "$(BIN)/uv" "$(SUPERSET_LOCK)"
	@touch $@

test-bi: install $(SUPERSET_STAMP)  ## dashboards in a real Superset; not part of `make test`
	@$(BIN)/pytest -q tests/bi_live

# dbt on Spark needs half a gigabyte that nothing else does: an environment of its own as well.
$(SPARK_STAMP): $(SPARK_LOCK) | install
	@.ci/install-spark "$(SPARK_VENV)" "$(BIN)/uv" "$(SPARK_LOCK)"
	@touch $@

install-spark: install $(SPARK_STAMP)  ## install dbt and Apache Spark into .venv-spark; needs Java 17

test-spark: install $(SPARK_STAMP)  ## the models on Spark against those on DuckDB; not part of `make test`
	@$(BIN)/pytest -q tests/spark

# SQLMesh is what the benchmark compares with, in an environment of its own.
$(SQLMESH_STAMP): $(SQLMESH_LOCK) | install
	@.ci/install-apart "$(SQLMESH_VENV)" "$(BIN)/uv" "$(SQLMESH_LOCK)"
	@touch $@

bench: install $(SQLMESH_STAMP)  ## speed and memory against what else does the same: BENCH_SIZES="1 10 100" BENCH_REPEATS=3
	@$(BIN)/python -m benchmarks.bench --sizes $(BENCH_SIZES) --repeats $(BENCH_REPEATS) $(BENCH_OPTIONS)

dev: install  ## open Dagster in the browser
	@$(BIN)/kpi dev

# Without a warehouse: a folder of its own takes what dbt needs to have.
SITE_DBT = KPI_HOME="$(CURDIR)/site/.home" $(BIN)/dbt --quiet
SITE_PROJECT = --project-dir dbt_project --profiles-dir dbt_project --target-path "$(CURDIR)/site/.dbt"

docs: install  ## write the documentation as a site, every link checked
	@$(BIN)/sphinx-build -W --keep-going --quiet -c docs -d site/.doctrees -b html . site
	@mkdir -p site/.home/warehouse
	@$(SITE_DBT) parse $(SITE_PROJECT)
	@$(SITE_DBT) docs generate --static --empty-catalog --no-compile $(SITE_PROJECT)
	@cp site/.dbt/static_index.html site/lineage.html
	@echo "Open site/docs/index.html; tables and lineage: site/lineage.html"

dbt-docs: install  ## write dbt's documentation of every table and column
	@KPI_HOME="$${KPI_HOME:-$(CURDIR)/data}" $(BIN)/dbt docs generate --static --project-dir dbt_project --profiles-dir dbt_project
	@echo "Open $${KPI_HOME:-data}/warehouse/target/static_index.html"

doctor: install  ## say what is wrong, and what to do
	@$(BIN)/kpi doctor

clean:  ## remove what was installed and built; the state folder stays
	@rm -rf $(VENV) $(SUPERSET_VENV) $(SPARK_VENV) $(SQLMESH_VENV) .mypy_cache .ruff_cache .pytest_cache dbt_project/target dbt_project/logs
	@echo "Gone. The state is still in $${KPI_HOME:-data}; delete it yourself when you mean to."
