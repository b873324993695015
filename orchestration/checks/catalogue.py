"""Every check of the warehouse outside dbt: its name, what it looks at, how severe a failure is, and why.

Belongs here: declarations only, cheap to import; Dagster's asset checks and docs/checks.md derive from it.
Not here: thresholds and how a check works (the module that runs it).

A check is known by its name and its asset: the checks of landed batches repeat under every entity they apply to.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.checks.outcome import CheckSpec, Severity
from orchestration.contract import Entity, contract

# Columns that say when something happened: a later date than the night's is a typing error or a wrong clock.
# Due dates, target periods and deletions planned ahead may lie in the future.
EVENT_COLUMNS = frozenset({"created_at", "updated_at", "occurred_at", "changed_at", "order_date", "paid_on"})

# The entities whose rows are counted from the source to the marts; the others are covered per batch.
RECONCILED_ENTITIES = ("customers", "orders", "order_lines", "payments", "interactions", "tasks")

PUBLISHED = ("published", "marts")


def landed(entity: str) -> tuple[str, ...]:
    """The asset key of an entity's landed batches."""
    return ("landing", entity)


def event_columns(entity: Entity) -> tuple[str, ...]:
    """The entity's columns that say when something happened."""
    return tuple(column for column in entity.column_names if column in EVENT_COLUMNS)


def optional_columns(entity: Entity) -> tuple[str, ...]:
    """The columns whose share of nulls can drift: not required, without a default, and not a deletion mark."""
    return tuple(
        column.name
        for column in entity.columns
        if not column.required and column.default is None and column.name != "deleted_at"
    )


def value_columns(entity: Entity) -> tuple[str, ...]:
    """The columns with a list of allowed values."""
    return tuple(column.name for column in entity.columns if column.values)


def _every(_entity: Entity) -> bool:
    return True


def _is_kept_up_to_date(entity: Entity) -> bool:
    # A price list may stand still for years.
    return entity.has("updated_at") and entity.name != "products"


def _has_events(entity: Entity) -> bool:
    # The others are short reference lists, where one row more or less is a large share and no news.
    return bool(event_columns(entity))


_BATCH_CHECKS = (
    (
        "batch_landed",
        Severity.ERROR,
        _every,
        "A table that could not be read would make every number that depends on it silently old.",
    ),
    (
        "batch_accounting",
        Severity.ERROR,
        _every,
        "Rows in must equal rows landed plus rows quarantined; anything else means that rows were lost.",
    ),
    (
        "batch_no_gap",
        Severity.ERROR,
        _every,
        "The changes of a night that failed come in no later delta: they would be missing without a trace.",
    ),
    (
        "batch_quarantine_rate",
        Severity.ERROR,
        _every,
        "So many rejected rows mean that the input changed its form; the rest of it is not to be trusted either.",
    ),
    (
        "batch_rows_kept",
        Severity.ERROR,
        _every,
        "Rows missing from a complete batch count as deleted: a truncated extract would empty every report.",
    ),
    (
        "batch_quarantined_rows",
        Severity.WARN,
        _every,
        "A few bad rows are normal and kept in quarantine; somebody should repair them in the CRM.",
    ),
    (
        "batch_value_sets",
        Severity.WARN,
        lambda entity: bool(value_columns(entity)),
        "A value unknown to the contract often is a new state in the CRM: it needs a decision, other rows are fine.",
    ),
    (
        "batch_row_drift",
        Severity.WARN,
        _has_events,
        "An unusual number of rows may be an import or a busy day; worth a look, no proof of an error.",
    ),
    (
        "batch_deletions",
        Severity.WARN,
        _has_events,
        "Many deletions in one night may be a clean-up; worth a look before anybody asks where the customers went.",
    ),
    (
        "batch_null_rates",
        Severity.WARN,
        lambda entity: bool(optional_columns(entity)),
        "A column that suddenly is empty lost its source; the rows are valid, reports that group by it are not.",
    ),
    (
        "batch_freshness",
        Severity.WARN,
        _is_kept_up_to_date,
        "An extract whose newest change is old may be a stale copy; on quiet days it is simply true.",
    ),
    (
        "batch_future_rows",
        Severity.WARN,
        _has_events,
        "Events after the night are typing errors or wrong clocks; they are kept and count in the month they claim.",
    ),
    (
        "batch_unknown_columns",
        Severity.WARN,
        _every,
        "A column outside the contract is not loaded; it may be a renamed one.",
    ),
)


