"""What is installed, configured, landed, checked and published, and what to do where something is wrong.

Belongs here: looking, and judging what was seen; nothing is changed. Not here: printing (`cli.py`).
Reads files only, and the PostgreSQL server where the settings name one: no Dagster instance, and the DuckDB files
read-only.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import SPARK, Settings
from orchestration.spark_tables import LIST

if TYPE_CHECKING:
    from orchestration.landing.manifest import Manifest
    from orchestration.landing.store import Landing
    from orchestration.serving.postgres.state import ServerState

_LITTLE_DISK_BYTES = 2 * 1024**3
_REASONS_SHOWN = 5
_ENTITIES_SHOWN = 8
# A month of nights of a usual source: 23 entities, 30 nights.
_MANY_BATCHES = 500


class Level(StrEnum):
    """OK and NOTE are information; a PROBLEM wants somebody to act."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing seen; `advice` says what to do about it."""

    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Section:
    """Findings under one heading."""

    title: str
    findings: tuple[Finding, ...]


def _ok(text: str) -> Finding:
    return Finding(Level.OK, text)


def _note(text: str, advice: str = "") -> Finding:
    return Finding(Level.NOTE, text, advice)


def _problem(text: str, advice: str) -> Finding:
    return Finding(Level.PROBLEM, text, advice)


def examine(settings: Settings) -> list[Section]:
    """Look at everything; each section reports what it could see even where another could not be read."""
    looks: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("Installed", lambda _settings: look_at_versions()),
        ("Configured", look_at_settings),
        ("State folder", look_at_home),
        ("Engine", look_at_engine),
        ("Getfly", look_at_getfly),
        ("Landing zone", look_at_landing),
        ("Checks", look_at_checks),
        ("Publication", look_at_publication),
        ("Viewers' files", look_at_viewer_files),
        ("PostgreSQL server", look_at_server),
        ("Frozen months", look_at_frozen),
        ("Writer", look_at_writer),
    )
    return [Section(title, tuple(look(settings))) for title, look in looks]


def has_problem(sections: Sequence[Section]) -> bool:
    """Whether anything wants somebody to act."""
    return any(finding.level is Level.PROBLEM for section in sections for finding in section.findings)


def look_at_versions(distribution: str = "kpi-warehouse") -> Iterator[Finding]:
    """Installed versions against the project's own requirements."""
    from packaging.requirements import Requirement

    yield _ok(f"Python {sys.version.split()[0]}")
    try:
        wanted = [Requirement(text) for text in requires(distribution) or []]
    except PackageNotFoundError:
        yield _problem(f"the project itself is not installed in {sys.prefix}", "run: make install")
        return
    good = []
    for requirement in wanted:
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield _problem(f"{requirement.name} is not installed", "run: make install")
            continue
        if requirement.specifier.contains(installed, prereleases=True):
            good.append(f"{requirement.name} {installed}")
        else:
            yield _problem(
                f"{requirement.name} {installed} is installed, {requirement} is required", "run: make install"
            )
    yield _ok(", ".join(good))


def look_at_settings(settings: Settings) -> Iterator[Finding]:
    """Every setting with its value and where it came from, and variables that look like settings and are none."""
    from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

    from_environment = EnvSettingsSource(Settings)()
    from_file = DotEnvSettingsSource(Settings)()
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name in from_environment:
            origin = "environment"
        elif name in from_file:
            origin = ".env"
        elif name in settings.model_fields_set:
            origin = "command line"
        else:
            origin = "default"
        yield _ok(f"KPI_{name.upper()} = {'' if value is None else value}  ({origin})")
    known = {f"KPI_{name.upper()}" for name in Settings.model_fields} | {"KPI_AS_OF"}
    for unknown in sorted(name for name in os.environ if name.startswith("KPI_") and name not in known):
        yield _problem(f"{unknown} is set, and is no setting", "correct its name or remove it; see .env.example")


def look_at_home(settings: Settings) -> Iterator[Finding]:
    """Whether the state folder can be written to, and has room."""
    home = settings.home
    if not home.exists():
        yield _note(f"{home} does not exist yet", "the first `kpi run` makes it")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=home, prefix=".doctor-"):
            yield _ok(f"{home} can be written to")
    except OSError as error:
        yield _problem(
            f"{home} cannot be written to: {error.strerror}", "give the user who runs `kpi` the right to write"
        )
    free = shutil.disk_usage(home).free
    room = f"{free / 1024**3:.1f} GB free on its disk"
    if free < _LITTLE_DISK_BYTES:
        yield _problem(room, "make room; old files under warehouse/spill and exports may go")
    else:
        yield _ok(room)


