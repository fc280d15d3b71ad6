"""Which scenario a recorded change is replayed by, and which changes are refused."""

from __future__ import annotations

from typing import Any

import pytest
from msfailover.observations import Signal
from msfailover.pair import Role

from lab.testbed.replay import derive
from lab.testbed.replay.derive import CannotReplay, Fault, fault_of, parameters_of, scenario_of
from tests.lab.testbed.replay import sample

ODD = (Signal.BROKEN, Signal.REFUSED)


@pytest.mark.parametrize(
    ("saw", "finding", "fault"),
    [
        (sample.REFUSED, "gone", derive.KILLED),
        (sample.REFUSED, "listener-gone", derive.KILLED),
        (sample.HUNG, "half-dead", derive.HUNG),
        (sample.SILENT, "silent", derive.CUT_OFF),
        (sample.SILENT, "machine-off", derive.SWITCHED_OFF),
        (sample.ANSWERS, "healthy", None),
    ],
)
@pytest.mark.parametrize("active", list(Role))
def test_what_the_probes_saw_says_what_is_done_to_the_server(
    saw: Any, finding: str, fault: Fault | None, active: Role
) -> None:
    change = sample.change(
        requested_by="Ann", action="force", probes=sample.outage(saw, finding, active),
        source=active.value, target=active.other.value,
    )  # fmt: skip
    assert fault_of(change) is fault
    assert f"{active.value} to {active.other.value}" in scenario_of(change).headline


def test_what_is_seen_after_the_request_says_nothing_of_its_cause() -> None:
    later = sample.probes(20, 3, sample.SILENT, "silent")
    assert fault_of(sample.change(probes=(*sample.outage(sample.REFUSED, "gone"), later))) is derive.KILLED


def test_a_switchover_needs_no_fault_and_no_probe() -> None:
    assert fault_of(sample.change(action="switchover", requested_by="Ann", probes=())) is None


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"outcome": "running"}, "It still runs"),
        ({"dry_run": True}, "It was a dry run"),
        ({"action": "adopt"}, "It was an adoption"),
        ({"action": "resume"}, "continued another change: replay that one"),
        ({"source": ""}, "does not say which server was active"),
        ({"outcome": "blocked"}, "It ended as blocked"),
        ({"outcome": "halted", "sentence": "No proof."}, "not because the new server did not start: No proof."),
        ({"probes": ()}, "no probe from before the change"),
        ({"probes": sample.outage(sample.ANSWERS, "healthy")}, "ms1 was healthy in the last probe"),
        ({"probes": sample.outage(ODD, "listener-gone")}, "look as ms1 did (interface broken, port refused)"),
    ],
)
def test_what_the_testbed_has_no_scenario_of_is_refused_with_the_reason(about: dict[str, Any], why: str) -> None:
    with pytest.raises(CannotReplay, match=why.replace("(", r"\(").replace(")", r"\)")):
        scenario_of(sample.change(**about))


def test_a_server_that_did_not_start_is_run_so() -> None:
    steps = sample.steps("Begin", "StartServer", failed="StartServer")
    assert scenario_of(sample.change(outcome="halted", steps=steps)).expected == "halted"


def test_the_settings_are_the_record_s_and_what_is_the_owner_s_is_the_testbed_s() -> None:
    given = parameters_of(sample.change())
    assert given == {"ProbeIntervalSeconds": "5", "FailureThreshold": "4"}
    assert parameters_of(sample.change(requested_by="alarm"))["WatchStartsFailover"] == "no"
    without = parameters_of(sample.change(settings={"DatabaseNetworkAclIds": ""}))
    assert without == {"DatabaseNetworkAclIds": "", "DatabaseSubnetIds": ""}
