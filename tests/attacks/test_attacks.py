"""Every attack fails against what we publish, and succeeds against a twin without the defence it tests."""

from __future__ import annotations

import pytest

from orchestration.serving.postgres import gate
from orchestration.serving.postgres.names import LIVE, compose
from orchestration.serving.postgres.target import connect
from tests.attacks import channels, reading, roles, server
from tests.attacks.arena import Arena
from tests.attacks.probes import Outcome, Probe

PROBES: tuple[Probe, ...] = (*reading.PROBES, *roles.PROBES, *channels.PROBES, *server.PROBES)
AT_LEAST = 60


def ids(probe: Probe) -> str:
    return probe.name


def secrets_of(arena: Arena) -> list[str]:
    """What no outcome may hold: what was planted, and the victim's own name, e-mail and id."""
    names = arena.names
    return [names.secret, names.victim_email, names.victim_name]


def test_there_are_enough_attacks_and_no_two_are_the_same() -> None:
    assert len(PROBES) >= AT_LEAST
    assert len({probe.name for probe in PROBES}) == len(PROBES)
    assert len({(probe.steps, probe.weakness) for probe in PROBES}) == len(PROBES)


def test_the_attacker_has_rows_of_their_own_and_the_secrets_are_there(arena: Arena) -> None:
    own = arena.attack(
        Probe("own", ("select * from marts.dim_customers", "select * from marts.fct_funnel"), _never, ())
    )
    assert all(own.rows)
    with arena.server.connect(arena.target.roles.prefix) as operator:
        assert operator.execute(
            "select count(*) from marts.dim_customers where customer_name = %s and manager_id = %s",
            [arena.names.secret, arena.names.victim_id],
        ).fetchone() == (1,)
        assert operator.execute(
            "select count(*) from marts.fct_funnel where orders = 987654321 and month_date = '1999-02-01'"
        ).fetchone() == (1,)


def test_no_relation_that_can_be_read_holds_a_secret(arena: Arena) -> None:
    with arena.server.connect(arena.target.roles.prefix, arena.me.login, arena.me.password) as session:
        readable = session.execute(
            "select n.nspname::text, c.relname::text from pg_class as c "
            "inner join pg_namespace as n on c.relnamespace = n.oid "
            "where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname <> 'information_schema' "
            "and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')"
        ).fetchall()
        assert (LIVE, "dim_customers") in readable
        for schema, name in readable:
            question = "select t::text from {schema}.{name} as t where t::text like %s"
            assert session.execute(compose(question, schema=schema, name=name), ["%SECRET-7%"]).fetchall() == []


@pytest.mark.parametrize("probe", PROBES, ids=ids)
def test_it_finds_nothing(arena: Arena, probe: Probe) -> None:
    outcome = arena.attack(probe)
    assert not probe.succeeds(outcome, arena.names), outcome.text
    # The attacker's own words come back in an error, but never what only the victim's rows hold.
    asked = " ".join(arena.names.put_into(step) for step in probe.steps)
    found = [secret for secret in secrets_of(arena) if secret not in asked and secret in outcome.text]
    assert found == []


@pytest.mark.parametrize("probe", PROBES, ids=ids)
def test_it_succeeds_without_the_defence(arena: Arena, probe: Probe) -> None:
    with arena.twin(probe) as database:
        outcome = arena.attack(probe, database)
    assert probe.succeeds(outcome, arena.names), outcome.text


def test_the_attacks_changed_nothing(arena: Arena) -> None:
    with connect(arena.target) as publisher:
        assert gate.findings(publisher, arena.target.roles, LIVE) == []
    with arena.server.connect(arena.target.roles.prefix) as operator:
        assert operator.execute("select count(*) from marts.fct_funnel where orders = 987654321").fetchone() == (1,)


def _never(_: Outcome, __: object) -> bool:
    return False
