"""`kpi check-rules`: every mistake a person may make in a rule file is told with file, line and what to write."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from orchestration.cli import main
from orchestration.dbt_run import DBT_PROJECT_DIR
from orchestration.rules.check import RulesReport, check_rules
from orchestration.rules.files import rule_files
from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import warehouse_settings

# File, what it says, what somebody wrote instead, and what they are told. Mistakes of one file do not touch each other.
MISTAKES = (
    (
        "recency_buckets",
        "7_to_13_days,7,14,2",
        "7_to_13_days,8,14,2",
        "seeds/recency_buckets.csv, line 3 (7_to_13_days,8,14,2): nothing covers 7 up to 8: "
        "write 7 as from_days, or 8 as to_days of the row before",
    ),
    (
        "recency_buckets",
        "never,,,6",
        "nobody,,,6",
        "seeds/recency_buckets.csv: there is no row with bucket never, for customers without any contact: add one",
    ),
    (
        "age_bands",
        "25_to_34,25,35,3",
        "25_to_34,24,35,3",
        "seeds/age_bands.csv, line 4 (25_to_34,24,35,3): two rows cover 24 up to 25: "
        "write 25 as from_years, or 24 as to_years of the row before",
    ),
    (
        "order_status_rules",
        "sale,delivered,true,false",
        "sale,shipped,true,false",
        "seeds/order_status_rules.csv, line 6 (sale,shipped,true,false): status 'shipped' is not known: "
        "write one of pending, approved, delivering, partly_delivered, delivered, cancelled",
    ),
    (
        "order_status_rules",
        "return,cancelled,false,false\n",
        "",
        "seeds/order_status_rules.csv: there is no row for order_type return, status cancelled: "
        "add one and say whether it counts",
    ),
    (
        "order_status_rules",
        "return,pending,false,true",
        "return,pending,true,true",
        "seeds/order_status_rules.csv, line 8 (return,pending,true,true): is_counted and is_pending are both true",
    ),
    (
        "interaction_rules",
        "email,*,read,true,true",
        "email,*,opened,true,true",
        "seeds/interaction_rules.csv, line 4 (email,*,opened,…): outcome 'opened' is not known: write one of",
    ),
    (
        "interaction_rules",
        "task,*,cancelled,false,false",
        "task,*,*,false,false",
        "seeds/interaction_rules.csv, line 13 (task,*,*,true,…); line 14 (task,*,*,false,…): "
        "2 rows have the same interaction_type, direction, outcome: there may be one",
    ),
    (
        "interaction_rules",
        "sms,*,sent,false,true",
        "sms,*,sent,,true",
        "seeds/interaction_rules.csv, line 6 (sms,*,sent,,…): is_counted is empty: every row needs a value there",
    ),
    (
        "cycle_windows",
        "84,12_weeks",
        "100,12_weeks",
        "seeds/cycle_windows.csv, line 16 (100,12_weeks): a window of 100 days: give a whole number from 4 to 84",
    ),
    (
        "report_scope_rules",
        "task,hierarchy",
        "task,everybody",
        "seeds/report_scope_rules.csv, line 4 (task,everybody): scope_rule 'everybody' is not known: "
        "write one of hierarchy, self, department, own_department",
    ),
    (
        "report_scope_rules",
        "employee,hierarchy",
        "employee,department",
        "seeds/report_scope_rules.csv, line 2 (employee,department): the report department takes department or",
    ),
    (
        "labels",
        "weekday,1,",
        "week_day,1,",
        "(week_day,1,Thứ Hai,Monday,1): domain 'week_day' is not known: write one of member, interaction_type,",
    ),
    (
        "last_contact_rules",
        "reported_by_crm,*,true,1",
        "reported_by_crm,*,true,0",
        "seeds/last_contact_rules.csv, line 2 (reported_by_crm,*,true,0): priority is smaller than 1: write 1",
    ),
    (
        "last_contact_rules",
        "payment,*,false,2",
        "payment,*,false,2\npayment,Meeting,true,2",
        "(payment,Meeting,true,2): only completed_task can name a task type: write * as task_type",
    ),
    (
        "last_contact_rules",
        "customer_created,*,false,2",
        "customer_made,*,false,2",
        "(customer_made,*,false,2): event 'customer_made' is not known: write one of reported_by_crm,",
    ),
)


def says(problem: str, words: str) -> bool:
    """Whether the words stand in the problem; … stands for anything within one line of the file."""
    return re.search("[^)]*".join(re.escape(part) for part in words.split("…")), problem) is not None


def edited(folder: Path, mistakes: tuple[tuple[str, str, str, str], ...]) -> Path:
    """A copy of the repository's rule files with the mistakes made."""
    folder.mkdir()
    for file in rule_files(DBT_PROJECT_DIR).values():
        shutil.copy(file.path, folder)
    for name, right, wrong, _ in mistakes:
        path = folder / f"{name}.csv"
        text = path.read_text(encoding="utf-8")
        assert text.count(right) == 1, (name, right)
        path.write_text(text.replace(right, wrong), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> RulesReport:
    base = tmp_path_factory.mktemp("rules")
    return check_rules(warehouse_settings(base / "home"), edited(base / "edited", MISTAKES))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake[0]}: {mistake[2]}")
def test_a_mistake_is_told_with_file_line_and_what_to_write(
    mistake: tuple[str, str, str, str], report: RulesReport
) -> None:
    assert [problem for problem in report.problems if says(problem, mistake[3])], report.problems


