"""The checks of what goes out: a Great Expectations suite on aggregates of the marts.

Belongs here: the aggregates, thresholds and expectations that make a mart plausible. Not here: identities between
layers (`reconciliation.py`) or single rows (dbt's tests).

All aggregates are rows of one frame, so that one suite and one page of the Data Docs show them: `month 2026-03` (a
month of the funnel), `day 2026-03-31` (a day of the journey), `fct_orders.customer_id` (a reference) and `fct_orders`
(a table). A figure that does not belong to a row is null there, and is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.checks.catalogue import MART_CHECK_NAMES, specs_of
from orchestration.checks.outcome import CheckOutcome, CheckSpec, Number
from orchestration.checks.suite import Expect, Judged, RunSuite, above, between, run_suite

if TYPE_CHECKING:
    import pandas as pd

SUITE = "marts"
MAX_ROWS = 20

# Marts that cannot be empty: a source must deliver employees and customers, and every customer is on the journey.
FILLED_MARTS = ("dim_employees", "dim_customers", "dim_date", "fct_funnel", "fct_journey")
# Discounts above two thirds of the goods, or VAT above a half, are units gone wrong; known VAT rates end at 27 %.
MIN_REVENUE_PER_SALES, MAX_REVENUE_PER_SALES = 0.33, 1.5
# Seasons and campaigns move a month by two or three times; a doubled or a lost import on top of that leaves this range.
MIN_MONTH_RATIO, MAX_MONTH_RATIO = 0.25, 4.0
# Fewer months say nothing about what is usual; more would compare with another company.
MONTHS_COMPARED, MIN_MONTHS_COMPARED = 6, 3
# Eight hours of two-minute calls are 240 contacts; who logs more sends mass mails.
MAX_INTERACTIONS_PER_EMPLOYEE_DAY = 300
# A tenth of all customers does not come or go in one day, except by an import.
MAX_JOURNEY_CHANGE_RATE = 0.10
# Shares of fewer customers jump by themselves; older days were judged when they were new.
MIN_CUSTOMERS_FOR_CHANGE, DAYS_JUDGED = 100, 35
# Some references always break (merged or purged records); one in fifty shows in the reports.
MAX_UNKNOWN_RATE = 0.02
# Actions of the CRM itself have no author; when a fifth has none, people are missing their own.
MAX_MISSING_ACTOR_RATE = 0.20

REFERENCES: Mapping[str, tuple[str, ...]] = {
    "dim_customers": ("manager_id", "relationship_id", "province_id"),
    "fct_interactions": ("customer_id", "employee_id"),
    "fct_order_lines": ("product_id",),
    "fct_orders": ("customer_id", "executor_id"),
    "fct_payments": ("customer_id",),
    "fct_tasks": ("assignee_id", "project_id", "task_type_id"),
}
# Who acted; a reference to nobody credits nobody. Other references may be empty by choice.
ACTORS: Mapping[str, str] = {"fct_interactions": "employee_id", "fct_orders": "executor_id", "fct_tasks": "assignee_id"}

_COUNTS = (
    "new_customers",
    "new_customers_current",
    "customers_in_charge",
    "customers_in_charge_current",
    "interactions",
    "activities",
    "orders",
    "returns",
    "pending_orders",
)
_STATES = (
    "tasks_new",
    "tasks_in_progress",
    "tasks_awaiting_confirmation",
    "tasks_late",
    "tasks_completed",
    "tasks_cancelled",
)


@dataclass(frozen=True)
class _MartCheck:
    """What a check expects of the frame, and in words what it finds when it fails."""

    finds: str
    expectations: tuple[Expect, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The judged columns, each once."""
        return tuple(dict.fromkeys(str(expect.arguments["column"]) for expect in self.expectations))


