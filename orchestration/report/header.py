"""What the head of a page says in words: whose, how much of the month, seen by whom and by which right.

Belongs here: sentences that every medium shows alike. Not here: laying them out.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

from orchestration.report.figures import count
from orchestration.report.labels import Lang, reason_words, word
from orchestration.report.months import month_end
from orchestration.report.people import Person, Viewer


def about(person: Person) -> str:
    """Title and department, as far as they are known."""
    return ", ".join(part for part in (person.job_title, person.department_name) if part)


def how_much(month: date, as_of: date, lang: Lang) -> str:
    """Whether the month is over, and if not, how far the data goes."""
    if month > as_of:
        return word("after_as_of", lang)
    if month_end(month) > as_of:
        return word("days_of", lang, day=as_of.day, days=month_end(month).day)
    return word("whole_month", lang)


def by_which_right(viewer: Viewer, lang: Lang) -> str:
    """How many people the viewer sees, by which rights."""
    reasons = Counter(reason_words(person.reason, lang) for person in viewer.people)
    if len(viewer.people) == 1:
        return word("sees_one", lang, reasons=", ".join(reasons))
    listed = ", ".join(f"{count(people)} {reason}" for reason, people in reasons.most_common())
    return word("sees", lang, people=count(len(viewer.people)), reasons=listed)


def named(viewer: Viewer) -> str:
    """The viewer's name and address."""
    return viewer.email if viewer.name == viewer.email else f"{viewer.name}, {viewer.email}"