def look_at_engine(settings: Settings) -> Iterator[Finding]:
    """Whether what builds the tables is there. Spark itself is not started."""
    if settings.engine != SPARK:
        yield _ok("DuckDB builds the tables")
        return
    if settings.spark_python.exists():
        yield _ok(f"Spark builds the tables, with dbt from {settings.spark_python}")
    else:
        yield _problem(f"there is no {settings.spark_python}", "run: make install-spark; or set KPI_SPARK_PYTHON")
    java_home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{java_home}/bin") if java_home else shutil.which("java")
    if java is None:
        where = f"under JAVA_HOME, {java_home}" if java_home else "on PATH"
        yield _problem(f"Spark needs Java 17, and there is none {where}", "install one, or set JAVA_HOME")
    listed = settings.spark_dir / LIST
    if not listed.exists():
        yield _note(f"no build has finished in {settings.spark_dir}", "the next night builds everything there")
    else:
        tables = json.loads(listed.read_text(encoding="utf-8"))
        yield _ok(f"{len(tables)} tables in {settings.spark_dir}")


def look_at_getfly(settings: Settings) -> Iterator[Finding]:
    """What the probe found out about the tenant, and how far its nights have been received. Nothing is asked."""
    if settings.source != "getfly":
        yield _ok("not the source of this warehouse")
        return
    from orchestration.sources.getfly.errors import GetflyError
    from orchestration.sources.getfly.pages import PageStore
    from orchestration.sources.getfly.probe import UNKNOWN, read_probed
    from orchestration.sources.getfly.source import PROBED
    from orchestration.sources.getfly.tenant import refuse_unreachable

    root = settings.received_dir / "getfly"
    try:
        refuse_unreachable(settings)
        probed = read_probed(root / PROBED)
    except (GetflyError, ValueError) as error:
        yield _problem(str(error), "docs/getfly.md says what is needed")
        return
    if probed is None:
        yield _note("the tenant has not been asked how it behaves", "kpi getfly probe; the first night does it as well")
    else:
        yield _ok(f"{probed.address}, asked {probed.asked_at}")
        for finding in probed.findings:
            if finding.value == UNKNOWN:
                yield _note(finding.text, "kpi getfly probe asks again")
            elif finding.name == "users_filter" and finding.value == "ignored":
                yield _problem(finding.text, "nights fail until then")
            else:
                yield _ok(finding.text)
    yield from _getfly_payments(settings)
    for path in PageStore(root).broken_off():
        yield _note(f"{path} was broken off", "that night goes on from there, as long as it is the last whole day")


def _getfly_payments(settings: Settings) -> Iterator[Finding]:
    """Whether the payments of the newest night's orders add up to what the CRM says was paid."""
    import duckdb

    from orchestration.sources.factory import getfly_of
    from orchestration.sources.getfly.errors import GetflyError

    try:
        night, unequal = getfly_of(settings).unequal_payments()
    except (GetflyError, duckdb.Error) as error:
        yield _problem(str(error), "docs/getfly.md says what to do with a damaged file")
        return
    if night is None:
        return
    if not unequal:
        yield _ok(f"payments of the orders received for {night} add up to what the CRM says was paid")
        return
    shown = "; ".join(
        f"order {order}: {paid} paid, payments {total}" for order, paid, total in unequal[:_REASONS_SHOWN]
    )
    yield _note(
        f"{len(unequal):,} orders received for {night} have payments that do not add up to what the CRM says was "
        f"paid: {shown}",
        "paid while the night was read, or counted otherwise by the CRM; the warehouse shows the payments",
    )


def look_at_landing(settings: Settings) -> Iterator[Finding]:
    """Newest night, rows and quarantine of the configured source; what failed; what a crash left behind."""
    from orchestration.landing.manifest import LandingError
    from orchestration.landing.store import Landing

    landing = Landing(settings.landing_dir)
    try:
        manifests = landing.manifests(settings.source)
    except LandingError as error:
        yield _problem(str(error), "until then no night can be played")
        return
    if not manifests:
        yield _note(f"nothing has landed from source {settings.source}", "play the first night: kpi run")
        return
    yield from _landed_nights(manifests)
    yield from _failures(manifests)
    yield from _refused(landing, manifests)
    yield from _quarantine(landing, manifests)
    for folder in landing.leftovers(settings.source):
        yield _note(f"{folder} has no manifest: a crash left it", "nothing reads it; it can be deleted")
    yield from _compaction(settings, landing)


