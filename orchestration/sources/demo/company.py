"""The organisation: departments, employees and how they come, move and leave, further memberships, rights.

Belongs here: who works where and when, and who gets which leads. Not here: what they do (activity, sales) or should
reach (plans). Employee codes count from 0 in order of hiring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration.sources.demo import names
from orchestration.sources.demo.clock import Clock
from orchestration.sources.demo.life import (
    DAY,
    HOUR,
    NULL,
    EventLog,
    Ints,
    Life,
    ids,
    ints,
    labels,
    life,
    nullable,
    standing_life,
    timestamps,
)
from orchestration.sources.demo.reference import choose

# name, parent, people at scale 1, whether that number grows with the scale
_DEPARTMENTS: tuple[tuple[str, int | None, int, bool], ...] = (
    ("Ban Giám đốc", None, 2, False),
    ("Khối Kinh doanh", 0, 2, False),
    ("Kinh doanh Miền Bắc", 1, 1, False),
    ("Nhóm Hà Nội", 2, 7, True),
    ("Nhóm Hải Phòng", 2, 4, True),
    ("Kinh doanh Miền Trung", 1, 5, True),
    ("Kinh doanh Miền Nam", 1, 1, False),
    ("Nhóm Sài Gòn 1", 6, 6, True),
    ("Nhóm Sài Gòn 2", 6, 6, True),
    ("Nhóm Cần Thơ", 6, 4, True),
    ("Telesales", 1, 6, True),
    ("Marketing", 0, 4, False),
    ("Chăm sóc khách hàng", 0, 5, False),
    ("Kế toán – Hành chính", 0, 4, False),
    ("Kho vận", 0, 3, False),
)
BOARD, SALES, NORTH, CENTRAL, SOUTH, TWO_HEADS, TELESALES = 0, 1, 2, 5, 6, 8, 10
MARKETING, CARE, ACCOUNTING, WAREHOUSE = 11, 12, 13, 14
TEAMS = (3, 4, CENTRAL, 7, TWO_HEADS, 9)
DEPARTMENTS = len(_DEPARTMENTS)
_TITLES = (
    "Giám đốc", "Phó giám đốc", "Giám đốc kinh doanh", "Giám đốc vùng", "Trưởng phòng", "Phó phòng",
    "Chuyên viên", "Chuyên viên cao cấp", "Nhân viên",
)  # fmt: skip
_DIRECTOR, _DEPUTY, _SALES_DIRECTOR, _REGIONAL, _HEAD, _VICE, _SPECIALIST, _SENIOR, _STAFF = range(9)

_ATTRIBUTES = ("department", "rank", "title", "is_active")
_HANDOVER = 4 * DAY


@dataclass(frozen=True)
class Leave:
    """A seller who resigns: whose customers are handed over in the days before `at` (seconds)."""

    employee: int
    at: int


@dataclass(frozen=True)
class Company:
    """Everyone who ever worked here. Arrays are indexed by employee code; moments in seconds."""

    department: Ints
    sells: npt.NDArray[np.bool_]
    lead_weight: npt.NDArray[np.float64]
    ability: npt.NDArray[np.float64]
    takes_from: Ints
    takes_until: Ints
    leaves: tuple[Leave, ...]
    lives: dict[str, Life]

    def sellers(self, rng: np.random.Generator, at: Ints) -> Ints:
        """For each moment a seller who takes new customers then; strong sellers come up more often."""
        return self._draw(rng, at, np.where(self.sells, self.lead_weight, 0.0))

    def members(self, rng: np.random.Generator, at: Ints, department: int) -> Ints:
        """For each moment someone who works in the department then."""
        return self._draw(rng, at, (self.department == department).astype(np.float64))

    def _draw(self, rng: np.random.Generator, at: Ints, weights: npt.NDArray[np.float64]) -> Ints:
        bounds = np.unique(np.concatenate([self.takes_from, self.takes_until]))
        epochs = np.searchsorted(bounds, at, side="right")
        drawn = np.zeros(len(at), dtype=np.int64)
        position = rng.random(len(at))
        for epoch in np.unique(epochs):
            here = epochs == epoch
            moment = at[here][0]
            heights = np.cumsum(np.where((self.takes_from <= moment) & (moment < self.takes_until), weights, 0.0))
            drawn[here] = np.searchsorted(heights, position[here] * heights[-1], side="right")
        return drawn


def _people(size: int, scales: bool, scale: float) -> int:
    return max(3, round(size * scale)) if scales else size


def _rank_and_title(department: int, place: int) -> tuple[int, int]:
    if department == TELESALES:
        return NULL, _STAFF
    if department == BOARD:
        return (1, _DIRECTOR) if place == 0 else (2, _DEPUTY)
    if department in (SALES, NORTH, SOUTH):
        return (1, _SALES_DIRECTOR if department == SALES else _REGIONAL) if place == 0 else (NULL, _STAFF)
    if department == TWO_HEADS:
        return (1, _HEAD) if place < 2 else (3, _SPECIALIST)
    ladder = {0: (1, _HEAD), 1: (2, _VICE), 2: (3, _SPECIALIST), 3: (3, _SPECIALIST)}
    return ladder.get(place, (NULL, _STAFF))


def _permissions(department: Ints, rank: Ints, at: int) -> Life:
    """Who may open what. One director sees everything; one accountant has the menu only; the warehouse has nothing."""
    rows: list[tuple[int, str, str]] = []
    everything = ("menu", "employee", "department", "customer", "product", "task", "campaign", "telesales", "targets")
    for code in range(len(department)):
        place = int(department[code])
        if code == 0:
            rows += [(code, report, "view_all") for report in everything]
        elif place in (BOARD, SALES, NORTH, SOUTH) or (place in TEAMS and rank[code] == 1):
            rows += [(code, report, "access") for report in everything]
        elif place in TEAMS:
            rows += [
                (code, report, "access") for report in ("menu", "employee", "customer", "product", "task", "targets")
            ]
        elif place == TELESALES:
            rows += [(code, report, "access") for report in ("menu", "employee", "telesales")]
        elif place in (MARKETING, CARE):
            rows += [(code, report, "access") for report in ("menu", "employee", "customer", "campaign", "task")]
    rows.append((int(np.flatnonzero(department == ACCOUNTING)[-1]), "menu", "access"))
    columns = {
        "employee_id": ids("NV", 3, ints([row[0] for row in rows])),
        "report": pa.array([row[1] for row in rows]),
        "right": pa.array([row[2] for row in rows]),
    }
    return standing_life("employee_permissions", columns, ints(at, len(rows)))


def _memberships(department: Ints, at: int) -> Life:
    """A team's second member also works in Marketing without a rank; the head of the centre also helps in the south."""
    employees = [int(np.flatnonzero(department == team)[place]) for team, place in ((3, 1), (CENTRAL, 0), (CARE, 1))]
    columns = {
        "employee_id": ids("NV", 3, ints(employees)),
        "department_id": ids("PB", 2, ints([MARKETING, SOUTH, TELESALES])),
        "position_rank": nullable(ints([NULL, 2, NULL])),
    }
    return standing_life("department_memberships", columns, ints(at, len(employees)))


