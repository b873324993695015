"""For whom `kpi bi superset` makes a bundle: the logins that the published server has."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from orchestration.bi.passwords import PasswordsError, read_passwords
from orchestration.bi.superset.audiences import audiences, everybody
from orchestration.bi.superset.errors import SupersetError
from orchestration.cli import main
from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Target
from tests.support.postgres import Server
from tests.support.postgres_company import FEW_MARTS, as_operator, changed, drop_database, keys_in, make_database

HEAD = "vinh.nguyen@congty.example"
MEMBER = "mai.do@congty.example"


@pytest.fixture(scope="module")
def target(
    postgres_server: Server, small_publication: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("bundles")
    target = make_database(postgres_server, folder, "bundles")
    with pytest.raises(SupersetError, match="has no logins yet"):
        audiences(target, None)
    few = changed(small_publication, folder / "few.duckdb", marts=FEW_MARTS)
    publish_to(target, few)
    with pytest.raises(SupersetError, match=r"no login of .* has a password yet"):
        audiences(target, None)
    with pytest.raises(SupersetError, match=r"the login of mai\.do@congty\.example has no password"):
        audiences(target, [MEMBER])
    publish_to(target, few, passwords_path=folder / "keys.csv")
    yield target
    drop_database(postgres_server, "bundles")


def keys_path(target: Target) -> Path:
    assert target.password_file is not None
    return target.password_file.with_name("keys.csv")


def test_the_command_writes_a_bundle_for_the_people_named(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KPI_POSTGRES_PASSWORD_FILE", str(target.password_file))
    monkeypatch.setenv("KPI_POSTGRES_ROLE_PREFIX", "bundles")
    path = tmp_path / "kpi.zip"
    named = ("--viewer", HEAD, "--viewer", f" {MEMBER.upper()}", "--viewer", MEMBER)
    with pytest.raises(SystemExit) as left:
        main(("bi", "superset", *named, "--to", target.url, "--out", str(path), "--language", "vi"))
    assert left.value.code == 0
    keys = keys_in(keys_path(target))
    with zipfile.ZipFile(path) as bundle:
        databases = {
            name: yaml.safe_load(bundle.read(name)) for name in bundle.namelist() if name.startswith("kpi/databases/")
        }
        whole = b"".join(bundle.read(name) for name in bundle.namelist())
    said = capfd.readouterr().out
    assert [f"://{keys[email].login}:" in found["sqlalchemy_uri"] for email, found in zip(
        (MEMBER, HEAD), databases.values(), strict=True
    )] == [True, True]  # fmt: skip
    for name in databases:
        assert name.removeprefix("kpi/") in said
    for email in (HEAD, MEMBER):
        assert keys[email].password.encode() not in whole
        assert keys[email].password not in said
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_everybody_is_who_can_log_in(target: Target, postgres_server: Server) -> None:
    people = audiences(target, None)
    assert [person.email for person in people] == sorted(keys_in(keys_path(target)))
    with as_operator(postgres_server, target) as operator:
        operator.execute(f"update kpi_access.login set is_locked = true where email = '{MEMBER}'")
    assert {person.email for person in people} - {person.email for person in audiences(target, None)} == {MEMBER}
    assert {person.email for person in people} - {person.email for person in everybody(target)} == {MEMBER}
    with pytest.raises(PublishError, match="is locked"):
        audiences(target, [MEMBER])
    with as_operator(postgres_server, target) as operator:
        operator.execute("update kpi_access.login set is_locked = false")
    with pytest.raises(PublishError, match=r"has no login for nobody@congty\.example"):
        audiences(target, ["nobody@congty.example"])


def test_passwords_come_from_the_operators_file(target: Target, tmp_path: Path) -> None:
    [head] = audiences(target, [HEAD])
    key = keys_in(keys_path(target))[HEAD]
    assert read_passwords(keys_path(target))[head.login] == key.password
    with pytest.raises(PasswordsError, match="cannot be read: No such file"):
        read_passwords(tmp_path / "none.csv")
