"""The record that agents go by: read, moved by compare-and-swap, and never overwritten blindly."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from msfailover.adapters import clients, route53
from msfailover.adapters.route53 import RecordMovedUnderneath, RecordSet, StrangeRecord

from tests.functions.wire import Failure, Wire
from tests.functions.zone import NAME, Zone

OLD = RecordSet(NAME, "A", 5, ("10.0.0.11",))
NEW = RecordSet(NAME, "A", 5, ("10.0.0.12",))


def read(zone: Zone, name: str = NAME, kind: str = "A") -> RecordSet | None:
    return route53.read(clients.route53(), zone.id, name, kind)


def test_a_record_set_is_read_as_the_zone_holds_it(zone: Zone) -> None:
    zone.put("10.0.0.11", "10.0.0.99", ttl_s=30)
    assert read(zone) == RecordSet(f"{NAME}.", "A", 30, ("10.0.0.11", "10.0.0.99"))


@pytest.mark.parametrize("name", [NAME, f"{NAME}."])
def test_a_name_is_found_however_it_is_written(zone: Zone, name: str) -> None:
    zone.put("10.0.0.11")
    assert read(zone, name) is not None


def test_no_record_set_is_none_whatever_stands_beside_it(zone: Zone) -> None:
    assert read(zone) is None
    zone.put("10.0.0.11", name=f"zz.{NAME}")
    zone.put("2001:db8::11", kind="AAAA")
    assert read(zone) is None


@pytest.mark.parametrize(
    "strange",
    [
        {"SetIdentifier": "first", "Weight": 10},
        {"AliasTarget": {"HostedZoneId": "Z1", "DNSName": "elb.example", "EvaluateTargetHealth": False}},
        {"HealthCheckId": "00000000-0000-0000-0000-000000000001"},
    ],
    ids=["weighted", "alias", "with a health check"],
)
def test_a_record_set_of_another_shape_is_left_to_its_owner(zone: Zone, strange: dict[str, Any]) -> None:
    zone.put(*(() if "AliasTarget" in strange else ("10.0.0.11",)), **strange)
    with pytest.raises(StrangeRecord, match="routing policy or a health check; a simple A record set is needed"):
        read(zone)


def test_a_swap_takes_out_exactly_the_old_and_puts_in_the_new_in_one_batch(zone: Zone) -> None:
    zone.put("10.0.0.11")
    change = route53.swap(clients.route53(), zone.id, OLD, NEW, "why")
    assert zone.get() == (5, ["10.0.0.12"])
    assert zone.batches == [[("DELETE", "10.0.0.11"), ("CREATE", "10.0.0.12")]]
    assert change


def test_a_swap_of_nothing_makes_the_record(zone: Zone) -> None:
    route53.swap(clients.route53(), zone.id, None, NEW, "why")
    assert zone.get() == (5, ["10.0.0.12"])


@pytest.mark.parametrize(
    "before",
    [
        RecordSet(NAME, "A", 5, ("10.0.0.99",)),
        RecordSet(NAME, "A", 30, ("10.0.0.11",)),
        RecordSet(NAME, "A", 5, ("10.0.0.11", "10.0.0.99")),
        None,
    ],
    ids=["another address", "another TTL", "an address more", "nothing"],
)
def test_a_record_set_that_is_not_as_read_is_not_touched(zone: Zone, before: RecordSet | None) -> None:
    zone.put("10.0.0.11")
    with pytest.raises(RecordMovedUnderneath, match="was not as read; nothing was changed"):
        route53.swap(clients.route53(), zone.id, before, NEW, "why")
    assert zone.get() == (5, ["10.0.0.11"])


def test_the_same_swap_twice_is_noticed_the_second_time(zone: Zone) -> None:
    zone.put("10.0.0.11")
    route53.swap(clients.route53(), zone.id, OLD, NEW, "why")
    with pytest.raises(RecordMovedUnderneath):
        route53.swap(clients.route53(), zone.id, OLD, NEW, "why")
    assert zone.get() == (5, ["10.0.0.12"])


@pytest.mark.parametrize("code", ["Throttling", "PriorRequestNotComplete", "NoSuchHostedZone"])
def test_any_other_refusal_is_not_taken_for_a_moved_record(zone: Zone, code: str) -> None:
    def refuse(_: Any) -> Any:
        raise Failure(code)

    zone.put("10.0.0.11")
    with (
        Wire(clients.route53(), "route-53", {"ChangeResourceRecordSets": refuse}),
        pytest.raises(ClientError, match=code),
    ):
        route53.swap(clients.route53(), zone.id, OLD, NEW, "why")
