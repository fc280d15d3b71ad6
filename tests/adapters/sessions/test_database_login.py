"""Credentials: from a secret, or signed on the spot; never in a sentence, and no more imported than needed."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from msfailover.adapters.database_login import SecretLogin, login_source
from msfailover.adapters.sessions import DatabaseSettings, Login, LoginRefused

SECRET = DatabaseSettings("postgresql", secret="db/monitor")
PLANTED = "planted-secret-4711"


class Vault:
    """A secret as it is now; counts how often it was read."""

    def __init__(self, text: str) -> None:
        self.text, self.reads = text, 0

    def __call__(self) -> str:
        self.reads += 1
        return self.text


def secret(password: str = PLANTED, **more: object) -> str:
    return json.dumps({"username": "ms_failover", "password": password, **more})


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):  # Lambda sets both
        monkeypatch.setenv(name, "eu-north-1")


def test_a_secret_is_read_from_secrets_manager(credentials: None) -> None:
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-north-1")
        client.create_secret(Name="db/monitor", SecretString=secret(host="db.example", port="5433", dbname="tectia"))
        assert login_source(SECRET).current() == Login("ms_failover", PLANTED, "db.example", 5433, "tectia")


def test_a_secret_that_is_not_there_is_named(credentials: None) -> None:
    with mock_aws(), pytest.raises(LoginRefused, match="db/monitor can't be read: ResourceNotFoundException"):
        login_source(SECRET).current()


def test_a_secret_is_read_once_and_again_after_a_refusal() -> None:
    vault = Vault(secret("before"))
    source = SecretLogin(SECRET, vault)
    source.current()
    assert source.current().password == "before"
    assert vault.reads == 1
    vault.text = secret("rotated")
    renewed = source.renewed()
    assert renewed is not None
    assert renewed.password == "rotated"
    assert source.current().password == "rotated"


def test_credentials_that_did_not_change_are_not_tried_again() -> None:
    source = SecretLogin(SECRET, Vault(secret()))
    source.current()
    assert source.renewed() is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PLANTED, "is not JSON"),
        (json.dumps([PLANTED]), "is not a JSON object"),
        (json.dumps({"password": PLANTED}), "has no username"),
        (json.dumps({"username": PLANTED, "password": 4711}), "has no password"),
        (secret(port=PLANTED), "has an invalid port"),
        (secret(port=70000), "has an invalid port"),
    ],
)
def test_a_secret_that_is_wrong_is_told_without_showing_it(text: str, told: str) -> None:
    with pytest.raises(LoginRefused, match=f"The secret db/monitor {told}") as caught:
        SecretLogin(SECRET, Vault(text)).current()
    assert PLANTED not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_password_shows_up_in_no_repr() -> None:
    assert PLANTED not in repr(Login("ms_failover", PLANTED))


def test_a_token_is_the_one_that_boto3_makes(credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: now.replace(tzinfo=None))
    settings = DatabaseSettings("postgresql", "db.example", 5432, iam_user="ms_failover")
    ours = login_source(settings).current()
    client = boto3.client("rds", region_name="eu-north-1")
    theirs = client.generate_db_auth_token("db.example", 5432, "ms_failover")
    assert ours.password == theirs
    assert ours.username == "ms_failover"


def test_a_token_without_credentials_is_refused_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings = DatabaseSettings("postgresql", "db.example", 5432, iam_user="ms_failover")
    with pytest.raises(LoginRefused, match="holds no AWS credentials"):
        login_source(settings).current()


def test_settings_ask_for_one_source() -> None:
    with pytest.raises(ValueError, match="not both"):
        login_source(DatabaseSettings("postgresql", "db.example", 5432))
    with pytest.raises(ValueError, match="not both"):
        login_source(DatabaseSettings("postgresql", "db.example", 5432, secret="a", iam_user="b"))
    with pytest.raises(ValueError, match="host and port"):
        login_source(DatabaseSettings("postgresql", iam_user="b"))


DRIVERS = {"postgresql": "pg8000", "mysql": "pymysql", "oracle": "oracledb"}
SCRIPT = """
import sys
from msfailover.adapters.database_login import login_source
from msfailover.adapters.sessions import DatabaseSettings, engine_for
settings = DatabaseSettings(sys.argv[1], "db.example", secret="x")
engine_for(settings, login_source(settings))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("engine", DRIVERS)
def test_only_what_is_needed_is_imported(engine: str) -> None:
    layer = Path(__file__).parents[3] / "layers" / "msfailover"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, engine],
        env={"PYTHONPATH": str(layer)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    imported = set(done.stdout.split())
    assert imported & {*DRIVERS.values(), "boto3", "botocore"} == {DRIVERS[engine]}, done.stderr
