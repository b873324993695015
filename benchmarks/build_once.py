"""One build of the warehouse under KPI_HOME by itself, without landing, checks or publishing.

Belongs here: a process for other benchmarks to measure. Usage: `python -m benchmarks.build_once MODE AS_OF`; MODE is
`everything`, `changes`, or `parse`, which only starts dbt and parses the project.
"""

from __future__ import annotations

import json
import sys
from datetime import date

from orchestration.build_plan import CHANGES, EVERYTHING
from orchestration.dbt_run import DbtWorker, ensure_manifest
from orchestration.engine import Order, engine_of
from orchestration.landing.index import write_index
from orchestration.landing.store import Landing
from orchestration.progress import Progress
from orchestration.settings import Settings


def main() -> None:
    """Build, or only parse; exit code 1 when the gate stays shut or the plan is not the one asked for."""
    mode, as_of = sys.argv[1], date.fromisoformat(sys.argv[2])
    settings = Settings()
    with DbtWorker(settings) as worker:
        worker.start()
        manifest = json.loads(ensure_manifest(settings, worker).read_text(encoding="utf-8"))
        if mode == "parse":
            worker.parse()
            return
        write_index(Landing(settings.landing_dir), settings.source, as_of, settings.warehouse_dir)
        reason = "asked for" if mode == EVERYTHING else None
        engine = engine_of(settings)
        plan = engine.prepare(as_of, reason)
        if plan.mode != mode:
            sys.exit(f"the plan is {plan.describe()}, not {mode}")
        build = engine.build(worker, manifest, Order(as_of, None, plan), Progress())
        if not build.report.is_open:
            sys.exit(build.report.describe())
        engine.finish(as_of)
    assert mode in {EVERYTHING, CHANGES}


if __name__ == "__main__":
    main()
