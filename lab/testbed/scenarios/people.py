"""What people and the machinery do to the pair's record, and the notifications: for scenarios about either."""

from __future__ import annotations

import json
import time

from lab.testbed.cloud.account import backend
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import STACK, Testbed

MINUTE_S = 60


def notified() -> list[str]:
    """The subjects of all messages that the workflow and the watchdog published so far, oldest first."""
    return [subject for subject, _ in _messages() if subject]


def alarmed() -> list[str]:
    """The names of the alarms that went off so far, oldest first."""
    alarms = [json.loads(message) for subject, message in _messages() if not subject]
    return [str(each["AlarmName"]).removeprefix(f"{STACK}-") for each in alarms if each["NewStateValue"] == "ALARM"]


def _messages() -> list[tuple[str, str]]:
    sent = [each for topic in backend("sns").topics.values() for each in topic.sent_notifications]
    return [(str(subject or ""), str(message)) for _, message, subject, *_ in sent]


def keep(testbed: Testbed, story: Story, action: str, **more: object) -> None:
    """Change a setting as a person does: mode, maintenance, acknowledgement."""
    named = {"epoch": int(testbed.record()["epoch"])} if action == "acknowledge" else {}
    answer = testbed.invoke("pair", {"action": action, "requested_by": "Ann", **named, **more})
    story.note(f"Ann: {answer['sentence']}")


def notes(testbed: Testbed) -> list[str]:
    """The sentences of the history's notes, newest first."""
    return [str(line["sentence"]) for line in testbed.history() if line["outcome"] == "noted"]


def alarm_asks(testbed: Testbed, story: Story) -> str:
    """Start what the alarm's rule starts, now instead of at the end of its periods; returns the outcome."""
    execution = testbed.start(
        {"action": "failover", "reason": "alarm testbed-active-server-down", "requested_by": "alarm"}
    )
    story.pass_over(execution)
    outcome = testbed.outcome(execution, 30)
    story.note(f"the alarm asks for a failover: {outcome}")
    return outcome


def await_held(testbed: Testbed, deadline_s: float = 20) -> str:
    """Wait until the record says that a failover is held, and return why."""
    return str(wait_for("the failover is held", lambda: testbed.record().get("held"), deadline_s))


def await_alarm(testbed: Testbed, name: str, state: str = "ALARM", minutes: int = 10) -> str:
    """Wait until an alarm is in a state, its evaluations of so many minutes brought forward; returns the reason."""
    full = f"{STACK}-{name}"

    def so() -> str | None:
        for minute in range(1, minutes + 1):
            testbed.cloud.alarms.step(time.time() + minute * MINUTE_S)
            found = testbed.cloud.client("cloudwatch").describe_alarms(AlarmNames=[full])["MetricAlarms"][0]
            if found["StateValue"] == state:
                return str(found["StateReason"])
        return None

    return str(wait_for(f"the alarm {full} is {state}", so, 20))
