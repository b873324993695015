"""When the schedule freezes a month: the one that ended, once its last night is published, until it is frozen."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.assets.freezing import month_to_freeze
from orchestration.checks.freshness import Freshness, write_freshness
from orchestration.freezing.freeze import refuse_unknown_day
from orchestration.freezing.manifest import FrozenError, FrozenVersion
from orchestration.freezing.store import FrozenStore
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.settings import Settings
from orchestration.sources.files import FilesSource

FEBRUARY, LAST = date(2026, 2, 1), date(2026, 2, 28)


class OnADay(Settings):
    """Settings of a company that lives on a day of the test's choice."""

    today_is: date = date(2026, 3, 1)

    def yesterday(self) -> date:
        """The day before."""
        return date.fromordinal(self.today_is.toordinal() - 1)


def company(tmp_path: Path, today: date) -> OnADay:
    return OnADay(home=tmp_path / "home", source="files", files_path=tmp_path / "in", today_is=today)


def land(settings: Settings, night: date) -> None:
    assert settings.files_path is not None
    settings.files_path.mkdir(exist_ok=True)
    (settings.files_path / "provinces.csv").write_text("province_id,province_name\n1,Huế\n", encoding="utf-8")
    source = FilesSource(settings.files_path)
    ingest_night(Landing(settings.landing_dir), source, night, settings.zone)


def publish(settings: Settings, as_of: date) -> None:
    write_freshness(settings.home, Freshness(as_of, "2026-03-01T01:00:00+00:00", "published"))


@pytest.mark.parametrize("today", [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 31)])
def test_the_month_that_ended_is_frozen_once_its_last_night_is_published(today: date, tmp_path: Path) -> None:
    settings = company(tmp_path, today)
    assert month_to_freeze(settings) == (
        None,
        "Nothing was known at the end of 2026-02-28, before the first night: 2026-02 cannot be frozen.",
    )
    land(settings, LAST)
    assert month_to_freeze(settings) == (None, "The night of 2026-02-28 is not published yet; published is nothing.")
    publish(settings, date(2026, 2, 27))
    assert month_to_freeze(settings)[0] is None
    publish(settings, LAST)
    assert month_to_freeze(settings) == (FEBRUARY, "")
    freeze(settings)
    assert month_to_freeze(settings) == (None, "2026-02 is frozen.")


def test_a_day_within_a_month_means_the_month_before(tmp_path: Path) -> None:
    settings = company(tmp_path, date(2026, 1, 15))
    land(settings, date(2025, 12, 31))
    publish(settings, date(2026, 1, 14))
    assert month_to_freeze(settings) == (date(2025, 12, 1), "")


def test_a_month_from_before_the_first_night_is_not_frozen(tmp_path: Path) -> None:
    settings = company(tmp_path, date(2026, 3, 5))
    land(settings, date(2026, 3, 1))
    publish(settings, date(2026, 3, 4))
    month, why_not = month_to_freeze(settings)
    assert month is None
    assert "before the first night" in why_not


def test_a_day_without_its_night_cannot_be_frozen(tmp_path: Path) -> None:
    settings = company(tmp_path, date(2026, 3, 5))
    with pytest.raises(FrozenError, match="no night has landed"):
        refuse_unknown_day(settings, FEBRUARY, LAST)
    land(settings, date(2026, 2, 27))
    with pytest.raises(FrozenError, match="the newest night of source files is 2026-02-27"):
        refuse_unknown_day(settings, FEBRUARY, LAST)
    land(settings, LAST)
    refuse_unknown_day(settings, FEBRUARY, LAST)


def test_a_night_that_a_check_refused_cannot_be_frozen_until_it_is_repaired(tmp_path: Path) -> None:
    settings = company(tmp_path, date(2026, 3, 5))
    land(settings, LAST)
    landing = Landing(settings.landing_dir)
    [batch] = [batch for batch in landing.manifests("files") if batch.entity == "provinces"]
    landing.refuse(batch, {"batch_rows_kept": "too few"})
    with pytest.raises(FrozenError, match=r"what landed of provinces that night.*kpi run --date 2026-02-28"):
        refuse_unknown_day(settings, FEBRUARY, LAST)
    land(settings, LAST)
    refuse_unknown_day(settings, FEBRUARY, LAST)


def freeze(settings: Settings) -> None:
    empty = pa.table({"value": pa.array([], pa.int64())})
    FrozenStore(settings.frozen_dir).add(
        FrozenVersion(
            month=FEBRUARY,
            version=1,
            place=0,
            as_of=LAST,
            source="files",
            frozen_at="2026-03-01T03:00:00+00:00",
            code_version="1.0",
            reason="first freeze",
            metrics=(),
            batches=(),
            files=(),
            previous=None,
        ),
        empty,
        empty,
    )
