"""The `getfly` source: one night of a tenant, received over its API and put into the contract's form.

Belongs here: which listings make up an entity, and of which kind its batch is. Not here: receiving (`receive.py`),
putting listings together (`state.py`), or what fields mean (`models/staging/getfly`).

Getfly shows its present state only, so a night can be received while it is the last whole day. What was received is
kept: a night of the past is mapped anew from it, without asking the CRM.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from orchestration.sources.base import BatchKind, RawTable, SourceError
from orchestration.sources.getfly.client import Client
from orchestration.sources.getfly.errors import GetflyError
from orchestration.sources.getfly.mapping import BY_NIGHT, CODES, ENTITIES, load_codes, make_functions, run_statement
from orchestration.sources.getfly.pages import Listing, PageStore
from orchestration.sources.getfly.parents import active_since, changed_since
from orchestration.sources.getfly.plan import ACTIVE_DAYS, COMPLETE_MODES, Mode, Planned, plan_resource
from orchestration.sources.getfly.probe import UNKNOWN, Probed, optional_fields, probe, read_probed, write_probed
from orchestration.sources.getfly.receive import Meter, Question, receive
from orchestration.sources.getfly.resources import Resource, resource
from orchestration.sources.getfly.state import make_tables

PROBED = "probe.json"

Connect = Callable[[], AbstractContextManager[Client]]
"""Opens the tenant; called only when something has to be received."""


_UNEQUAL_PAYMENTS = """
with paid as (
    select
        id,
        coalesce(try_cast(amount_of(body, '$.f_amount') as decimal(18, 2)), 0) as paid_amount
    from sale_orders where deleted_at is null
),

payments as (
    select
        reference_of(body, '$.order_id') as id,
        sum(coalesce(try_cast(amount_of(body, '$.amount') as decimal(18, 2)), 0)) as payments_amount
    from sale_order_payments_now
    group by all
)

