"""What stands after a night, and what a night brought: two tables per resource out of whole listings.

Belongs here: putting listings together. Not here: receiving them (`receive.py`), or what rows mean (`mapping.py`).

A complete listing begins anew: what it lacks is gone. A listing of changes replaces the rows it has, and takes away
what the delete feed of that night announces, unless the same night's listing shows it. Rows of parents (comments) are
replaced parent by parent: what a parent no longer has when it is read again is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from orchestration.landing.durable import replace_durably
from orchestration.sources.getfly.pages import Listing, parents_of
from orchestration.sources.getfly.resources import Resource
from orchestration.sources.getfly.rows import rows_path

# Rows of parents have no complete listing to begin with: after so many of them the sum is kept.
SUM_UP_AFTER = 7
_STANDING = "standing.parquet"


def make_tables(
    connection: duckdb.DuckDBPyConnection,
    of: Resource,
    listings: Sequence[Listing],
    feed: Sequence[Listing],
    night: date,
) -> None:
    """Make `<resource>` and `<resource>_now`. `listings` are the whole ones up to that night, the last of it its own.

    `feed` are those of the resource's delete feed, likewise.
    """
    if of.parent is None:
        _events(connection, of, _since_complete(listings), feed, night)
    else:
        _events_of_parents(connection, listings)
    connection.execute(
        f"create table {of.name}_now as select id, parent, body, cast(null as varchar) as deleted_at from standing "
        "order by try_cast(id as bigint), id, parent"
    )
    # Gone: it stood before, and this night says it does not. The end of the night is the latest it can have been.
    connection.execute(
        f"""
        create table {of.name} as
        from (
            select id, parent, body, cast(null as varchar) as deleted_at from tonight
            union all
            select id, parent, body, ? as deleted_at from gone
        )
        order by try_cast(id as bigint), id, parent
        """,
        [f"{night.isoformat()} 23:59:59"],
    )
    for name in ("standing", "tonight", "gone", "events"):
        connection.execute(f"drop table {name}")


def _since_complete(listings: Sequence[Listing]) -> Sequence[Listing]:
    begins = [number for number, listing in enumerate(listings) if listing.asked.is_complete]
    return listings[begins[-1] :] if begins else listings


def _load(connection: duckdb.DuckDBPyConnection, table: str, listings: Sequence[Listing]) -> None:
    connection.execute(f"create table {table} (night varchar, id varchar, parent varchar, body json)")
    for listing in listings:
        connection.execute(
            f"insert into {table} select ?, id, parent, body from read_parquet(?)",
            [listing.asked.night, str(rows_path(listing))],
        )


def _events(
    connection: duckdb.DuckDBPyConnection,
    of: Resource,
    listings: Sequence[Listing],
    feed: Sequence[Listing],
    night: date,
) -> None:
    began = listings[0].asked.night
    _load(connection, "events", listings)
    _load(connection, "announced", [one for one in feed if one.asked.night > began])
    connection.execute(
        """
        create table deletions as
        select announced.night, announced.id from announced
        anti join events on announced.night = events.night and announced.id = events.id
        """
    )
    connection.execute("drop table announced")
    connection.execute(
        """
        create table newest as
        select id, arg_max(parent, night) as parent, arg_max(body, night) as body, max(night) as night
        from events group by id
        """
    )
    connection.execute(
        """
        create table standing as
        select newest.id, newest.parent, newest.body from newest
        where not exists (
            select 1 from deletions where deletions.id = newest.id and deletions.night > newest.night
        )
        """
    )
    connection.execute(
        "create table tonight as select id, parent, body from events where night = ?", [night.isoformat()]
    )
    connection.execute(
        """
        create table gone as
        select newest.id, newest.parent, newest.body from newest
        where exists (select 1 from deletions where deletions.id = newest.id and deletions.night = $night)
            and not exists (
                select 1 from deletions
                where deletions.id = newest.id and deletions.night > newest.night and deletions.night < $night
            )
        """,
        {"night": night.isoformat()},
    )
    connection.execute("drop table newest")
    connection.execute("drop table deletions")


def _events_of_parents(connection: duckdb.DuckDBPyConnection, listings: Sequence[Listing]) -> None:
    summed_up = [number for number, listing in enumerate(listings[:-1]) if (listing.folder / _STANDING).exists()]
    later = listings[summed_up[-1] + 1 :] if summed_up else listings
    _load(connection, "events", later)
    connection.execute("create table covered (night varchar, parent varchar)")
    if summed_up:
        base = listings[summed_up[-1]]
        path = str(base.folder / _STANDING)
        connection.execute(
            "insert into events select ?, id, parent, body from read_parquet(?)", [base.asked.night, path]
        )
        connection.execute(
            "insert into covered select distinct ?, parent from read_parquet(?)", [base.asked.night, path]
        )
    for listing in later:
        connection.execute(
            "insert into covered select ?, unnest(cast(? as varchar[]))",
            [listing.asked.night, list(parents_of(listing))],
        )
    night = listings[-1].asked.night
    connection.execute(
        """
        create table standing as
        with newest as (select parent, max(night) as night from covered group by parent)
        select events.id, events.parent, events.body from events
        inner join newest on events.parent = newest.parent and events.night = newest.night
        -- A row may move to another parent; where it was read last it stands.
        qualify row_number() over (partition by events.id order by events.night desc, events.parent) = 1
        """
    )
    if len(later) >= SUM_UP_AFTER:
        _sum_up(connection, listings[-1])
    connection.execute("create table tonight as select id, parent, body from events where night = ?", [night])
    connection.execute(
        """
        create table gone as
        with before as (
            select parent, max(night) as night from covered where night < $night group by parent
        )
        select events.id, events.parent, events.body from events
        inner join before on events.parent = before.parent and events.night = before.night
        semi join (select parent from covered where night = $night) as again on events.parent = again.parent
        anti join tonight on events.id = tonight.id
        """,
        {"night": night},
    )
    connection.execute("drop table covered")


def _sum_up(connection: duckdb.DuckDBPyConnection, listing: Listing) -> None:
    """Keep what stands after this listing beside it, so that later nights need not begin at the first one.

    It follows from what was received, and can be deleted at any time.
    """
    path = listing.folder / _STANDING
    if path.exists():
        return
    temporary = path.with_name(f".tmp-{_STANDING}")
    connection.table("standing").order("parent, id").write_parquet(str(temporary))
    replace_durably(temporary, path)
