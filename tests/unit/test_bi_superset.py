"""The bundle for Superset, without Superset: what is in it, that it hangs together, and what it never holds."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from orchestration.bi.definition import MONTH, Dashboard, Kind, read_dashboards
from orchestration.bi.passwords import PasswordsError, read_passwords
from orchestration.bi.queries import dataset_name, datasets
from orchestration.bi.superset import make
from orchestration.bi.superset.audiences import server_of
from orchestration.bi.superset.bundle import ROOT, Server, bundle_files, database_file, zip_bytes
from orchestration.bi.superset.errors import SupersetError
from orchestration.bi.superset.layout import COLUMNS
from orchestration.bi.superset.names import Audience
from orchestration.bi.superset.server import Account, Left, Superset, session
from orchestration.cli import main
from orchestration.metrics.registry import read_catalogue
from orchestration.report.labels import Lang
from orchestration.serving.postgres.target import Target

LAN = Audience("lan@cty.example", "kpi_v_1", "kpi")
MINH = Audience("minh@cty.example", "kpi_v_2", "kpi")
SERVER = Server("db.cty.example", 5432, "kpi", {"sslmode": "verify-full"})

Files = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def dashboards() -> tuple[Dashboard, ...]:
    return read_dashboards()


@pytest.fixture(scope="module")
def files(dashboards: tuple[Dashboard, ...]) -> Files:
    return bundle_files(dashboards, [LAN, MINH], SERVER, Lang.VI)


def of(files: Files, folder: str, audience: Audience | None = None) -> dict[str, Mapping[str, Any]]:
    """The files of a folder by name, of one person or of everybody."""
    start = f"{folder}/{audience.slug}" if audience is not None else f"{folder}/"
    return {name: content for name, content in files.items() if name.startswith(start)}


def uuids(files: Files) -> list[str]:
    return [content["uuid"] for content in files.values() if "uuid" in content]


def test_the_same_input_gives_the_same_bytes(dashboards: tuple[Dashboard, ...], files: Files) -> None:
    again = bundle_files(dashboards, [LAN, MINH], SERVER, Lang.VI)
    assert zip_bytes(again) == zip_bytes(files)
    with zipfile.ZipFile(io.BytesIO(zip_bytes(files))) as bundle:
        names = bundle.namelist()
        assert names == [f"{ROOT}/{name}" for name in files]
        assert [yaml.safe_load(bundle.read(name)) for name in names] == list(files.values())


def test_no_password_is_in_it_and_every_person_connects_with_their_login(files: Files) -> None:
    assert {name: content["sqlalchemy_uri"] for name, content in of(files, "databases").items()} == {
        database_file(LAN): "postgresql+psycopg2://kpi_v_1:XXXXXXXXXX@db.cty.example:5432/kpi?sslmode=verify-full",
        database_file(MINH): "postgresql+psycopg2://kpi_v_2:XXXXXXXXXX@db.cty.example:5432/kpi?sslmode=verify-full",
    }
    for database in of(files, "databases").values():
        assert "password" not in database
        assert not any(database[name] for name in database if name.startswith("allow_"))


def test_an_object_is_the_same_one_in_both_languages_and_another_ones_for_everybody(
    dashboards: tuple[Dashboard, ...], files: Files
) -> None:
    english = bundle_files(dashboards, [LAN, MINH], SERVER, Lang.EN)
    assert uuids(english) == uuids(files)
    assert english != files
    assert max(Counter(uuids(files)).values()) == 1
    assert uuids(bundle_files(dashboards, [LAN], SERVER, Lang.EN)) == uuids(of_person(files, LAN))
    for folder, key in (("datasets", "table_name"), ("dashboards", "slug"), ("databases", "database_name")):
        names = Counter(content[key] for content in of(files, folder).values())
        assert max(names.values()) == 1, folder
    other_company = Audience(LAN.email, LAN.login, "other")
    assert not set(uuids(bundle_files(dashboards, [other_company], SERVER, Lang.EN))) & set(uuids(files))


def test_an_email_that_passes_on_takes_nothing_along(dashboards: tuple[Dashboard, ...], files: Files) -> None:
    successor = Audience(LAN.email, "kpi_v_9", LAN.company)
    theirs = bundle_files(dashboards, [successor], SERVER, Lang.VI)
    assert not set(uuids(theirs)) & set(uuids(files))
    assert not {successor.slug, successor.title, successor.role} & {LAN.slug, LAN.title, LAN.role}
    assert successor.address("kpi_funnel") != LAN.address("kpi_funnel")
    renamed = Audience("an@cty.example", LAN.login, LAN.company)
    assert not {renamed.uuid("database"), renamed.role} & {LAN.uuid("database"), LAN.role}
    for folder, key in (("datasets", "table_name"), ("databases", "database_name"), ("dashboards", "slug")):
        assert not {content[key] for content in of(theirs, folder).values()} & {
            content[key] for content in of(files, folder).values()
        }, folder


def test_a_role_has_a_name_that_superset_has_room_for() -> None:
    assert (LAN.title, LAN.role) == ("KPI lan@cty.example (kpi_v_1)", "KPI lan@cty.example (kpi_v_1)")
    long = "a.name.longer.than.most@a.company.with.many.departments.example"
    first, second = Audience(long, "kpi_v_0a1b2c3d4e5f", "kpi"), Audience(long, "kpi_v_0a1b2c3d4e60", "kpi")
    assert len(first.title) > 64
    assert {len(first.role), len(second.role)} == {64}
    assert first.role != second.role
    assert first.role.startswith("KPI a.name.longer")


def of_person(files: Files, audience: Audience) -> Files:
    return {name: content for name, content in files.items() if audience.slug in name}


def test_whatever_is_named_is_there_and_belongs_to_the_same_person(files: Files) -> None:
    for person in (LAN, MINH):
        own = of_person(files, person)
        databases = set(uuids(of(own, "databases")))
        tables = {content["uuid"]: content for content in of(own, "datasets").values()}
        charts = {content["uuid"]: content for content in of(own, "charts").values()}
        assert {table["database_uuid"] for table in tables.values()} == databases
        placed: set[str] = set()
        for chart in charts.values():
            table = tables[chart["dataset_uuid"]]
            known = {column["column_name"] for column in table["columns"]}
            measures = {metric["metric_name"] for metric in table["metrics"]}
            settings = chart["params"]
            named = {*settings.get("groupby", ()), *settings.get("all_columns", ())}
            assert named <= known
            assert {*settings.get("metrics", ()), *filter(None, [settings.get("metric")])} <= measures
            assert settings.get("timeseries_limit_metric", next(iter(measures), None)) in {*measures, None}
            assert not chart["query_context"] or json.loads(chart["query_context"])["queries"]
        for dashboard in of(own, "dashboards").values():
            parts = [part for part in dashboard["position"].values() if isinstance(part, dict)]
            placed |= {part["meta"]["uuid"] for part in parts if part["type"] == "CHART"}
            for native in dashboard["metadata"]["native_filter_configuration"]:
                [target] = native["targets"]
                columns = {column["column_name"] for column in tables[target["datasetUuid"]]["columns"]}
                assert target["column"]["name"] in columns
        assert placed == set(charts)


def test_every_row_of_a_dashboard_fills_the_grid(files: Files) -> None:
    for dashboard in of(files, "dashboards").values():
        position = dashboard["position"]
        for row in position["GRID_ID"]["children"]:
            assert sum(position[part]["meta"]["width"] for part in position[row]["children"]) == COLUMNS
        for name, part in position.items():
            if isinstance(part, dict) and name not in ("ROOT_ID", "HEADER_ID"):
                assert name in position[part["parents"][-1]]["children"]


def test_filters_leave_alone_the_charts_that_do_not_obey_them(dashboards: tuple[Dashboard, ...], files: Files) -> None:
    for dashboard in dashboards:
        content = files[f"dashboards/{LAN.slug}/{dashboard.name}.yaml"]
        number_of = {
            part["meta"]["uuid"]: part["meta"]["chartId"]
            for part in content["position"].values()
            if isinstance(part, dict) and part["type"] == "CHART"
        }
        filters = {native["targets"][0]["column"]["name"]: native for native in filters_of(content)}
        assert tuple(filters) == dashboard.filters
        for name, native in filters.items():
            obeying = {
                number_of[LAN.uuid("chart", f"{dashboard.name}/{chart.name}")]
                for chart in dashboard.charts
                if name in chart.filters
            }
            assert set(number_of.values()) - set(native["scope"]["excluded"]) == obeying
            is_month = name == MONTH
            assert native["requiredFirst"] is is_month
            assert native["controlValues"]["multiSelect"] is not is_month
            assert native["controlValues"]["enableEmptyFilter"] is is_month


def filters_of(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = content["metadata"]["native_filter_configuration"]
    return found


def test_a_click_narrows_only_charts_that_know_the_column(dashboards: tuple[Dashboard, ...], files: Files) -> None:
    [customers] = [dashboard for dashboard in dashboards if dashboard.name == "kpi_customers"]
    content = files[f"dashboards/{LAN.slug}/kpi_customers.yaml"]
    numbers = {
        part["meta"]["uuid"]: part["meta"]["chartId"]
        for part in content["position"].values()
        if isinstance(part, dict) and part["type"] == "CHART"
    }
    number_of = {chart.name: numbers[LAN.uuid("chart", f"kpi_customers/{chart.name}")] for chart in customers.charts}
    clicked = content["metadata"]["chart_configuration"][str(number_of["relationships"])]
    moved = {name for name, number in number_of.items() if number not in clicked["crossFilters"]["scope"]["excluded"]}
    assert moved == {"customers_of_today"}


def test_there_is_no_figure_of_several_months(dashboards: tuple[Dashboard, ...], files: Files) -> None:
    checked = {True: 0, False: 0}
    for name, dataset in datasets(dashboards, Lang.VI).items():
        made = {
            metric["metric_name"]: metric["expression"]
            for metric in files[f"datasets/{LAN.slug}/{name}.yaml"]["metrics"]
        }
        has_month = dataset.source.date is not None
        for item in dataset.measures:
            guarded = f'case when min("month") = max("month") then {item.expression} end'
            assert made[item.metric.name] == (guarded if has_month else item.expression), (name, item.metric.name)
            checked[has_month] += 1
    assert checked[True] > 40
    assert checked[False] > 5


def test_rows_of_months_say_which(dashboards: tuple[Dashboard, ...], files: Files) -> None:
    checked = 0
    for dashboard in dashboards:
        for chart in dashboard.charts:
            if chart.kind is not Kind.ROWS:
                continue
            content = files[f"charts/{LAN.slug}/{dashboard.name}__{chart.name}.yaml"]
            names = [column.name for column in chart.columns if not chart.has_month or column.name != MONTH]
            expected = [MONTH, *names] if chart.has_month else names
            assert content["params"]["all_columns"] == expected
            assert json.loads(content["query_context"])["queries"][0]["columns"] == expected
            checked += chart.has_month
    assert checked > 3


def test_the_day_the_figures_are_of_is_described_in_the_readers_language(
    dashboards: tuple[Dashboard, ...], files: Files
) -> None:
    english = bundle_files(dashboards, [LAN], SERVER, Lang.EN)
    for found, words in (
        (files, "Ngày cuối cùng mà số liệu ghi nhận."),
        (english, "The last day that the figures know."),
    ):
        [metric] = found[f"datasets/{LAN.slug}/publication.yaml"]["metrics"]
        assert found[f"charts/{LAN.slug}/as_of.yaml"]["description"] == metric["description"] == words


def test_figures_are_written_in_their_units(files: Files) -> None:
    formats = {
        metric["metric_name"]: metric["d3format"]
        for content in of(files, "datasets", LAN).values()
        for metric in content["metrics"]
    }
    assert formats["connected_rate"] == ".1%"
    assert formats["collected_amount"] == ",.0f"
    assert formats["orders"] == ",.0f"
    assert formats["source_orders_split"] == ",.1f"
    assert formats["mean_rating"] == ",.2f"
    assert formats["product_sold_quantity"] == ",.2~f"


def test_an_axis_writes_no_two_marks_the_same(files: Files) -> None:
    axes = {
        name.partition("__")[2].removesuffix(".yaml"): content["params"]["y_axis_format"]
        for name, content in of(files, "charts", LAN).items()
        if content["viz_type"].startswith("echarts")
    }
    assert (axes["tasks_by_type"], axes["new_customers_by_month"], axes["revenue_by_month"]) == (
        ",.2~f",
        ",.2~f",
        "SMART_NUMBER",
    )


def test_everything_says_what_it_is(dashboards: tuple[Dashboard, ...], files: Files) -> None:
    for name, content in files.items():
        if name.startswith(("charts/", "dashboards/", "datasets/")):
            assert content["description"], name
        for part in (*content.get("columns", ()), *content.get("metrics", ())):
            assert part["description"], (name, part)
    funnel = files[f"charts/{LAN.slug}/kpi_funnel__orders.yaml"]
    assert funnel["slice_name"] == "Đơn hàng"
    catalogue = read_catalogue()
    english = bundle_files(dashboards, [LAN], SERVER, Lang.EN)
    for found, formulas in ((files, "formula_vi"), (english, "formula")):
        [orders] = [
            metric
            for metric in found[f"datasets/{LAN.slug}/fct_funnel.yaml"]["metrics"]
            if metric["metric_name"] == "orders"
        ]
        assert orders["description"] == getattr(catalogue["orders"], formulas)


def test_every_dataset_is_the_definitions_own_sql(dashboards: tuple[Dashboard, ...], files: Files) -> None:
    declared = datasets(dashboards, Lang.VI)
    for name, dataset in declared.items():
        assert files[f"datasets/{LAN.slug}/{name}.yaml"]["sql"] == dataset.sql
    used = {dataset_name(chart.source) for dashboard in dashboards for chart in dashboard.charts}
    assert used == set(declared)
    assert {chart.kind for dashboard in dashboards for chart in dashboard.charts} == set(Kind)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "postgresql://pub@db.cty.example/kpi?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgresql+psycopg2://lo%40gin:XXXXXXXXXX@db.cty.example:5432/kpi"
            "?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
        ),
        ("postgresql://pub@127.0.0.1:6000/k%20pi", "postgresql+psycopg2://lo%40gin:XXXXXXXXXX@127.0.0.1:6000/k pi"),
        ("postgresql://pub@[::1]/kpi", "postgresql+psycopg2://lo%40gin:XXXXXXXXXX@[::1]:5432/kpi"),
        (
            "postgresql://pub@%2Fvar%2Frun/kpi",
            "postgresql+psycopg2://lo%40gin:XXXXXXXXXX@:5432/kpi?host=%2Fvar%2Frun",
        ),
    ],
)
def test_the_address_is_the_published_servers(url: str, address: str) -> None:
    assert server_of(Target(url)).address("lo@gin") == address


def answering(answers: Mapping[tuple[str, str], Any], asked: list[tuple[str, str, Any]]) -> Superset:
    """A Superset that gives these answers and remembers what it was asked."""

    def answer(request: httpx.Request) -> httpx.Response:
        is_json = request.headers.get("Content-Type") == "application/json"
        asked.append((request.method, request.url.path, json.loads(request.content) if is_json else None))
        given = answers.get((request.method, request.url.path))
        return httpx.Response(404, text="nothing here") if given is None else httpx.Response(200, json=given)

    return Superset(httpx.Client(base_url="http://bi.example", transport=httpx.MockTransport(answer)))


def listed(*found: Mapping[str, Any]) -> dict[str, Any]:
    return {"result": list(found)}


def test_a_role_opens_one_connection_and_the_rows_behind_its_charts() -> None:
    api = "/api/v1"
    asked: list[tuple[str, str, Any]] = []
    permission = {"permission": {"name": "database_access"}, "view_menu": {"name": f"[{LAN.title}].(id:7)"}}
    other = {"permission": {"name": "database_access"}, "view_menu": {"name": f"[{MINH.title}].(id:8)"}}
    drill = {"permission": {"name": "can_samples"}, "view_menu": {"name": "Datasource"}}
    more = {"permission": {"name": "all_database_access"}, "view_menu": {"name": "all_database_access"}}
    answers = {
        ("GET", f"{api}/security/permissions-resources/"): listed(
            {"id": 70, **permission}, {"id": 80, **other}, {"id": 90, **drill}, {"id": 99, **more}
        ),
        ("GET", f"{api}/database/"): listed(
            {"id": 7, "uuid": LAN.uuid("database"), "database_name": LAN.title},
            {"id": 8, "uuid": MINH.uuid("database"), "database_name": MINH.title},
        ),
        ("GET", f"{api}/security/roles/"): listed({"id": 2, "name": MINH.title}),
        ("POST", f"{api}/security/roles/"): {"id": 3},
        ("POST", f"{api}/security/roles/3/permissions"): {},
        ("POST", f"{api}/security/roles/2/permissions"): {},
    }
    answering(answers, asked).open_to([LAN, MINH])
    assert [request for request in asked if request[0] == "POST"] == [
        ("POST", f"{api}/security/roles/", {"name": LAN.title}),
        ("POST", f"{api}/security/roles/3/permissions", {"permission_view_menu_ids": [70, 90]}),
        ("POST", f"{api}/security/roles/2/permissions", {"permission_view_menu_ids": [80, 90]}),
    ]
    without = {**answers, ("GET", f"{api}/security/permissions-resources/"): listed({"id": 70, **permission})}
    with pytest.raises(SupersetError, match="has no permission can_samples on Datasource; `superset init` makes it"):
        answering(without, asked).open_to([LAN])
    with pytest.raises(SupersetError, match=r"has no connection of somebody@cty\.example"):
        answering(answers, asked).open_to([Audience("somebody@cty.example", "kpi_v_3", "kpi")])


API = "/api/v1"
FORMER = Audience(LAN.email, "kpi_v_0", "kpi")


def left_in_superset(uri: str, roles: tuple[Mapping[str, Any], ...]) -> dict[tuple[str, str], Any]:
    """Answers of a Superset with LAN's connection, one of whoever had that e-mail before, and one of no concern."""
    access = {"permission": {"name": "database_access"}, "view_menu": {"name": f"[{FORMER.title}].(id:6)"}}
    return {
        ("GET", f"{API}/database/"): listed(
            {"id": 5, "uuid": "another", "database_name": "Kho"},
            {"id": 6, "uuid": FORMER.uuid("database"), "database_name": FORMER.title},
            {"id": 7, "uuid": LAN.uuid("database"), "database_name": LAN.title},
        ),
        ("GET", f"{API}/security/permissions-resources/"): listed({"id": 60, **access}),
        ("GET", f"{API}/security/roles/search/"): listed(*roles),
        ("GET", f"{API}/database/6/connection"): {"result": {"sqlalchemy_uri": uri}},
        **{("POST", f"{API}/security/roles/{role['id']}/permissions"): {} for role in roles},
        **{("PUT", f"{API}/security/roles/{role['id']}/{what}"): {} for role in roles for what in ("users", "groups")},
    }


