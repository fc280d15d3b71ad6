"""The definition that leads a game day: bounded, closed, and with nothing that the template does not fill in."""

from __future__ import annotations

from typing import Any

from tests.template.deployment import functions, resources

MACHINE: dict[str, Any] = resources("AWS::StepFunctions::StateMachine")["GameDayMachine"]["Definition"]
STATES: dict[str, dict[str, Any]] = MACHINE["States"]


def test_what_comes_next_exists_and_everything_is_come_to() -> None:
    named = {MACHINE["StartAt"]}
    for body in STATES.values():
        named |= {body[word] for word in ("Next", "Default") if word in body}
        named |= {choice["Next"] for choice in body.get("Choices", [])}
    assert named == set(STATES)


def test_all_of_it_and_each_task_is_bounded_and_a_step_has_time_for_its_function() -> None:
    assert MACHINE["TimeoutSeconds"] == 86400
    (task,) = [body for body in STATES.values() if body["Type"] == "Task"]
    assert functions()["game_day"]["Timeout"] < task["TimeoutSeconds"] <= 900
    (retry,) = task["Retry"]
    assert (retry["ErrorEquals"], retry["MaxAttempts"] <= 10) == (["States.ALL"], True)
    assert functions()["game_day"]["Timeout"] > functions()["readiness"]["Timeout"]


def test_a_day_that_takes_as_long_as_it_may_comes_to_its_own_end_first() -> None:
    from msfailover.decisions.game_days import MOVE_AT_MOST_S
    from msfailover.runtime.environment import read
    from msfailover.runtime.settings import GameDaySettings

    from tests.environments import complete

    most = read(GameDaySettings, {**complete("game_day"), "GAME_DAY_SERVES_SECONDS": "14400"})
    assert 2 * MOVE_AT_MOST_S + 3 * most.serves_s < MACHINE["TimeoutSeconds"]


def test_a_step_asks_the_function_that_the_template_makes() -> None:
    (task,) = [body for body in STATES.values() if body["Type"] == "Task"]
    assert task["Arguments"]["FunctionName"] == {"Fn::GetAtt": ["GameDayFunction", "Arn"]}
    assert task["Resource"] == {"Fn::Sub": "arn:${AWS::Partition}:states:::lambda:invoke"}


def test_the_news_of_its_end_is_of_the_machine_that_the_template_makes() -> None:
    rule = resources("AWS::Events::Rule")["GameDayCutShort"]["EventPattern"]
    assert rule["detail"] == {
        "stateMachineArn": [{"Ref": "GameDayMachine"}],
        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
    }