CHECKS: Mapping[str, _MartCheck] = {
    "marts_are_filled": _MartCheck("marts that hold nobody and nothing", (between("needed_rows", 1, None),)),
    "funnel_counts_not_negative": _MartCheck("months with a count below zero", (between("lowest_count", 0, None),)),
    "funnel_reaches_as_of": _MartCheck("newest months without a row", (between("funnel_rows_at_as_of", 1, None),)),
    "funnel_months_continuous": _MartCheck("months without a row", (between("funnel_rows", 1, None),)),
    "funnel_revenue_positive": _MartCheck(
        "months whose revenue is not above zero although sales outnumber returns",
        (above("revenue_of_sales_months", 0),),
    ),
    "funnel_revenue_per_sales": _MartCheck(
        "months with an implausible ratio of revenue to sales",
        (between("revenue_per_sales", MIN_REVENUE_PER_SALES, MAX_REVENUE_PER_SALES),),
    ),
    "funnel_month_drift": _MartCheck(
        "last whole months far from the months before",
        tuple(
            between(f"{measure}_ratio", MIN_MONTH_RATIO, MAX_MONTH_RATIO)
            for measure in ("new_customers", "interactions", "revenue_amount")
        ),
    ),
    "interactions_per_employee_day": _MartCheck(
        "months with a day on which one employee logged more than a person can do",
        (between("busiest_employee_day", 0, MAX_INTERACTIONS_PER_EMPLOYEE_DAY),),
    ),
    "task_states_add_up": _MartCheck("months whose task states do not add up", (between("task_states_gap", 0, 0),)),
    "task_rates_in_range": _MartCheck(
        "months with a share of tasks outside 0 to 1",
        tuple(between(f"{rate}_rate", 0, 1) for rate in ("late", "completed", "cancelled", "completed_late")),
    ),
    "journey_day_drift": _MartCheck(
        "days on which the stock of customers jumped",
        (between("journey_change_rate", -MAX_JOURNEY_CHANGE_RATE, MAX_JOURNEY_CHANGE_RATE),),
    ),
    "journey_ends_at_customers": _MartCheck(
        "last days whose journey holds other customers than exist", (between("journey_gap", 0, 0),)
    ),
    "unknown_references": _MartCheck(
        "references that point at too many unknown records", (between("unknown_rate", 0, MAX_UNKNOWN_RATE),)
    ),
    "missing_references": _MartCheck(
        "references to who acted that are empty too often", (between("missing_actor_rate", 0, MAX_MISSING_ACTOR_RATE),)
    ),
}


def check_marts(warehouse_path: Path, docs_dir: Path) -> list[CheckOutcome]:
    """Judge the marts in the warehouse file; one outcome per mart check of the catalogue, in its order.

    `docs_dir` is where the Data Docs go (`KPI_HOME/checks/data_docs`).
    Raises duckdb.Error when the warehouse lacks a mart, SuiteError when the suite cannot be evaluated.
    """
    return judge_marts(read_mart_frame(warehouse_path), docs_dir)


def read_mart_frame(warehouse_path: Path) -> pd.DataFrame:
    """The aggregates of the marts in the warehouse file. Raises duckdb.Error when it lacks a mart."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{str(warehouse_path).replace(chr(39), chr(39) * 2)}' as warehouse (read_only)")
        connection.execute("use warehouse")
        return mart_frame(connection)


def judge_marts(frame: pd.DataFrame, docs_dir: Path, judge: RunSuite = run_suite) -> list[CheckOutcome]:
    """Judge the aggregates of the marts, without a look at the warehouse; see `check_marts`."""
    judged = judge(SUITE, frame, "row", {name: check.expectations for name, check in CHECKS.items()}, docs_dir)
    return [_outcome(spec, frame, judged[spec.name]) for spec in specs_of(MART_CHECK_NAMES)]


def mart_frame(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The aggregates of the marts in the connection's default database, one row each, figures as float64."""
    import pandas as pd

    parts = [connection.execute(sql).df() for sql in (months_sql(), days_sql(), references_sql(), tables_sql())]
    frame = pd.concat(parts, ignore_index=True)
    return frame.astype({column: "float64" for column in frame.columns if column != "row"})