def role(number: int, name: str, permissions: list[int], users: list[int]) -> dict[str, Any]:
    return {"id": number, "name": name, "permission_ids": permissions, "user_ids": users, "group_ids": []}


def test_a_role_whose_login_is_another_ones_now_opens_nothing_and_is_nobodys() -> None:
    asked: list[tuple[str, str, Any]] = []
    roles = (role(3, LAN.role, [70], [1]), role(4, FORMER.role, [60, 90], [1, 2]))
    superset = answering(left_in_superset(SERVER.address(FORMER.login), roles), asked)
    [left] = superset.close_what_is_nobodys([LAN, MINH], SERVER, "kpi_v_")
    assert (left.connection, left.is_problem) == (FORMER.title, False)
    assert "has lost its permissions and users" in left.what
    assert [request for request in asked if request[0] != "GET"] == [
        ("POST", f"{API}/security/roles/4/permissions", {"permission_view_menu_ids": []}),
        ("PUT", f"{API}/security/roles/4/users", {"user_ids": []}),
    ]
    # Where it is empty already, there is nothing to do or say.
    empty = answering(left_in_superset(SERVER.address(FORMER.login), (role(4, FORMER.role, [], []),)), asked)
    assert list(empty.close_what_is_nobodys([LAN], SERVER, "kpi_v_")) == []