def _newest(manifests: Sequence[Manifest]) -> dict[str, Manifest]:
    """Per entity the last attempt of its newest night."""
    return {manifest.entity: manifest for manifest in manifests}


def _landed_nights(manifests: Sequence[Manifest]) -> Iterator[Finding]:
    by_night: dict[date, list[str]] = defaultdict(list)
    for entity, manifest in _newest([m for m in manifests if m.status == "landed"]).items():
        by_night[manifest.batch_date].append(entity)
    for night in sorted(by_night, reverse=True):
        entities = by_night[night]
        names = ", ".join(entities[:_ENTITIES_SHOWN]) + (" ..." if len(entities) > _ENTITIES_SHOWN else "")
        yield _ok(f"newest batch of {night}: {len(entities)} entities ({names})")


def _failures(manifests: Sequence[Manifest]) -> Iterator[Finding]:
    for entity, manifest in _newest(manifests).items():
        if manifest.status == "landed":
            continue
        why = manifest.problem.message if manifest.problem is not None else "no reason was recorded"
        yield _problem(
            f"{entity} of {manifest.batch_date} could not be read: {why}",
            f"repair the input, then run that night again: kpi run --date {manifest.batch_date}",
        )


def _refused(landing: Landing, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Entities whose newest batch a blocking check keeps out of every run."""
    for entity, manifest in _newest(manifests).items():
        if manifest.status == "landed" and landing.is_refused(manifest):
            yield _problem(
                f"{entity} of {manifest.batch_date} landed, but a blocking check failed on it: no run reads it",
                f"see Checks; repair the input, then run that night again: kpi run --date {manifest.batch_date}",
            )


def _quarantine(landing: Landing, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Rejected rows of each entity's newest batch, and why."""
    import duckdb

    from orchestration.landing.reading import QUARANTINE, rows_sql

    newest = [m for m in _newest([m for m in manifests if m.status == "landed"]).values() if m.rows_quarantined]
    if not newest:
        yield _ok("no row of the newest batches is in quarantine")
        return
    rows = sum(manifest.rows_quarantined for manifest in newest)
    yield _note(
        f"{rows:,} rows of the newest batches are in quarantine: "
        + ", ".join(f"{manifest.entity} {manifest.rows_quarantined:,}" for manifest in newest),
        f"repair them in the CRM; each row is kept with its reason under {landing.root}",
    )
    for manifest in newest:
        reasons = duckdb.sql(
            "select rule, column_name, count(*) as rows, min(reason) as example "
            f"from {rows_sql(landing, [manifest], QUARANTINE)} "
            "group by all order by rows desc, rule, column_name limit $shown",
            params={"shown": _REASONS_SHOWN},
        ).fetchall()
        for rule, column, count, example in reasons:
            yield _note(f"{manifest.entity}.{column or 'row'}, rule {rule}: {count:,} rows; for example: {example}")


def _compaction(settings: Settings, landing: Landing) -> Iterator[Finding]:
    """Whether old batches are many enough to be merged, and what a killed compaction left."""
    from orchestration.landing.compact import held_twice, last_compacted_night, plan

    newest = landing.latest_night(settings.source)
    if newest is None:
        return
    groups = plan(landing, settings.source, last_compacted_night(newest, settings.compact_after_days))
    batches = sum(len(group.batches) for group in groups)
    if batches >= _MANY_BATCHES:
        yield _note(
            f"{batches:,} batches of months that are over lie in files of their own, "
            f"{sum(group.bytes for group in groups) / 1024**2:.1f} MB",
            "`kpi compact` merges them and loses no row; `kpi compact --dry-run` says what it saves",
        )
    twice = held_twice(landing, settings.source)
    if twice:
        yield _note(
            f"{len(twice):,} compacted batches still have files of their own: a compaction was killed",
            "nothing reads them; `kpi compact` deletes them",
        )


def look_at_checks(settings: Settings) -> Iterator[Finding]:
    """The last outcomes that did not pass."""
    from orchestration.checks.results import load_outcomes

    try:
        saved = load_outcomes(settings.checks_dir)
    except ValueError as error:
        yield _problem(str(error), "play a night: kpi run")
        return
    if saved is None:
        yield _note("no check has run yet", "play the first night: kpi run")
        return
    yield _ok(f"{len(saved.outcomes)} checks for {saved.night}, {len(saved.outcomes) - len(saved.failed)} passed")
    for outcome in saved.failed:
        text = f"{'/'.join(outcome.spec.asset)}: {outcome.spec.name}: {outcome.message}"
        if outcome.blocks:
            yield _problem(text, f"nothing was published because: {outcome.spec.reason}")
        else:
            yield _note(text)
    docs = settings.checks_dir / "data_docs" / "index.html"
    if docs.exists():
        yield _ok(f"all of it, with history, in {docs}")


def look_at_publication(settings: Settings) -> Iterator[Finding]:
    """What readers see, and whether it is behind what has landed."""
    from orchestration.landing.manifest import LandingError
    from orchestration.landing.store import Landing
    from orchestration.serving.errors import ServingError
    from orchestration.serving.reading import open_publication

    if not settings.marts_path.exists():
        yield _note(f"there is no publication at {settings.marts_path}", "play the first night: kpi run")
        return
    try:
        with open_publication(settings.marts_path) as connection:
            rows = connection.execute(
                "select generation_id, as_of, source, published_at from main.publication"
            ).fetchall()
        newest = Landing(settings.landing_dir).latest_night(settings.source)
    except (ServingError, LandingError) as error:
        yield _problem(str(error), "publish again: kpi run")
        return
    generation, as_of, source, published_at = rows[0]
    yield _ok(
        f"{settings.marts_path}: as of {as_of}, source {source}, published {published_at}, generation {generation}"
    )
    yield from _contacts(settings)
    if source != settings.source:
        yield _note(
            f"it was made from source {source}, the settings say {settings.source}",
            "the next `kpi run` publishes from the configured source",
        )
    elif newest is not None and newest > as_of:
        yield _problem(
            f"{newest} has landed, and the publication is as of {as_of}",
            f"that night failed or is still running; see Checks and Writer, then: kpi run --date {newest}",
        )
    if settings.environment == "production" and as_of < settings.yesterday():
        yield _problem(
            f"the publication is {(settings.yesterday() - as_of).days} nights behind",
            f"is the daemon running? `kpi run --from {as_of} --to {settings.yesterday()}` catches up",
        )


def _contacts(settings: Settings) -> Iterator[Finding]:
    """Whether contact details of customers are where the settings no longer want them."""
    from orchestration.serving import contacts

    if settings.publish_contacts:
        yield _note("customers' phone numbers and e-mails are published (KPI_PUBLISH_CONTACTS)")
        return
    if contacts.were_published(settings):
        yield _problem(
            "KPI_PUBLISH_CONTACTS is off, and the publication still holds customers' phone numbers and e-mails",
            "`kpi run` takes them out and deletes viewers' files; then `kpi publish`, where there is a server",
        )


def look_at_viewer_files(settings: Settings) -> Iterator[Finding]:
    """Whether every viewer's file shows the rights and figures of the publication, and what nothing points at."""
    from orchestration.serving.errors import ServingError
    from orchestration.serving.generations import not_current, read_generation
    from orchestration.serving.reading import open_publication

    try:
        generation = read_generation(settings.exports_dir)
        if generation is None:
            yield _ok("no generation of viewers' files; `kpi export --all` writes one")
        else:
            with open_publication(settings.marts_path) as connection:
                [(published,)] = connection.execute("select generation_id from main.publication").fetchall()
            text = f"{len(generation.files)} files of publication {generation.publication_id}, as of {generation.as_of}"
            if generation.publication_id == published:
                yield _ok(text)
            else:
                yield _problem(
                    f"{text}; the publication is {published}: rights that were taken away since still open rows there",
                    "`kpi export --all` writes them anew; KPI_EXPORT_VIEWERS=true does so every night",
                )
    except ServingError as error:
        yield _problem(str(error), "write them anew: kpi export --all")
    for folder in not_current(settings.exports_dir):
        yield _note(f"{folder} is in use by no pointer: an export was killed", "the next `kpi export --all` deletes it")


def look_at_server(settings: Settings) -> Iterator[Finding]:
    """Whether the server shows the current publication, protected as it was when it was swapped in."""
    if settings.postgres_url is None:
        yield _ok("no server is configured; KPI_POSTGRES_URL names one")
        return
    from orchestration.serving.errors import ServingError
    from orchestration.serving.postgres.state import read_state
    from orchestration.serving.postgres.target import Target

    try:
        target = Target.of(settings)
        state = read_state(target)
    except ServingError as error:
        yield _problem(str(error), "readers may be cut off as well; nightly publishing fails until it answers")
        return
    if state.generation_id is None:
        yield _problem(f"{target.shown}: nothing has been published there yet", "publish: kpi publish --passwords FILE")
        return
    yield _shown_generation(settings, target.shown, state)
    if state.has_contacts and not settings.publish_contacts:
        yield _problem(
            "KPI_PUBLISH_CONTACTS is off, and the server still shows customers' phone numbers and e-mails",
            "kpi publish",
        )
    yield _ok(f"{state.logins} logins, {state.locked} locked")
    if state.without_password:
        yield _note(
            f"{state.without_password} logins have no password, so nobody can use them",
            "`kpi publish --passwords FILE` gives them one",
        )
    if state.other_databases:
        yield _note(
            f"every login may also enter {', '.join(state.other_databases)} on the same server",
            "where that is not meant: `revoke connect on database NAME from public`",
        )
    for finding in state.findings:
        yield _problem(finding, "put it right on the server; the next `kpi publish` refuses to go on until then")


def _shown_generation(settings: Settings, shown: str, state: ServerState) -> Finding:
    from orchestration.serving.errors import ServingError
    from orchestration.serving.reading import open_publication

    since = f", since {state.swapped_at.astimezone(settings.zone):%Y-%m-%d %H:%M}" if state.swapped_at else ""
    text = f"{shown}: generation {state.generation_id}{since}"
    if state.is_rollback:
        return _note(
            f"{text}, gone back to by `kpi publish --rollback`",
            "the next night or `kpi publish` shows the newest again",
        )
    try:
        with open_publication(settings.marts_path) as connection:
            [(published,)] = connection.execute("select generation_id from main.publication").fetchall()
    except ServingError as error:
        return _problem(f"{text}; the publication here cannot be read: {error}", "publish again: kpi run")
    if published != state.generation_id:
        return _problem(f"{text}; the publication here is {published}", "`kpi publish` brings the server up to it")
    return _ok(text)


def look_at_frozen(settings: Settings) -> Iterator[Finding]:
    """Which months are frozen, and whether every byte of them is as it was written."""
    from orchestration.freezing.store import FrozenStore

    store = FrozenStore(settings.frozen_dir)
    problems = store.problems()
    for problem in problems:
        yield _problem(problem, "docs/frozen_months.md says how to restore it")
    if problems:
        return
    newest = {version.month: version for version in store.versions()}
    head = store.head()
    if head is None:
        yield _ok("no month is frozen; `kpi freeze --month MONTH` freezes one that is over")
    else:
        shown = ", ".join(f"{month:%Y-%m} (v{newest[month].version})" for month in sorted(newest))
        yield _ok(f"{head.count} frozen versions, all as they were written: {shown}")
        yield _ok(f"newest: {head.newest.name}, manifest {head.newest.manifest_sha256}")
    if store.unfinished() is not None:
        yield _note("a freeze was killed just before its end", "the next night or freeze finishes it")
    for folder in store.leftovers():
        yield _note(f"{folder} was left by a freeze that was killed", "nothing reads it; the next freeze clears it")


def look_at_writer(settings: Settings) -> Iterator[Finding]:
    """Who writes now, and files that a killed run left."""
    from orchestration.serving.lock import holder

    if is_held(settings.lock_path):
        yield _note(f"a run is writing now: {holder(settings.lock_path)}", "readers are not affected; other runs wait")
        return
    yield _ok("no run is writing now")
    for leftover in sorted(settings.home.glob("*.tmp*")) + sorted(settings.exports_dir.glob("*.tmp*")):
        yield _note(
            f"{leftover} was left by a run that was killed", "it can be deleted; the next run deletes it as well"
        )


def is_held(lock_path: Path) -> bool:
    """Whether some process holds the writer's lock at this moment."""
    if not lock_path.exists():
        return False
    with lock_path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
