"""Whole `kpi` commands, killed on the way and played again, under a reader's eyes.

Belongs here: playing, killing, and the verdict. Not here: which commands there are (`history.py`), when to kill
(`killing.py`, `sights.py`), or comparing (`state.py`).

The history is first played undisturbed, and the state folder kept as it was before every command. Then comes one trial
after another: a stretch of the history from the state before some command, each command of it killed up to six times
and then played to its end. After every kill frozen months must be whole; after every command the state must be that of
the undisturbed history; and whatever a reader saw meanwhile must be one of its publications. A trial depends on its
number and the seed only: in a folder that has the undisturbed history already, it can be played again.
"""

from __future__ import annotations

import os
import pickle
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestration.cli import DONE
from orchestration.freezing.manifest import FrozenError
from orchestration.freezing.store import FrozenStore
from orchestration.serving.viewers import list_viewers
from tests.faults.company import SOURCE
from tests.faults.history import HISTORY, VIEWER, Command, Input, write_input
from tests.faults.killing import KPI, Moment, Outcome, Sight, choose, run_command
from tests.faults.reader import Reader, Seen, count_rows
from tests.faults.report import Report, say
from tests.faults.sights import sights_of
from tests.faults.state import home_differences

_KILLS_IN_A_ROW = (2, 6)
_STRETCHES = (1, 1, 1, 2)
_SECONDS_LEFT = 0.7
_ROUNDS = 4
_WAIT_ONE_IN = 3
# All tables take a while to read, and a night is long: the processor belongs to the night.
_BREATH_SECONDS = 1.0

Chain = Sequence[tuple[str, str]]
"""Frozen versions, oldest first, each with the SHA-256 of its files."""


@dataclass
class Undisturbed:
    """The quiet history: the state before every command and after the last, and how each command went."""

    folder: Path
    given: Input
    history: Sequence[Command]
    wholes: list[Outcome] = field(default_factory=list)
    sights: list[list[str]] = field(default_factory=list)
    publications: list[Mapping[str, int]] = field(default_factory=list)
    viewer: str = ""

    @property
    def home(self) -> Path:
        """Where every history takes place, one after another: stored views and dbt's parsed project know the way."""
        return self.folder / "home"

    def before(self, number: int) -> Path:
        """The state before that command; after the last one for the number that follows."""
        return self.folder / f"before-{number:02}"

    def play(self) -> None:
        """Play all commands, and keep what trials start from and are compared with; go on where it was left."""
        kept = self.folder / "undisturbed.pickle"
        if kept.exists():
            self.wholes, self.sights, self.publications, self.viewer = pickle.loads(kept.read_bytes())
        self.before(0).mkdir(exist_ok=True)
        for number, command in list(enumerate(self.history))[len(self.wholes) :]:
            self.restore(number)
            met = set[str]()
            whole = self.run(command, None, watching(sights_of(self.home), met))
            assert whole.exit_code == DONE, f"{command} fails undisturbed: see {self.log}"
            self.wholes.append(whole)
            self.sights.append(sorted(met))
            self.publications.append(count_rows(self.home / "marts.duckdb")[1])
            self.viewer = self.viewer or list_viewers(self.home / "marts.duckdb")[0].email
            shutil.rmtree(self.before(number + 1), ignore_errors=True)
            shutil.copytree(self.home, self.before(number + 1), symlinks=True)
            kept.write_bytes(pickle.dumps((self.wholes, self.sights, self.publications, self.viewer)))
            say(f"undisturbed {command.kind}: {whole.seconds:.1f} s, {len(whole.names)} kinds of changes")

    def restore(self, number: int, only: Sequence[str] = (".",)) -> None:
        """Bring back the state before that command, or some folders and files of it only."""
        for name in only:
            kept, here = self.before(number) / name, self.home / name
            if kept.is_file():
                shutil.copy2(kept, here)
                continue
            if here.exists():
                shutil.rmtree(here)
            if kept.exists():
                shutil.copytree(kept, here, symlinks=True)

    @property
    def log(self) -> Path:
        """What the commands print."""
        return self.folder / "kpi.log"

    def run(self, command: Command, moment: Moment | None, watch: Callable[[], object] | None = None) -> Outcome:
        """Run a command up to the moment, or to its end; `watch` is called meanwhile."""
        for name in [name for name in os.environ if name.startswith("KPI_")]:
            del os.environ[name]
        arguments = self.arguments(command)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"\n--- {' '.join(command.arguments)}, killed {moment}\n")
        sights = sights_of(self.home)
        return run_command(arguments, self.environment(command), self.home, moment, sights, self.log, watch)

    def arguments(self, command: Command) -> list[str]:
        """The command line."""
        return [KPI, *(self.viewer if argument == VIEWER else argument for argument in command.arguments)]

    def environment(self, command: Command) -> dict[str, str]:
        """The settings, as variables."""
        return {"KPI_HOME": str(self.home), "KPI_SOURCE": SOURCE, "KPI_FILES_PATH": str(self.given.of(command))}


def watching(sights: Mapping[str, Sight], met: set[str]) -> Callable[[], object]:
    """A look at everything that notes what it saw: a command is only killed at what it shows."""
    return lambda: met.update([name for name, sight in sights.items() if name not in met and sight()])


