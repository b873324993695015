"""Rule files that cannot be loaded, and the lines that a failed test means: what the person who edited one reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR
from orchestration.rules.files import PROBLEMS_SHOWN, RuleFile, file_problems, row_problems, rule_files
from orchestration.sources.getfly.mapping import CODES, code_problems

TYPES = {"bucket": "varchar", "from_days": "integer", "is_counted": "boolean"}
HEADER = "bucket,from_days,is_counted\n"


@pytest.fixture
def file(tmp_path: Path) -> RuleFile:
    return RuleFile("buckets", tmp_path / "buckets.csv", TYPES)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (HEADER + "a,seven,true\n", "line 2 (a,seven,true): from_days is 'seven': write a whole number, such as 7"),
        (HEADER + "a,7,true\nb,8,maybe\n", "line 3 (b,8,maybe): is_counted is 'maybe': write true or false"),
        (HEADER + "\n\na,7,perhaps\n", "line 4 (a,7,perhaps): is_counted"),
        (HEADER + "a,7\n", "line 2 (a,7): 2 values for 3 columns (bucket,from_days,is_counted): look for a comma"),
        (HEADER + "a,b,7,true\n", "line 2 (a,b,7,true): 4 values for 3 columns"),
        (HEADER, "seeds/buckets.csv has no rows"),
        ("", "seeds/buckets.csv is empty: its first line has to be bucket,from_days,is_counted"),
        ("a,7,true\n", "line 1: the columns are a,7,true: they have to be bucket,from_days,is_counted, in this order"),
        ("from_days,bucket,is_counted\n7,a,true\n", "line 1: the columns are from_days,bucket,is_counted"),
        ("bucket;from_days;is_counted\na;7;true\n", "separated by semicolons: save the file with commas"),
        ("bucket\tfrom_days\tis_counted\n", "separated by tabs"),
        (HEADER + '"a,7,true\n', "cannot be read: unexpected end of data; a quotation mark that is opened"),
    ],
)
def test_a_file_that_cannot_be_loaded_says_where_and_what_to_write(file: RuleFile, content: str, problem: str) -> None:
    file.path.write_text(content, encoding="utf-8")
    (found,) = file_problems(file)
    assert found.startswith("seeds/buckets.csv")
    assert problem in found


def test_a_missing_file_and_another_encoding_are_told(file: RuleFile) -> None:
    assert file_problems(file) == [
        "seeds/buckets.csv is missing: bring it back; its columns are bucket,from_days,is_counted"
    ]
    file.path.write_bytes((HEADER + "Đã,7,true\n").encode("utf-16"))
    assert file_problems(file) == ['seeds/buckets.csv is not UTF-8 text: save it as "CSV UTF-8"']


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "a,7,true\n\n\n",
        "\ufeff" + HEADER.replace("\n", "\r\n") + "a,7,TRUE\r\n",
        HEADER + '"a, quoted",,\n',
        HEADER + "a,7.0,f",
    ],
)
def test_what_spreadsheets_write_is_fine(file: RuleFile, content: str) -> None:
    file.path.write_text(content, encoding="utf-8", newline="")
    assert file_problems(file) == []


def test_a_file_with_a_mistake_on_every_line_does_not_flood_the_terminal(file: RuleFile) -> None:
    file.path.write_text(HEADER + "a,x,true\n" * 50, encoding="utf-8")
    found = file_problems(file)
    assert len(found) == PROBLEMS_SHOWN + 1
    assert found[-1] == f"seeds/buckets.csv: and {50 - PROBLEMS_SHOWN} more problems"


def test_a_failed_test_names_the_lines_it_means(file: RuleFile) -> None:
    file.path.write_text(HEADER + "a,7,TRUE\na,07,true\nb,8,\nc,,false\n", encoding="utf-8")
    rows = [
        {"bucket": "a", "number_of_rows": "2", "problem": "twice"},
        {"from_days": "7", "is_counted": "True", "problem": "seven"},
        {"column_name": "is_counted", "number_of_nulls": "1", "problem": "is_counted is empty"},
        {"bucket": "c", "from_days": "None", "problem": "open"},
        {"bucket": "z", "problem": "no row for z"},
        {"bucket": "b"},
    ]
    assert row_problems(file, rows, 7) == [
        "seeds/buckets.csv, line 2 (a,7,TRUE); line 3 (a,07,true): twice",
        "seeds/buckets.csv, line 2 (a,7,TRUE); line 3 (a,07,true): seven",
        "seeds/buckets.csv, line 4 (b,8,): is_counted is empty",
        "seeds/buckets.csv, line 5 (c,,false): open",
        "seeds/buckets.csv: no row for z",
        "seeds/buckets.csv, line 4 (b,8,): this row breaks a rule: bucket b",
        "seeds/buckets.csv: and 1 more rows like these",
    ]


def test_a_file_that_went_away_since_the_run_still_has_its_sentences(file: RuleFile) -> None:
    assert row_problems(file, [{"bucket": "a", "problem": "twice"}], 1) == ["seeds/buckets.csv: twice"]


def test_every_csv_file_of_the_project_is_described_and_loads() -> None:
    files = rule_files(DBT_PROJECT_DIR)
    found = {path.stem for path in (DBT_PROJECT_DIR / "seeds").glob("*.csv")}
    # The code map is read before rows land, and not by dbt.
    assert {file.name for file in files.values()} == found - {CODES.stem}
    assert code_problems(CODES) == []
    assert [problem for file in files.values() for problem in file_problems(file)] == []
