"""One rule file as a person wrote it: whether it can be loaded at all, and which of its lines a failed test means.

Belongs here: files, lines and sentences for somebody who edits CSV. Not here: what a rule may say, which the dbt tests
in `seeds/_seeds.yml` know (`explain.py` puts the two together), or running dbt (`check.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROBLEMS_SHOWN = 8
"""At most so many problems are told of one file at a time; a file saved in the wrong format has one on every line."""

_WANTED = {"integer": "a whole number, such as 7, or nothing", "boolean": "true or false"}
_TRUE, _FALSE = frozenset({"true", "t", "1", "yes", "y"}), frozenset({"false", "f", "0", "no", "n"})


@dataclass(frozen=True)
class RuleFile:
    """A seed: its name, its file, and the SQL type of every column in the order in which the file must have them."""

    name: str
    path: Path
    types: Mapping[str, str]

    @property
    def shown(self) -> str:
        """The file as people find it in the repository."""
        return f"seeds/{self.name}.csv"


def rule_files(project_dir: Path, folder: Path | None = None) -> dict[str, RuleFile]:
    """Every seed that the dbt project describes, by its unique id; its CSV file is looked for in `folder`, if given."""
    project = yaml.safe_load((project_dir / "dbt_project.yml").read_text(encoding="utf-8"))
    configured: Mapping[str, Any] = project["seeds"][project["name"]]
    found = {}
    for properties in sorted((project_dir / "seeds").glob("*.yml")):
        for seed in yaml.safe_load(properties.read_text(encoding="utf-8")).get("seeds", ()):
            name = seed["name"]
            given = configured.get(name, {}).get("+column_types", {})
            types = {column["name"]: str(given.get(column["name"], "varchar")) for column in seed["columns"]}
            path = (folder or project_dir / "seeds") / f"{name}.csv"
            found[f"seed.{project['name']}.{name}"] = RuleFile(name, path, types)
    return found


@dataclass(frozen=True)
class Line:
    """One line below the header, with its number in the file; the header is line 1."""

    number: int
    values: tuple[str, ...]

    @property
    def shown(self) -> str:
        """Where it is and what it says."""
        return f"line {self.number} ({','.join(self.values)})"


def read_lines(path: Path) -> tuple[tuple[str, ...], tuple[Line, ...]]:
    """The header and the lines below it; empty lines are left out. Raises OSError, UnicodeDecodeError or csv.Error."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        lines = [Line(reader.line_num, tuple(values)) for values in reader if values]
    return (lines[0].values if lines else ()), tuple(lines[1:])


def file_problems(file: RuleFile) -> list[str]:
    """Why the file cannot be loaded, one sentence a problem, with file, line and what to write; empty when it can."""
    try:
        header, lines = read_lines(file.path)
    except FileNotFoundError:
        return [f"{file.shown} is missing: bring it back; its columns are {','.join(file.types)}"]
    except UnicodeDecodeError:
        return [f'{file.shown} is not UTF-8 text: save it as "CSV UTF-8"']
    except csv.Error as error:
        return [f"{file.shown} cannot be read: {error}; a quotation mark that is opened must be closed"]
    wanted = tuple(file.types)
    if header != wanted:
        return [_header_problem(file, header)]
    if not lines:
        return [f"{file.shown} has no rows: without rules nothing can be counted"]
    unloadable = _unloadable(file, lines)
    return _bounded(file, [problem for line in lines for problem in _line_problems(file, line, unloadable)])


def _header_problem(file: RuleFile, header: tuple[str, ...]) -> str:
    wanted = ",".join(file.types)
    where = f"{file.shown}, line 1"
    separators = [separator for separator in (";", "\t") if separator in "".join(header)]
    if separators:
        shown = {";": "semicolons", "\t": "tabs"}[separators[0]]
        return f"{where}: the values are separated by {shown}: save the file with commas between them"
    if not header:
        return f"{file.shown} is empty: its first line has to be {wanted}"
    return f"{where}: the columns are {','.join(header)}: they have to be {wanted}, in this order"


