"""The server that the other tests of PostgreSQL run against: real, with passwords, and gone afterwards."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.postgres import NEWEST, OLDEST, SUPERUSER, running_server


@pytest.mark.parametrize("major", [OLDEST, NEWEST])
def test_the_server_checks_passwords_over_tcp_and_stops(major: int) -> None:
    with running_server(major) as server:
        with server.connect("postgres") as connection:
            stored = connection.execute("select rolpassword from pg_authid where rolname = %s", [SUPERUSER]).fetchone()
            rules = connection.execute("select distinct auth_method from pg_hba_file_rules").fetchall()
            version = connection.info.server_version
        assert version // 10000 == major
        assert stored is not None
        assert stored[0].startswith("SCRAM-SHA-256$")
        assert rules == [("scram-sha-256",)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            server.connect("postgres", password="wrong")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        server.connect("postgres")