def _batch_checks(entities: Iterable[Entity]) -> tuple[CheckSpec, ...]:
    return tuple(
        CheckSpec(name, landed(entity.name), severity, reason)
        for entity in entities
        for name, severity, applies, reason in _BATCH_CHECKS
        if applies(entity)
    )


_LANDING_MATCHES_SOURCE = tuple(
    CheckSpec(
        "landing_matches_source",
        landed(entity),
        Severity.ERROR,
        "Every row the source gave is in the landed file or in quarantine; this state alone cannot be rebuilt.",
    )
    for entity in RECONCILED_ENTITIES
)

_CORE_MATCHES_LANDING = tuple(
    CheckSpec(
        "core_matches_landing",
        ("core", f"core_{entity}"),
        Severity.ERROR,
        "Each landed key is one row of core with the newest landed amounts, or a record is lost, doubled or old.",
    )
    for entity in RECONCILED_ENTITIES
)

_MART_RECONCILIATIONS = (
    CheckSpec(
        "customers_reconcile",
        ("marts", "dim_customers"),
        Severity.ERROR,
        "The marts must hold exactly the customers of core, live and deleted; people compare this number with the CRM.",
    ),
    CheckSpec(
        "orders_reconcile",
        ("marts", "fct_orders"),
        Severity.ERROR,
        "Orders are counted once by each mart that shows them, or a join lost or doubled some.",
    ),
    CheckSpec(
        "amounts_reconcile",
        ("marts", "fct_order_lines"),
        Severity.ERROR,
        "Money adds up to the cent through lines, orders and funnel, or some page shows a wrong revenue.",
    ),
    CheckSpec(
        "collected_reconcile",
        ("marts", "fct_payments"),
        Severity.ERROR,
        "Collected money adds up to the cent through payments, orders and funnel.",
    ),
    CheckSpec(
        "interactions_reconcile",
        ("marts", "fct_interactions"),
        Severity.ERROR,
        "Every live interaction and task link is one row and counts once, in the mart as in the funnel.",
    ),
    CheckSpec(
        "tasks_reconcile",
        ("marts", "fct_tasks"),
        Severity.ERROR,
        "Every live task is one row and counts once, in the task report as in the funnel.",
    ),
)

_MART_CHECKS = (
    CheckSpec(
        "marts_are_filled",
        ("marts", "dim_customers"),
        Severity.ERROR,
        "A source must deliver employees and customers, so these marts are empty only when the build went wrong.",
    ),
    CheckSpec(
        "funnel_counts_not_negative",
        ("marts", "fct_funnel"),
        Severity.ERROR,
        "Counts below zero are impossible: an interval or a join is wrong.",
    ),
    CheckSpec(
        "funnel_reaches_as_of",
        ("marts", "fct_funnel"),
        Severity.ERROR,
        "Without a row in the month of the run's date the newest month of the page would be missing.",
    ),
    CheckSpec(
        "funnel_months_continuous",
        ("marts", "fct_funnel"),
        Severity.WARN,
        "A month without any row is a gap in the data, or one mistyped date long before the others.",
    ),
    CheckSpec(
        "funnel_revenue_positive",
        ("marts", "fct_funnel"),
        Severity.WARN,
        "A month's revenue is positive unless returns outnumber orders; a company can have such a month.",
    ),
    CheckSpec(
        "funnel_revenue_per_sales",
        ("marts", "fct_funnel"),
        Severity.WARN,
        "Revenue far from sales means implausible discounts or VAT, often a wrong unit; the rows are valid.",
    ),
    CheckSpec(
        "funnel_month_drift",
        ("marts", "fct_funnel"),
        Severity.WARN,
        "A month far outside the half-year before it may be a campaign or a doubled import.",
    ),
    CheckSpec(
        "interactions_per_employee_day",
        ("marts", "fct_interactions"),
        Severity.WARN,
        "More than a person can do in a day is a mass mailing under one name, or rows loaded twice.",
    ),
    CheckSpec(
        "task_states_add_up",
        ("marts", "fct_task_status"),
        Severity.ERROR,
        "The exclusive states add up to the tasks created, or a task is counted twice or not at all.",
    ),
    CheckSpec(
        "task_rates_in_range",
        ("marts", "fct_task_status"),
        Severity.ERROR,
        "A share below 0 or above 1 is impossible.",
    ),
    CheckSpec(
        "journey_day_drift",
        ("marts", "fct_journey"),
        Severity.WARN,
        "The stock of customers moves slowly; a jump is an import, or a table that lost its history.",
    ),
    CheckSpec(
        "journey_ends_at_customers",
        ("marts", "fct_journey"),
        Severity.ERROR,
        "On the last day the journey holds exactly the existing customers; otherwise intervals overlap or have gaps.",
    ),
    *(
        CheckSpec(
            "unknown_references",
            ("marts", mart),
            Severity.WARN,
            "References to records that were not delivered show as 'unknown'; totals stay right, groups lose rows.",
        )
        for mart in (
            "dim_customers",
            "fct_interactions",
            "fct_order_lines",
            "fct_orders",
            "fct_payments",
            "fct_tasks",
        )
    ),
    *(
        CheckSpec(
            "missing_references",
            ("marts", mart),
            Severity.WARN,
            "Actions credited to nobody count in no employee's KPI; the source may not know better.",
        )
        for mart in ("fct_interactions", "fct_orders", "fct_tasks")
    ),
)