def test_nothing_else_is_told(report: RulesReport) -> None:
    known = [mistake[3] for mistake in MISTAKES] + [
        # What two of the mistakes also are: a word too few beside the word too many.
        "there is no row for order_type sale, status delivered",
        "there is no row for event customer_created, task_type *",
        "(nobody,,,6): the row called never, and no other, has no from_days",
    ]
    assert [problem for problem in report.problems if not any(says(problem, words) for words in known)] == []
    assert [line for line in report.warnings if "has no words to show" not in line] == []
    assert any("bucket nobody has no words to show: add a row that starts with recency_bucket,nobody" in line
               for line in report.warnings)  # fmt: skip


def test_a_file_that_does_not_load_is_told_beside_the_tests_of_the_others(tmp_path: Path) -> None:
    folder = edited(
        tmp_path / "edited",
        (
            ("labels", "domain,code", "code,domain", ""),
            ("age_bands", "25_to_34,25,35,3", "25_to_34,twenty-five,35,3", ""),
            ("cycle_windows", "84,12_weeks", "3,12_weeks", ""),
        ),
    )
    (folder / "buckets.csv").write_text("a\n", encoding="utf-8")
    problems = check_rules(warehouse_settings(tmp_path / "home"), folder).problems
    expected = (
        "seeds/labels.csv, line 1: the columns are code,domain,label_vi,label_en,sort_order: they have to be",
        "seeds/age_bands.csv, line 4 (25_to_34,twenty-five,35,3): from_years is 'twenty-five': write a whole number",
        "buckets.csv is no rule file; the rule files are",
        "seeds/cycle_windows.csv, line 16 (3,12_weeks): a window of 3 days",
    )
    assert len(problems) == len(expected), problems
    for words in expected:
        assert any(words in problem for problem in problems), problems


# Every edit that docs/rules.md gives as an example, made at once.
DOCUMENTED_EDITS = (
    ("order_status_rules", "sale,approved,true,false", "sale,approved,false,false", ""),
    ("interaction_rules", "task,*,*,", "call,inbound,answered,true,true,false\ntask,*,*,", ""),
    ("last_contact_rules", "completed_task,*", "completed_task,Meeting,true,2\ncompleted_task,*", ""),
    ("last_contact_rules", "reported_by_crm,*,true,1", "reported_by_crm,*,true,2", ""),
    ("recency_buckets", "0_to_6_days,0,7,1", "0_to_2_days,0,3,1\n3_to_6_days,3,7,2", ""),
    ("labels", "recency_bucket,0_to_6_days,0-7 ngày,0 to 6 days,1",
     "recency_bucket,0_to_2_days,0-3 ngày,0 to 2 days,1\nrecency_bucket,3_to_6_days,3-7 ngày,3 to 6 days,2", ""),
    ("cycle_windows", "7,1_week", "7,1_week\n10,10_days", ""),
    ("labels", "weekday,1,", "cycle_window,10_days,10 ngày,10 days,16\nweekday,1,", ""),
    ("report_scope_rules", "department,department", "department,own_department", ""),
    ("labels", "interaction_type,comment,Trao đổi,Comments,2", "interaction_type,comment,Ghi chú,Notes,2", ""),
)  # fmt: skip


def test_every_edit_that_the_docs_suggest_is_right(tmp_path: Path) -> None:
    report = check_rules(warehouse_settings(tmp_path / "home"), edited(tmp_path / "edited", DOCUMENTED_EDITS))
    assert (report.problems, report.warnings) == ((), ())


def test_the_docs_show_mistakes_as_they_are_told(report: RulesReport) -> None:
    page = " ".join((PROJECT_DIR / "docs" / "rules.md").read_text(encoding="utf-8").split())
    shown = re.findall(r"\*Wrong:\* `(seeds/[^`…]+)", page)
    assert len(shown) >= 7
    told = [re.sub(r"line \d+", "line", problem) for problem in report.problems]
    unlike = [text for text in shown if not any(re.sub(r"line \d+", "line", text).rstrip(" ,") in one for one in told)]
    assert [text for text in unlike if "payment,Meeting,false,2" not in text] == []


def _leave(*arguments: str) -> object:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


def test_the_repositorys_own_rules_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    assert _leave("check-rules") == 0
    assert capsys.readouterr().out.startswith(f"Right: {len(rule_files(DBT_PROJECT_DIR))} rule files, ")
    assert not (tmp_path / "home").exists()


def test_the_command_leaves_with_1_on_a_mistake_and_with_2_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    assert _leave("check-rules", "--path", str(tmp_path / "nowhere")) == 2
    assert "is no folder; give one that holds the CSV files of seeds/" in capsys.readouterr().err.replace("\n", " ")
    (tmp_path / "empty").mkdir()
    assert _leave("check-rules", "--path", str(tmp_path / "empty")) == 1
    assert "! seeds/labels.csv is missing: bring it back" in capsys.readouterr().err


def test_a_code_map_of_ones_own_is_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = tmp_path / "codes.csv"
    codes.write_text("domain,code,label,value\norder_status,3,,canceled\n", encoding="utf-8")
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KPI_GETFLY_CODES", str(codes))
    assert _leave("check-rules") == 1
    said = capsys.readouterr().err.replace("\n", " ")
    assert "codes.csv, row 2: canceled is no order_status; it is one of pending, approved" in said
