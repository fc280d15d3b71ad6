"""How to reach the database, and who we are there: the one class of its settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DatabaseSettings:
    """How to reach the database. The function's settings are these, read from its environment.

    Args:
        engine: `postgresql`, `mysql` (MariaDB too) or `oracle`.
        host, port, database: where it is; empty or 0 for what the secret says. `database` is Oracle's service name.
        secret: name or ARN of a secret like those of RDS: a JSON object with `username`, `password` and, if the
            settings do not say it, `host`, `port`, `dbname`. Empty for an IAM token.
        iam_user: the database user of the IAM token (PostgreSQL and MySQL; Oracle has none). Empty for a secret.
        ca_file: the certificates to trust, PEM; empty for the machine's own store.
        tls: `verify` (certificate and host name, always) or `off`, which must be said in so many words.
        kill_with: `engine` for the engine's own statement, `rds` for the procedure that Amazon RDS has in its place.
        connect_timeout_s, statement_timeout_s: seconds for a connection, to Secrets Manager as well, and for each
            answer of the database.
        row_limit: sessions read at most; beyond it the list is not whole, and the answer unknown.

    Raises:
        ValueError: a word is none of those it may be.
    """

    engine: str
    host: str = ""
    port: int = 0
    database: str = ""
    secret: str = ""
    iam_user: str = ""
    ca_file: str = ""
    tls: str = "verify"
    kill_with: str = "engine"
    connect_timeout_s: float = 2.0
    statement_timeout_s: float = 3.0
    row_limit: int = 10_000

    def __post_init__(self) -> None:
        if self.tls not in ("verify", "off"):
            raise ValueError(f"tls is {self.tls!r}, but one of verify, off is needed")
        if self.kill_with not in ("engine", "rds"):
            raise ValueError(f"kill_with is {self.kill_with!r}, but one of engine, rds is needed")
