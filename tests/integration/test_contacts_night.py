"""Customers' phone numbers and e-mails through real nights: by default nowhere, on for exactly who sees the customer,
and gone again after a switch off.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment, dbt_paths
from orchestration.serving.export import file_name
from orchestration.serving.generations import CURRENT, export_all
from orchestration.serving.postgres.names import LIVE, compose
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Target
from orchestration.serving.publish import previous_path
from orchestration.serving.reading import open_publication
from orchestration.settings import PROJECT_DIR, Settings
from tests.support.postgres import Server
from tests.support.postgres_company import as_operator, drop_database, keys_in, log_in, make_database
from tests.support.warehouse import run_dbt

MART = "dim_customer_contact_details"
NIGHT = date(2026, 3, 31)
# Phone numbers and addresses that stand nowhere but in the columns phone and email.
PHONES = {"c1": "0912 345 601", "c2": "0912345602", "c3": "0912345603", "c4": "0912345604", "c5": "0912345605"}
MAILS = {customer: f"khach.{customer}@rieng.vn" for customer in PHONES}
_DIGITS = {re.sub(r"\D", "", phone) for phone in PHONES.values()}

COMPANY = {
    "departments": ["department_id,department_name", "d1,Kinh doanh"],
    "employees": [
        "employee_id,full_name,email,department_id,position_rank,is_active",
        "an,An,an@congty.vn,d1,2,true",
        "binh,Binh,binh@congty.vn,d1,2,true",
        "chief,Chief,chief@congty.vn,d1,1,true",
        "tam,Tam,tam@congty.vn,d1,3,true",
        "boss,Boss,boss@congty.vn,,,true",
    ],
    "employee_permissions": [
        "employee_id,report,right",
        "an,employee,access",
        "binh,customer,access",
        "chief,employee,access",
        "tam,task,view_all",
        "boss,employee,view_all",
    ],
    "customers": [
        "customer_id,customer_name,manager_id,creator_id,phone,email,created_at,deleted_at",
        f"c1,Ba,an,an,{PHONES['c1']},{MAILS['c1']},2026-03-02 09:00:00,",
        f"c2,Tu,binh,an,{PHONES['c2']},{MAILS['c2']},2026-03-03 09:00:00,",
        f"c3,Nam,binh,binh,{PHONES['c3']},{MAILS['c3']},2026-03-04 09:00:00,2026-03-20 10:00:00",
        f"c4,Sau,,an,{PHONES['c4']},{MAILS['c4']},2026-03-05 09:00:00,",
        f"c5,Bay,boss,boss,{PHONES['c5']},{MAILS['c5']},2026-03-06 09:00:00,",
    ],
}
# Who sees the customer's name sees how to reach them: oneself, those below through a report that opens customers, all.
SEEN = {
    "an@congty.vn": ["c1"],
    "binh@congty.vn": ["c2"],
    "chief@congty.vn": ["c1", "c2"],
    "tam@congty.vn": [],
    "boss@congty.vn": ["c1", "c2", "c4", "c5"],
}


@dataclass(frozen=True)
class Company:
    """Five people, five customers, one of them deleted, and a server."""

    settings: Settings
    server: Server
    target: Target
    passwords: Path

    def night(self, contacts: bool | None) -> str:
        """`kpi run`, with the setting or (None) without any; what it told."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KPI_")}
        environment |= {"KPI_HOME": str(self.settings.home)}
        if contacts is not None:
            environment["KPI_PUBLISH_CONTACTS"] = str(contacts).lower()
        command = ("run", "--source", "files", "--path", str(self.settings.files_path), "--date", NIGHT.isoformat())
        finished = subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *command],
            cwd=PROJECT_DIR,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def export_and_publish(self) -> None:
        export_all(self.settings.marts_path, self.settings.exports_dir)
        publish_to(self.target, self.settings.marts_path, passwords_path=self.passwords)

    def files(self) -> list[Path]:
        """Every file that readers may get."""
        return [*self.settings.home.glob("*.duckdb"), *self.settings.exports_dir.rglob("*.duckdb")]

    def contacts_in_files(self) -> list[tuple[str, str, str]]:
        """File, table and column of everything that looks like a customer's phone number or e-mail."""
        return [(path.name, table, column) for path in self.files() for table, column in _contacts(path)]

    def contacts_on_server(self) -> list[tuple[str, str]]:
        """The same of every table of the server, in every schema; dropped tables are not there to be asked."""
        with as_operator(self.server, self.target) as operator:
            tables = operator.execute(
                "select relnamespace::regnamespace::text, relname::text from pg_class "
                "where relkind = 'r' and starts_with(relnamespace::regnamespace::text, 'marts')"
            ).fetchall()
            assert len(tables) > 70
            return [
                (schema, table)
                for schema, table in tables
                for (row,) in operator.execute(
                    compose("select (t.*)::text from {schema}.{table} as t", schema=schema, table=table)
                )
                if _is_contact(row)
            ]