def test_what_cannot_be_closed_is_said_and_the_others_are_let_be() -> None:
    asked: list[tuple[str, str, Any]] = []
    by_hand = (role(5, "Sales", [60, 1], [1]),)
    superset = answering(left_in_superset(SERVER.address(FORMER.login), by_hand), asked)
    [left] = superset.close_what_is_nobodys([LAN], SERVER, "kpi_v_")
    assert (left.is_problem, "the role Sales opens it" in left.what) == (True, True)
    answers = left_in_superset(SERVER.address(FORMER.login), by_hand)
    del answers["GET", f"{API}/database/6/connection"]
    [left] = answering(answers, asked).close_what_is_nobodys([LAN], SERVER, "kpi_v_")
    assert (left.is_problem, "404" in left.what) == (True, True)
    elsewhere = Server("old.cty.example", 5432, "kpi", {})
    own = (role(4, FORMER.role, [60], [1]),)
    [left] = answering(left_in_superset(elsewhere.address(FORMER.login), own), asked).close_what_is_nobodys(
        [LAN], SERVER, "kpi_v_"
    )
    assert (left.is_problem, left.what) == (False, "leads to another database and is not touched")
    other_company = answering(left_in_superset(SERVER.address("other_v_1"), own), asked)
    assert list(other_company.close_what_is_nobodys([LAN], SERVER, "kpi_v_")) == []
    assert {request[0] for request in asked} == {"GET"}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://bi.cty.example", r"passwords in the clear; write https://bi\.cty\.example"),
        ("http://10.0.0.5:8088/", "in the clear"),
        ("ftp://bi.cty.example", "--into is like https"),
        ("bi.cty.example", "--into is like https"),
        ("https://ad:min@bi.cty.example", "has a user name or parameters in it"),
    ],
)
def test_no_password_leaves_this_machine_in_the_clear(url: str, message: str) -> None:
    with pytest.raises(SupersetError, match=message), session(url, Account("admin", "secret")):
        pytest.fail("it was let through")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_this_machine_needs_no_encryption(url: str) -> None:
    with pytest.raises(SupersetError, match="onnect"), session(url, Account("admin", "secret")):
        pytest.fail("nobody answers there")


