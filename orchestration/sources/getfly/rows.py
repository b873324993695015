"""The rows of a whole listing as one table: each id once, as it was received last.

Belongs here: from answers to rows. Not here: what a row means (`models/staging/getfly`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.landing.durable import replace_durably
from orchestration.sources.getfly.envelope import id_of, read_page
from orchestration.sources.getfly.pages import Listing, bodies
from orchestration.sources.getfly.resources import resource

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("parent", pa.string(), nullable=False),
        pa.field("body", pa.string(), nullable=False),
        pa.field("received_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
_ROWS = "rows.parquet"


def rows_path(listing: Listing) -> Path:
    """The listing's rows as Parquet: id, parent (empty: none), the row as JSON text, when it was received.

    Written beside the answers the first time it is asked for. Raises GetflyError where an answer is damaged.
    """
    path = listing.folder / _ROWS
    if not path.exists():
        temporary = path.with_name(f".tmp-{_ROWS}")
        pq.write_table(_table(listing), temporary)
        replace_durably(temporary, path)
    return path


def _table(listing: Listing) -> pa.Table:
    keys = resource(listing.asked.resource).id_keys
    newest: dict[tuple[str, str], dict[str, object]] = {}
    for line, body in bodies(listing):
        for row in read_page(body, listing.asked.path).rows:
            own = id_of(row, keys, listing.asked.path)
            newest[(line.parent, own)] = {
                "id": own,
                "parent": line.parent,
                "body": json.dumps(row, ensure_ascii=False, sort_keys=True),
                "received_at": line.received_at,
            }
    columns: dict[str, list[object]] = {name: [one[name] for one in newest.values()] for name in SCHEMA.names}
    moments = pa.array(columns.pop("received_at"), pa.string()).cast(SCHEMA.field("received_at").type)
    return pa.table({**columns, "received_at": moments}, schema=SCHEMA)