def _departments(at: int) -> Life:
    parents = ints([NULL if parent is None else parent for _, parent, _, _ in _DEPARTMENTS])
    columns = {
        "department_id": ids("PB", 2, np.arange(DEPARTMENTS, dtype=np.int64)),
        "department_name": pa.array([row[0] for row in _DEPARTMENTS]),
        "parent_department_id": ids("PB", 2, parents),
    }
    return standing_life("departments", columns, ints(at, DEPARTMENTS))


def _employees(log: EventLog, full_names: list[str], department_of: Ints, until: int) -> Life:
    versions = log.fold(until)
    logins = names.logins(full_names)
    # The last of the warehouse has no login at all.
    without = int(np.flatnonzero(department_of == WAREHOUSE)[-1])
    addresses = pa.array([None if code == without else login for code, login in enumerate(logins)])
    codes = versions.born[versions.row]
    columns = {
        "employee_id": ids("NV", 3, codes),
        "full_name": labels(codes, pa.array(full_names)),
        "email": labels(codes, addresses),
        "department_id": ids("PB", 2, versions["department"]),
        "position_rank": nullable(versions["rank"]),
        "job_title": labels(versions["title"], pa.array(_TITLES)),
        "is_active": pa.array(versions["is_active"] == 1),
        "updated_at": timestamps(versions.at),
    }
    return life("employees", versions, columns)


