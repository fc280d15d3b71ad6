"""`dns`: the DNS record is updated only to who is to be active, or is; a superseded update does nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from msfailover.decisions.fence import NoReceipt
from msfailover.pair import PairState, Role

from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.functions.zone import NAME, Zone
from tests.samples import lease, receipt, state


@pytest.fixture
def dns(run: Start, record: Record, zone: Zone) -> ModuleType:
    zone.put("10.0.0.11")
    return run("dns", TABLE_NAME=record.name, HOSTED_ZONE_ID=zone.id, RECORD_NAME=NAME)


def move(dns: ModuleType, server: str = "ms2", epoch: object = 2) -> dict[str, Any]:
    answer: dict[str, Any] = dns.handler({"action": "update_record", "server": server, "epoch": epoch}, None)
    return answer


def test_the_name_is_moved_to_the_target_of_a_change_whose_fence_is_proven(
    dns: ModuleType, record: Record, zone: Zone
) -> None:
    record.put(state(lease=lease(), receipt=receipt()))
    assert move(dns)["sentence"] == f"{NAME} was moved from 10.0.0.11 to ms2 (10.0.0.12)."
    assert move(dns)["sentence"] == f"{NAME} points to ms2 already (10.0.0.12)."
    assert zone.get() == (5, ["10.0.0.12"])


def test_the_name_is_moved_to_the_active_server_at_rest(dns: ModuleType, record: Record, zone: Zone) -> None:
    record.put(state(active=Role.MS2, epoch=2))
    move(dns)
    assert zone.get() == (5, ["10.0.0.12"])


SUPERSEDED = {
    "at rest again": state(),
    "at rest in a later epoch": state(active=Role.MS2, epoch=3),
    "resumed towards the first": state(
        lease=lease(target=Role.MS1, epoch=3), receipt=receipt(epoch=3, server=Role.MS2)
    ),
    "resumed, and concluded": state(epoch=3),
    "another change to the same server": state(lease=lease(epoch=3), receipt=receipt(epoch=3)),
    "nothing proven yet": state(lease=lease()),
    "proven for another epoch": state(lease=lease(), receipt=receipt(epoch=1)),
    "nobody is active": PairState(),
}


@pytest.mark.parametrize("now", SUPERSEDED.values(), ids=SUPERSEDED)
def test_a_move_that_was_superseded_does_nothing(dns: ModuleType, record: Record, zone: Zone, now: PairState) -> None:
    record.put(now)
    with pytest.raises(NoReceipt, match="ms2 is not what the DNS record is updated to"):
        move(dns)
    assert zone.get() == (5, ["10.0.0.11"])
    assert zone.batches == []


@pytest.mark.parametrize("epoch", [None, 0, -1, "2", 2.5, True])
def test_a_move_without_an_epoch_does_nothing(dns: ModuleType, record: Record, zone: Zone, epoch: object) -> None:
    record.put(state(lease=lease(), receipt=receipt()))
    with pytest.raises(Exception, match=r"epoch is .* but a whole number above 0 is needed"):
        move(dns, epoch=epoch)
    assert zone.batches == []


def test_a_move_that_is_overtaken_between_its_reading_and_its_swap_does_nothing(
    dns: ModuleType, record: Record, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes over updates the record himself; the late swap no longer finds what it read, and asks again."""
    record.put(state(lease=lease(), receipt=receipt()))
    zone.put("10.0.0.99")
    swap = dns.route53.swap

    def overtaken(*asked: Any) -> str:
        record.put(state(epoch=3))
        zone.put("10.0.0.11")
        return str(swap(*asked))

    monkeypatch.setattr(dns.route53, "swap", overtaken)
    with pytest.raises(NoReceipt, match="ms1 is active, in epoch 3"):
        move(dns)
    assert zone.get() == (5, ["10.0.0.11"])
