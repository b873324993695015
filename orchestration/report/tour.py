"""Which two pages show a newcomer the most: one salesperson's and the page of somebody above.

Reads a publication as its trusted operator, across all people; nothing here is shown to a viewer.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from orchestration.report.errors import PageError
from orchestration.report.months import previous_month
from orchestration.report.people import PAGE_REPORT
from orchestration.report.publication import open_publication, read_publication


class Tour(NamedTuple):
    """Two viewers: one who sees only the own page, one who sees several people's but not everybody's."""

    salesperson_email: str
    manager_email: str


_QUERY = """
with people as (
    select employee_id, lower(email) as email
    from marts.dim_employees
    where not is_placeholder and is_active and email is not null
),

seen as (
    select distinct lower(viewer_email) as viewer, employee_id
    from core.core_employee_scope
    where report = ? and employee_id in (select employee_id from marts.dim_employees where not is_placeholder)
),

breadth as (
    select viewer, count(*) as people_seen
    from seen
    group by viewer
),

sellers as (
    select
        people.employee_id, people.email,
        coalesce(sum(funnel.revenue_amount) filter (where funnel.month_date = ?), 0) as revenue_amount,
        coalesce(sum(funnel.revenue_amount) filter (where funnel.month_date = ?), 0) as revenue_amount_before
    from people
    inner join breadth on people.email = breadth.viewer and breadth.people_seen = 1
    inner join seen on people.email = seen.viewer and people.employee_id = seen.employee_id
    left join marts.fct_funnel as funnel on people.employee_id = funnel.employee_id
    group by people.employee_id, people.email
)

select sellers.email, managers.email
from sellers
inner join seen on sellers.employee_id = seen.employee_id
inner join people as managers on seen.viewer = managers.email and managers.employee_id != sellers.employee_id
inner join breadth on managers.email = breadth.viewer
where
    breadth.people_seen > 1
    and breadth.people_seen < (select count(*) from marts.dim_employees where not is_placeholder)
order by
    sellers.revenue_amount > 0 desc, sellers.revenue_amount desc, sellers.revenue_amount_before desc,
    sellers.employee_id, breadth.people_seen > 2 desc, breadth.people_seen, managers.employee_id
limit 1
"""


def choose_tour(marts_path: Path) -> Tour:
    """The best seller of as_of's month (else of the month before) who sees nobody else, and the nearest superior.

    Nearest is who sees the fewest people, but more than two where somebody does: a team of two is hardly a team.
    Ties go to the smaller id. Raises PageError when no such pair exists.
    """
    with open_publication(marts_path) as connection:
        month = read_publication(connection).as_of.replace(day=1)
        row = connection.execute(_QUERY, [PAGE_REPORT, month, previous_month(month)]).fetchone()
    if row is None:
        raise PageError(
            "Nobody who sees only the own page has a superior who sees several people's, but not everybody's.",
            "Give employees a position_rank, a department and the right to the employee report.",
        )
    return Tour(*row)
