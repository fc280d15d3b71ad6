"""The state machine's executions: a doubled trigger is one, and whether a holder still runs is asked, not guessed."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from msfailover.adapters import clients, step_functions
from msfailover.pair import CALLS_LAST_S
from msfailover.verdict import Answer, Verdict

from tests.functions.wire import Failure, Wire


@pytest.fixture
def machine(cloud: None) -> str:
    made = clients.stepfunctions().create_state_machine(
        name=f"failover-{uuid.uuid4().hex[:8]}",
        definition='{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/failover",
    )
    return made["stateMachineArn"]


REQUEST = {"action": "failover", "reason": "ms1 is silent"}


def test_an_execution_is_started_with_the_request_as_its_input(machine: str) -> None:
    execution = step_functions.start(clients.stepfunctions(), machine, "watch-epoch2-1", REQUEST)
    assert execution is not None
    described = clients.stepfunctions().describe_execution(executionArn=execution)
    assert described["name"] == "watch-epoch2-1"
    assert json.loads(described["input"]) == REQUEST


def test_a_second_start_under_the_same_name_starts_nothing(machine: str) -> None:
    assert step_functions.start(clients.stepfunctions(), machine, "watch-epoch2-1", REQUEST)
    later = {**REQUEST, "reason": "ms1 is still silent"}
    assert step_functions.start(clients.stepfunctions(), machine, "watch-epoch2-1", later) is None
    assert len(clients.stepfunctions().list_executions(stateMachineArn=machine)["executions"]) == 1


def test_a_start_that_step_functions_turns_down_is_not_taken_for_done(cloud: None) -> None:
    nowhere = "arn:aws:states:eu-central-1:123456789012:stateMachine:none"
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        step_functions.start(clients.stepfunctions(), nowhere, "watch-epoch2-1", REQUEST)


ARN = "arn:aws:states:eu-central-1:123456789012:execution:ms-failover:one"


NOW = 1_790_000_000.0


def described(status: str, ended_s_ago: float | None = None) -> Verdict:
    """What is made of an execution that Step Functions describes so."""
    answer: dict[str, Any] = {"executionArn": ARN, "status": status}
    if ended_s_ago is not None:
        answer["stopDate"] = datetime.fromtimestamp(NOW - ended_s_ago, UTC)
    with Wire(clients.stepfunctions(), "sfn", {"DescribeExecution": lambda _: answer}):
        return step_functions.running(clients.stepfunctions(), ARN, NOW - 3600, NOW)


@pytest.mark.parametrize(
    ("status", "ended_s_ago", "answer"),
    [
        ("RUNNING", None, Answer.YES),
        ("PENDING_REDRIVE", None, Answer.YES),
        ("SUCCEEDED", 0.0, Answer.NO),
        ("FAILED", 0.0, Answer.NO),
        ("TIMED_OUT", CALLS_LAST_S, Answer.NO),
        ("ABORTED", CALLS_LAST_S, Answer.NO),
    ],
)
def test_a_holder_has_ended_when_step_functions_says_so(
    cloud: None, status: str, ended_s_ago: float | None, answer: Answer
) -> None:
    verdict = described(status, ended_s_ago)
    assert verdict.answer is answer
    assert verdict.sentence == (f"{ARN} still runs." if verdict.is_yes else f"{ARN} has ended ({status}).")


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT"])
def test_a_holder_that_was_cut_short_just_now_may_have_a_call_under_way(cloud: None, status: str) -> None:
    verdict = described(status, CALLS_LAST_S - 7.5)
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.sentence.endswith("a call of it may be under way; resume in 8 s.")


def test_a_holder_that_was_cut_short_nobody_knows_when_is_not_known_to_have_ended(cloud: None) -> None:
    assert described("ABORTED").answer is Answer.UNKNOWN


def test_a_holder_that_step_functions_does_not_know_has_ended(cloud: None) -> None:
    verdict = step_functions.running(clients.stepfunctions(), ARN, NOW - 3600, NOW)
    assert verdict.answer is Answer.NO
    assert verdict.sentence == f"{ARN} has ended: Step Functions knows no execution of that name."


def test_a_holder_that_began_a_moment_ago_may_not_be_known_yet(cloud: None) -> None:
    for since_s in (0.0, step_functions.KNOWN_WITHIN_S):
        verdict = step_functions.running(clients.stepfunctions(), ARN, NOW - since_s, NOW)
        assert verdict.answer is Answer.UNKNOWN
        assert verdict.sentence.startswith(f"Step Functions does not say of {ARN}: ")


@pytest.mark.parametrize("code", ["InvalidArn", "AccessDeniedException", "ThrottlingException"])
def test_a_refusal_does_not_say_that_a_holder_has_ended(cloud: None, code: str) -> None:
    def refuse(_: Any) -> Any:
        raise Failure(code)

    with Wire(clients.stepfunctions(), "sfn", {"DescribeExecution": refuse}):
        assert step_functions.running(clients.stepfunctions(), ARN, NOW - 3600, NOW).answer is Answer.UNKNOWN


def test_a_step_functions_that_does_not_answer_knows_nothing(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="states")

    monkeypatch.setattr(clients.stepfunctions(), "describe_execution", silent)
    assert step_functions.running(clients.stepfunctions(), ARN, NOW - 3600, NOW).answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "outcome", "sentence"),
    [
        ({"status": "RUNNING"}, "running", ""),
        ({"status": "SUCCEEDED", "output": '{"outcome": "promoted", "sentence": "Done."}'}, "promoted", "Done."),
        ({"status": "FAILED", "error": "Halted", "cause": "No proof."}, "halted", "No proof."),
        ({"status": "FAILED", "error": "States.Runtime"}, "failed", "States.Runtime"),
        ({"status": "TIMED_OUT"}, "timed-out", ""),
        ({"status": "ABORTED", "cause": "by Ann"}, "aborted", "by Ann"),
    ],
)
def test_the_outcome_of_an_execution_is_its_own_word_or_how_it_was_cut_short(
    cloud: None, answer: dict[str, Any], outcome: str, sentence: str
) -> None:
    with Wire(clients.stepfunctions(), "sfn", {"DescribeExecution": lambda _: answer}):
        assert step_functions.outcome_of(clients.stepfunctions(), ARN) == (outcome, sentence)


def test_an_execution_that_nobody_knows_is_missing_and_one_that_could_not_be_asked_about_is_not(cloud: None) -> None:
    def fail(code: str) -> Any:
        raise Failure(code)

    with Wire(clients.stepfunctions(), "sfn", {"DescribeExecution": lambda _: fail("ExecutionDoesNotExist")}):
        assert step_functions.outcome_of(clients.stepfunctions(), ARN) == ("missing", "")
    denied = Wire(clients.stepfunctions(), "sfn", {"DescribeExecution": lambda _: fail("AccessDeniedException")})
    with denied, pytest.raises(ClientError, match="AccessDenied"):
        step_functions.outcome_of(clients.stepfunctions(), ARN)
