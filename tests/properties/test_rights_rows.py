"""Rows a viewer sees: by brute force, through the access views, in the viewer's own file, and as a login of PostgreSQL.

Random organisations over random companies, built by all models, published and exported by the project's own code, to a
real server too. A further way to the rows is one more function in `WAYS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import strategies as st

from orchestration.serving.export import file_name
from orchestration.serving.generations import CURRENT, Limits, export_all
from orchestration.serving.postgres.names import LIVE, compose
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Target
from orchestration.serving.publish import publish
from orchestration.serving.reading import open_publication
from tests.properties.brute_force import BruteForce
from tests.properties.companies import AS_OF, Company, companies
from tests.properties.examples import examples
from tests.properties.organisations import FIRST_NIGHT, Organisations, organisations
from tests.properties.runner import SOURCE, Marts, Project, Row, built_from, land
from tests.support.access_rules import (
    FIGURES,
    NAME_LISTS,
    OF_DEPARTMENTS,
    OF_FROZEN_MONTHS,
    OF_PEOPLE,
    OWNERS,
    OWNERS_AND_DEPARTMENTS,
    OWNERS_OF_CONTACTS,
    OWNERS_OF_TWO,
    VIEWS,
)
from tests.support.postgres import Server
from tests.support.postgres_company import Key, drop_database, keys_in, log_in, make_database

COMPANIES = 3
_REPORT_OF_FIGURES = "employee"
MARTS = (*VIEWS, *OWNERS_OF_CONTACTS)

Rows = Mapping[str, Counter[str]]
"""How often each row is seen, by mart."""


@dataclass(frozen=True)
class OnServer:
    """Where a company was published to, and its logins by e-mail."""

    server: Server
    target: Target
    keys: Mapping[str, Key]


@dataclass(frozen=True)
class Published:
    """A company that was published, everything its marts hold, and who may see whom by brute force."""

    drawn: tuple[Company, Organisations]
    marts_path: Path
    exports_dir: Path
    marts: Marts
    rules: BruteForce
    on_server: OnServer | None = None

    @property
    def viewers(self) -> list[str]:
        """Everybody who can look and sees something."""
        return [who for who in self.rules.people if self.rules.login(who) and self._sees_something(who)]

    def _sees_something(self, who: str) -> bool:
        return bool(self.rules.scope(who) or self.rules.department_scope(who))


def through_the_views(company: Published, email: str) -> Rows:
    """What the access views of the publication show."""
    with open_publication(company.marts_path, email) as connection:
        return {mart: _counted(connection, mart, f"access.access_{mart}") for mart in MARTS}


def in_the_file(company: Published, email: str) -> Rows:
    """What is in the viewer's own file; nothing where there is none."""
    path = company.exports_dir / CURRENT / file_name(email)
    if not path.exists():
        return {mart: Counter() for mart in MARTS}
    with duckdb.connect(str(path), read_only=True) as connection:
        return {mart: _counted(connection, mart, f"main.{mart}") for mart in MARTS}


def as_a_login(company: Published, email: str) -> Rows:
    """What the server shows to the viewer's login; nothing to who has none."""
    assert company.on_server is not None
    server, target, keys = company.on_server.server, company.on_server.target, company.on_server.keys
    if email not in keys:
        return {mart: Counter() for mart in MARTS}
    rows = {}
    with log_in(server, target, keys[email]) as session:
        for mart in MARTS:
            cursor = session.execute(compose("select * from {schema}.{mart}", schema=LIVE, mart=mart))
            columns = [column.name for column in cursor.description or []]
            rows[mart] = Counter(_shown(mart, dict(zip(columns, values, strict=True))) for values in cursor)
    return rows


WAYS: Mapping[str, Callable[[Published, str], Rows]] = {
    "access views": through_the_views,
    "file": in_the_file,
    "PostgreSQL": as_a_login,
}
"""Every way in which rows reach a viewer."""


def by_brute_force(company: Published, viewer: str) -> Rows:
    """What the rules say, row by row."""
    people, departments = company.rules.scope(viewer), company.rules.department_scope(viewer)
    return {
        mart: Counter(
            _shown(mart, row) for row in company.marts[mart] if _is_open(mart, row, people, departments, company)
        )
        for mart in MARTS
    }


