"""An update in the middle of a change would have its next steps done by another version: it is refused."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from failoverctl import updating
from failoverctl.account import ask
from failoverctl.errors import Exit
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import WHO, Region, lease
from tests.lab.testbed.scenarios.run import PROJECT

HELD = ("pair", {"action": "maintenance", "seconds": 900, "requested_by": f"ann ({WHO})"})


def may_update(ctl: Run) -> Any:
    return ctl("may-update", "--by", "ann", "--yes")


def test_at_rest_automatic_failovers_are_held_and_the_stack_may_be_updated(ctl: Run, region: Region) -> None:
    said = may_update(ctl)
    assert said.code == Exit.DONE
    assert "may be updated" in said.out
    assert region.invoked == [HELD]


@pytest.mark.parametrize(("halted", "then"), [("", "failoverctl watch"), ("ms2 did not start.", "failoverctl resume")])
def test_while_a_change_holds_the_lease_nothing_is_done(ctl: Run, region: Region, halted: str, then: str) -> None:
    region.items["state"] |= {"lease": lease(), "halted": halted}
    said = may_update(ctl)
    assert said.code == Exit.NOT_DONE
    assert "must not be updated now: failover to ms2" in said.err
    assert then in said.err
    assert region.invoked == []


def test_a_change_that_slipped_in_before_failovers_were_held_is_found(
    ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:

    def slips_in(*about: Any) -> Any:
        region.items["state"] |= {"lease": lease()}
        return ask(*about)

    monkeypatch.setattr(updating, "ask", slips_in)
    assert may_update(ctl).code == Exit.NOT_DONE


def test_a_longer_maintenance_of_somebodys_stays(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"maintenance_until": time.time() + 7200}
    assert may_update(ctl).code == Exit.DONE
    assert region.invoked == []


def test_a_record_that_cannot_be_read_is_no_yes(ctl: Run, region: Region) -> None:
    region.denied = {"GetItem"}
    assert may_update(ctl).code == Exit.CANNOT_ASK
    assert region.invoked == []


def test_make_update_asks_between_building_and_deploying() -> None:
    done = subprocess.run(
        ["make", "-n", "update", "STACK=pair", "CONFIG=production"],
        cwd=PROJECT,
        text=True,
        capture_output=True,
        check=True,
    )
    told = done.stdout
    build, may, deploy = (
        told.index(each) for each in ("build.sh", "may-update --stack pair", "sam deploy --config-env")
    )
    assert build < may < deploy
