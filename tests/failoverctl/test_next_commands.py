"""The one command that status shows is the cure: where it would be refused, or changes nothing, none is shown."""

from __future__ import annotations

import time

import pytest

from tests.failoverctl.conftest import Run
from tests.failoverctl.region import Region
from tests.failoverctl.test_status import problems


def test_a_replication_run_that_came_to_nothing_is_said_at_once(ctl: Run, region: Region) -> None:
    last = {"complete": False, "outcome": "failed", "reason": "source changed: it changed while it was read"}
    region.items["freshness"] |= {"ended": True, "last": last}
    (first,) = problems(ctl)
    assert first["sentence"] == f"The last replication run came to nothing: {last['reason']}"
    assert first["command"] == "failoverctl replicate --stack demo"


def test_where_each_run_would_be_refused_no_other_run_is_proposed(ctl: Run, region: Region) -> None:
    last = {"complete": False, "outcome": "refused", "reason": "299 of 300 files of cds vanished"}
    region.items["freshness"] |= {"ended": True, "last": last}
    (first,) = problems(ctl)
    assert first["sentence"] == "Replication is refused until this is mended: 299 of 300 files of cds vanished"
    assert (first["command"], first["see"]) == ("", "replication-stale")
    assert "replication-stale" in ctl("status").flat


def test_a_configuration_that_is_withheld_is_not_carried_by_another_run(ctl: Run, region: Region) -> None:
    region.items["freshness"] |= {"config_withheld": "versions differ (1 here, 2 on the standby)"}
    (first,) = problems(ctl)
    assert "the configuration is withheld" in first["sentence"].replace("active server's ", "").lower()
    assert first["command"] == ""


@pytest.mark.parametrize(
    ("signal", "maintenance", "sentence", "command", "see"),
    [
        (
            "wrong certificate",
            False,
            "renew it on its host, in a maintenance.",
            "failoverctl maintenance on --for 10m --stack demo",
            "certificate",
        ),
        (
            "wrong certificate",
            True,
            "once it is renewed on its host, restart it.",
            "on the host of ms1: systemctl restart ssh-mgmt-server",
            "certificate",
        ),
        (
            "wrong status",
            False,
            "its own log says why.",
            "on the host of ms1: journalctl -u ssh-mgmt-server",
            "active-server-down",
        ),
    ],
)
def test_a_server_that_runs_and_shows_what_is_wrong_is_mended_and_not_failed_over(
    ctl: Run, region: Region, signal: str, maintenance: bool, sentence: str, command: str, see: str
) -> None:
    seen = {"admin": signal, "port": "answers", "sentence": "it answers as it should not"}
    region.functions["probe", "probe"] = {**region.functions["probe", "probe"], "ms1": seen}
    region.ringing = {"active-server-down"}
    if maintenance:
        region.items["state"] |= {"maintenance_until": time.time() + 300}
    first, *others = problems(ctl)
    assert first["sentence"] == f"ms1 runs, but it answers as it should not: {sentence}"
    assert (first["see"], first["command"]) == (see, command)
    assert all(each["follows"] for each in others if each["about"] != "maintenance")
    held = [each for each in others if each["about"] == "maintenance"]
    assert [each["command"] for each in held] == [""] * maintenance, "it may be what keeps the watchdog away"
    assert all("End it when the active server serves again." in each["sentence"] for each in held)