def _is_contact(text: str) -> bool:
    digits = re.sub(r"[ .()+-]", "", text)
    return any(phone in digits for phone in _DIGITS) or any(mail in text for mail in MAILS.values())


def _contacts(path: Path) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where table_name in (select table_name from duckdb_tables()) and schema_name in ('main', 'core')"
        ).fetchall()
        assert len(columns) > 500
        for schema, table, column in columns:
            values = connection.execute(
                f'select distinct cast("{column}" as varchar) from {schema}."{table}" where "{column}" is not null'
            ).fetchall()
            if any(_is_contact(value) for (value,) in values):
                yield table, column


@pytest.fixture(scope="module")
def company(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("contacts")
    files = folder / "in"
    files.mkdir()
    for entity, lines in COMPANY.items():
        (files / f"{entity}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = Settings(home=folder / "home", source="files", files_path=files)
    target = make_database(postgres_server, folder, "contacts")
    yield Company(settings, postgres_server, target, folder / "passwords.csv")
    drop_database(postgres_server, "contacts")


def _ids(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [str(key) for (key,) in connection.execute(f"select customer_id from {relation} order by 1").fetchall()]


def test_on_for_who_sees_the_customer_and_off_again_without_a_trace(company: Company) -> None:
    """One story, because a night takes half a minute."""
    marts, exports = company.settings.marts_path, company.settings.exports_dir

    company.night(contacts=True)
    company.export_and_publish()
    keys = keys_in(company.passwords)
    for email, expected in SEEN.items():
        with open_publication(marts, email) as connection:
            assert _ids(connection, f"access.access_{MART}") == expected, email
            names = "(select * from access.access_dim_customers where not is_placeholder and not is_deleted)"
            assert _ids(connection, names) == expected, email
        with duckdb.connect(str(exports / CURRENT / file_name(email)), read_only=True) as connection:
            assert _ids(connection, MART) == expected, email
            rows = connection.execute(f"select customer_id, phone, email from {MART}").fetchall()
            assert sorted(rows) == [(key, PHONES[key], MAILS[key]) for key in expected]
        with log_in(company.server, company.target, keys[email]) as session:
            seen = session.execute(
                compose("select customer_id from {live}.{mart} order by 1", live=LIVE, mart=MART)
            ).fetchall()
            assert [key for (key,) in seen] == expected, email
    assert {(table, column) for _, table, column in company.contacts_in_files()} == {(MART, "phone"), (MART, "email")}
    assert {table for _, table in company.contacts_on_server()} == {MART}

    # The demo company's build, which runs all other unit tests, has the models switched off.
    on = company.settings.model_copy(update={"publish_contacts": True})
    models = [f"{name},test_type:unit" for name in (MART, f"access_{MART}")]
    run = run_dbt(DBT_PROJECT_DIR, ["test", "--select", *models], dbt_environment(on, NIGHT), dbt_paths(on).target)
    assert run.bad() == []
    assert len(run.nodes) == 2

    told = company.night(contacts=None)
    assert "the models, rules or settings changed" in told
    assert "may hold customers' contact details, which are published no longer" in told
    assert [path.name for path in company.files()] == ["marts.duckdb"]
    assert not previous_path(marts).exists()
    with duckdb.connect(str(company.settings.warehouse_path), read_only=True) as connection:
        standing = "select table_name from duckdb_tables() union all select view_name from duckdb_views()"
        assert [name for (name,) in connection.execute(standing).fetchall() if MART in name] == []
        # The landing zone and core keep them: they are the operator's.
        assert connection.execute("select count(phone), count(email) from core.core_customers").fetchall() == [(5, 5)]

    company.passwords.unlink()
    company.export_and_publish()
    assert len(company.files()) == 1 + len(SEEN)
    assert company.contacts_in_files() == []
    assert company.contacts_on_server() == []
    secrets = [*_DIGITS, *MAILS.values(), PHONES["c1"]]
    for path in company.files():
        content = path.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], path
