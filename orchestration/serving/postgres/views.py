"""The one view among the published tables: departments as their access view shows them.

Belongs here: views, each with the rights of whoever asks (`security_invoker`) and as a barrier to conditions that look
at hidden rows (`security_barrier`). Both options must be written at every creation: replacing a view without them drops
them silently. Not here: marts that are tables.
"""

from __future__ import annotations

from orchestration.serving.postgres.names import NEW, Roles, compose
from orchestration.serving.postgres.tables import DEPARTMENT_NAMES, DEPARTMENT_PARENTS, DEPARTMENTS
from orchestration.serving.postgres.target import Connection

# The same as models/access/access_dim_departments.sql: a parent the viewer may not see is not named, neither by id nor
# in the path, and departments that are each other's parents stand by themselves.
_DEPARTMENTS = """
create view {schema}.{view} with (security_invoker = true, security_barrier = true) as
with recursive visible as (
    select
        names.department_id,
        names.department_name,
        names.is_placeholder,
        coalesce(parents.parent_department_id, 'none') as parent_department_id
    from {schema}.{names} as names
    left join {schema}.{parents} as parents on names.department_id = parents.department_id
),
paths as (
    select department_id, department_name as department_path, 0 as depth
    from visible
    where parent_department_id in ('none', 'unknown')
    union all
    select visible.department_id, paths.department_path || ' / ' || visible.department_name, paths.depth + 1
    from paths
    inner join visible on paths.department_id = visible.parent_department_id
    where paths.department_id not in ('none', 'unknown')
)
select
    visible.department_id,
    visible.department_name,
    visible.parent_department_id,
    coalesce(paths.department_path, visible.department_name) as department_path,
    coalesce(paths.depth, 0) as depth,
    visible.is_placeholder
from visible
left join paths on visible.department_id = paths.department_id
"""


def create_views(postgres: Connection, roles: Roles) -> None:
    """Create the views of `marts__new`, readable for every login."""
    postgres.execute(
        compose(_DEPARTMENTS, schema=NEW, view=DEPARTMENTS, names=DEPARTMENT_NAMES, parents=DEPARTMENT_PARENTS)
    )
    postgres.execute(
        compose("grant select on {schema}.{view} to {reader}", schema=NEW, view=DEPARTMENTS, reader=roles.reader)
    )