def _is_open(mart: str, row: Row, people: set[tuple[str, str]], departments: set[str], company: Published) -> bool:
    """Whether one row is the viewer's to see."""

    def sees(who: str, *reports: str) -> bool:
        return any((report, who) in people for report in reports)

    if mart in OWNERS or mart in OWNERS_OF_CONTACTS:
        column, reports = (OWNERS | OWNERS_OF_CONTACTS)[mart]
        return sees(row[column], *reports)
    if mart in OWNERS_OF_TWO:
        first, second, reports = OWNERS_OF_TWO[mart]
        return sees(row[first], *reports) or sees(row[second], *reports)
    if mart in OWNERS_AND_DEPARTMENTS:
        if row["department_id"] == "none":
            return sees(row["employee_id"], *OWNERS_AND_DEPARTMENTS[mart])
        return row["department_id"] in departments
    if mart in OF_DEPARTMENTS:
        return row["department_id"] in departments
    seen_at_all = {who for _, who in people}
    if mart in OF_PEOPLE:
        return row["employee_id"] in seen_at_all
    if mart == "dim_departments":
        names = {one["department_id"] for one in company.marts["dim_employees"] if one["employee_id"] in seen_at_all}
        return row["department_id"] in departments | names
    if mart in (*NAME_LISTS, "dim_date"):
        return bool(people or departments)
    assert mart in (*FIGURES, *OF_FROZEN_MONTHS), f"no rule for {mart}"
    if mart == "fct_restatement_rows":
        return sees(row["employee_id"], _REPORT_OF_FIGURES)
    # Figures of the company are for who sees everybody, unknown people included.
    whose = "unknown" if row["subject_level"] == "company" else row["subject_id"]
    return whose in departments if row["subject_level"] == "department" else sees(whose, _REPORT_OF_FIGURES)


def _shown(mart: str, row: Row) -> str:
    """A row as it is compared. A department's way up is hidden where it is out of sight, which has tests of its own."""
    if mart == "dim_departments":
        return f"{row['department_id']}, {row['department_name']}"
    return repr(tuple(row.values()))


def _counted(connection: duckdb.DuckDBPyConnection, mart: str, relation: str) -> Counter[str]:
    cursor = connection.execute(f"from {relation}")
    columns = [str(column[0]) for column in cursor.description or []]
    return Counter(_shown(mart, dict(zip(columns, values, strict=True))) for values in cursor.fetchall())


def differences(company: Published, way: Callable[[Published, str], Rows]) -> list[str]:
    """Rows that one way shows to somebody and the rules do not, and the other way round."""
    found = []
    for viewer in company.viewers:
        email = company.rules.login(viewer)
        assert email is not None
        expected, seen = by_brute_force(company, viewer), way(company, email)
        assert expected.keys() == seen.keys()
        found += [f"{viewer} {mart}: {row}" for mart in MARTS for row in (expected[mart] - seen[mart])]
        found += [f"{viewer} {mart}, not allowed: {row}" for mart in MARTS for row in (seen[mart] - expected[mart])]
    return found


def _published(project: Project, drawn: tuple[Company, Organisations], home: Path) -> Published:
    company, organisation = drawn
    landing = land(home, organisation.deliveries(company.state(FIRST_NIGHT), company.state(AS_OF)))
    warehouse_path = home / "warehouse.duckdb"
    with built_from(project, landing, AS_OF, home, warehouse_path) as warehouse:
        warehouse.build_views()
        marts = warehouse.marts()
    publish(warehouse_path, home / "marts.duckdb", {"as_of": AS_OF, "source": SOURCE})
    return Published(drawn, home / "marts.duckdb", home / "exports", marts, BruteForce.of_second_night(organisation))


def drawn_companies() -> Sequence[tuple[Company, Organisations]]:
    return examples(st.tuples(companies(least=3, most=6), organisations()), COMPANIES, start=70)


@pytest.fixture(scope="module")
def published(
    project: Project, postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sequence[Published]]:
    found = []
    for place, drawn in enumerate(drawn_companies()):
        company = _published(project, drawn, tmp_path_factory.mktemp("company"))
        export_all(company.marts_path, company.exports_dir, Limits(2, "1GB"))
        found.append(_on_server(company, postgres_server, f"rights{place}"))
    yield found
    for place in range(len(found)):
        drop_database(postgres_server, f"rights{place}")


