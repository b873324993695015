"""The figures of the metric catalogue as a warehouse holds them.

Belongs here: asking the marts for a metric of all owners and months. Not here: what the figure should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from orchestration.metrics.drilldown import Query, figure_sql
from orchestration.metrics.registry import Metric

Key = tuple[Any, ...]

# A figure that its mart holds per other columns too: each of them, and its name among the rows.
ALSO_PER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "campaign_interactions": (("campaign_id", "campaign_id"),),
    "contact_age_customers": (("member_id", "age_band"),),
    "median_closed_days": (("relationship_id", "relationship_id"),),
    "opportunity_customers": (("campaign_id", "campaign_id"),),
    "product_orders": (("product_id", "product_id"),),
    "product_returns": (("product_id", "product_id"),),
    "product_period_orders": (("product_id", "product_id"),),
    "product_period_returns": (("product_id", "product_id"),),
    "product_source_orders": (("product_id", "product_id"), ("source_id", "source_id")),
    "product_source_orders_split": (("product_id", "product_id"), ("source_id", "source_id")),
    "product_top_revenue_share_rate": (("product_id", "product_id"),),
    "stage_median_open_days": (("relationship_id", "relationship_id"),),
    # A target's own figures, per metric it is a target of.
    "attainment_capped_rate": (("metric", "metric"),),
    "target_elapsed_days": (("metric", "metric"),),
    "target_period_days": (("metric", "metric"),),
    "target_weight": (("metric", "metric"),),
    "weighted_attainment_capped_rate": (("metric", "metric"),),
    "weighted_attainment_rate": (("metric", "metric"),),
}


def values(connection: duckdb.DuckDBPyConnection, query: Query) -> dict[Key, Any]:
    rows = connection.execute(query.sql, query.parameters).fetchall()
    found = {row[:-1]: row[-1] for row in rows}
    assert len(found) == len(rows), f"several values for one owner and month:\n{query.sql}"
    return found


def figure_values(connection: duckdb.DuckDBPyConnection, metric: Metric) -> dict[Key, Any]:
    also_per = ALSO_PER.get(metric.name, ())
    return values(connection, figure_sql(metric, "marts", by=[here for here, _ in also_per]))
