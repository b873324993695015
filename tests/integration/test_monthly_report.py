"""The monthly report of real frozen months: its numbers against the marts, its three formats against each other, and
who may be sent it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import openpyxl
import pytest
from aiosmtpd.controller import Controller
from pypdf import PdfReader

from orchestration.assets.monthly_report import report_asset
from orchestration.assets.services import Services
from orchestration.freezing.freeze import freeze_month
from orchestration.freezing.manifest import FrozenError
from orchestration.monthly.content import make_document
from orchestration.monthly.document import Document, text_of
from orchestration.monthly.facts import Facts, read_facts
from orchestration.monthly.mail import MailError, send_report
from orchestration.monthly.write import Written, write_report
from orchestration.report.errors import PageError
from orchestration.report.labels import Lang
from orchestration.settings import Settings
from tests.support.frozen import build_frozen, publish_warehouse
from tests.support.warehouse import (
    DEMO_AS_OF,
    DemoWarehouse,
    copy_warehouse,
    demo_warehouse,
    warehouse_settings,
)

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
SEES_ALL = "nam.tran@congty.example"


@dataclass(frozen=True)
class Reported:
    """February and March frozen; then an order of February grew by `amount`; and March's report."""

    settings: Settings
    amount: Decimal
    facts: Facts
    document: Document
    written: Written


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def reported(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    home = tmp_path_factory.mktemp("reported")
    settings = warehouse_settings(home).model_copy(update={"source": "demo"})
    copy_warehouse(built, home)
    settings.landing_dir.symlink_to(built.landing.root)
    batches = [f"{batch.entity}/{batch.batch_id}" for batch in built.landing.visible("demo", DEMO_AS_OF)]
    publish_warehouse(settings, batches)
    for month in (FEBRUARY, MARCH):
        assert freeze_month(settings, month, as_of=DEMO_AS_OF).is_new
    amount = Decimal("1234.56")
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(
            "update marts.fct_orders set revenue_amount = revenue_amount + ? where order_id = ("
            "select min(order_id) from marts.fct_orders where month_date = ? and is_counted and revenue_amount > 0)",
            [amount, FEBRUARY],
        )
    assert build_frozen(settings).bad() == []
    publish_warehouse(settings, batches)
    facts = read_facts(settings, MARCH)
    return Reported(settings, amount, facts, make_document(facts, Lang.EN), write_report(settings, MARCH, lang=Lang.EN))


@pytest.fixture
def marts(reported: Reported) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{reported.settings.marts_path}' as published (read_only)")
        connection.execute("use published.marts")
        yield connection


def rows(document: Document, name: str) -> list[tuple[Any, ...]]:
    [found] = [table for _, table in document.tables() if table.name == name]
    return list(found.rows)


def month_of_funnel(marts: duckdb.DuckDBPyConnection, measure: str, month: date) -> Decimal:
    """A second way to the figure: the mart that shows it, not what was frozen of it."""
    [(value,)] = marts.execute(f"select sum({measure}) from fct_funnel where month_date = ?", [month]).fetchall()
    return Decimal(value)


def test_the_companys_figures_are_the_funnels(reported: Reported, marts: duckdb.DuckDBPyConnection) -> None:
    """February's is the frozen one: the order that grew since is in the correction, and not in the comparison."""
    shown = {row[0]: row for row in rows(reported.document, "company")}
    for label, measure in (("New customers", "new_customers"), ("Orders", "orders"), ("Activities", "activities")):
        assert shown[label][1:3] == (
            month_of_funnel(marts, measure, MARCH),
            month_of_funnel(marts, measure, FEBRUARY),
        )
    before = month_of_funnel(marts, "revenue_amount", FEBRUARY) - reported.amount
    now = month_of_funnel(marts, "revenue_amount", MARCH)
    assert shown["Revenue"][1:5] == (now, before, now - before, (now - before) / before)
    said = [part for one in reported.document.sections for part in one.parts if isinstance(part, str)]
    frozen, today = (
        text_of(value, reported.document.tables()[0][1].columns[1].kind) for value in (before, before + reported.amount)
    )
    assert f"2026-02, Revenue: frozen {frozen}, now {today} (+1,234.56). Rows behind it: 1 changed." in said


def test_departments_and_people_add_up(reported: Reported, marts: duckdb.DuckDBPyConnection) -> None:
    *departments, company = rows(reported.document, "departments")
    for at in range(1, 6):
        assert sum(row[at] for row in departments) == company[at]
    for name in ("increases", "decreases"):
        for row in rows(reported.document, name):
            assert row[2] - row[1] == row[3] == row[6] + row[7]
    [(names,)] = marts.execute("select list(full_name) from dim_employees").fetchall()
    assert {row[0] for row in rows(reported.document, "increases")} <= set(names)


def test_the_cycle_is_the_companys(reported: Reported, marts: duckdb.DuckDBPyConnection) -> None:
    """Counted over all customers, as `kpi_customer_cycle` counts them for each person."""
    [(counted, converted, first)] = marts.execute(
        """
        select sum(counted_customers), sum(converted), (select max(calendar_date) from dim_date where is_as_of) - 83
        from kpi_customer_cycle where window_days = 84 and result_type = 'order' and breakdown = 'all'
        """
    ).fetchall()
    [said] = [
        part
        for one in reported.document.sections
        for part in one.parts
        if isinstance(part, str) and part.startswith(f"Of {counted:,} customers created from {first} ")
    ]
    assert f", {converted:,} (" in said
    assert f" have ordered and {counted - converted:,} have not yet" in said
    cohorts = {row[0]: row[1:4] for row in rows(reported.document, "cohorts")}
    for month, customers, with_order in marts.execute(
        "select cohort_month_date, sum(customers), sum(with_order) from kpi_cohort_funnel "
        "where cohort_month_date between '2025-10-01' and '2026-03-01' group by 1"
    ).fetchall():
        assert cohorts[f"{month:%Y-%m}"] == (customers, with_order, customers - with_order)


class _Cells(HTMLParser):
    """The texts of all cells of tables, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            self._inside = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def test_all_three_formats_say_the_same(reported: Reported) -> None:
    tables = [table for _, table in reported.document.tables()]
    page = reported.written.html.read_text(encoding="utf-8")
    cells = _Cells()
    cells.feed(page)
    assert cells.cells == [
        text
        for table in tables
        for text in (
            *(column.head for column in table.columns),
            *(text_of(v, c.kind) for row in table.rows for v, c in zip(row, table.columns, strict=True)),
        )
    ]
    pdf = "".join("".join(one.extract_text() for one in PdfReader(reported.written.pdf).pages).split())
    for text in cells.cells:
        assert "".join(text.split()) in pdf, text
    book = openpyxl.load_workbook(reported.written.workbook)
    found = {name: sheet for sheet in book for name in sheet.tables}
    for table in (*tables, *(one for _, one in reported.document.appendix)):
        sheet = found[f"t_{table.name}"]
        _, *values = sheet[sheet.tables[f"t_{table.name}"].ref]
        for cells_of_row, row in zip(values, table.rows, strict=True):
            # A workbook keeps sixteen digits.
            wanted = [float(v) if isinstance(v, Decimal) else v for v in row]
            assert [cell.value for cell in cells_of_row] == [
                pytest.approx(v, rel=1e-14) if isinstance(v, float) else v for v in wanted
            ]


def test_the_workbook_has_every_frozen_figure(reported: Reported, marts: duckdb.DuckDBPyConnection) -> None:
    [(_, table)] = reported.document.appendix
    frozen = marts.execute(
        """
        select
            subject_level, subject_id, label_en, frozen.value, frozen.numerator, frozen.denominator, target_value,
            attainment_rate
        from kpi_monthly_snapshot as frozen inner join dim_metrics using (metric)
        where month_date = ? and is_latest
        """,
        [MARCH],
    ).fetchall()
    shown = [(row[0], row[1], *row[3:]) for row in table.rows]
    assert sorted(map(repr, shown)) == sorted(map(repr, frozen))


def test_the_files_hold_everybodys_figures_and_are_their_owners_only(reported: Reported) -> None:
    assert [path.name for path in reported.written.paths] == [f"kpi-2026-03-v1.en.{e}" for e in ("html", "pdf", "xlsx")]
    for path in reported.written.paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(reported.written.pdf.parent.stat().st_mode) == 0o700
    page = reported.written.html.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "src=" not in page


def test_a_folder_of_the_operators_gets_them_with_its_own_rights(reported: Reported, tmp_path: Path) -> None:
    share = tmp_path / "share"
    settings = reported.settings.model_copy(update={"report_folder": share})
    with pytest.raises(PageError, match=r"KPI_REPORT_FOLDER: .*share is no folder"):
        write_report(settings, MARCH, lang=Lang.EN)
    assert not share.exists()
    share.mkdir()
    before = os.umask(0o027)
    try:
        written = write_report(settings, MARCH, lang=Lang.EN)
    finally:
        os.umask(before)
    assert {path.parent for path in written.paths} == {share / f"{MARCH:%Y-%m}"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written.paths} == {0o640}
    assert written.html.read_bytes() == reported.written.html.read_bytes()


def test_a_month_that_is_not_frozen_has_no_report(reported: Reported) -> None:
    with pytest.raises(FrozenError, match=r"2026-01 is not frozen.*kpi freeze --month 2026-01"):
        write_report(reported.settings, date(2026, 1, 1), lang=Lang.EN)
    with pytest.raises(FrozenError, match="2026-03 has no version 2; it has 1 to 1"):
        write_report(reported.settings, MARCH, lang=Lang.EN, version=2)


def test_a_damaged_frozen_month_has_no_report(reported: Reported, tmp_path: Path) -> None:
    copy = reported.settings.model_copy(update={"home": tmp_path})
    for name in ("2026-02/v1", "2026-03/v1"):
        (tmp_path / "frozen" / name).mkdir(parents=True)
    for path in reported.settings.frozen_dir.rglob("*.*"):
        (tmp_path / "frozen" / path.relative_to(reported.settings.frozen_dir)).write_bytes(path.read_bytes())
    damaged = tmp_path / "frozen" / "2026-02" / "v1" / "figures.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(FrozenError, match=r"figures\.parquet"):
        write_report(copy, MARCH, lang=Lang.EN)


# --- mail -------------------------------------------------------------------------------------------------------------


class _Inbox:
    """Keeps what a mail server was given."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[_Inbox, str]]:
    box = _Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield box, f"smtp://127.0.0.1:{port}"
    finally:
        server.stop()


def mailing(reported: Reported, url: str, to: str) -> Settings:
    return reported.settings.model_copy(update={"smtp_url": url, "report_to": to, "report_from": "kpi@congty.example"})


def test_who_sees_everything_gets_all_three_files(reported: Reported, inbox: tuple[_Inbox, str]) -> None:
    box, url = inbox
    assert send_report(mailing(reported, url, SEES_ALL), reported.written, Lang.EN) == (SEES_ALL,)
    [message] = box.messages
    assert (message["Subject"], message["To"]) == ("KPI report 2026-03", SEES_ALL)
    attached = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert attached == {path.name: path.read_bytes() for path in reported.written.paths}


def test_nobody_gets_it_when_somebody_may_not_see_it_all(
    reported: Reported, inbox: tuple[_Inbox, str], marts: duckdb.DuckDBPyConnection
) -> None:
    """A superior who sees many is not enough; nor is an address that the CRM does not know."""
    box, url = inbox
    [(superior,)] = marts.execute(
        "select viewer_email from published.core.core_employee_scope where report = 'employee' and viewer_email <> ? "
        "group by 1 order by count(*) desc limit 1",
        [SEES_ALL],
    ).fetchall()
    for address, said in (
        (superior, rf"{superior} may see [\d,]+ of the [\d,]+ figures"),
        ("owner@elsewhere.example", "sent to nobody: nobody has the e-mail 'owner@elsewhere.example'"),
    ):
        with pytest.raises(MailError, match=said):
            send_report(mailing(reported, url, f"{SEES_ALL}, {address}"), reported.written, Lang.EN)
    assert box.messages == []


def test_an_address_of_several_people_gets_nothing(
    reported: Reported, inbox: tuple[_Inbox, str], tmp_path: Path
) -> None:
    """What they see would be added up: the director and somebody who sees the own rows only would pass."""
    box, url = inbox
    copy = tmp_path / "marts.duckdb"
    shutil.copyfile(reported.settings.marts_path, copy)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{copy}' as published")
        [(other,)] = connection.execute(
            "select viewer_email from published.core.core_employee_scope "
            "where report = 'employee' and viewer_email <> ? group by 1 order by count(*), 1 limit 1",
            [SEES_ALL],
        ).fetchall()
        for table, column in (
            ("core.core_employee_scope", "viewer_email"),
            ("core.core_department_scope", "viewer_email"),
            ("main.dim_employees", "email"),
        ):
            connection.execute(f"update published.{table} set {column} = ? where {column} = ?", [SEES_ALL, other])
    settings = mailing(reported, url, SEES_ALL).model_copy(update={"home": tmp_path})
    with pytest.raises(MailError, match="the e-mail of several active people"):
        send_report(settings, reported.written, Lang.EN)
    assert box.messages == []


def test_a_server_that_does_not_answer_is_said(reported: Reported) -> None:
    with pytest.raises(MailError, match=r"smtp://127\.0\.0\.1:1 did not take the report"):
        send_report(mailing(reported, "smtp://127.0.0.1:1", SEES_ALL), reported.written, Lang.EN)
    for url in (
        "smtp://kpi:secret@127.0.0.1",
        "smtp://mail:abc",
        "smtp://mail:99999",
        "smtp://[::1",
        "mail.company.vn",
    ):
        with pytest.raises(MailError, match="KPI_SMTP_URL is like"):
            send_report(mailing(reported, url, SEES_ALL), reported.written, Lang.EN)
    settings = mailing(reported, "smtp://127.0.0.1:1", SEES_ALL)
    with pytest.raises(MailError, match="has an address that is none"):
        send_report(settings.model_copy(update={"report_from": "kpi@x\nBcc: all@x"}), reported.written, Lang.EN)
    missing = settings.model_copy(update={"smtp_user": "kpi", "smtp_password_file": Path("/nowhere/password")})
    with pytest.raises(MailError, match="the password file /nowhere/password cannot be read"):
        send_report(missing, reported.written, Lang.EN)
    with pytest.raises(MailError, match="KPI_REPORT_TO"):
        send_report(reported.settings, reported.written, Lang.EN)


def test_dagster_writes_and_sends_it_after_the_freeze(reported: Reported, inbox: tuple[_Inbox, str]) -> None:
    box, url = inbox
    asset = report_asset(Services.of(mailing(reported, url, SEES_ALL)))
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([asset], partition_key="2026-03", instance=instance)
    [made] = result.asset_materializations_for_node(asset.node_def.name)
    assert made.metadata["version"].value == "2026-03/v1"
    assert made.metadata["sent_to"].value == SEES_ALL
    assert Path(str(made.metadata["pdf"].value)).name == "kpi-2026-03-v1.vi.pdf"
    assert len(box.messages) == 1


def test_the_command_says_where_the_files_are(reported: Reported, tmp_path: Path) -> None:
    def kpi(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = Path(sys.executable).with_name("kpi")
        environment = {**os.environ, "KPI_HOME": str(reported.settings.home), "KPI_SOURCE": "demo", "COLUMNS": "80"}
        return subprocess.run(
            [command, "report", *arguments], env=environment, capture_output=True, text=True, check=False
        )

    run = kpi("--month", "2026-03", "--to", str(tmp_path / "new"), "--lang", "vi")
    assert run.returncode == 0, run.stderr
    assert "Written of 2026-03/v1; names, corrections and cycle as of 2026-03-31:" in run.stdout
    for ending in ("html", "pdf", "xlsx"):
        path = tmp_path / "new" / f"kpi-2026-03-v1.vi.{ending}"
        assert path.stat().st_size > 10_000
        assert str(path) in run.stdout
    for arguments, said in (
        (("--month", "2026-01"), "2026-01 is not frozen"),
        (("--month", "2026-03", "--lang", "fr"), "--lang fr: the report is written in en or vi"),
        (("--month", "2026-03", "--send"), "sending needs KPI_REPORT_TO"),
    ):
        run = kpi(*arguments)
        assert (run.returncode, said in run.stderr) == (2, True), run.stderr
