"""Runs one Great Expectations suite on one pandas frame, and writes its page of the Data Docs.

Belongs here: everything that knows Great Expectations' contexts, stores and results. Not here: the expectations.

Great Expectations takes about ten seconds to import, so this module imports it inside functions, and callers import
this module freely. It runs on frames because its SQL engine fails on DuckDB. Its state is a folder `gx` beside the Data
Docs, with relative paths only, so that the state folder can be moved.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestration.checks.catalogue import specs_of
from orchestration.checks.outcome import Severity

if TYPE_CHECKING:
    import pandas as pd

# Two weeks show whether a warning is new; the history of numbers is in the results files.
KEPT_VALIDATIONS = 14
_SITE = "kpi"
_DATASOURCE = "kpi"


class SuiteError(Exception):
    """A suite could not be evaluated; neither passed nor failed."""


@dataclass(frozen=True)
class Judged:
    """What one check's expectations said: the keys of the frame's rows that failed, in the frame's order.

    `whole_frame` means that an expectation about the frame as a whole failed.
    """

    failed_keys: tuple[str, ...]
    whole_frame: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failed_keys and not self.whole_frame


@dataclass(frozen=True)
class Expect:
    """One expectation about the frame: the name of Great Expectations' class, and its arguments."""

    name: str
    arguments: Mapping[str, object]


class RunSuite(Protocol):
    """What judges a frame: `run_suite` in this process, or the same in a process of its own (`suite_process.py`)."""

    def __call__(
        self, name: str, frame: pd.DataFrame, key: str, expectations: Mapping[str, Sequence[Expect]], docs_dir: Path
    ) -> dict[str, Judged]:
        """See `run_suite`."""


def between(column: str, low: float | None, high: float | None) -> Expect:
    """Every value of the column that is not null lies between the limits, both included."""
    return Expect("ExpectColumnValuesToBeBetween", {"column": column, "min_value": low, "max_value": high})


def above(column: str, low: float) -> Expect:
    """Every value of the column that is not null is larger than the limit."""
    return Expect("ExpectColumnValuesToBeBetween", {"column": column, "min_value": low, "strict_min": True})


def in_set(column: str, values: Sequence[str]) -> Expect:
    """Every value of the column that is not null is one of these."""
    return Expect("ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(values)})


def not_above(column: str, limit: str) -> Expect:
    """The column is at most as large as the column `limit` of the same row, where neither is null."""
    return Expect(
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": limit, "column_B": column, "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    )


def _built(check: str, expect: Expect) -> Any:
    import great_expectations.expectations as gxe

    spec = specs_of((check,))[0]
    return getattr(gxe, expect.name)(
        **expect.arguments,
        severity="critical" if spec.severity is Severity.ERROR else "warning",
        notes=spec.reason,
        meta={"check": check},
    )


def run_suite(
    name: str, frame: pd.DataFrame, key: str, expectations: Mapping[str, Sequence[Expect]], docs_dir: Path
) -> dict[str, Judged]:
    """Judge `frame` by the expectations of each check; `key` is its column that names a row.

    Writes the suite and this validation to the Data Docs in `docs_dir` and keeps the newest validations only.
    Raises SuiteError when an expectation could not be evaluated.
    """
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction

    prune_validations(docs_dir, name, keep=KEPT_VALIDATIONS - 1)
    context = _context(docs_dir)
    asset = context.data_sources.add_or_update_pandas(_DATASOURCE).add_dataframe_asset(name)
    suite = context.suites.add_or_update(
        gx.ExpectationSuite(
            name, expectations=[_built(check, each) for check, members in expectations.items() for each in members]
        )
    )
    definition = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=name, data=asset.add_batch_definition_whole_dataframe("all"), suite=suite)
    )
    checkpoint = context.checkpoints.add_or_update(
        gx.Checkpoint(
            name=name,
            validation_definitions=[definition],
            actions=[UpdateDataDocsAction(name="data_docs")],
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [key]},
        )
    )
    result = checkpoint.run(batch_parameters={"dataframe": frame})
    found = [each.to_json_dict() for run in result.run_results.values() for each in run.results]
    return _judge(name, key, expectations, found)


def _judge(
    name: str, key: str, expectations: Mapping[str, Sequence[Expect]], found: Sequence[Mapping[str, Any]]
) -> dict[str, Judged]:
    declared = sum(len(members) for members in expectations.values())
    if len(found) != declared:
        raise SuiteError(f"suite {name}: {len(found)} results for {declared} expectations")
    failed: dict[str, dict[str, None]] = {check: {} for check in expectations}
    whole: set[str] = set()
    for result in found:
        config = result["expectation_config"]
        check = config["meta"]["check"]
        if message := _exception(result.get("exception_info") or {}):
            raise SuiteError(f"suite {name}, check {check}, {config['type']}: {message}")
        if result["success"]:
            continue
        rows = result["result"].get("unexpected_index_list") or []
        if rows:
            failed[check].update(dict.fromkeys(str(row[key]) for row in rows))
        else:
            whole.add(check)
    return {check: Judged(tuple(keys), check in whole) for check, keys in failed.items()}


def _exception(info: Mapping[str, Any]) -> str | None:
    """The message of an exception while evaluating; Great Expectations nests them by metric when a metric failed."""
    for part in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if part.get("raised_exception"):
            return str(part.get("exception_message"))
    return None


def _gx_dir(docs_dir: Path) -> Path:
    return docs_dir.parent / "gx"


def _context(docs_dir: Path) -> Any:
    import great_expectations as gx

    docs_dir.mkdir(parents=True, exist_ok=True)
    context: Any = gx.get_context(mode="file", project_root_dir=docs_dir.parent)
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    site = {
        "class_name": "SiteBuilder",
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": os.path.relpath(docs_dir, _gx_dir(docs_dir)) + os.sep,
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    if _SITE not in context.get_site_names():
        context.add_data_docs_site(site_name=_SITE, site_config=site)
    else:
        context.update_data_docs_site(site_name=_SITE, site_config=site)
    for other in context.get_site_names():
        if other != _SITE:
            context.delete_data_docs_site(other)
    return context


def prune_validations(docs_dir: Path, name: str, keep: int) -> int:
    """Delete all but the newest `keep` validations of a suite, their pages included; how many were deleted."""
    stored = _gx_dir(docs_dir) / "uncommitted" / "validations" / name / "__none__"
    pages = docs_dir / "validations" / name / "__none__"
    runs = sorted(
        {path.name for folder in (stored, pages) if folder.is_dir() for path in folder.iterdir() if path.is_dir()}
    )
    old = runs[: max(0, len(runs) - keep)]
    for run in old:
        for folder in (stored / run, pages / run):
            if folder.is_dir():
                shutil.rmtree(folder)
    return len(old)
