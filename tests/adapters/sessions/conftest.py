"""Databases for the tests: PostgreSQL and MariaDB real and started once, Oracle a fake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from msfailover.pair import Role, Server

from tests.adapters.sessions.databases import POSTGRESQL, Database, MariaDBServer, PostgreSQLServer
from tests.adapters.sessions.oracle_fake import FakeOracle

MS1 = Server(Role.MS1, "i-00000000000000001", ("127.0.0.11",), ("ms1.corp.example",))
MS2 = Server(Role.MS2, "i-00000000000000002", ("127.0.0.12",), ("ms2.corp.example",))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    if not Path(POSTGRESQL, "initdb").exists():
        pytest.fail("postgresql-15 is not installed: `make setup` installs it")
    server = PostgreSQLServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDBServer]:
    if which("mariadb-install-db") is None:
        pytest.fail("mariadb-server is not installed: `make setup` installs it")
    server = MariaDBServer()
    yield server
    server.close()


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> FakeOracle:
    fake = FakeOracle()
    monkeypatch.setattr("msfailover.adapters.sessions.oracle.oracledb.connect", fake.connect)
    return fake


@pytest.fixture(params=["postgresql", "mariadb", "oracle"])
def database(request: pytest.FixtureRequest) -> Database:
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Database)
    return made