def _line_problems(file: RuleFile, line: Line, unloadable: Set[tuple[str, str]]) -> list[str]:
    where = f"{file.shown}, {line.shown}"
    if len(line.values) != len(file.types):
        return [
            f"{where}: {len(line.values)} values for {len(file.types)} columns ({','.join(file.types)}): "
            "look for a comma too many or too few; a text with a comma in it stands in quotation marks"
        ]
    return [
        f"{where}: {column} is '{value}': write {_WANTED.get(kind, f'a value of type {kind}')}"
        for (column, kind), value in zip(file.types.items(), line.values, strict=True)
        if (kind, value) in unloadable
    ]


def _unloadable(file: RuleFile, lines: Sequence[Line]) -> Set[tuple[str, str]]:
    """Types with the texts under them that the database does not read as a value of the type."""
    import duckdb

    written: dict[str, set[str]] = {}
    for line in lines:
        # A line with too many or too few values is a problem of its own; what can be paired up does no harm here.
        for kind, value in zip(file.types.values(), line.values, strict=False):
            if value != "" and kind != "varchar":
                written.setdefault(kind, set()).add(value)
    with duckdb.connect() as connection:
        return {
            (kind, value)
            for kind, values in written.items()
            # One statement for all texts of a type: a night waits for this before it starts anything.
            for (value,) in connection.execute(
                "select value from (select unnest(cast(? as varchar[])) as value) "
                f"where try_cast(value as {kind}) is null",
                [sorted(values)],
            ).fetchall()
        }


def _bounded(file: RuleFile, problems: Sequence[str]) -> list[str]:
    more = len(problems) - PROBLEMS_SHOWN
    return [*problems[:PROBLEMS_SHOWN], *([f"{file.shown}: and {more} more problems"] if more > 0 else [])]


def row_problems(file: RuleFile, rows: Iterable[Mapping[str, str]], found: int) -> list[str]:
    """What a failed test says about the file, one sentence a row with the lines it means; `found` counts them all."""
    try:
        lines = read_lines(file.path)[1]
    except (OSError, UnicodeDecodeError, csv.Error):  # Edited since the run: the sentences hold, the lines are gone.
        lines = ()
    problems = []
    for row in rows:
        places = "; ".join(line.shown for line in _meant(file, row, lines)[:PROBLEMS_SHOWN])
        problems.append(f"{file.shown}{', ' if places else ''}{places}: {_words(file, row)}")
    more = found - len(problems)
    return [*problems, *([f"{file.shown}: and {more} more rows like these"] if more > 0 else [])]


def _words(file: RuleFile, row: Mapping[str, str]) -> str:
    if "problem" in row:
        return row["problem"]
    return "this row breaks a rule: " + ", ".join(f"{name} {value}" for name, value in row.items())


def _meant(file: RuleFile, row: Mapping[str, str], lines: Sequence[Line]) -> list[Line]:
    """The lines that carry the row's values. A test of empty columns names the column instead of a row's values."""
    columns = list(file.types)
    wanted = {name: value for name, value in row.items() if name in file.types}
    if row.get("column_name") in file.types:
        wanted = {row["column_name"]: ""}
    if not wanted:
        return []
    return [
        line
        for line in lines
        if len(line.values) == len(columns)
        and all(_same(line.values[columns.index(name)], value, file.types[name]) for name, value in wanted.items())
    ]


def _same(written: str, loaded: str, kind: str) -> bool:
    """Whether the text in the file became this value in the database; None is what an empty cell became."""
    if written == "" or loaded in {"", "None"}:
        return written == "" and loaded in {"", "None"}
    if kind == "boolean":
        return written.lower() in (_TRUE if loaded.lower() in _TRUE else _FALSE)
    if kind == "integer" and written.strip().lstrip("+-").isdigit():
        return int(written) == int(loaded)
    return written == loaded
