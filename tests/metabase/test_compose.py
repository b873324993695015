"""The compose file and the image's recipe, by their structure: no Docker is needed, and none says that they start.

Belongs here: services, pinned images, variables, secrets, ports. Not here: what Metabase holds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.settings import PROJECT_DIR, Settings

FOLDER = PROJECT_DIR / "bi" / "metabase"
OURS = "kpi-warehouse:local"
# Metabase's own settings, and PostgreSQL's; what each does stands beside it in the file.
OTHERS = re.compile(r"(MB|POSTGRES)_[A-Z_]+|DAGSTER_HOME")
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def load(text: str | None = None) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text or (FOLDER / "compose.yml").read_text(encoding="utf-8"))
    return loaded


def problems(compose: dict[str, Any]) -> list[str]:
    """Everything about a compose file that must not be."""
    found: list[str] = []
    for name, service in compose["services"].items():
        image = service["image"]
        if image != OURS and not re.fullmatch(r"[a-z/]+:v?[0-9]+(\.[0-9]+)+", image):
            found.append(f"{name}: {image} is not pinned to a version")
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                found.append(f"{name}: {port} is open to the network")
        found += [
            f"{name}: the secret {one} is not defined"
            for one in service.get("secrets", [])
            if one not in compose["secrets"]
        ]
        found += [
            f"{name}: the network {one} is not defined"
            for one in service.get("networks", [])
            if one not in compose["networks"]
        ]
        found += [
            f"{name}: waits for {one}, which is no service with a healthcheck"
            for one in service.get("depends_on", {})
            if "healthcheck" not in compose["services"].get(one, {})
        ]
        for variable, value in service.get("environment", {}).items():
            if not OTHERS.fullmatch(variable) and variable.removeprefix("KPI_").lower() not in Settings.model_fields:
                found.append(f"{name}: {variable} is no setting")
            if re.search(r"PASS|SECRET|KEY|TOKEN", variable) and not variable.endswith("_FILE"):
                found.append(f"{name}: {variable} holds a secret in plain sight")
            if re.search(r"://[^/@]*:[^/@]*@", str(value)):
                found.append(f"{name}: {variable} has a password in an address")
        for volume in service.get("volumes", []):
            origin = volume.split(":")[0]
            if not origin.startswith((".", "$")) and origin not in compose["volumes"]:
                found.append(f"{name}: the volume {origin} is not defined")
    return found


def test_nothing_is_wrong_with_the_file() -> None:
    compose = load()
    assert problems(compose) == []
    assert compose["services"].keys() == {
        "metabase",
        "metabase-postgres",
        "warehouse-postgres",
        "webserver",
        "daemon",
        "kpi",
    }
    assert {name for name, one in compose["services"].items() if "healthcheck" not in one} == {"kpi"}


@pytest.mark.parametrize(
    ("was", "becomes", "found"),
    [
        ("metabase/metabase:v0.63.19", "metabase/metabase:latest", "metabase: metabase/metabase:latest is not pinned"),
        ("127.0.0.1:3001:3001", "3001:3001", "webserver: 3001:3001 is open to the network"),
        ("MB_DB_USER: metabase", "MB_DB_PASS: metabase", "MB_DB_PASS holds a secret"),
        ("KPI_SOURCE:", "KPI_SOURCES:", "KPI_SOURCES is no setting"),
        ("kpi_publisher@warehouse", "kpi_publisher:secret@warehouse", "has a password in an address"),
        ("\n  metabase_encryption_key:\n", "\n  other:\n", "the secret metabase_encryption_key is not defined"),
        ("networks: [marts, outside]", "networks: [marts, inside]", "the network inside is not defined"),
        ("\n  kpi-home:\n", "\n  kpi-house:\n", "the volume kpi-home is not defined"),
    ],
)
def test_what_would_be_wrong_is_found(was: str, becomes: str, found: str) -> None:
    text = (FOLDER / "compose.yml").read_text(encoding="utf-8")
    assert was in text
    assert any(found in one for one in problems(load(text.replace(was, becomes))))


def test_rows_and_passwords_stay_inside() -> None:
    compose = load()
    networks, services = compose["networks"], compose["services"]
    assert {name for name, one in networks.items() if one and one.get("internal")} == {"metabase", "marts"}
    for database in ("metabase-postgres", "warehouse-postgres"):
        assert "ports" not in services[database]
        assert "outside" not in services[database]["networks"]
    # Commands reach Metabase over the loopback address: the client refuses to send a key in the clear elsewhere.
    assert services["kpi"]["network_mode"] == "service:metabase"
    assert services["kpi"]["environment"]["KPI_METABASE_URL"] == "http://127.0.0.1:3000"
    # A public link would show a viewer's rows to whoever has it.
    assert services["metabase"]["environment"]["MB_ENABLE_PUBLIC_SHARING"] == "false"


def seen_by(compose: dict[str, Any], service: str) -> set[str]:
    """The folders of secrets that a service has before it."""
    volumes = [volume.split(":")[0] for volume in compose["services"][service].get("volumes", [])]
    return {volume for volume in volumes if volume.startswith("./secrets")}


def test_only_commands_see_metabases_key_and_the_viewers_passwords() -> None:
    compose = load()
    seen = {name: seen_by(compose, name) for name in compose["services"]}
    dagster, commands = {"./secrets/warehouse"}, {"./secrets/warehouse", "./secrets/operator"}
    assert {name: folders for name, folders in seen.items() if folders} == {
        "webserver": dagster,
        "daemon": dagster,
        "kpi": commands,
    }
    assert compose["services"]["kpi"]["environment"]["KPI_METABASE_API_KEY_FILE"] == "/operator/metabase_api_key"
    assert "KPI_METABASE_API_KEY_FILE" not in compose["services"]["daemon"]["environment"]
    # What the readme writes beside them goes where it is read.
    assert set(re.findall(r"\S*logins\.csv", README)) == {"/operator/logins.csv", "secrets/operator/logins.csv"}
    assert "secrets/operator/metabase_api_key" in README
    assert "warehouse/kpi_publisher_password" in README


def test_a_table_of_rows_holds_a_month() -> None:
    """Metabase wants the limit of rows below that of figures, and both below what a spreadsheet holds."""
    environment = load()["services"]["metabase"]["environment"]
    rows, figures = (int(environment[f"MB_{name}_QUERY_ROW_LIMIT"]) for name in ("UNAGGREGATED", "AGGREGATED"))
    assert 50_000 <= rows < figures < 1_048_575
    assert f"sets\n{rows:,}" in (PROJECT_DIR / "docs" / "metabase.md").read_text(encoding="utf-8")


def test_every_file_it_names_is_there_or_made_by_the_readme() -> None:
    compose = load()
    for one in compose["secrets"].values():
        name = one["file"].removeprefix("./secrets/")
        assert name in README
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            origin = volume.split(":")[0]
            if origin.startswith(".."):
                assert (FOLDER / origin).resolve().is_file(), origin
    ignored = (FOLDER / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/secrets/", "/export/", "/.env"} <= set(ignored)
    for name in re.findall(r"\$\{([A-Z_]+)", (FOLDER / "compose.yml").read_text(encoding="utf-8")):
        assert name in README, name


def test_the_image_takes_the_locked_packages_and_no_state() -> None:
    recipe = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    makefile = (PROJECT_DIR / "Makefile").read_text(encoding="utf-8")
    [version] = re.findall(r"^UV_VERSION := (.+)$", makefile, re.MULTILINE)
    assert f"uv=={version}" in recipe
    assert re.search(r"^FROM python:3\.11\.[0-9]+-slim", recipe, re.MULTILINE)
    assert "uv sync --frozen --no-dev" in recipe
    assert re.search(r"^USER kpi$", recipe, re.MULTILINE)
    copied = [part for line in re.findall(r"^COPY (.+) \S+$", recipe, re.MULTILINE) for part in line.split()]
    for origin in copied:
        assert (PROJECT_DIR / origin).exists(), origin
    ignore = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    # Everything is left out that is not named, and everything that is copied is named.
    assert "*" in ignore
    assert {f"!{origin}" for origin in copied} <= set(ignore)
    assert "bi/metabase/secrets" in ignore
    links = [path for path in Path(PROJECT_DIR / "dbt_project").iterdir() if path.is_symlink()]
    assert {link.resolve().name for link in links} <= set(copied)