def build_company(clock: Clock) -> Company:
    """Found the company on the first day and let people come, move and leave until its last month."""
    months = clock.months()
    opening = months[0].starts_at
    rng = clock.random("company")
    staffing = [_people(size, scales, clock.scale) for _, _, size, scales in _DEPARTMENTS]
    department = np.repeat(np.arange(DEPARTMENTS, dtype=np.int64), staffing)
    places = np.concatenate([np.arange(size) for size in staffing])
    rows = [_rank_and_title(int(where), int(place)) for where, place in zip(department, places, strict=True)]
    rank, title = ints([row[0] for row in rows]), ints([row[1] for row in rows])
    full_names = names.people(rng, ints(rng.random(len(department)) < 0.5)).to_pylist()
    in_team = np.isin(department, TEAMS)
    weight = np.where(in_team, rng.lognormal(0, 0.75, len(department)), 0.0)
    ability = rng.lognormal(0, 0.28, len(department))

    log = EventLog(*_ATTRIBUTES)
    log.birth(ints(opening, len(department)), department=department, rank=rank, title=title, is_active=1)
    takes_from, takes_until = [opening] * len(department), [2**60] * len(department)
    leaves: list[Leave] = []
    for month in months:
        change = clock.random("organisation", month.index)
        staying = np.array([until == 2**60 for until in takes_until]) & in_team & (weight > 0)
        if month.index % 15 == 2:  # a seller resigns on about the 12th, and a successor starts two weeks later
            seller = int(choose(change, np.where(staying & (rank != 1), 1.0, 0.0), 1)[0])
            at = month.starts_at + 11 * DAY + 17 * HOUR
            log.change(ints([seller]), ints([at]), is_active=0)
            takes_until[seller] = at - _HANDOVER
            leaves.append(Leave(seller, at))
            starts = at + 14 * DAY - 9 * HOUR
            log.birth(ints([starts]), department=department[seller], rank=NULL, title=_STAFF, is_active=1)
            full_names += names.people(change, ints([month.index % 2])).to_pylist()
            department, rank = np.append(department, department[seller]), np.append(rank, NULL)
            weight, ability = (
                np.append(weight, change.lognormal(-0.3, 0.4)),
                np.append(ability, change.lognormal(0, 0.28)),
            )
            in_team = np.append(in_team, True)
            takes_from.append(starts)
            takes_until.append(2**60)
        elif month.index % 5 == 1:  # someone is promoted, and someone changes the team
            chosen = choose(change, np.where(staying & (rank != 1), 1.0, 0.0), 2)
            at = month.starts_at + 17 * DAY + 9 * HOUR
            log.change(chosen[:1], ints([at]), title=_SENIOR, rank=2)
            others = [team for team in TEAMS if team != department[chosen[1]]]
            log.change(chosen[1:], ints([at + HOUR]), department=int(change.choice(others)))
    return Company(
        department=department,
        sells=in_team,
        lead_weight=weight,
        ability=ability,
        takes_from=ints(takes_from),
        takes_until=ints(takes_until),
        leaves=tuple(leaves),
        lives={
            "departments": _departments(opening),
            "employees": _employees(log, full_names, department, clock.until),
            "department_memberships": _memberships(department, opening),
            "employee_permissions": _permissions(department[: len(rows)], rank[: len(rows)], opening),
        },
    )
