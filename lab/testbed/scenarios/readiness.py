"""Could we fail over right now? On a healthy pair every check says yes; broken, the right one says no and what to do.

Nobody needs a failover here: a hole in the preparations is found before it is needed.
"""

from __future__ import annotations

from typing import Any

from lab.testbed.hosts.server_host import SERVICE
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.planned import checks_of
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    found = _ask(testbed)
    bad = [f"{each['name']}: {each['sentence']}" for each in found["checks"] if each["answer"] != "yes"]
    story.check("A healthy pair is ready", found["answer"] == "yes", " ".join(bad) or found["sentence"])
    story.note(found["sentence"])
    standby = testbed.hosts.ms("ms2")
    standby.host.run(["systemctl", "enable", SERVICE])
    story.note("an upgrade turns autostart on again on ms2")
    _check_no(story, _ask(testbed), "autostart off", ["autostart off"])
    standby.host.run(["systemctl", "disable", SERVICE])
    testbed.cloud.client("ec2").stop_instances(InstanceIds=[testbed.instances["ms2"]])
    wait_for("ms2 is off", lambda: _ec2_says(testbed) == "stopped", 15)
    story.note("ms2's machine is switched off")
    _check_no(story, _ask(testbed), "standby is fit", None)
    story.outcome = "not-ready"


def _ec2_says(testbed: Testbed) -> str:
    found = testbed.cloud.client("ec2").describe_instances(InstanceIds=[testbed.instances["ms2"]])
    return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])


def _ask(testbed: Testbed) -> dict[str, Any]:
    return testbed.invoke("readiness", {"action": "check"})


def _check_no(story: Story, found: dict[str, Any], name: str, alone: list[str] | None) -> None:
    """Check that a check says no with something to do about it, and, where it should, no other one."""
    check = checks_of(found)[name]
    others = [str(each["name"]) for each in found["checks"] if each["answer"] != "yes"]
    held = check["answer"] == "no" and bool(check["remedy"]) and (alone is None or others == alone)
    story.check(f"Named: {name}", held, f"{check['answer']}: {check['sentence']} Not yes: {', '.join(others)}.")


SCENARIO = Scenario("readiness", "A hole in the preparations is found and named", "not-ready", run, agents=5)
