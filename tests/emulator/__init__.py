"""A CRM server for tests: Getfly's documented REST API over the demo company, on loopback.

    with running_emulator(DemoSource(...), night, key="...", oddities=Oddities(...), faults=Faults(...)) as emulator:
        emulator.url, emulator.requests, emulator.night = ..., emulator.oddities = ...

It serves the v6.1 paths, and the v6 paths of what v6.1 has none for, as the company stood at the end of a night that
the test sets. Contract ids become integers: KH000123 is 123 (`values.number`). Where the documentation leaves something
open, the friendliest reading is the default and the others are switches (`oddities`). Where it says nothing, the
modules say what is the emulator's own: status codes beyond pending and approved, task status codes, the spellings of
`sort` and of lists in filters, account types, custom fields, prices. Users who left show only when `filtering[valid]=0`
asks for them.

The API does not have, so the emulator does not serve:
  - returned orders and their payments; payments of deleted orders
  - calls, SMS and e-mails: of the interactions only comments
  - KPI targets, position ranks and job titles, further departments, the tree of departments, permissions
  - task types, when a task was done or confirmed, ratings
  - an opportunity's product, expected amount, way of approach and closing time
  - who created an order, and the history of a customer's fields
  - the lists of provinces and of industries: only their labels, on accounts
  - deletions of anything but customers; customers that vanished without a trace
"""

from tests.emulator.emulator import Emulator, running_emulator
from tests.emulator.faults import Fault, FaultKind, Faults
from tests.emulator.http_server import RecordedRequest
from tests.emulator.oddities import ALL_FILTERS, Oddities

__all__ = [
    "ALL_FILTERS",
    "Emulator",
    "Fault",
    "FaultKind",
    "Faults",
    "Oddities",
    "RecordedRequest",
    "running_emulator",
]
