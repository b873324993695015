"""The dashboards in a real Superset, connected to PostgreSQL as two people: figures, whose rows, who may open what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from orchestration.bi.definition import DEPARTMENT, EMPLOYEE, MONTH, Chart, Dashboard, Kind
from orchestration.bi.queries import Dataset, chart_sql, dataset_name
from orchestration.bi.superset.audiences import server_of
from orchestration.bi.superset.bundle import bundle_files, database_file, zip_bytes
from orchestration.bi.superset.charts import BARS_SHOWN
from orchestration.bi.superset.make import import_into
from orchestration.bi.superset.names import Audience
from orchestration.bi.superset.server import Account
from orchestration.bi.superset.server import session as superset_session
from orchestration.serving.reading import open_publication
from tests.bi_live.conftest import LANGUAGE, MANAGER, SELLER, VIEWERS, Company, Imported
from tests.bi_live.superset import Api
from tests.support.postgres import Server
from tests.support.postgres_company import as_operator, log_in

NEWEST = "2026-03"
Rows = list[tuple[Any, ...]]


@pytest.fixture(params=VIEWERS)
def viewer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def api(imported: Imported, viewer: str) -> Iterator[Api]:
    """The viewer's own session with Superset."""
    session = imported.superset.log_in(imported.users[viewer])
    yield session
    session.close()


def charts_of(dashboards: Sequence[Dashboard]) -> dict[tuple[str, str], Chart]:
    return {(dashboard.name, chart.name): chart for dashboard in dashboards for chart in dashboard.charts}


def numbers_of(api: Api, kind: str) -> dict[str, int]:
    """Superset's own number of every object that the viewer sees, by identity."""
    return {found["uuid"]: int(found["id"]) for found in api.all_of(kind)}