def _on_server(company: Published, server: Server, name: str) -> Published:
    folder = company.marts_path.parent
    target = make_database(server, folder, name)
    publish_to(target, company.marts_path, passwords_path=folder / "passwords.csv")
    return replace(company, on_server=OnServer(server, target, keys_in(folder / "passwords.csv")))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_viewer_sees_what_brute_force_says(
    way: Callable[[Published, str], Rows], published: Sequence[Published]
) -> None:
    for company in published:
        assert differences(company, way) == [], company.drawn


def test_who_sees_nothing_is_shown_nothing_and_has_neither_file_nor_login(published: Sequence[Published]) -> None:
    silent = 0
    for company in published:
        logins = {company.rules.login(viewer) for viewer in company.viewers}
        files = {path.name for path in (company.exports_dir / CURRENT).glob("*.duckdb")}
        assert files == {file_name(login) for login in logins if login}
        assert company.on_server is not None
        assert set(company.on_server.keys) == {login for login in logins if login}
        for row in company.rules.people.values():
            email = (row["email"] or "").strip().lower()
            if email not in logins:
                silent += 1
                assert sum(map(len, through_the_views(company, email).values())) == 0, (company.drawn, email)
    assert silent > 3


def test_the_companies_tell_viewers_apart(published: Sequence[Published]) -> None:
    """Somebody sees all, somebody some, somebody other rows: else the comparison would prove nothing."""
    seen = [by_brute_force(company, viewer) for company in published for viewer in company.viewers]
    assert len(seen) >= 8
    for mart in (
        "dim_customers",
        *OWNERS_OF_CONTACTS,
        "fct_funnel",
        "fct_tasks",
        "kpi_department_month",
        "kpi_month_figures",
    ):
        sizes = {sum(rows[mart].values()) for rows in seen}
        assert len(sizes) > 2, (mart, sizes)


def test_contact_details_are_shown_with_the_name_of_a_live_customer_and_never_without(
    published: Sequence[Published],
) -> None:
    named = (
        "select customer_id from access.access_dim_customers where not is_placeholder and not is_deleted order by all"
    )
    reached = "select customer_id from access.access_dim_customer_contact_details order by all"
    shown = 0
    for company in published:
        for viewer in company.viewers:
            with open_publication(company.marts_path, company.rules.login(viewer)) as connection:
                customers = connection.execute(named).fetchall()
                assert connection.execute(reached).fetchall() == customers, (company.drawn, viewer)
            shown += len(customers)
    assert shown > 5


MISTAKES = {
    "contact details through a report too many": (
        "access_dim_customer_contact_details",
        "in ('employee', 'customer')",
        "in ('employee', 'customer', 'task', 'product', 'telesales')",
    ),
    "a report too many": ("access_fct_funnel", "in ('employee')", "in ('employee', 'task', 'customer', 'product')"),
    "peers": ("core_employee_scope", "seen.position_rank > seers.position_rank", "true"),
    "view-all of departments for everybody": ("core_department_scope", "where grants.has_view_all", "where true"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_noticed(mistake: tuple[str, str, str], project: Project, tmp_path: Path) -> None:
    broken = project.broken(*mistake)
    noticed = []
    for place, drawn in enumerate(drawn_companies()):
        home = tmp_path / str(place)
        home.mkdir()
        noticed += differences(_published(broken, drawn, home), through_the_views)
        if noticed:
            break
    assert any("not allowed" in difference for difference in noticed)


def test_a_row_that_is_missing_in_a_file_is_noticed(published: Sequence[Published]) -> None:
    company = published[0]
    path = company.exports_dir / CURRENT / file_name(str(company.rules.login(company.viewers[0])))
    content = path.read_bytes()
    try:
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                "delete from main.dim_date where calendar_date = (select max(calendar_date) from dim_date)"
            )
        assert len(differences(company, in_the_file)) == 1
    finally:
        path.write_bytes(content)


def test_a_row_too_many_on_the_server_is_noticed(published: Sequence[Published]) -> None:
    company = published[0]
    assert company.on_server is not None
    relation = {"schema": LIVE, "table": "fct_funnel"}
    policy = "create policy everybody on {schema}.{table} for select using (true)"
    with company.on_server.server.connect("rights0") as operator:
        operator.execute(compose(policy, **relation))
        try:
            assert any("fct_funnel, not allowed" in difference for difference in differences(company, as_a_login))
        finally:
            operator.execute(compose("drop policy everybody on {schema}.{table}", **relation))