def test_passwords_that_others_may_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.csv"
    path.write_text(f"email,login,password\n{LAN.email},{LAN.login},secret\n", encoding="utf-8")
    path.chmod(0o640)
    with pytest.raises(PasswordsError, match="is open to others; `chmod 600"):
        read_passwords(path)
    path.chmod(0o600)
    found = read_passwords(path)
    assert (found[LAN.login], str(found)) == ("secret", "Passwords(of 1)")
    path.write_text("email,name\na@b.vn,x\n", encoding="utf-8")
    with pytest.raises(PasswordsError, match="is no file of passwords"):
        read_passwords(path)


class Stubborn:
    """A Superset that takes everybody's dashboards but LAN's."""

    def __init__(self) -> None:
        self.taken: list[Mapping[Audience, str]] = []
        self.everyone: list[Audience] = []

    def close_what_is_nobodys(self, everyone: Sequence[Audience], server: Server, logins: str) -> Iterator[Left]:
        self.everyone.extend(everyone)
        assert logins == "kpi_v_"
        yield Left("KPI x", "is nobody's any more")

    def take(self, bundle: bytes, passwords: Mapping[Audience, str]) -> None:
        self.taken.append(passwords)

    def open_to(self, people: Sequence[Audience]) -> None:
        if LAN in people:
            raise SupersetError("Superset has no connection")