_FRESHNESS_CHECKS = (
    CheckSpec(
        "warehouse_covers_landing",
        PUBLISHED,
        Severity.ERROR,
        "A build as of an older day than the newest landed night would replace newer numbers by older ones.",
    ),
    CheckSpec(
        "warehouse_is_current",
        PUBLISHED,
        Severity.WARN,
        "A build for another night than the last one is late or a replay; late numbers are better than none.",
    ),
)

_FROZEN_CHECKS = (
    CheckSpec(
        "frozen_months_intact",
        PUBLISHED,
        Severity.ERROR,
        "A frozen figure that changed, or is gone, is the one thing that must never be published.",
    ),
)

CHECKS: tuple[CheckSpec, ...] = (
    *_batch_checks(contract()),
    *_LANDING_MATCHES_SOURCE,
    *_CORE_MATCHES_LANDING,
    *_MART_RECONCILIATIONS,
    *_MART_CHECKS,
    *_FRESHNESS_CHECKS,
    *_FROZEN_CHECKS,
)

BATCH_CHECK_NAMES: tuple[str, ...] = tuple(name for name, *_ in _BATCH_CHECKS)
MART_CHECK_NAMES: tuple[str, ...] = tuple(dict.fromkeys(spec.name for spec in _MART_CHECKS))
RECONCILIATION_CHECK_NAMES: tuple[str, ...] = (
    "landing_matches_source",
    "core_matches_landing",
    *(spec.name for spec in _MART_RECONCILIATIONS),
)
FRESHNESS_CHECK_NAMES: tuple[str, ...] = tuple(spec.name for spec in _FRESHNESS_CHECKS)
FROZEN_CHECK_NAMES: tuple[str, ...] = tuple(spec.name for spec in _FROZEN_CHECKS)

_BY_KEY = {(spec.name, spec.asset): spec for spec in CHECKS}


def spec_of(name: str, asset: tuple[str, ...] | None = None) -> CheckSpec:
    """The declared check; the asset may be left out where the name has only one. KeyError when it is not declared."""
    if asset is not None:
        return _BY_KEY[name, asset]
    found = [spec for spec in CHECKS if spec.name == name]
    if len(found) != 1:
        raise KeyError(f"{len(found)} checks are called {name}; name the asset")
    return found[0]


def specs_of(names: Iterable[str], asset: tuple[str, ...] | None = None) -> tuple[CheckSpec, ...]:
    """The declared checks with one of the names, of one asset or of all, in the catalogue's order."""
    wanted = set(names)
    return tuple(spec for spec in CHECKS if spec.name in wanted and asset in (None, spec.asset))
