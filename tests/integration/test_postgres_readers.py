"""Readers at work while publications come and go: no error, nothing partial, nothing mixed within a transaction.

Every row of every publication carries the number of its publication, so that a reader can tell which one it meets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres import holders, load, swap
from orchestration.serving.postgres.publish import publish_to, roll_back
from orchestration.serving.postgres.target import Target
from tests.support.postgres import Server
from tests.support.postgres_company import Key, changed, drop_database, keys_in, log_in, make_database

HEAD = "vinh.nguyen@congty.example"
MARTS = ("dim_employees", "dim_departments", "fct_funnel", "fct_orders", "kpi_department_month")
PUBLISHES = 20

# One number per table that carries it, and how many rows it was said of.
ASK_RECORD = "select generation_id from marts.publication"
ASK_FUNNEL = "select min(customers_in_charge), max(customers_in_charge), count(*) from marts.fct_funnel"
ASK_ORDERS = "select min(lines), max(lines), count(*) from marts.fct_orders"
ASK_ALL = """
    select min(f.customers_in_charge), max(f.customers_in_charge), min(o.lines), max(o.lines), max(p.generation_id)
    from marts.fct_funnel as f cross join marts.fct_orders as o cross join marts.publication as p
"""


def stamp(path: Path, number: int) -> None:
    """Make the file publication `number`."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{path}' as published")
        connection.execute("update published.main.publication set generation_id = ?", [generation(number)])
        connection.execute("update published.main.fct_funnel set customers_in_charge = ?", [number])
        connection.execute("update published.main.fct_orders set lines = ?", [number])


def generation(number: int) -> str:
    return f"20990101T{number:012}Z"


@dataclass
class Seen:
    """What one reader met. `wrong` are answers that no single publication gives."""

    name: str
    transactions: int = 0
    numbers: set[int] = field(default_factory=set)
    wrong: list[object] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    longest_ms: float = 0.0

    def judge(self, numbers: set[int], rows: list[int]) -> None:
        self.transactions += 1
        if len(numbers) != 1 or 0 in rows:
            self.wrong.append((numbers, rows))
        self.numbers |= numbers


Session = psycopg.Connection[Any]


def in_one_statement(session: Session, seen: Seen) -> None:
    [(a, b, c, d, record)] = session.execute(ASK_ALL, prepare=True).fetchall()
    seen.judge({int(a), int(b), int(c), int(d), int(record[9:-1])}, [1])


def in_one_transaction(session: Session, seen: Seen, pause: float = 0.0) -> None:
    with session.transaction():
        [(a, b, rows)] = session.execute(ASK_FUNNEL, prepare=True).fetchall()
        time.sleep(pause)
        [(c, d, more)] = session.execute(ASK_ORDERS, prepare=True).fetchall()
        [(record,)] = session.execute(ASK_RECORD, prepare=True).fetchall()
    seen.judge({int(a), int(b), int(c), int(d), int(record[9:-1])}, [rows, more])


def slowly(session: Session, seen: Seen) -> None:
    in_one_transaction(session, seen, pause=0.15)


def on_an_old_snapshot(session: Session, seen: Seen) -> None:
    """The snapshot is taken before anything of ours is touched: rows loaded later must not be missing."""
    with session.transaction():
        session.execute("set transaction isolation level repeatable read")
        session.execute("select count(*) from pg_class")
        time.sleep(0.3)
        [(a, b, rows)] = session.execute(ASK_FUNNEL).fetchall()
        [(c, d, more)] = session.execute(ASK_ORDERS).fetchall()
        [(record,)] = session.execute(ASK_RECORD).fetchall()
    seen.judge({int(a), int(b), int(c), int(d), int(record[9:-1])}, [rows, more])


READERS: tuple[Callable[[Session, Seen], None], ...] = (
    in_one_statement,
    in_one_transaction,
    slowly,
    on_an_old_snapshot,
)


def read_until(stop: threading.Event, server: Server, target: Target, key: Key, read: Any, seen: Seen) -> None:
    try:
        with log_in(server, target, key) as session:
            while not stop.is_set():
                started = time.monotonic()
                read(session, seen)
                seen.longest_ms = max(seen.longest_ms, (time.monotonic() - started) * 1000)
    except psycopg.Error as error:
        # Judged by the test, which a thread cannot fail.
        seen.errors.append(f"{type(error).__name__}: {error}")


@pytest.fixture
def target(postgres_server: Server, tmp_path: Path) -> Iterator[Target]:
    yield make_database(postgres_server, tmp_path, "readers", swap_wait_seconds=30.0)
    drop_database(postgres_server, "readers")


@pytest.fixture
def company(small_publication: Path, tmp_path: Path) -> Path:
    path = changed(small_publication, tmp_path / "company.duckdb", marts=MARTS)
    stamp(path, 1)
    return path


@pytest.fixture
def key(target: Target, company: Path, tmp_path: Path) -> Key:
    publish_to(target, company, passwords_path=tmp_path / "keys.csv")
    return keys_in(tmp_path / "keys.csv")[HEAD]


