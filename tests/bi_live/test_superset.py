"""The dashboards in a real Superset, connected to PostgreSQL as two people."""

from __future__ import annotations

import httpx

from tests.bi_live.superset import Superset


def test_it_answers_to_nobody_without_a_password(superset: Superset) -> None:
    assert httpx.get(f"{superset.url}/api/v1/chart/").status_code == 401
    admin = superset.log_in()
    assert admin.all_of("dashboard") == []
    admin.close()
