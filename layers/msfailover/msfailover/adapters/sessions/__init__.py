"""The sessions of a database: one small interface, an engine each for PostgreSQL, MySQL/MariaDB and Oracle."""

from __future__ import annotations

from msfailover.adapters.sessions.interface import (
    DatabaseProblem,
    DatabaseUnreachable,
    Engine,
    Login,
    LoginRefused,
    LoginSource,
    RightsMissing,
    Termination,
)
from msfailover.database import DatabaseSettings

__all__ = [
    "DatabaseProblem",
    "DatabaseSettings",
    "DatabaseUnreachable",
    "Engine",
    "Login",
    "LoginRefused",
    "LoginSource",
    "RightsMissing",
    "Termination",
    "engine_for",
]


def engine_for(settings: DatabaseSettings, login: LoginSource) -> Engine:
    """Make the engine that the settings name; only that one's driver is imported, and nothing is connected yet.

    Raises:
        ValueError: no such engine.
    """
    if settings.engine == "postgresql":
        from msfailover.adapters.sessions.postgresql import PostgreSQL

        return PostgreSQL(settings, login)
    if settings.engine == "mysql":
        from msfailover.adapters.sessions.mysql import MySQL

        return MySQL(settings, login)
    if settings.engine == "oracle":
        from msfailover.adapters.sessions.oracle import Oracle

        return Oracle(settings, login)
    raise ValueError(f"the engine is {settings.engine!r}, but one of postgresql, mysql, oracle is needed")
