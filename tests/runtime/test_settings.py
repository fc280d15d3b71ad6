"""What each function needs to know, and that it refuses to start without."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

import pytest
from msfailover.runtime import settings
from msfailover.runtime.environment import BadSettings, read

from tests.environments import PAIR as PAIR_VARIABLES
from tests.environments import complete
from tests.samples import PAIR

KINDS: dict[str, type[Any]] = {
    "database_access": settings.AccessSettings,
    "database_sessions": settings.SessionsSettings,
    "dns": settings.DnsSettings,
    "pair": settings.PairSettings,
    "probe": settings.ProbeSettings,
    "server": settings.ServerSettings,
    "watch": settings.WatchSettings,
}


def of_the_environment(kind: type[Any]) -> list[Field[Any]]:
    return [each for each in fields(kind) if "variable" in each.metadata]


def refusal(kind: type[Any], env: dict[str, str]) -> str:
    with pytest.raises(BadSettings) as caught:
        read(kind, env)
    return str(caught.value)


@pytest.mark.parametrize("function", KINDS)
def test_a_complete_environment_is_read_with_the_pair_in_it(function: str) -> None:
    found = read(KINDS[function], complete(function))
    assert found.pair.name == PAIR.name
    assert found.pair.ms1.instance_id == PAIR.ms1.instance_id


@pytest.mark.parametrize("function", KINDS)
def test_an_empty_environment_is_answered_with_every_variable_that_must_be_there(function: str) -> None:
    kind = KINDS[function]
    own = [each.metadata["variable"] for each in of_the_environment(kind) if each.default is MISSING]
    missing = [f"{variable} is missing" for variable in (*PAIR_VARIABLES, *own)]
    assert refusal(kind, {}) == f"{kind.__name__} can't be read, nothing was done: {'; '.join(missing)}."


@pytest.mark.parametrize("function", KINDS)
def test_every_variable_that_is_nonsense_is_named(function: str) -> None:
    kind = KINDS[function]
    variables = [each.metadata["variable"] for each in of_the_environment(kind)]
    nonsense = "§\n$(reboot)"
    sentence = refusal(kind, {**complete(function), **dict.fromkeys(variables, nonsense)})
    for variable in variables:
        assert f"{variable} is {nonsense!r}, but " in sentence


@pytest.mark.parametrize("function", KINDS)
def test_no_setting_may_hold_what_a_shell_would_take_for_more_than_text(function: str) -> None:
    kind = KINDS[function]
    for each in of_the_environment(kind):
        for value in ("/x'y", '/x"y', "/x$(y)", "/x`y`", "/x;y", "/x|y", "/x\ny"):
            assert each.metadata["variable"] in refusal(kind, {**complete(function), each.metadata["variable"]: value})


def sessions(**changes: str) -> dict[str, str]:
    return {**complete("database_sessions"), **changes}


def test_a_secret_or_an_iam_user_is_needed_to_count_sessions() -> None:
    words = "SessionsSettings can't be read, nothing was done: of DATABASE_SECRET and DATABASE_IAM_USER"
    assert refusal(settings.SessionsSettings, sessions(DATABASE_SECRET="")) == (
        f"{words} neither is there, but exactly one is needed."
    )
    assert refusal(settings.SessionsSettings, sessions(DATABASE_IAM_USER="monitor")) == (
        f"{words} both are there, but exactly one is needed."
    )
    found = read(settings.SessionsSettings, sessions(DATABASE_SECRET="", DATABASE_IAM_USER="monitor"))
    assert (found.secret, found.iam_user) == ("", "monitor")


def test_oracle_knows_no_iam_user() -> None:
    env = sessions(DATABASE_ENGINE="oracle", DATABASE_SECRET="", DATABASE_IAM_USER="monitor")
    assert refusal(settings.SessionsSettings, env) == (
        "SessionsSettings can't be read, nothing was done: DATABASE_IAM_USER is there, but oracle has no IAM"
        " authentication; DATABASE_SECRET is needed."
    )


@pytest.mark.parametrize("value", ["0", "21", "-1", "1.5"])
def test_a_server_is_probed_before_it_is_taken_for_down(value: str) -> None:
    env = {**complete("watch"), "FAILURE_THRESHOLD": value}
    assert "FAILURE_THRESHOLD is" in refusal(settings.WatchSettings, env)


@pytest.mark.parametrize("value", ["0", "1", "11"])
def test_a_fence_rests_on_at_least_two_reads_in_a_row(value: str) -> None:
    assert "FENCE_READS is" in refusal(settings.PairSettings, {**complete("pair"), "FENCE_READS": value})
    assert read(settings.PairSettings, complete("pair")).fence_reads == 3