def test_readers_meet_whole_publications_and_no_error(
    postgres_server: Server, target: Target, company: Path, key: Key, record_property: Callable[[str, object], None]
) -> None:
    stop = threading.Event()
    met = [Seen(read.__name__) for read in READERS]
    threads = [
        threading.Thread(target=read_until, args=(stop, postgres_server, target, key, read, seen))
        for read, seen in zip(READERS, met, strict=True)
    ]
    for thread in threads:
        thread.start()
    stalls, ended = [], 0
    try:
        for number in range(2, PUBLISHES + 2):
            stamp(company, number)
            published = publish_to(target, company)
            stalls.append(published.stall_ms)
            ended += published.sessions_ended
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    print(f"longest stall of {PUBLISHES} swaps: {max(stalls):.0f} ms, median {sorted(stalls)[PUBLISHES // 2]:.0f} ms")
    for seen in met:
        print(f"{seen.name}: {seen.transactions} transactions, longest {seen.longest_ms:.0f} ms")
        record_property(seen.name, seen.transactions)
    record_property("longest_stall_ms", max(stalls))
    assert [(seen.name, seen.errors) for seen in met if seen.errors] == []
    assert [(seen.name, seen.wrong[:3]) for seen in met if seen.wrong] == []
    assert ended == 0
    # Readers were at work all the time, and came to see what was published.
    assert [seen.name for seen in met if len(seen.numbers) < PUBLISHES // 4] == []
    assert max(max(seen.numbers) for seen in met) >= PUBLISHES


def wait_until_the_swap_waits(server: Server) -> None:
    with server.connect("postgres") as operator:
        for _ in range(600):
            [(waiting,)] = operator.execute(
                "select count(*) from pg_stat_activity where datname = 'readers' and application_name = 'kpi publish' "
                "and wait_event_type = 'Lock'"
            ).fetchall()
            if waiting:
                return
            time.sleep(0.02)
    raise AssertionError("the swap never waited for the reader")


def test_a_transaction_keeps_its_publication_and_the_swap_waits(
    postgres_server: Server, target: Target, company: Path, key: Key
) -> None:
    with log_in(postgres_server, target, key) as session:
        session.autocommit = False
        first = session.execute(ASK_RECORD).fetchone()
        stamp(company, 2)
        swapped = threading.Event()

        def publish() -> None:
            publish_to(target, company)
            swapped.set()

        thread = threading.Thread(target=publish)
        thread.start()
        wait_until_the_swap_waits(postgres_server)
        assert not swapped.is_set()
        assert session.execute(ASK_RECORD).fetchone() == first == (generation(1),)
        session.commit()
        thread.join(60)
        assert session.execute(ASK_RECORD).fetchone() == (generation(2),)


def test_without_the_swaps_locks_a_transaction_would_meet_two_publications(
    postgres_server: Server, target: Target, company: Path, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "take_tables", lambda *_: swap.Taken(time.monotonic(), 0.0, 0, 0))
    with log_in(postgres_server, target, key) as session:
        session.autocommit = False
        assert session.execute(ASK_RECORD).fetchone() == (generation(1),)
        stamp(company, 2)
        publish_to(target, company)
        assert session.execute(ASK_RECORD).fetchone() == (generation(2),)


@pytest.mark.parametrize(("options", "is_whole"), [("(format csv, freeze)", True), ("(format csv)", False)])
def test_only_frozen_rows_are_seen_on_an_older_snapshot(
    postgres_server: Server,
    target: Target,
    company: Path,
    key: Key,
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    is_whole: bool,
) -> None:
    monkeypatch.setattr(load, "_COPY", "copy {schema}.{table} from stdin " + options)
    with log_in(postgres_server, target, key) as session:
        session.autocommit = False
        session.execute("set transaction isolation level repeatable read")
        session.execute("select count(*) from pg_class")
        stamp(company, 2)
        publish_to(target, company)
        [(_, newest, rows)] = session.execute(ASK_FUNNEL).fetchall()
        assert (rows > 0, newest == 2) == (is_whole, is_whole)


def test_whoever_holds_up_the_swap_for_too_long_is_ended(
    postgres_server: Server, target: Target, company: Path, key: Key
) -> None:
    impatient = Target(target.url, target.password_file, target.role_prefix, swap_wait_seconds=0.5)
    with log_in(postgres_server, target, key) as session:
        session.autocommit = False
        session.execute("set idle_in_transaction_session_timeout = 0")
        session.execute(ASK_RECORD)
        stamp(company, 2)
        assert publish_to(impatient, company).sessions_ended == 1
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            session.execute(ASK_RECORD)


def test_a_session_that_is_not_a_viewers_is_named_and_left_alone(
    postgres_server: Server, target: Target, company: Path, key: Key
) -> None:
    impatient = Target(target.url, target.password_file, target.role_prefix, swap_wait_seconds=0.5)
    with postgres_server.connect("readers") as operator:
        operator.autocommit = False
        operator.execute(ASK_RECORD)
        stamp(company, 2)
        with pytest.raises(PublishError, match=r"postgres \(pid \d+\) reads the marts and did not finish"):
            publish_to(impatient, company)
        assert operator.execute(ASK_RECORD).fetchone() == (generation(1),)
        operator.commit()
    assert publish_to(impatient, company).generation_id == generation(2)
    assert roll_back(impatient) == generation(1)


def hold_and_come_back(stop: threading.Event, server: Server, target: Target, key: Key, ended: list[str]) -> None:
    """A program that keeps a transaction open for ever, and logs in again the moment it is ended."""
    while not stop.is_set():
        try:
            with log_in(server, target, key) as session:
                session.autocommit = False
                session.execute("set idle_in_transaction_session_timeout = 0")
                session.execute(ASK_RECORD)
                while not stop.wait(0.005):
                    session.execute("select 1")
                session.rollback()
        except psycopg.OperationalError as error:
            ended.append(str(error))


def test_sessions_that_come_back_as_often_as_they_are_ended_do_not_stop_the_swap(
    postgres_server: Server, target: Target, company: Path, key: Key
) -> None:
    impatient = Target(target.url, target.password_file, target.role_prefix, swap_wait_seconds=0.5)
    stop = threading.Event()
    ended: list[str] = []
    threads = [
        threading.Thread(target=hold_and_come_back, args=(stop, postgres_server, target, key, ended)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    try:
        for number in (2, 3, 4):
            stamp(company, number)
            published = publish_to(impatient, company)
            assert published.generation_id == generation(number)
            assert published.sessions_ended >= 1
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert len(ended) >= 3
    assert [words for words in ended if "terminating connection" not in words and "closed" not in words] == []


def test_a_session_that_does_not_end_is_named(
    postgres_server: Server, target: Target, company: Path, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = Target(target.url, target.password_file, target.role_prefix, swap_wait_seconds=0.2)
    monkeypatch.setattr(holders, "_ENDED", holders._ENDED.replace("pg_terminate_backend(pid)", "false"))
    monkeypatch.setattr(swap, "_ENDING_SECONDS", 1)
    with log_in(postgres_server, target, key) as session:
        session.autocommit = False
        session.execute(ASK_RECORD)
        stamp(company, 2)
        with pytest.raises(PublishError, match=f"sessions of {key.login} hold the marts and did not end within 1 s"):
            publish_to(impatient, company)
        assert session.execute(ASK_RECORD).fetchone() == (generation(1),)


def test_a_server_that_lets_no_second_connection_in_says_so(
    postgres_server: Server, target: Target, company: Path, key: Key
) -> None:
    impatient = Target(target.url, target.password_file, target.role_prefix, swap_wait_seconds=0.2)
    with postgres_server.connect("postgres") as operator, log_in(postgres_server, target, key) as session:
        session.autocommit = False
        session.execute(ASK_RECORD)
        stamp(company, 2)
        operator.execute("alter role readers_publisher connection limit 1")
        with pytest.raises(PublishError, match="too many connections for role"):
            publish_to(impatient, company)
        assert session.execute(ASK_RECORD).fetchone() == (generation(1),)


# Locks the tables of a view that its reader may not enter, until the transaction ends.
HOLD_FORMER = (
    "select pg_get_viewdef(oid) from pg_class where relkind = 'v' and relnamespace = to_regnamespace('marts__old')"
)


def test_a_reader_who_holds_the_former_publication_does_not_stop_the_next(
    postgres_server: Server, target: Target, company: Path, key: Key
) -> None:
    impatient = Target(target.url, target.password_file, target.role_prefix, swap_wait_seconds=0.5)
    stamp(company, 2)
    publish_to(impatient, company)
    with log_in(postgres_server, target, key) as session:
        session.autocommit = False
        session.execute("set idle_in_transaction_session_timeout = 0")
        assert session.execute(HOLD_FORMER).fetchall()
        stamp(company, 3)
        published = publish_to(impatient, company)
        assert (published.generation_id, published.left) == (generation(3), "")
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            session.execute("select 1")


def test_who_keeps_an_older_publication_is_named_and_the_new_one_is_live(
    postgres_server: Server, target: Target, company: Path, key: Key
) -> None:
    impatient = Target(target.url, target.password_file, target.role_prefix, swap_wait_seconds=0.5)
    stamp(company, 2)
    publish_to(impatient, company)
    with postgres_server.connect("readers") as operator:
        operator.autocommit = False
        operator.execute("select count(*) from marts__old.fct_funnel")
        stamp(company, 3)
        published = publish_to(impatient, company)
        assert published.generation_id == generation(3)
        assert "postgres (pid" in published.left
        assert published.left in published.lines()[-1]
        stamp(company, 4)
        with pytest.raises(PublishError, match=r"postgres \(pid \d+\)"):
            publish_to(impatient, company)
        with log_in(postgres_server, target, key) as session:
            assert session.execute(ASK_RECORD).fetchone() == (generation(3),)
        operator.rollback()
    assert publish_to(impatient, company).left == ""
