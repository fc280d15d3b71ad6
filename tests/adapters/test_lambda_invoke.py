"""Asking another function: its answer, its error under its own name, and *unknown* where it has none."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from msfailover.adapters import clients, lambda_invoke
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.verdict import Answer, yes

from tests.functions.answers import Answers, Raises
from tests.functions.wire import Failure, Wire

PROBE = "arn:aws:lambda:eu-central-1:123456789012:function:ms-failover-probe"
QUESTION = {"action": "check_serving", "server": "ms1"}


def test_a_function_is_asked_and_its_answer_taken(answers: Answers) -> None:
    answers.prepare("probe", "check_serving", yes("It answers.", seconds=0.25))
    assert lambda_invoke.ask(clients.functions(), PROBE, QUESTION)["sentence"] == "It answers."
    assert lambda_invoke.ask_verdict(clients.functions(), PROBE, QUESTION) == yes("It answers.", seconds=0.25)
    assert answers.asked == [("probe", QUESTION)] * 2


def test_an_error_of_the_function_is_passed_on_under_its_own_name(answers: Answers) -> None:
    answers.prepare("probe", "check_serving", Raises("BadRequest", "action is 'x', but …"))
    with pytest.raises(FunctionFailed) as caught:
        lambda_invoke.ask(clients.functions(), PROBE, QUESTION)
    assert caught.value.kind == "BadRequest"
    assert str(caught.value) == f"{PROBE} failed: BadRequest: action is 'x', but …"


def test_a_function_that_failed_has_seen_nothing(answers: Answers) -> None:
    answers.prepare("probe", "check_serving", Raises("Sandbox.Timedout", "Task timed out after 30.00 seconds"))
    verdict = lambda_invoke.ask_verdict(clients.functions(), PROBE, QUESTION)
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.sentence == (
        f"check_serving of ms1 could not be asked: {PROBE} failed: Sandbox.Timedout: Task timed out after 30.00 seconds"
    )


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException", "ResourceNotFoundException"])
def test_a_function_that_could_not_be_run_has_seen_nothing(answers: Answers, code: str) -> None:
    answers.prepare("probe", "check_serving", Failure(code))
    assert lambda_invoke.ask_verdict(clients.functions(), PROBE, QUESTION).answer is Answer.UNKNOWN


def test_a_function_that_never_answers_has_seen_nothing(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="lambda")

    monkeypatch.setattr(clients.functions(), "invoke", silent)
    with pytest.raises(FunctionFailed, match="ReadTimeoutError"):
        lambda_invoke.ask(clients.functions(), PROBE, QUESTION)
    assert lambda_invoke.ask_verdict(clients.functions(), PROBE, QUESTION).answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"yes"',
        b"{",
        b"{}",
        b'{"answer": "yes"}',
        b'{"answer": "maybe", "sentence": "x"}',
        b'{"answer": true, "sentence": "x"}',
        b'{"answer": ["yes"], "sentence": "x"}',
        b'{"answer": "yes", "sentence": "x", "evidence": 5}',
        b'{"answer": "yes", "sentence": "x", "evidence": null}',
    ],
)
def test_an_answer_that_is_no_verdict_is_unknown_and_never_yes(cloud: None, body: bytes) -> None:
    def answer(_: Any) -> dict[str, Any]:
        return {"StatusCode": 200, "Payload": io.BytesIO(body)}

    with Wire(clients.functions(), "lambda", {"Invoke": answer}):
        assert lambda_invoke.ask_verdict(clients.functions(), PROBE, QUESTION).answer is Answer.UNKNOWN


def test_a_function_that_raises_a_novel_makes_no_long_sentence(answers: Answers) -> None:
    answers.prepare("probe", "check_serving", Raises("Error", "x" * 100_000))
    assert len(lambda_invoke.ask_verdict(clients.functions(), PROBE, QUESTION).sentence) < 800


def test_no_question_is_asked_twice_behind_our_back(cloud: None) -> None:
    config: Any = clients.functions().meta.config
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}


@pytest.mark.parametrize(
    "client", [clients.dynamodb, clients.ec2, clients.ssm, clients.route53, clients.stepfunctions, clients.functions]
)
def test_every_client_has_limits_of_its_own(cloud: None, client: Any) -> None:
    config = client().meta.config
    assert config.connect_timeout == 2
    assert config.read_timeout in (4, 70)
    assert config.retries["total_max_attempts"] <= 3
    assert client() is client(), "made once"