_AS_OF = "as_of as (select calendar_date as as_of_date from marts.dim_date where is_as_of)"


def months_sql() -> str:
    """One row per month from the funnel's first to the newest of its last and the run's month."""
    sums = ", ".join(f"sum({column}) as {column}" for column in (*_COUNTS, "sales_amount", "revenue_amount"))
    states = " + ".join(_STATES)
    ratios = ", ".join(
        f"case when month_date = last_whole_month_date and earlier_months >= {MIN_MONTHS_COMPARED} "
        f"then {measure} / nullif(avg({measure}) over earlier, 0) end as {measure}_ratio"
        for measure in ("new_customers", "interactions", "revenue_amount")
    )
    return f"""
        with {_AS_OF},
        funnel as (
            select month_date, count(*) as funnel_rows, min(least({", ".join(_COUNTS)})) as lowest_count, {sums}
            from marts.fct_funnel
            group by month_date
        ),
        bounds as (
            select
                coalesce(min(funnel.month_date), any_value(date_trunc('month', as_of.as_of_date))) as first_date,
                greatest(max(funnel.month_date), any_value(date_trunc('month', as_of.as_of_date))) as last_date
            from as_of
            left join funnel on true
        ),
        months as (
            select cast(unnest(generate_series(first_date, last_date, interval 1 month)) as date) as month_date
            from bounds
        ),
        employee_days as (
            select month_date, employee_id, occurred_date, sum(interactions) as interactions
            from marts.fct_interactions
            where employee_id not in ('none', 'unknown')
            group by month_date, employee_id, occurred_date
        ),
        busiest as (
            select month_date, max(interactions) as busiest_employee_day
            from employee_days
            group by month_date
        ),
        tasks as (
            select
                month_date,
                sum(abs(tasks_created - ({states}))) as task_states_gap,
                sum(tasks_late) / nullif(sum(tasks_created), 0) as late_rate,
                sum(tasks_completed) / nullif(sum(tasks_created), 0) as completed_rate,
                sum(tasks_cancelled) / nullif(sum(tasks_created), 0) as cancelled_rate,
                sum(tasks_completed_late) / nullif(sum(tasks_completed), 0) as completed_late_rate
            from marts.fct_task_status
            group by month_date
        ),
        joined as (
            select
                months.month_date,
                coalesce(funnel.funnel_rows, 0) as funnel_rows,
                date_trunc('month', as_of.as_of_date + interval 1 day) - interval 1 month as last_whole_month_date,
                date_trunc('month', as_of.as_of_date) as as_of_month_date,
                count(funnel.month_date) over earlier as earlier_months,
                funnel.* exclude (month_date, funnel_rows),
                busiest.busiest_employee_day,
                tasks.* exclude (month_date)
            from months
            cross join as_of
            left join funnel on months.month_date = funnel.month_date
            left join busiest on months.month_date = busiest.month_date
            left join tasks on months.month_date = tasks.month_date
            window earlier as (
                order by months.month_date rows between {MONTHS_COMPARED} preceding and 1 preceding
            )
        )
        select
            'month ' || strftime(month_date, '%Y-%m') as row,
            funnel_rows,
            case when month_date = as_of_month_date then funnel_rows end as funnel_rows_at_as_of,
            lowest_count,
            case when orders > returns then revenue_amount end as revenue_of_sales_months,
            case when sales_amount > 0 then revenue_amount / sales_amount end as revenue_per_sales,
            {ratios},
            busiest_employee_day,
            task_states_gap,
            late_rate,
            completed_rate,
            cancelled_rate,
            completed_late_rate
        from joined
        window earlier as (order by month_date rows between {MONTHS_COMPARED} preceding and 1 preceding)
        order by month_date
    """


