"""`dns`: the record of the servers' family, and a change that is followed until Route 53's name servers have it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import clients

from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.functions.wire import Failure, Wire
from tests.functions.zone import Zone
from tests.samples import lease, receipt, state

V6 = {"MS1_ADDRESSES": "2001:db8::11,10.0.0.11", "MS2_ADDRESSES": "2001:db8::12,10.0.0.12"}


class Changes(Wire):
    """GetChange with prepared answers: a status, or an error's code; the last one from then on."""

    def __init__(self, *answers: str) -> None:
        super().__init__(clients.route53(), "route-53", {"GetChange": self._get})
        self._answers = list(answers)
        self.asked: list[str] = []

    def _get(self, call: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(str(call["Id"]))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer not in ("PENDING", "INSYNC"):
            raise Failure(answer)
        submitted = datetime.now(UTC) - timedelta(seconds=7)
        return {"ChangeInfo": {"Id": call["Id"], "Status": answer, "SubmittedAt": submitted}}


class Waits:
    """The time of now, and what was waited since."""

    def __init__(self) -> None:
        self._now = time.time()

    def time(self) -> float:
        return self._now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture
def following(run: Start, zone: Zone) -> ModuleType:
    """`dns`, with a clock that the pauses between its reads move on and nothing else."""
    module = run("dns", HOSTED_ZONE_ID=zone.id)
    module.handler = module.handler.within(clock=Waits())  # type: ignore[attr-defined]
    return module


def follow(module: ModuleType, change: str = "/change/C1") -> Any:
    return module.handler({"action": "follow_record", "change": change, "execution": "x"}, None)


def test_a_record_that_was_right_already_has_no_change_to_follow(following: ModuleType) -> None:
    with Changes("PENDING") as changes:
        assert follow(following, change="")["answer"] == "yes"
    assert changes.asked == []


def test_how_long_the_name_servers_took_is_published(following: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with Changes("PENDING", "PENDING", "INSYNC") as changes:
        assert follow(following)["answer"] == "yes"
    assert len(changes.asked) == 3
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [9 <= each["RecordInSyncAfter"][0] < 11 for each in metrics] == [True], "from the change on, not the asking"


def test_a_throttled_read_of_a_change_is_no_end_of_following_it(following: ModuleType) -> None:
    with Changes("PriorRequestNotComplete", "PENDING", "INSYNC"):
        assert follow(following)["answer"] == "yes"


def test_a_change_that_is_not_confirmed_in_time_is_an_error_that_reaches_people(following: ModuleType) -> None:
    with Changes("PENDING"), pytest.raises(following.NotInSync, match="the record itself is right"):
        follow(following)


def test_a_pair_with_ipv6_addresses_has_an_aaaa_record(run: Start, record: Record, zone: Zone) -> None:
    dns = run("dns", TABLE_NAME=record.name, HOSTED_ZONE_ID=zone.id, **V6)
    record.put(state(lease=lease(), receipt=receipt()))
    zone.put("2001:db8::11", kind="AAAA")
    asked = {"server": "ms2", "epoch": 2}
    assert dns.handler({"action": "status", **asked}, None)["answer"] == "no"
    assert dns.handler({"action": "update_record", **asked}, None)["answer"] == "yes"
    assert zone.get(kind="AAAA") == (5, ["2001:db8::12"])
    assert dns.handler({"action": "status", **asked}, None)["evidence"]["values"] == ["2001:db8::12"]
    assert zone.get(kind="A") is None