def test_one_persons_error_is_named_and_stops_nobody_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    there = Stubborn()

    @contextmanager
    def opened(url: str, account: Account) -> Iterator[Stubborn]:
        yield there

    monkeypatch.setattr(make, "session", opened)
    monkeypatch.setattr(make, "audiences", lambda target, emails: (LAN, MINH))
    monkeypatch.setattr(make, "everybody", lambda target: (LAN, MINH, FORMER))
    monkeypatch.setenv("COLUMNS", "400")
    secret = tmp_path / "admin.password"
    secret.write_text("secret\n", encoding="utf-8")
    secret.chmod(0o600)
    to = ("--to", "postgresql://p@127.0.0.1/kpi", "--into", "http://127.0.0.1:1", "--user-password", str(secret))
    with pytest.raises(SystemExit) as left:
        main(("bi", "superset", "--all", *to))
    said = capfd.readouterr()
    assert left.value.code == 1
    assert f"{LAN.email}: Superset has no connection" in said.err
    assert f"Not done: {LAN.email}" in said.err
    assert f"role {MINH.role}" in said.out
    assert "KPI x" in said.out
    assert (len(there.taken), there.everyone) == (2, [LAN, MINH, FORMER])


def test_what_superset_refuses_is_said() -> None:
    with pytest.raises(SupersetError, match=r"POST http://bi\.example/api/v1/assets/import/: 404 nothing here"):
        answering({}, []).take(b"", {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "either for whom with --viewer EMAIL, or --all"),
        (("--all", "--viewer", "x@cty.vn"), "either for whom"),
        (("--all",), "either where to write the bundle with --out FILE, or which Superset with --into URL"),
        (("--all", "--out", "x.zip", "--into", "http://bi"), "either where to write"),
        (("--all", "--out", "x.zip", "--passwords", "k.csv"), "a bundle never has a password in it"),
        (("--all", "--out", "x.zip", "--language", "fr"), "--language fr: dashboards are written in en or vi"),
        (("--all", "--into", "http://bi", "--to", "postgresql://p@127.0.0.1/kpi"), "--into needs --user-password FILE"),
        (("--all", "--out", "x.zip"), "there is no server"),
    ],
)
def test_the_command_says_what_it_needs(
    arguments: tuple[str, ...], message: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KPI_POSTGRES_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as left:
        main(("bi", "superset", *arguments))
    assert left.value.code == 2
    assert message in capfd.readouterr().err
