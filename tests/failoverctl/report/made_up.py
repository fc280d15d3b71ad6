"""Changes as AWS knows of them, made up but true to life, and easy to bend for a test."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from msfailover.observations import Signal
from msfailover.pair import Role
from msfailover.watching import Run

from tests.failoverctl.region import RUNS, T0, Region, change, step

NAME = "watch-1"
ARN = f"{RUNS}:{NAME}"
FAILED_AT, SERVED_AT, ENDED_AT = T0 - 15.2, T0 + 25.4, T0 + 26.1
ANSWERS, REFUSED, HALF = (Signal.ANSWERS,) * 2, (Signal.REFUSED,) * 2, (Signal.SILENT, Signal.ANSWERS)
RECEIPT = {
    "epoch": 2,
    "server": "ms1",
    "by": "network",
    "access": "denied",
    "sessions": [0, 0, 0],
    "verified_at": T0 + 8.9,
    "evidence": ["acl-1 denies 10.0.0.11 both ways in all three subnets.", "The path to the database is direct."],
}
STEPS = (
    ("Begin", 0.0, 0.5, "The failover of ms1 to ms2 is admitted."),
    ("ConfirmOutage", 0.6, 2.7, "ms1 is half dead: no answer within 2 s, but its host is there."),
    ("CheckStandby", 0.6, 1.5, "The service of ms2 is installed and stopped."),
    ("AskSourceToStop", 3.0, 8.0, None),
    ("RevokeAccess", 3.0, 5.2, "ms1 can't get in: the access group does not allow it, and acl-1 denies it."),
    ("EndSessions", 5.2, 6.5, "2 sessions of ms1 were ended."),
    ("VerifyFence", 6.5, 9.0, "The network lets nothing of ms1 pass."),
    ("GrantAccess", 9.1, 11.0, "ms2 can get in."),
    ("UpdateRecord", 9.1, 12.3, "ms.corp.example points to 10.0.0.12."),
    ("StartServer", 11.0, 23.0, "The service of ms2 runs."),
    ("VerifyPromotion", 23.2, 25.0, "ms2 answers with status 200."),
    ("Commit", 25.0, 25.4, "ms2 is active."),
    ("Notify", 25.5, 26.0, ""),
)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def failed(number: int, name: str, start: float, end: float, error: str = "Unreachable") -> list[dict[str, Any]]:
    """The events of a task that failed and was caught."""
    entered, scheduled = step(number, name, start, None)
    details = {"resourceType": "lambda", "resource": "invoke", "error": error, "cause": "no answer came"}
    return [
        entered,
        scheduled,
        {
            "id": number + 2, "previousEventId": number + 1, "type": "TaskFailed", "timestamp": moment(T0 + end),
            "taskFailedEventDetails": details,
        },
        {
            "id": number + 3, "previousEventId": number + 2, "type": "TaskStateExited", "timestamp": moment(T0 + end),
            "stateExitedEventDetails": {"name": name},
        },
    ]  # fmt: skip


def events(steps: Any = STEPS) -> list[dict[str, Any]]:
    """What Step Functions tells of steps; the one without a sentence has failed."""
    found = []
    for number, (name, start, end, said) in enumerate(steps):
        id_ = 10 * number + 1
        found += failed(id_, name, start, end) if said is None else step(id_, name, start, end, said)
    return found


def execution(outcome: str = "promoted", **about: Any) -> dict[str, Any]:
    """As Step Functions describes it."""
    asked = {"action": "failover", "reason": "ms1 is half dead", "requested_by": "watch", "first_failed_at": FAILED_AT}
    output = {"outcome": outcome, "sentence": "ms2 is active, and serves.", "active": "ms2", "epoch": 2}
    return {
        "status": "SUCCEEDED",
        "output": json.dumps(output),
        "input": json.dumps(asked),
        "events": events(),
        "stopDate": moment(ENDED_AT),
        **about,
    }


def line(outcome: str = "promoted", **about: Any) -> dict[str, Any]:
    """As the pair's history has it."""
    found = change(
        outcome, SERVED_AT, execution=ARN, sentence="ms2 is active, and serves.", reason="ms1 is half dead",
        taken_at=T0 + 0.3, counts_from=FAILED_AT, recovery_s=SERVED_AT - FAILED_AT, receipt=RECEIPT,
        files_as_of=T0 - 120, phases=[{"name": n, "start": T0 + s, "end": T0 + e} for n, s, e, _ in STEPS],
    )  # fmt: skip
    return {**found, **about}


def probes(begin: float, count: int, ms1: Any = ANSWERS, finding: str = "healthy", **about: Any) -> str:
    """A line of the watchdog's log: probes each 5 s that observed the same."""
    end, failures = begin + 5 * (count - 1), 0 if finding == "healthy" else count
    run = Run(begin, end, count, 5.0, Role.MS1, 1, ms1, REFUSED, "", "", finding, failures, 4)
    return json.dumps({"level": "INFO", "message": "probes", **run.to_json(), **about})


LOG = [
    probes(FAILED_AT - 100, 20),
    probes(FAILED_AT, 8, HALF, "half-dead"),
    probes(SERVED_AT + 1, 10, REFUSED, ms2=["answers", "answers"], active="ms2", epoch=2),
]


def there(region: Region) -> Region:
    """The region with that failover in it, and a note of a later day."""
    region.executions[ARN] = execution()
    noted = change("noted", T0 + 86400, action="mode", source="ms2", target="ms2", execution="none")
    region.history = [noted, line(), change("promoted", T0 - 86400, epoch=1)]
    region.logged = list(LOG)
    return region
