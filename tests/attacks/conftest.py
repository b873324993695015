"""The attacked publication: a small demo company with planted secrets, published twice, so that one is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.serving.postgres.publish import publish_to
from tests.attacks.arena import Arena
from tests.attacks.probes import SECRET, Names
from tests.support.postgres import Server
from tests.support.postgres_company import FEW_MARTS, changed, drop_database, keys_in, make_database

ATTACKER = "hoa.le@congty.example"
VICTIM = "mai.nguyen@congty.example"
DATABASE = "attacks"


def plant(publication: Path, path: Path) -> tuple[Path, dict[str, str]]:
    """A copy in which a customer, an amount and two months are the victim's and nobody else's; and who is who."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{publication}' as published (read_only)")
        people = dict(
            connection.execute(
                "select lower(email), employee_id from published.main.dim_employees where email is not null"
            ).fetchall()
        )
        names = dict(connection.execute("select employee_id, full_name from published.main.dim_employees").fetchall())
    victim = people[VICTIM]
    planted = changed(
        publication,
        path,
        f"update main.dim_customers set customer_id = 'hidden-customer', customer_name = '{SECRET}' "
        f"where customer_id = (select min(customer_id) from main.dim_customers where manager_id = '{victim}')",
        f"update main.fct_funnel set orders = 987654321, month_date = '1999-02-01' where employee_id = "
        f"'{victim}' and month_date = (select max(month_date) from main.fct_funnel where employee_id = '{victim}')",
        marts=FEW_MARTS,
    )
    return planted, {"me": people[ATTACKER], "victim": victim, "victim_name": names[victim]}


@pytest.fixture(scope="session")
def arena(
    postgres_server: Server, small_publication: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("attacks")
    planted, people = plant(small_publication, folder / "planted.duckdb")
    target = make_database(postgres_server, folder, DATABASE)
    publish_to(target, planted, passwords_path=folder / "keys.csv")
    publish_to(target, planted)
    keys = keys_in(folder / "keys.csv")
    names = Names(
        me=keys[ATTACKER].login,
        me_id=people["me"],
        victim=keys[VICTIM].login,
        victim_id=people["victim"],
        victim_email=VICTIM,
        victim_name=people["victim_name"],
        reader=target.roles.reader,
        owner=target.roles.owner,
        everything=target.roles.everything("customer"),
        publisher=f"{DATABASE}_publisher",
    )
    yield Arena(postgres_server, target, names, keys[ATTACKER], keys[VICTIM])
    drop_database(postgres_server, DATABASE)
