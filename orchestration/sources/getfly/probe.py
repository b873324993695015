"""What this tenant really does, asked by reading only: one finding per question that the documentation leaves open.

Belongs here: the questions, and judging the answers. Not here: what follows from them (`plan.py`), or printing.

Every question is small, none changes anything, and a question that cannot be answered (an empty tenant, a part of the
API that is switched off) says so instead of guessing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from orchestration.landing.durable import write_durably
from orchestration.sources.getfly.client import Client
from orchestration.sources.getfly.envelope import Page, Row, id_of, read_page
from orchestration.sources.getfly.errors import GetflyError, RefusedError, TransientError
from orchestration.sources.getfly.resources import RESOURCES, Resource, resource

_FAR_FUTURE = "2100-01-01 00:00:00"
_SAMPLE = 100
_FEW = 20
_LARGE_PAGE = 500
UNKNOWN = "unknown"
_NOT_ASKED = "could not be asked"
# How many parents have to show it before it is believed that all do.
_ENOUGH = 3


@dataclass(frozen=True)
class Finding:
    """One answer. `name` is what `plan.py` looks up, `value` one short word or list, `text` a sentence for people."""

    name: str
    value: str
    text: str


@dataclass(frozen=True)
class Probed:
    """Everything found in one go, and when.

    `troubles` are errors that may pass and kept a question of `DECISIVE` from being answered.
    """

    address: str
    asked_at: str
    findings: tuple[Finding, ...]
    troubles: tuple[str, ...] = ()

    def is_old(self, now: datetime) -> bool:
        """Whether to ask again: a week later, or on another day where something could not be asked."""
        age = now - datetime.fromisoformat(self.asked_at)
        left_open = any(finding.text.startswith(_NOT_ASKED) for finding in self.findings)
        return age > timedelta(days=7) or (left_open and age > timedelta(hours=12))

    def value(self, name: str) -> str:
        """The short answer to one question; `unknown` where it was not answered."""
        return next((finding.value for finding in self.findings if finding.name == name), UNKNOWN)


def write_probed(path: Path, probed: Probed) -> None:
    """Keep it for the nights to come."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, json.dumps(asdict(probed), ensure_ascii=False, indent=1).encode())