@dataclass
class Trial:
    """A stretch of the history, disturbed. `number` and the report's seed are all its chance depends on."""

    quiet: Undisturbed
    report: Report
    number: int
    evenly: bool = False
    """Every command as often as any other; else short ones more often, of which more fit into an hour."""

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.report.seed} {self.number}")
        self._problems: list[str] = []
        self._published: list[Mapping[str, int]] = []

    def play(self, first: int | None = None) -> None:
        """Play and kill; what is wrong goes to the report. `first` is the command to begin with, else a random one."""
        history, quiet = self.quiet.history, self.quiet
        if first is None:
            weights = [1.0 if self.evenly else whole.seconds**-1.5 for whole in quiet.wholes]
            [first] = self._chance.choices(range(len(history)), weights)
        last = min(first + self._chance.choice(_STRETCHES), len(history)) - 1
        say(f"trial {self.number}: {', '.join(command.kind for command in history[first : last + 1])}")
        quiet.restore(first)
        with Reader(quiet.home / "marts.duckdb", _BREATH_SECONDS) as reader:
            at = first
            while at <= last and not self._problems:
                at = self._disturb(at, last)
            only, rounds = history[first].touches, _ROUNDS if first == last else 0
            while only and rounds and not self._problems:
                quiet.restore(first, only)
                self._disturb(first, last)
                rounds -= 1
            seen = reader.stop()
        self.report.heard(seen)
        self._published += quiet.publications[max(first - 1, 0) : last + 1]
        self._problems += foreign_publications(seen, self._published)
        self.report.problems += [f"trial {self.number}: {problem}" for problem in self._problems]

    def _disturb(self, at: int, last: int) -> int:
        """Kill a command, play it to its end, and compare; returns which comes next."""
        command, store = self.quiet.history[at], FrozenStore(self.quiet.home / "frozen")
        for _ in range(self._chance.randint(*_KILLS_IN_A_ROW)):
            moment = choose(self._chance, self._whole(at), self.quiet.sights[at])
            before = chain_of(store)
            outcome = self.quiet.run(command, moment)
            is_over = self._note(command, moment, outcome)
            self._problems += [
                f"{command.kind}, killed {moment}: {problem}" for problem in chain_problems(store, before)
            ]
            if is_over and command.is_once:
                break
        steps = [command]
        if command.can_wait and at < last and self._chance.randrange(_WAIT_ONE_IN) == 0:
            at += 1
            steps = [self.quiet.history[at], command, self.quiet.history[at]]
        for step in steps:
            outcome = self.quiet.run(step, None)
            if outcome.exit_code not in (DONE, step.again):
                self._problems.append(f"{step.kind} ends with {outcome.exit_code} after kills: see {self.quiet.log}")
                return at + 1
            # Of commands in another order there is a publication of its own; a whole one, since they were left alone.
            self._published.append(count_rows(self.quiet.home / "marts.duckdb")[1])
        say(f"  {', '.join(step.kind for step in steps)}, left alone: done")
        self._problems += home_differences(self.quiet.before(at + 1), self.quiet.home)
        return at + 1

    def _whole(self, at: int) -> Outcome:
        """How the command went undisturbed, which took longer: it was watched."""
        whole = self.quiet.wholes[at]
        return replace(whole, seconds=whole.seconds * _SECONDS_LEFT)

    def _note(self, command: Command, moment: Moment, outcome: Outcome) -> bool:
        """Count a kill; true where the command was over before its moment came."""
        if not outcome.killed and outcome.exit_code in (DONE, command.again):
            say(f"  {command.kind}, {moment}: was over")
            return True
        self.report.note(command.kind, moment, outcome)
        say(f"  {command.kind}, {moment}: {'hit' if outcome.killed else f'ended with {outcome.exit_code}'}")
        return False


def foreign_publications(seen: Seen, whole: Sequence[Mapping[str, int]]) -> list[str]:
    """Generations that are none of the publications there may be: partial, or mixed."""
    found = []
    for generation, rows in seen.generations.items():
        if rows in whole:
            continue
        nearest = min((_unlike(rows, one) for one in whole), key=len)
        found.append(f"reader: generation {generation} is no publication of the quiet history: {', '.join(nearest)}")
    return found


def _unlike(rows: Mapping[str, int], whole: Mapping[str, int]) -> list[str]:
    return [
        f"{name} has {rows.get(name, 'no')} rows instead of {whole.get(name, 'none')}"
        for name in sorted(rows.keys() | whole.keys())
        if rows.get(name) != whole.get(name)
    ]


def chain_of(store: FrozenStore) -> Chain:
    """All frozen versions with the content of their files."""
    return [(version.name, " ".join(file.sha256 for file in version.files)) for version in store.versions()]


def chain_problems(store: FrozenStore, before: Chain) -> list[str]:
    """What is not whole in the frozen months, and what is not there any more or too much of it."""
    if problems := store.problems():
        return problems
    try:
        now = chain_of(store)
    except FrozenError as error:
        return [str(error)]
    if list(now[: len(before)]) != list(before):
        return [f"frozen were {[name for name, _ in before]}, and now are {[name for name, _ in now]}"]
    if len(now) > len(before) + 1:
        return [f"{len(now) - len(before)} versions were frozen by one command"]
    return []


def commands_plan(
    folder: Path, count: int, seed: int, history: Sequence[Command] = HISTORY, *, evenly: bool = False
) -> Report:
    """Play the history, then trials until `count` kills have hit or something is wrong.

    In a folder where this was begun, it goes on with the next trial.
    """
    report = Report("commands", seed)
    folder.mkdir(parents=True, exist_ok=True)
    quiet = Undisturbed(folder, write_input(folder / "input", seed), history)
    quiet.play()
    counter = folder / "trials"
    while report.kills < count and not report.problems:
        number = int(counter.read_text(encoding="utf-8")) if counter.exists() else 0
        Trial(quiet, report, number, evenly).play()
        counter.write_text(str(number + 1), encoding="utf-8")
        say(f"{report.kills} kills, {len(report.problems)} problems")
    return report