def days_sql() -> str:
    """One row per day of the journey, the newest ones only; the last day with its gap to the existing customers."""
    return f"""
        with {_AS_OF},
        stock as (
            select as_of_date as day_date, sum(customers) as customers
            from marts.fct_journey
            group by as_of_date
        ),
        days as (
            select cast(unnest(generate_series(
                as_of_date - interval {DAYS_JUDGED} day, as_of_date, interval 1 day
            )) as date) as day_date
            from as_of
        ),
        existing as (
            -- Who went with the run's own batch is deleted now, and was there until the end of the day.
            select
                count(*) filter (not is_deleted) as fewest,
                count(*) filter (not is_deleted or deleted_at >= as_of_date + interval 1 day) as most
            from marts.dim_customers
            cross join as_of
            where not is_placeholder and created_date <= as_of_date
        ),
        compared as (
            select
                days.day_date,
                coalesce(stock.customers, 0) as customers,
                lag(coalesce(stock.customers, 0)) over (order by days.day_date) as customers_before
            from days
            left join stock on days.day_date = stock.day_date
        )
        select
            'day ' || strftime(compared.day_date, '%Y-%m-%d') as row,
            compared.customers as journey_customers,
            case
                when compared.customers_before >= {MIN_CUSTOMERS_FOR_CHANGE}
                    then (compared.customers - compared.customers_before) / compared.customers_before
            end as journey_change_rate,
            case
                when compared.day_date = as_of.as_of_date
                    then greatest(existing.fewest - compared.customers, compared.customers - existing.most, 0)
            end as journey_gap
        from compared
        cross join as_of
        cross join existing
        order by compared.day_date
    """


def references_sql() -> str:
    """One row per reference of a mart, with its shares of unknown and of missing records; null for an empty mart."""
    return "\nunion all\n".join(
        f"""
        select
            '{mart}.{column}' as row,
            count(*) as referring_rows,
            count(*) filter ({column} = 'unknown') / nullif(count(*), 0) as unknown_rate,
            count(*) filter ({column} = 'none') / nullif(count(*), 0) as none_rate,
            {f"count(*) filter ({column} = 'none') / nullif(count(*), 0)" if ACTORS.get(mart) == column else "null"}
                as missing_actor_rate
        from marts.{mart}{" where not is_placeholder" if mart == "dim_customers" else ""}
        """
        for mart, columns in REFERENCES.items()
        for column in columns
    )


def tables_sql() -> str:
    """One row per mart that must not be empty, without its placeholder members."""
    return "\nunion all\n".join(
        f"select '{mart}' as row, count(*) as needed_rows from marts.{mart}"
        + (" where not is_placeholder" if mart in ("dim_customers", "dim_employees") else "")
        for mart in FILLED_MARTS
    )


def _outcome(spec: CheckSpec, frame: pd.DataFrame, judged: Judged) -> CheckOutcome:
    check = CHECKS[spec.name]
    columns = list(check.columns)
    about = frame[frame[columns].notna().any(axis=1)]
    if spec.name in ("unknown_references", "missing_references"):
        about = about[about["row"].str.startswith(f"{spec.asset[-1]}.")]
    failed = about[about["row"].isin(judged.failed_keys)]
    passed = failed.empty and not judged.whole_frame
    numbers: dict[str, Number] = {"judged": len(about), "failed": len(failed)}
    for column in columns:
        if about[column].notna().any():
            numbers[f"lowest {column}"] = float(about[column].min())
            numbers[f"highest {column}"] = float(about[column].max())
    rows = tuple(
        {
            "row": str(key),
            **{column: None if value != value else float(value) for column, value in zip(columns, values, strict=True)},
        }
        for key, *values in failed[["row", *columns]].tail(MAX_ROWS).itertuples(index=False)
    )
    named = f": {', '.join(str(row['row']) for row in rows[-5:])}" if rows else ""
    return CheckOutcome(spec, passed, f"{len(failed)} of {len(about)} judged are {check.finds}{named}", numbers, rows)