select paid.id, cast(paid_amount as varchar), cast(coalesce(payments_amount, 0) as varchar)
from paid left join payments using (id)
where paid_amount <> coalesce(payments_amount, 0)
order by try_cast(paid.id as bigint), paid.id
"""


class GetflySource:
    """A tenant as a source. `root` is where everything received is kept; `last_whole_day` says which day that is."""

    name = "getfly"

    def __init__(
        self,
        connect: Connect,
        root: Path,
        zone: ZoneInfo,
        last_whole_day: Callable[[], date],
        *,
        codes: Path = CODES,
        page_size: int = 100,
        at_once: int = 2,
        read_whole: int = 20_000,
        on_receiving: Callable[[str], None] = lambda _what: None,
    ) -> None:
        self._connect, self._store, self._zone = connect, PageStore(root), zone
        self._last_whole_day, self._codes = last_whole_day, codes
        self._page_size, self._at_once, self._on_receiving = page_size, at_once, on_receiving
        self._read_whole = read_whole

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        """The entity after that night; None for what the API does not offer.

        Raises SourceError when the tenant cannot be read, or the night is neither kept nor the last whole day.
        """
        if entity not in ENTITIES:
            return None
        try:
            for name in ENTITIES[entity]:
                self._listing(resource(name), night)
            return self._mapped(entity, night, complete=complete)
        except (GetflyError, ValueError) as error:
            raise SourceError(entity, f"Getfly {', '.join(ENTITIES[entity])}", "getfly", str(error)) from error
        except duckdb.Error as error:
            # Statements have their own errors; what is left is a file that was made of what was received.
            what = str(error).splitlines()[0]
            said = f"{what}. Files named rows.parquet and standing.parquet are made anew where they are deleted"
            raise SourceError(entity, f"Getfly {', '.join(ENTITIES[entity])}", "getfly", said) from error

    def nights_between(self, first: date, last: date) -> list[date] | None:
        """The nights that are kept: those of which every resource was received whole."""
        kept = [{listing.asked.night for listing in self._store.whole(name)} for name in _needed()]
        nights = sorted(date.fromisoformat(night) for night in set.intersection(*kept)) if kept else []
        return [night for night in nights if first <= night <= last]

    def unequal_payments(self) -> tuple[date | None, list[tuple[str, str, str]]]:
        """The newest night of which orders and payments are there, and its orders whose paid amount is not what their
        payments add up to: id, paid, sum.

        All payments are read after all orders, every night; what differs was paid in between, or the CRM counts it
        otherwise. Raises GetflyError where what was received is damaged.
        """
        names = ("sale_orders", "sale_order_payments")
        nights = set.intersection(*({one.asked.night for one in self._store.whole(name)} for name in names))
        if not nights:
            return None, []
        night = date.fromisoformat(max(nights))
        with duckdb.connect(":memory:") as connection:
            make_functions(connection, self._zone, self._tenant_zone())
            for name in names:
                self._tables(connection, resource(name), night)
            return night, connection.execute(_UNEQUAL_PAYMENTS).fetchall()

    def _listings(self, of: Resource, night: date) -> list[Listing]:
        return [one for one in self._store.whole(of.name) if one.asked.night <= night.isoformat()]

    def _listing(self, of: Resource, night: date) -> Listing:
        """The night's own listing, received now if it is not there."""
        kept = [one for one in self._listings(of, night) if one.asked.night == night.isoformat()]
        if kept:
            return kept[-1]
        if night != self._last_whole_day():
            raise GetflyError(
                f"{of.name} of {night} was not received, and Getfly shows only its present state. The night that can "
                f"be received now is {self._last_whole_day()}: kpi run --date {self._last_whole_day()}"
            )
        with self._connect() as client:
            probed = self._probed(client)
            last = self._store.whole(of.name)
            planned = plan_resource(of, night, probed, last, self._zone, self._read_whole)
            parents = self._parents(of, planned, night)
            meter = Meter(of.name, len(parents) if of.parent is not None else _expected(planned, last))
            return receive(
                client,
                self._store,
                Question(of, planned.since, parents, optional_fields(probed, of), planned.mode in COMPLETE_MODES),
                night,
                self._tenant_zone(),
                limit=self._page_size,
                at_once=self._at_once,
                on_progress=lambda done: self._on_receiving(meter.text(done)),
                knows_path=bool(last),
            )

    def _probed(self, client: Client) -> Probed:
        """What the tenant does; asked now where nobody has asked yet: nothing is assumed."""
        path = self._store.root / PROBED
        found = read_probed(path)
        if found is not None and found.address != client.address:
            raise GetflyError(
                f"what was received so far is of {found.address}, and KPI_GETFLY_URL is {client.address}: two tenants "
                "would be mixed. Give the other one a KPI_HOME of its own. If only the address has changed, delete "
                f"{path}"
            )
        if found is None or found.is_old(datetime.now(UTC)):
            again = probe(client, self._zone)
            if not again.troubles:
                write_probed(path, again)
                found = again
            elif found is None:
                # Kept, it would leave fields out on every night to come.
                raise GetflyError(
                    f"what this tenant does could not be found out: {again.troubles[0]} Where it does not help, "
                    "`kpi getfly probe` keeps what it can find out, and nights do without the rest."
                )
        if found.value("deleted") == "shown":
            raise GetflyError(
                "this tenant's list of accounts still shows those that its feed of deleted ones announces, and nothing "
                "tells which of the two holds. Bring customers, contacts and interactions from files (KPI_COMBINE)"
            )
        return found

    def _tenant_zone(self) -> ZoneInfo:
        probed = read_probed(self._store.root / PROBED)
        found = probed.value("time_zone") if probed is not None else UNKNOWN
        return self._zone if found == UNKNOWN else ZoneInfo(found)

    def _parents(self, of: Resource, planned: Planned, night: date) -> tuple[str, ...]:
        if of.parent is None:
            return ()
        parent = resource(of.parent)
        with duckdb.connect(":memory:") as connection:
            self._tables(connection, parent, night)
            standing = [str(one) for (one,) in connection.execute(f"select id from {parent.name}_now").fetchall()]
            if planned.mode is Mode.OF_ALL_PARENTS:
                return tuple(standing)
            make_functions(connection, self._zone, self._tenant_zone())
            # Not since the last night, but since the last whole listing of the rows themselves.
            earlier = (one.asked.night for one in self._store.whole(of.name) if one.asked.night < night.isoformat())
            last = date.fromisoformat(max(earlier))
            if planned.mode is Mode.OF_ACTIVE_PARENTS:
                since = min(last, night - timedelta(days=ACTIVE_DAYS))
                wanted = active_since(connection, f"{parent.name}_now", since)
            else:
                connection.execute(f"alter table {parent.name}_now rename to standing_tonight")
                connection.execute(f"drop table {parent.name}")
                self._tables(connection, parent, last)
                wanted = changed_since(connection, "standing_tonight", f"{parent.name}_now", last)
        return tuple(one for one in standing if one in wanted)

    def _tables(self, connection: duckdb.DuckDBPyConnection, of: Resource, night: date) -> None:
        feed = self._listings(resource(of.delete_feed), night) if of.delete_feed is not None else []
        make_tables(connection, of, self._listings(of, night), feed, night)

    def _mapped(self, entity: str, night: date, *, complete: bool) -> RawTable:
        kind = self._kind(entity, night, complete=complete)
        with duckdb.connect(":memory:") as connection:
            make_functions(connection, self._zone, self._tenant_zone())
            load_codes(connection, self._codes)
            for name in ENTITIES[entity]:
                if name != "accounts_deleted":
                    self._tables(connection, resource(name), night)
            if entity == "employees":
                _refuse_one_list_of_users(connection)
            if complete and kind is BatchKind.COMPLETE and entity in BY_NIGHT:
                # Everything is wanted, whatever this night brought.
                connection.execute(f"drop table {BY_NIGHT[entity]}")
                connection.execute(f"create view {BY_NIGHT[entity]} as from {BY_NIGHT[entity]}_now")
            table = run_statement(connection, entity)
        numbers = pa.array(range(2, table.num_rows + 2), pa.int64())
        return RawTable(entity, kind, table, numbers, f"Getfly {', '.join(ENTITIES[entity])} of {night}")

    def _kind(self, entity: str, night: date, *, complete: bool) -> BatchKind:
        """Whether the batch says of every row that it lacks that it is gone."""
        if entity not in BY_NIGHT or complete:
            return BatchKind.COMPLETE
        of = resource(BY_NIGHT[entity])
        listings = self._listings(of, night)
        whole = len(listings) == 1 if of.parent is not None else listings[-1].asked.is_complete
        return BatchKind.COMPLETE if whole else BatchKind.DELTA


def _expected(planned: Planned, last: list[Listing]) -> int | None:
    """How many rows the last complete listing had; None where nobody can know."""
    complete = [listing.rows for listing in last if listing.asked.is_complete]
    return complete[-1] if complete and planned.since is None else None


def _refuse_one_list_of_users(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise GetflyError where active and former users are the same list: whoever left would keep seeing everything."""
    [(active, former, both)] = connection.execute(
        """
        select
            (select count(*) from users_active_now), (select count(*) from users_inactive_now),
            (select count(*) from users_active_now semi join users_inactive_now using (id))
        """
    ).fetchall()
    # A few may have left between the two questions.
    if both > 1 and both * 2 > min(active, former):
        raise GetflyError(
            f"the tenant ignores filtering[valid]: {both} users are listed both as active and as former, so nobody can "
            "tell who left. Bring employees from a file: KPI_COMBINE=employees=files"
        )


def _needed() -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in ENTITIES.values() for name in names))
