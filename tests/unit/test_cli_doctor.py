"""The doctor: what it notices, and that it says what to do."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from orchestration.checks.catalogue import spec_of
from orchestration.checks.outcome import CheckOutcome
from orchestration.checks.results import save_outcomes
from orchestration.doctor import Finding, Level, examine, has_problem, look_at_versions
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.serving.lock import writer_lock
from orchestration.settings import Settings
from orchestration.sources.files import FilesSource

NIGHT = date(2026, 3, 31)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", source="files", files_path=tmp_path / "in")


def _findings(settings: Settings, title: str) -> tuple[Finding, ...]:
    return next(section.findings for section in examine(settings) if section.title == title)


def _problems(settings: Settings, title: str) -> list[str]:
    return [finding.text for finding in _findings(settings, title) if finding.level is Level.PROBLEM]


def _land(settings: Settings, **files: str) -> None:
    folder = settings.files_path
    assert folder is not None
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    ingest_night(Landing(settings.landing_dir), FilesSource(folder), NIGHT, settings.zone)


def test_a_fresh_checkout_is_no_problem_and_gets_told_how_to_begin(settings: Settings) -> None:
    sections = examine(settings)
    assert not has_problem([section for section in sections if section.title != "Configured"])
    advice = [finding.advice for section in sections for finding in section.findings]
    assert "play the first night: kpi run" in advice


def test_every_problem_comes_with_advice(settings: Settings) -> None:
    _land(settings, employees="employee_id,full_name\n")
    for section in examine(settings):
        for finding in section.findings:
            assert finding.level is not Level.PROBLEM or finding.advice, finding


def test_installed_versions_are_compared_with_the_requirements() -> None:
    findings = list(look_at_versions())
    assert [finding for finding in findings if finding.level is Level.PROBLEM] == []
    assert "dagster 1.13.27" in findings[-1].text
    (missing,) = [f for f in look_at_versions("no-such-distribution") if f.level is Level.PROBLEM]
    assert missing.advice == "run: make install"


def test_settings_are_listed_with_their_origin_and_misspelt_ones_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPI_TIMEZONE", "Asia/Ho_Chi_Minh")
    monkeypatch.setenv("KPI_TIMZONE", "Asia/Tokyo")
    texts = [finding.text for finding in _findings(settings, "Configured")]
    assert "KPI_TIMEZONE = Asia/Ho_Chi_Minh  (environment)" in texts
    assert "KPI_SOURCE = files  (command line)" in texts
    assert "KPI_THREADS = 2  (default)" in texts
    assert _problems(settings, "Configured") == ["KPI_TIMZONE is set, and is no setting"]


def test_unreadable_input_and_quarantine_are_told_with_file_row_and_reason(settings: Settings) -> None:
    _land(
        settings,
        employees="employee_id,full_name,department_id,is_active\ne1,An,d1,maybe\ne2,Bình,d1,true\n",
        departments="",
    )
    problems = "\n".join(_problems(settings, "Landing zone"))
    assert "departments of 2026-03-31 could not be read" in problems
    notes = "\n".join(finding.text for finding in _findings(settings, "Landing zone"))
    assert "1 rows of the newest batches are in quarantine: employees 1" in notes
    assert "employees.is_active, rule type: 1 rows; for example:" in notes


def test_a_batch_that_a_check_refused_is_a_problem_until_its_night_is_run_again(settings: Settings) -> None:
    _land(settings, employees="employee_id,full_name\ne1,An\n", industries="industry_id,industry_name\ni1,A\n")
    landing = Landing(settings.landing_dir)
    [manifest] = landing.manifests("files", "industries")
    landing.refuse(manifest, {"batch_rows_kept": "most rows are missing"})
    refused = "industries of 2026-03-31 landed, but a blocking check failed on it: no run reads it"
    assert refused in _problems(settings, "Landing zone")
    _land(settings, employees="employee_id,full_name\ne1,An\n", industries="industry_id,industry_name\ni1,A\n")
    assert refused not in _problems(settings, "Landing zone")


def test_a_failed_check_is_a_problem_and_a_warning_is_not(settings: Settings) -> None:
    failed = CheckOutcome(spec_of("marts_are_filled"), False, "fct_funnel is empty")
    warned = CheckOutcome(spec_of("funnel_month_drift"), False, "twice as much as usual")
    save_outcomes(settings.checks_dir, NIGHT, "marts", [failed, warned])
    assert _problems(settings, "Checks") == ["marts/dim_customers: marts_are_filled: fct_funnel is empty"]
    assert any("twice as much as usual" in finding.text for finding in _findings(settings, "Checks"))


def test_damaged_files_are_told_not_raised(settings: Settings) -> None:
    save_outcomes(settings.checks_dir, NIGHT, "marts", [])
    (settings.checks_dir / "results" / "latest.json").write_text(json.dumps({"format_version": 0}))
    settings.marts_path.write_text("no database")
    assert "holds no check results" in _problems(settings, "Checks")[0]
    assert "cannot be read as a DuckDB file" in _problems(settings, "Publication")[0]


def test_who_writes_now_and_what_a_killed_run_left(settings: Settings) -> None:
    with writer_lock(settings.lock_path):
        (finding,) = _findings(settings, "Writer")
        assert finding.text.startswith("a run is writing now: process ")
    leftover = settings.home / "marts.duckdb.20260331T010000000000Z.tmp"
    leftover.touch()
    assert any(str(leftover) in finding.text for finding in _findings(settings, "Writer"))


def test_a_key_in_the_environment_is_never_shown(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_GETFLY_KEY", "a-key-of-thirty-characters-long")
    keyed = Settings(home=settings.home, source="getfly", getfly_url="https://company.getflycrm.com")
    assert keyed.getfly_key is not None
    told = "\n".join(f"{one.text} {one.advice}" for section in examine(keyed) for one in section.findings)
    assert "KPI_GETFLY_KEY = ****" in told
    assert "a-key-of-thirty" not in told + repr(keyed)


def test_spark_without_its_environment_or_java_is_a_problem(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [finding.text for finding in _findings(settings, "Engine")] == ["DuckDB builds the tables"]
    on_spark = settings.model_copy(update={"engine": "spark", "spark_python": tmp_path / "python"})
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    assert _problems(on_spark, "Engine") == [
        f"there is no {tmp_path / 'python'}",
        f"Spark needs Java 17, and there is none under JAVA_HOME, {tmp_path / 'java'}",
    ]
    (tmp_path / "java" / "bin").mkdir(parents=True)
    for program in (tmp_path / "python", tmp_path / "java" / "bin" / "java"):
        program.touch(mode=0o755)
    assert _problems(on_spark, "Engine") == []
    assert _findings(on_spark, "Engine")[-1].advice == "the next night builds everything there"
