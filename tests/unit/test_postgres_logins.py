"""What has to happen to logins, decided without a server: the same input again changes nothing."""

from __future__ import annotations

from orchestration.serving.postgres.logins import Changes, Login, plan
from orchestration.serving.postgres.rights import Rights, Viewer


def rights(*viewers: str, known: tuple[str, ...] = ("a", "b", "c")) -> Rights:
    return Rights(
        tuple(Viewer(key, f"{key}@kpi.vn", frozenset()) for key in viewers), frozenset(), (), frozenset(known)
    )


def login(key: str, *, is_locked: bool = False) -> Login:
    return Login(f"kpi_v_{key}", key, f"{key}@kpi.vn", is_locked, has_password=True)


def keys(changes: Changes) -> dict[str, list[str]]:
    return {
        "create": [viewer.employee_id for viewer in changes.create],
        **{
            name: [login.employee_id for login in getattr(changes, name)]
            for name in ("unlock", "lock", "drop")
            if getattr(changes, name)
        },
    }


def names(*logins: Login) -> list[str]:
    return [login.name for login in logins]


def test_a_new_viewer_gets_a_login_and_the_same_again_nothing() -> None:
    assert keys(plan([], [], rights("a"))) == {"create": ["a"]}
    assert keys(plan([login("a")], names(login("a")), rights("a"))) == {"create": []}


def test_who_lost_every_right_is_locked_once_and_unlocked_on_return() -> None:
    there = [login("a"), login("b")]
    assert keys(plan(there, names(*there), rights("a"))) == {"create": [], "lock": ["b"]}
    locked = [login("a"), login("b", is_locked=True)]
    assert keys(plan(locked, names(*locked), rights("a"))) == {"create": []}
    assert keys(plan(locked, names(*locked), rights("a", "b"))) == {"create": [], "unlock": ["b"]}


def test_who_left_the_crm_is_dropped_locked_or_not() -> None:
    there = [login("a"), login("b"), login("c", is_locked=True)]
    gone = plan(there, names(*there), rights("a", known=("a",)))
    assert keys(gone) == {"create": [], "drop": ["b", "c"]}
    assert gone.ended == ("kpi_v_b", "kpi_v_c")


def test_a_role_that_nobody_knows_is_dropped_and_one_that_vanished_is_made_anew() -> None:
    changes = plan([login("a")], ["kpi_v_stranger"], rights("a"))
    assert changes.orphans == ("kpi_v_stranger",)
    assert keys(changes) == {"create": ["a"]}
    assert changes.ended == ("kpi_v_stranger",)
