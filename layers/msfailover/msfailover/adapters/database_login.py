"""Credentials of the database: a secret in Secrets Manager, or an IAM token of Amazon RDS, signed on the spot.

boto3 is imported only when a secret is read, botocore only when one of both is needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from msfailover.adapters.sessions.interface import Login, LoginRefused, LoginSource
from msfailover.database import DatabaseSettings

TOKEN_LIFE_S = 900


def login_source(settings: DatabaseSettings) -> LoginSource:
    """The source that the settings ask for: a secret, or a user with an IAM token. Nothing is read yet.

    Raises:
        ValueError: they ask for both, for neither, or for a token of a database that they do not name.
    """
    if bool(settings.secret) == bool(settings.iam_user):
        raise ValueError("either a secret or a user for IAM tokens is needed, and not both")
    if settings.iam_user and not (settings.host and settings.port):
        raise ValueError("an IAM token needs the database's host and port, and the settings do not name both")
    return SecretLogin(settings) if settings.secret else TokenLogin(settings)


class SecretLogin:
    """A secret, kept after it was read, and read again after a refusal: so a rotation needs no restart."""

    def __init__(self, settings: DatabaseSettings, read: Callable[[], str] | None = None) -> None:
        self._name = settings.secret
        self._read = read or (lambda: _secret_string(settings))
        self._login: Login | None = None

    def current(self) -> Login:
        if self._login is None:
            self._login = _parsed(self._name, self._read_or_refuse())
        return self._login

    def renewed(self) -> Login | None:
        before, self._login = self._login, None
        # The very same credentials would be refused again, and too many refusals can lock the account.
        return None if self.current() == before else self.current()

    def _read_or_refuse(self) -> str:
        try:
            return self._read()
        except Exception as error:
            raise LoginRefused(
                f"The secret {self._name} can't be read: {_reason(error)}. The database was not asked."
            ) from error


class TokenLogin:
    """A token for each connection: it is signed without a call, and lives a quarter of an hour."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings

    def current(self) -> Login:
        return Login(self._settings.iam_user, _token(self._settings))

    def renewed(self) -> Login | None:
        return None


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", type(error).__name__))
    return type(error).__name__


def _secret_string(settings: DatabaseSettings) -> str:
    import boto3
    from botocore.config import Config

    limits = Config(
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.connect_timeout_s,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    client = boto3.client("secretsmanager", config=limits)
    return str(client.get_secret_value(SecretId=settings.secret)["SecretString"])


def _parsed(name: str, text: str) -> Login:
    problem: str | None = None
    data: Any = None
    try:
        data = json.loads(text)
    except ValueError:
        problem = "is not JSON"  # The error itself holds the text, so it is not passed on.
    if problem is None and not isinstance(data, dict):
        problem = "is not a JSON object"
    if problem is None:
        lacking = [key for key in ("username", "password") if not (isinstance(data.get(key), str) and data[key])]
        problem = f"has no {' and no '.join(lacking)}" if lacking else None
    port = 0
    if problem is None:
        try:
            port = int(data.get("port") or 0)
        except (TypeError, ValueError):
            port = -1
        problem = None if 0 <= port <= 65535 else "has an invalid port"
    if problem is not None:
        raise LoginRefused(f"The secret {name} {problem}. The database was not asked.")
    host, database = data.get("host"), data.get("dbname")
    return Login(
        data["username"],
        data["password"],
        str(host) if host else None,
        port or None,
        str(database) if database else None,
    )


def _token(settings: DatabaseSettings) -> str:
    """What RDS takes for a password: a request to connect, signed, without its scheme."""
    import os

    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import EnvProvider

    # A Lambda function's role is in its environment; a search elsewhere would only cost time.
    try:
        credentials = EnvProvider().load()
    except Exception as error:
        raise LoginRefused(
            f"No IAM token can be signed: {type(error).__name__}. The database was not asked."
        ) from error
    region = os.environ.get("AWS_REGION", "")
    if credentials is None or not region:
        raise LoginRefused(
            "No IAM token can be signed: the environment holds no AWS credentials or no AWS_REGION. "
            "The database was not asked."
        )
    url = f"https://{settings.host}:{settings.port}/"
    request = AWSRequest("GET", url, params={"Action": "connect", "DBUser": settings.iam_user})
    SigV4QueryAuth(credentials, "rds-db", region, expires=TOKEN_LIFE_S).add_auth(request)
    return str(request.prepare().url).removeprefix("https://")
