"""Running a document on a host: what SSM does not know yet is waited for, and what it refuses is passed on."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from failoverctl.preparing import NotPrepared, run


class Ssm:
    """Answers one after the other; a word is the code of an error, as a client of another thread would raise it."""

    def __init__(self, *answers: str | dict[str, str]) -> None:
        self._answers = list(answers)

    def send_command(self, **_: Any) -> Any:
        return {"Command": {"CommandId": "c-1"}}

    def get_command_invocation(self, **_: Any) -> Any:
        answer = self._answers.pop(0)
        if isinstance(answer, str):
            raise type("Other", (ClientError,), {})({"Error": {"Code": answer}}, "GetCommandInvocation")
        return answer


def ended(status: str, said: str = "{}") -> dict[str, str]:
    return {"Status": status, "StandardOutputContent": said, "StandardErrorContent": "the disk is full"}


def test_a_command_that_is_not_known_yet_is_asked_for_again() -> None:
    ssm = Ssm("InvocationDoesNotExist", ended("InProgress"), ended("Success", 'working\n{"key": 1}\n'))
    assert run(ssm, "i-1", "prepare", {"Role": "ms1"}) == {"key": 1}


def test_a_document_that_fails_is_told_in_the_hosts_words() -> None:
    with pytest.raises(NotPrepared, match="prepare on i-1 ended as Failed: the disk is full"):
        run(Ssm(ended("Failed")), "i-1", "prepare", {})


def test_any_other_refusal_is_passed_on() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        run(Ssm("AccessDenied"), "i-1", "prepare", {})