def asked(api: Api, number: int, filters: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of a chart's own saved query, with these filters."""
    saved = json.loads(api.get(f"/api/v1/chart/{number}")["result"]["query_context"])
    [query] = saved["queries"]
    query["filters"] = [{"col": column, "op": "==", "val": value} for column, value in filters.items()]
    [result] = api.post("/api/v1/chart/data", json=saved)["result"]
    assert result["error"] is None
    assert set(filters) == {found["column"] for found in result["applied_filters"]}
    found: list[dict[str, Any]] = result["data"]
    return found


def shown(chart: Chart, rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Superset's rows as those of a query: columns in order, instants and numbers of one kind."""
    names = ["month_date"] if chart.kind is Kind.LINE else [column.name for column in chart.columns]
    types = ["date"] if chart.kind is Kind.LINE else [column.type for column in chart.columns]
    return sorted(
        (
            (
                *(_instant(row[name]) if type_ in ("date", "timestamp") else plain(row[name])
                  for name, type_ in zip(names, types, strict=True)),
                *(plain(row[metric.name]) for metric in chart.metrics),
            )
            for row in rows
        ),
        key=repr,
    )  # fmt: skip


def _instant(value: float | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)


def plain(value: Any) -> Any:
    """A value as both paths tell it."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=value.microsecond // 1000 * 1000)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return round(float(value), 4)
    return value


def queried(chart: Chart, dataset: Dataset, session: Any, filters: Mapping[str, str]) -> Rows:
    """The same by the viewer's own login, without Superset."""
    conditions = [f"and \"{column}\" = '{value}'" for column, value in filters.items()]
    found = session.execute(chart_sql(chart, dataset, conditions)).fetchall()
    if chart.kind is Kind.LINE:
        found = [(datetime.strptime(month, "%Y-%m"), *figures) for month, *figures in found]
    return sorted((tuple(plain(value) for value in row) for row in found), key=repr)


def month_of(chart: Chart) -> dict[str, str]:
    return {MONTH: NEWEST} if chart.is_of_one_month else {}


def test_nobody_is_let_in_without_a_password(imported: Imported) -> None:
    assert httpx.get(f"{imported.superset.url}/api/v1/chart/").status_code == 401


def test_importing_again_doubles_nothing(
    imported: Imported, dashboards: tuple[Dashboard, ...], declared_datasets: Mapping[str, Dataset]
) -> None:
    people = len(VIEWERS)
    assert imported.first == {
        "database": people,
        # Beside those of charts: what three filters offer, and the publication.
        "dataset": people * (len(declared_datasets) + 4),
        "chart": people * (len(charts_of(dashboards)) + 1),
        "dashboard": people * len(dashboards),
    }
    assert imported.again == imported.first


def test_every_chart_shows_what_a_query_of_the_viewers_own_shows(
    imported: Imported,
    api: Api,
    viewer: str,
    company: Company,
    postgres_server: Server,
    dashboards: tuple[Dashboard, ...],
    declared_datasets: Mapping[str, Dataset],
) -> None:
    numbers = numbers_of(api, "chart")
    person = imported.people[viewer]
    empty = []
    with log_in(postgres_server, company.target, company.keys[viewer]) as session:
        for (dashboard, name), chart in charts_of(dashboards).items():
            number = numbers[person.uuid("chart", f"{dashboard}/{name}")]
            rows = shown(chart, asked(api, number, month_of(chart)))
            expected = queried(chart, declared_datasets[dataset_name(chart.source)], session, month_of(chart))
            if chart.kind is Kind.BAR and len(expected) > BARS_SHOWN:
                assert len(rows) == BARS_SHOWN
                assert set(rows) <= set(expected), (dashboard, name)
            else:
                assert rows == expected, (dashboard, name)
            if not rows:
                empty.append(name)
    # Nothing was compared with nothing: a small company has months without some of it, but most of it.
    assert len(empty) < len(charts_of(dashboards)) / 5, empty


def test_a_chart_opened_without_a_month_has_no_figure(
    imported: Imported,
    api: Api,
    viewer: str,
    company: Company,
    postgres_server: Server,
    dashboards: tuple[Dashboard, ...],
    declared_datasets: Mapping[str, Dataset],
) -> None:
    """As the list of charts, the API and a report by mail ask. Where all rows are of one month, it is that month's."""
    numbers = numbers_of(api, "chart")
    person = imported.people[viewer]
    without_figure = 0
    with log_in(postgres_server, company.target, company.keys[viewer]) as session:
        for (dashboard, name), chart in charts_of(dashboards).items():
            if not chart.is_of_one_month:
                continue
            rows = asked(api, numbers[person.uuid("chart", f"{dashboard}/{name}")], {})
            if chart.kind is Kind.ROWS:
                assert all(row[MONTH] for row in rows), (dashboard, name)
            elif chart.kind is Kind.NUMBER:
                dataset = declared_datasets[dataset_name(chart.source)]
                [(months,)] = session.execute(f"select count(distinct month) from ({dataset.sql}) x").fetchall()
                [figure] = [row[chart.metrics[0].name] for row in rows]
                if months > 1:
                    assert figure is None, (dashboard, name)
                    without_figure += 1
    assert without_figure > 10


def test_a_role_of_a_login_that_is_nobodys_is_emptied(imported: Imported, company: Company) -> None:
    """Somebody else's connection of the same e-mail, as it is left where the e-mail passed on."""
    admin = imported.superset.log_in()
    person = imported.people[SELLER]
    former = Audience(person.email, f"{company.target.roles.login('')}0", person.company)
    server, account = server_of(company.target), Account(imported.superset.admin.name, imported.superset.admin.password)
    whole = bundle_files((), [former], server, LANGUAGE)
    connection = {name: whole[name] for name in ("metadata.yaml", database_file(former))}
    admin.post(
        "/api/v1/assets/import/",
        files={"bundle": ("kpi.zip", zip_bytes(connection), "application/zip")},
        data={"passwords": json.dumps({database_file(former): "no longer"})},
    )
    with superset_session(imported.superset.url, account) as superset:
        superset.open_to([former])
    user = next(one["id"] for one in admin.all_of("security/users") if one["email"] == SELLER)
    roles = {role["name"]: role for role in roles_of(admin)}
    admin.ask("PUT", f"/api/v1/security/roles/{roles[former.role]['id']}/users", json={"user_ids": [user]})
    before = {role["name"]: role for role in roles_of(admin)}
    assert (before[former.role]["user_ids"], len(before[former.role]["permission_ids"])) == ([user], 2)
    steps = list(import_into(company.target, [SELLER], LANGUAGE, imported.superset.url, account, None))
    assert [(step.who, step.failed) for step in steps] == [(former.title, False), (SELLER, False)], steps
    after = {role["name"]: role for role in roles_of(admin)}
    emptied: dict[str, list[int]] = {"user_ids": [], "permission_ids": []}
    assert after == before | {former.role: before[former.role] | emptied}
    assert admin.ask("DELETE", f"/api/v1/database/{numbers_of(admin, 'database')[former.uuid('database')]}").is_success
    admin.close()


def roles_of(admin: Api) -> list[dict[str, Any]]:
    """All roles with the numbers of their users and permissions."""
    found: list[dict[str, Any]] = admin.get("/api/v1/security/roles/search/", params={"q": "(page_size:100)"})["result"]
    return found


def test_filters_narrow_every_chart_that_obeys_them(
    imported: Imported,
    company: Company,
    postgres_server: Server,
    dashboards: tuple[Dashboard, ...],
    declared_datasets: Mapping[str, Dataset],
) -> None:
    api = imported.superset.log_in(imported.users[MANAGER])
    numbers = numbers_of(api, "chart")
    person = imported.people[MANAGER]
    narrowed = 0
    with log_in(postgres_server, company.target, company.keys[MANAGER]) as session:
        for filters in ({EMPLOYEE: "Phạm Hồng Diễm"}, {DEPARTMENT: "Nhóm Hà Nội"}):
            for (dashboard, name), chart in charts_of(dashboards).items():
                if not set(filters) <= set(chart.filters) or chart.kind is Kind.BAR:
                    continue
                dataset = declared_datasets[dataset_name(chart.source)]
                wanted = month_of(chart) | filters
                number = numbers[person.uuid("chart", f"{dashboard}/{name}")]
                rows = shown(chart, asked(api, number, wanted))
                assert rows == queried(chart, dataset, session, wanted), (dashboard, name)
                narrowed += rows != queried(chart, dataset, session, month_of(chart))
    assert narrowed > 40
    api.close()


def people_of(company: Company, email: str) -> set[str]:
    """Whom somebody may see in any report, by the scope that the publication was made of."""
    with open_publication(company.publication) as connection:
        found = connection.execute(
            "select distinct employees.full_name from published.core.core_employee_scope as scope "
            "inner join published.main.dim_employees as employees on scope.employee_id = employees.employee_id "
            "where scope.viewer_email = ?",
            [email],
        ).fetchall()
    return {name for (name,) in found}


def test_everybody_sees_only_their_people(
    imported: Imported,
    api: Api,
    viewer: str,
    company: Company,
    postgres_server: Server,
    declared_datasets: Mapping[str, Dataset],
) -> None:
    numbers = numbers_of(api, "dataset")
    person = imported.people[viewer]
    own = people_of(company, viewer)
    assert 0 < len(own) < 10
    strangers_somewhere = 0
    with as_operator(postgres_server, company.target) as operator:
        for name, dataset in declared_datasets.items():
            if dataset.source.owner.name == "department_id":
                continue
            query = {"columns": [EMPLOYEE], "metrics": [], "row_limit": 1000, "groupby": [EMPLOYEE]}
            body = {"datasource": {"id": numbers[person.uuid("dataset", name)], "type": "table"}, "queries": [query]}
            [result] = api.post("/api/v1/chart/data", json=body)["result"]
            seen = {row[EMPLOYEE] for row in result["data"]}
            assert seen <= own, name
            everybody = {row[0] for row in operator.execute(f"select distinct employee from ({dataset.sql}) x")}
            assert seen == everybody & own, name
            strangers_somewhere += bool(everybody - own)
    assert strangers_somewhere > 20


def test_a_filter_offers_only_what_the_viewer_may_see(
    imported: Imported, api: Api, viewer: str, company: Company
) -> None:
    number = numbers_of(api, "dataset")[imported.people[viewer].uuid("dataset", f"filter_{EMPLOYEE}")]
    body = {
        "datasource": {"id": number, "type": "table"},
        "queries": [{"columns": [EMPLOYEE], "metrics": [], "row_limit": 1000}],
    }
    [result] = api.post("/api/v1/chart/data", json=body)["result"]
    assert {row[EMPLOYEE] for row in result["data"]} <= people_of(company, viewer) | {"(none)", "(unknown)"}


def test_nobody_opens_what_is_made_for_somebody_else(imported: Imported, dashboards: tuple[Dashboard, ...]) -> None:
    admin = imported.superset.log_in()
    everything = {kind: numbers_of(admin, kind) for kind in ("dataset", "chart", "dashboard")}
    connections = numbers_of(admin, "database")
    mine, theirs = imported.people[MANAGER], imported.people[SELLER]
    api = imported.superset.log_in(imported.users[MANAGER])
    for kind, count in (("dashboard", len(dashboards)), ("chart", len(charts_of(dashboards)) + 1)):
        assert len(numbers_of(api, kind)) == count
    assert set(numbers_of(api, "database")) == {mine.uuid("database")}

    for person, expected in ((theirs, 403), (mine, 200)):
        dataset = everything["dataset"][person.uuid("dataset", "fct_funnel")]
        query = {"columns": [EMPLOYEE], "metrics": ["orders"], "row_limit": 10}
        body = {"datasource": {"id": dataset, "type": "table"}, "queries": [query]}
        assert api.ask("POST", "/api/v1/chart/data", json=body).status_code == expected
    for person, expected in ((theirs, 404), (mine, 200)):
        number = everything["chart"][person.uuid("chart", "kpi_funnel/orders")]
        assert api.ask("GET", f"/api/v1/chart/{number}/data/").status_code == expected
        address = person.address("kpi_funnel")
        for part in ("", "/charts", "/datasets"):
            assert api.ask("GET", f"/api/v1/dashboard/{address}{part}").status_code == expected
    typed = {"database_id": connections[theirs.uuid("database")], "sql": "select 1", "client_id": "typed"}
    assert api.ask("POST", "/api/v1/sqllab/execute/", json=typed).status_code == 403
    admin.close()
    api.close()


def test_an_account_without_a_role_of_ours_sees_nothing(imported: Imported) -> None:
    admin = imported.superset.log_in()
    gamma = next(role["id"] for role in admin.all_of("security/roles") if role["name"] == "Gamma")
    person = {"username": "nobody", "first_name": "No", "last_name": "Body", "email": "nobody@congty.example"}
    admin.post(
        "/api/v1/security/users/", json={**person, "active": True, "password": "long enough, really", "roles": [gamma]}
    )
    api = imported.superset.log_in(type(imported.superset.admin)("nobody", "long enough, really"))
    assert {kind: api.all_of(kind) for kind in ("database", "dataset", "chart", "dashboard")} == {
        "database": [],
        "dataset": [],
        "chart": [],
        "dashboard": [],
    }
    admin.close()
    api.close()
