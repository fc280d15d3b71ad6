"""`restart`: in place, and only as long as the failover has not gone past it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from msfailover.decisions.fence import NoReceipt
from msfailover.pair import PairState
from msfailover.verdict import Verdict, yes

from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import lease, receipt, state

DOCUMENTS = {f"{name}_DOCUMENT": f"ms-failover-{name.lower()}" for name in ("STATUS", "START", "STOP")}


class Host:
    """A host that stops and starts its server; `meanwhile` is what the record says once it has stopped."""

    def __init__(self, server: ModuleType, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self._record = server, record
        self.did: list[tuple[str, int]] = []
        self.meanwhile: PairState | None = None
        monkeypatch.setattr(server, "_stop_and_wait", self._stop)
        monkeypatch.setattr(server, "_start_and_wait", self._start)

    def restart(self) -> object:
        return self.server.handler({"action": "restart_source", "server": "ms1", "epoch": lease().epoch}, None)

    def _stop(self, _context: object, order: Any, _whether_lost: object) -> Verdict:
        self.did.append(("stop", order.epoch))
        if self.meanwhile is not None:
            self._record.put(self.meanwhile)
        return yes("It has stopped.")

    def _start(self, _context: object, order: Any) -> Verdict:
        self.did.append(("start", order.epoch))
        return yes("It runs.")


@pytest.fixture
def host(run: Start, record: Record, monkeypatch: pytest.MonkeyPatch) -> Host:
    record.put(state(lease=lease()))
    return Host(run("server", TABLE_NAME=record.name, **DOCUMENTS), record, monkeypatch)


def test_the_active_server_is_restarted_in_the_epoch_in_which_it_is_active(host: Host) -> None:
    host.restart()
    assert host.did == [("stop", state().epoch), ("start", state().epoch)]


@pytest.mark.parametrize(
    "meanwhile",
    [state(lease=lease(), receipt=receipt()), state(), state(active=lease().target, epoch=lease().epoch)],
    ids=["its fence is proven", "the change has ended", "the other one is active"],
)
def test_a_server_that_was_stopped_is_not_started_when_the_workflow_has_gone_on(
    host: Host, meanwhile: PairState
) -> None:
    host.meanwhile = meanwhile
    with pytest.raises(NoReceipt):
        host.restart()
    assert host.did == [("stop", state().epoch)]