def read_probed(path: Path) -> Probed | None:
    """What was found last; None where nobody asked. Raises GetflyError when the file is not ours."""
    if not path.exists():
        return None
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return Probed(
            body["address"],
            body["asked_at"],
            tuple(Finding(**one) for one in body["findings"]),
            tuple(body.get("troubles", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise GetflyError(f"{path} cannot be read ({error}); `kpi getfly probe` writes it anew") from error


class Tenant:
    """The tenant as the questions see it: small pages of one resource, with extra parameters."""

    def __init__(self, client: Client, zone: ZoneInfo) -> None:
        self._client, self.zone = client, zone

    def page(self, of: Resource, limit: int = _FEW) -> Page:
        """The first page."""
        return self.ask(of, {"limit": str(limit)})

    def ask(self, of: Resource, parameters: Mapping[str, str], path: str | None = None) -> Page:
        """One page with exactly these parameters beside the resource's own."""
        own = dict(of.always) | ({"fields": ",".join(of.fields)} if of.fields else {})
        where = path or of.path
        return read_page(self._client.get(where, {**own, **parameters}).body, where)

    def answers(self, path: str) -> bool:
        """Whether there is such a path."""
        try:
            self._client.get(path, {"limit": "1"})
        except RefusedError as error:
            if error.status == 401:
                raise
            return False
        return True


Question = Callable[[Tenant], Iterator[Finding]]


def probe(client: Client, zone: ZoneInfo, on_finding: Callable[[Finding], None] = lambda _finding: None) -> Probed:
    """Ask every question; `on_finding` hears each answer as it comes.

    Raises RefusedError when the key is not accepted: nothing else could be found out then.
    """
    tenant = Tenant(client, zone)
    findings: list[Finding] = []
    troubles: list[str] = []
    for name, question in QUESTIONS.items():
        try:
            found = list(question(tenant))
        except RefusedError as error:
            if error.status == 401:
                raise
            found = [_not_asked(name, error)]
        except GetflyError as error:
            if isinstance(error, TransientError) and name in DECISIVE:
                troubles.append(str(error))
            found = [_not_asked(name, error)]
        for finding in found:
            findings.append(finding)
            on_finding(finding)
    return Probed(client.address, datetime.now(UTC).isoformat(timespec="seconds"), tuple(findings), tuple(troubles))


def _not_asked(name: str, error: GetflyError) -> Finding:
    return Finding(name, UNKNOWN, f"{_NOT_ASKED}: {error}")


def _versions(tenant: Tenant) -> Iterator[Finding]:
    paths = {"v6.1": "/api/v6.1/users", "v6": "/api/v6/accounts/relations", "v3": "/api/v3/account/relations"}
    there = [version for version, path in paths.items() if tenant.answers(path)]
    missing = [version for version in ("v6.1", "v6") if version not in there]
    text = f"the key is accepted; {', '.join(there) or 'no version of the API'} answers"
    if missing:
        text += f", {' and '.join(missing)} does not: what is read from it will be missing"
    yield Finding("versions", ",".join(there), text)


def _filter_of(name: str) -> Question:
    """Whether a filter on `updated_at` is followed, ignored or refused: nothing can be from the far future."""

    def question(tenant: Tenant) -> Iterator[Finding]:
        of = resource(name)
        assert of.changed_filter is not None
        if not tenant.page(of, 5).rows:
            yield Finding(f"{name}_filter", UNKNOWN, f"{name}: there are none, so the filter says nothing")
            return
        try:
            page = tenant.ask(of, {of.changed_filter: _FAR_FUTURE, "limit": "5"})
        except RefusedError as error:
            yield Finding(f"{name}_filter", "refused", f"{name} cannot be filtered by updated_at ({error})")
            return
        if page.rows:
            yield Finding(
                f"{name}_filter", "ignored", f"{name}: a filter by updated_at is ignored; every night reads them all"
            )
        else:
            yield Finding(f"{name}_filter", "followed", f"{name}: a filter by updated_at is followed")

    return question


def _bounds(tenant: Tenant) -> Iterator[Finding]:
    of = resource("accounts")
    rows = [row for row in tenant.page(of).rows if _moment(row.get("updated_at"), tenant.zone)]
    if not rows:
        yield Finding("bounds", UNKNOWN, "no account has updated_at, so bounds could not be tried")
        return
    moment = str(rows[0]["updated_at"])
    found = tenant.ask(of, {"filtering[updated_at:gte]": moment, "filtering[updated_at:lte]": moment, "limit": "50"})
    is_in = id_of(rows[0], of.id_keys, of.path) in {id_of(row, of.id_keys, of.path) for row in found.rows}
    yield Finding(
        "bounds",
        "inclusive" if is_in else "exclusive",
        f"a record written exactly at a bound is {'inside' if is_in else 'outside'}",
    )


def _time_zone(tenant: Tenant) -> Iterator[Finding]:
    """Dates and times come without a zone; `accounts/sync` takes Unix seconds, which have none to be wrong about."""
    of = resource("accounts")
    rows = [row for row in tenant.page(of, _SAMPLE).rows if _moment(row.get("updated_at"), tenant.zone)]
    if not rows:
        yield Finding("time_zone", UNKNOWN, "no account has updated_at, so the time zone could not be tried")
        return
    newest = max(rows, key=lambda row: str(row["updated_at"]))
    naive = _moment(newest["updated_at"], tenant.zone)
    assert naive is not None
    own = id_of(newest, of.id_keys, of.path)
    for zone in dict.fromkeys((str(tenant.zone), "UTC", "Asia/Ho_Chi_Minh")):
        unix = int(naive.replace(tzinfo=ZoneInfo(zone)).timestamp())
        before, after = (_synced(tenant, of, unix + shift) for shift in (-60, 60))
        if own in before and own not in after:
            yield Finding("time_zone", zone, f"dates and times are those of {zone}")
            return
    yield Finding("time_zone", UNKNOWN, f"the time zone could not be told; {tenant.zone} is assumed")


def _synced(tenant: Tenant, of: Resource, unix: int) -> set[str]:
    page = tenant.ask(of, {"filtering[last_sync]": str(unix), "limit": str(_SAMPLE)}, "/api/v6.1/accounts/sync")
    return {id_of(row, of.id_keys, of.path) for row in page.rows}


def _page_size(tenant: Tenant) -> Iterator[Finding]:
    of = resource("accounts")
    page = tenant.ask(of, {"limit": str(_LARGE_PAGE), "fields": "id"})
    if page.has_more is False and len(page.rows) < _LARGE_PAGE:
        yield Finding("page_size", str(_LARGE_PAGE), f"all {len(page.rows)} accounts fit on one page of {_LARGE_PAGE}")
    else:
        yield Finding(
            "page_size", str(len(page.rows)), f"asked for {_LARGE_PAGE} accounts, a page has {len(page.rows)}"
        )


# How an order could be asked for: the parameter's spelling is documented for tasks only.
_SPELLINGS: Mapping[str, Mapping[str, str]] = {
    "sort_by=id&order=asc": {"sort_by": "id", "order": "asc"},
    "sort=id:asc": {"sort": "id:asc"},
    "sort[id]=ASC": {"sort[id]": "ASC"},
    "sorted[id]=ASC": {"sorted[id]": "ASC"},
}


def _sorting(tenant: Tenant) -> Iterator[Finding]:
    of = resource("accounts")
    numbers = _numbers(tenant.ask(of, {"limit": str(_FEW), "fields": "id"}), of)
    if len(numbers) < 2:
        yield Finding("sort", UNKNOWN, "fewer than two accounts: no order to look at")
        return
    own = (
        "id descending"
        if numbers == sorted(numbers, reverse=True)
        else ("id ascending" if numbers == sorted(numbers) else "neither way by id")
    )
    for spelling, parameters in _SPELLINGS.items():
        try:
            asked = _numbers(tenant.ask(of, {"limit": str(_FEW), "fields": "id", **parameters}), of)
        except RefusedError:
            continue
        if asked == sorted(asked) and asked != numbers:
            yield Finding("sort", spelling, f"accounts come {own}; {spelling} turns them round")
            return
    yield Finding("sort", "none", f"accounts come {own}; no known spelling of sorting changes that")


def _numbers(page: Page, of: Resource) -> list[int]:
    ids = [id_of(row, of.id_keys, of.path) for row in page.rows]
    return [int(one) for one in ids if one.isdigit()]


def _users_filter(tenant: Tenant) -> Iterator[Finding]:
    """Whether active and former users can be told apart: who left must not keep seeing anything."""
    active, former = resource("users_active"), resource("users_inactive")
    ids = [{id_of(row, of.id_keys, of.path) for row in tenant.page(of, _SAMPLE).rows} for of in (active, former)]
    if len(ids[0] & ids[1]) > 1:
        yield Finding(
            "users_filter",
            "ignored",
            f"{len(ids[0] & ids[1])} users are listed both as active and as former: filtering[valid] is ignored, and "
            "employees have to come from a file (KPI_COMBINE=employees=files)",
        )
    else:
        yield Finding("users_filter", "followed", f"{len(ids[0])} users are active and {len(ids[1])} are not")


def _comments_move(tenant: Tenant) -> Iterator[Finding]:
    """What on an account shows that it has a new comment: its `updated_at`, or only its `last_active`.

    One account that does not show it proves that accounts do not; none proves nothing, hence "perhaps".
    """
    accounts, comments = resource("accounts"), resource("comments")
    fields = {"fields": ",".join((*accounts.fields, "last_active")), "limit": str(_FEW)}
    try:
        rows = tenant.ask(accounts, fields).rows
    except RefusedError:
        rows = tenant.page(accounts).rows
    newest = {}
    for row in rows:
        parent = id_of(row, accounts.id_keys, accounts.path)
        page = tenant.ask(comments, {"limit": str(_FEW)}, comments.path.replace("{parent}", parent))
        newest[parent] = _newest(page.rows, "created_at", tenant.zone)
    for name, field in (("comments_move", "updated_at"), ("comments_activate", "last_active")):
        moved = stayed = 0
        for row in rows:
            of, own = newest[id_of(row, accounts.id_keys, accounts.path)], _moment(row.get(field), tenant.zone)
            if of is not None and (name == "comments_move" or "last_active" in row):
                is_later = own is not None and own >= of
                moved, stayed = moved + is_later, stayed + (not is_later)
        yield _moves(name, "comments", "account", field, moved, stayed)


def _payments_move(tenant: Tenant) -> Iterator[Finding]:
    orders, payments = resource("sale_orders"), resource("sale_order_payments")
    moved = stayed = 0
    for row in tenant.page(orders).rows:
        order = id_of(row, orders.id_keys, orders.path)
        page = tenant.ask(payments, {"filtering[order_id:eq]": order, "limit": str(_FEW)})
        newest, own = _newest(page.rows, "pay_date", tenant.zone), _moment(row.get("updated_at"), tenant.zone)
        if newest is not None and own is not None:
            moved, stayed = (moved + 1, stayed) if own.date() >= newest.date() else (moved, stayed + 1)
    yield _moves("payments_move", "payments", "order", "updated_at", moved, stayed)


def _moves(name: str, what: str, parent: str, field: str, moved: int, stayed: int) -> Finding:
    if stayed:
        return Finding(name, "no", f"{stayed} of {moved + stayed} {parent}s have newer {what} than their {field}")
    if moved < _ENOUGH:
        return Finding(name, UNKNOWN, f"only {moved} of the first {parent}s have {what} to compare with {field}")
    return Finding(name, "perhaps", f"the {what} of {moved} {parent}s are all older than its {field}")


def _codes_of(name: str, code: str, label: str) -> Question:
    """Which codes occur, with their labels: a code map is written from this, not from memory."""

    def question(tenant: Tenant) -> Iterator[Finding]:
        of = resource(name)
        rows = tenant.page(of, _SAMPLE).rows
        pairs = Counter((str(row.get(code, "")), str(row.get(label, ""))) for row in rows)
        told = ", ".join(f"{one} = {word!r} ({count})" for (one, word), count in sorted(pairs.items()))
        codes = ",".join(sorted({one for one, _ in pairs}))
        yield Finding(f"{name}_codes", codes or UNKNOWN, f"{name}, the newest {len(rows)}: {told or 'there are none'}")

    return question


def _optional_fields(tenant: Tenant) -> Iterator[Finding]:
    """Fields that are seen in some tenants only: asked for one by one, because one refusal refuses them all."""
    for of in RESOURCES:
        if not of.optional:
            continue
        try:
            rows = tenant.page(of, 5).rows
            given = [field for field in of.optional if _gives(tenant, of, field)]
        except GetflyError as error:
            if isinstance(error, TransientError) or (isinstance(error, RefusedError) and error.status == 401):
                raise
            # One part that is switched off says nothing of the others.
            yield _not_asked(f"{of.name}_fields", error)
            continue
        if not rows:
            yield Finding(f"{of.name}_fields", UNKNOWN, f"{of.name}: there are none, so no field could be tried")
            continue
        refused = [field for field in of.optional if field not in given]
        text = f"{of.name}: {', '.join(given) or 'no optional field'} can be read"
        text += f"; {', '.join(refused)} cannot" if refused else ""
        yield Finding(f"{of.name}_fields", ",".join(given) or "none", text)


def _gives(tenant: Tenant, of: Resource, field: str) -> bool:
    try:
        rows = tenant.ask(of, {"fields": ",".join((*of.fields, field)), "limit": str(_FEW)}).rows
    except RefusedError as error:
        if error.status == 401:
            raise
        return False
    return any(field in row for row in rows)


def optional_fields(probed: Probed | None, of: Resource) -> tuple[str, ...]:
    """The optional fields that the tenant has been seen to give."""
    found = probed.value(f"{of.name}_fields").split(",") if probed is not None else []
    return tuple(field for field in of.optional if field in found)


def _deleted(tenant: Tenant) -> Iterator[Finding]:
    feed, accounts = resource("accounts_deleted"), resource("accounts")
    since = datetime.now(tenant.zone) - timedelta(days=365)
    gone = {
        id_of(row, feed.id_keys, feed.path)
        for row in tenant.ask(feed, {"filtering[last_sync]": str(int(since.timestamp())), "limit": str(_FEW)}).rows
    }
    if not gone:
        yield Finding("deleted", UNKNOWN, "no account was deleted in a year, so deleted ones could not be looked for")
        return
    shown = tenant.ask(accounts, {"filtering[id:in]": ",".join(sorted(gone)), "limit": str(_FEW)})
    still = gone & {id_of(row, accounts.id_keys, accounts.path) for row in shown.rows}
    yield Finding(
        "deleted",
        "shown" if still else "hidden",
        f"{len(gone)} deleted accounts are announced; the list of accounts {'still shows' if still else 'hides'} them",
    )


def _moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """A date and time, or a date, as text; or Unix seconds. None for anything else."""
    text = str(value)
    if text.isdigit() and 9 <= len(text) <= 11:
        return datetime.fromtimestamp(int(text), zone).replace(tzinfo=None)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def _newest(rows: Sequence[Row], field: str, zone: ZoneInfo) -> datetime | None:
    return max((moment for row in rows if (moment := _moment(row.get(field), zone)) is not None), default=None)


# Nights depend on what these find; the others tell people.
DECISIVE = frozenset({"accounts_filter", "sale_orders_filter", "time_zone", "comments_move", "fields"})
QUESTIONS: Mapping[str, Question] = {
    "versions": _versions,
    "accounts_filter": _filter_of("accounts"),
    "sale_orders_filter": _filter_of("sale_orders"),
    "bounds": _bounds,
    "time_zone": _time_zone,
    "page_size": _page_size,
    "sort": _sorting,
    "users_filter": _users_filter,
    "comments_move": _comments_move,
    "payments_move": _payments_move,
    "sale_orders_codes": _codes_of("sale_orders", "status", "status_label"),
    "tasks_codes": _codes_of("tasks", "task_status", "task_status_title"),
    "fields": _optional_fields,
    "deleted": _deleted,
}
