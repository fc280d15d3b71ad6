"""Faults planted in a demo's deployment: acceptance refuses it with the reason, or the scenario that shows it is red.

One pair for all of them, in the order below: what only readiness sees is planted and taken back, what breaks a
scenario comes after that, and what leaves the pair halted comes last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from failoverctl.acceptance import pair_at_rest
from failoverctl.acceptance.driver_on_aws import DriverOnAws
from failoverctl.errors import Exit
from lab.testbed.accept import deployed
from lab.testbed.demo_pair import STACK, DemoPair
from lab.testbed.host_interfaces import AclEntry, NetworkAcl, OpenTo
from lab.testbed.hosts.addresses import NETWORK
from tests.examples.test_acceptance import accept, driver_of

pytestmark = pytest.mark.testbed(layout="demo")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoPair]:
    with pytest.MonkeyPatch.context() as patch, DemoPair(tmp_path_factory.mktemp("demo")) as found:
        patch.setattr(DriverOnAws, "patience", 1.0)
        patch.setattr(pair_at_rest, "READY_WITHIN_S", 60.0)
        patch.setattr(pair_at_rest, "POLL_EVERY_S", 1.0)
        deployed(found)
        output = tmp_path_factory.mktemp("first")
        code = found.type(f"acceptance --stack {STACK} --yes --output {output} --only switchover")
        assert code == Exit.DONE, (output / "acceptance.json").read_text()
        yield found


Mend = Callable[[], object]


@dataclass(frozen=True)
class Fault:
    """A fault of the deployment.

    Args:
        plant: makes it, and returns what takes it back.
        words: what the refusal, or the red scenario's line, has to say.
        shown_by: the scenario that is red; empty where it is refused before.
    """

    plant: Callable[[DemoPair], Mend]
    words: str
    shown_by: str = ""


def roles(pair: DemoPair) -> tuple[str, str]:
    """The active server and the standby."""
    active = max(pair.hosts.journal.by_server().values(), key=lambda each: each.last).server
    return active, "ms2" if active == "ms1" else "ms1"


def groups_of(pair: DemoPair) -> tuple[str, list[str]]:
    (database,) = pair.cloud.client("rds").describe_db_instances()["DBInstances"]
    return database["DBInstanceIdentifier"], [each["VpcSecurityGroupId"] for each in database["VpcSecurityGroups"]]


def detach(pair: DemoPair) -> Mend:
    name, groups = groups_of(pair)
    assert pair.stack is not None
    own = [each for each in groups if each != pair.stack.outputs["AccessGroupId"]]
    modify = pair.cloud.client("rds").modify_db_instance
    modify(DBInstanceIdentifier=name, VpcSecurityGroupIds=own)
    return lambda: modify(DBInstanceIdentifier=name, VpcSecurityGroupIds=groups)


def on_standby(do: str, undo: str) -> Callable[[DemoPair], Mend]:
    def plant(pair: DemoPair) -> Mend:
        _, standby = roles(pair)
        driver_of(pair).run(standby, do)
        return lambda: driver_of(pair).run(standby, undo)

    return plant


def on_active(do: str, undo: str) -> Callable[[DemoPair], Mend]:
    def plant(pair: DemoPair) -> Mend:
        active, _ = roles(pair)
        driver_of(pair).run(active, do)
        return lambda: driver_of(pair).run(active, undo)

    return plant


def sql(do: str, undo: str) -> Callable[[DemoPair], Mend]:
    def run(pair: DemoPair, statement: str) -> None:
        connection = pair.hosts.database.connect()
        connection.run(statement)
        connection.close()

    def plant(pair: DemoPair) -> Mend:
        run(pair, do)
        return lambda: run(pair, undo)

    return plant


def lead_record_astray(pair: DemoPair) -> Mend:
    route53 = pair.cloud.client("route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    active, _ = roles(pair)

    def point(address: str) -> None:
        record = {"Name": "ms.demo.internal", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": address}]}
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
        )

    point("10.99.0.13")
    return lambda: point({"ms1": "10.99.0.10", "ms2": "10.99.0.42"}[active])


def protect(pair: DemoPair) -> Mend:
    ec2 = pair.cloud.client("ec2")

    def say(value: bool) -> None:
        ec2.modify_instance_attribute(InstanceId=pair.instances["ms1"], DisableApiStop={"Value": value})

    say(True)
    return lambda: say(False)


def pause(name: str) -> Callable[[DemoPair], Mend]:
    def plant(pair: DemoPair) -> Mend:
        pair.cloud.schedules.pause(f"{STACK}-{name}")
        return lambda: pair.cloud.schedules.resume(f"{STACK}-{name}")

    return plant


def leave_in_manual_mode(pair: DemoPair) -> Mend:
    def say(mode: str) -> None:
        assert pair.type(f"mode {mode} --stack {STACK} --yes --by Ann") == Exit.DONE

    say("manual")
    return lambda: say("automatic")


def lead_past_the_fence(pair: DemoPair) -> Mend:
    """What EC2 is told of groups and ACLs has no effect any more: the servers reach the database by another way."""
    everything = AclEntry(1, True, "-1", "0.0.0.0/0")
    pair.hosts.firewall.apply([OpenTo(NETWORK, "tcp", 5432, 5432)])
    pair.hosts.firewall.apply_acl(NetworkAcl((), (everything,), (everything,)))
    real, database = pair.cloud.firewall._refresh, pair.cloud.databases._interfaces

    def only_servers(watched: Any) -> None:
        if watched.interface_id not in database.values():
            real(watched)

    pair.cloud.firewall._refresh = only_servers  # type: ignore[method-assign]

    def back() -> None:
        pair.cloud.firewall._refresh = real  # type: ignore[method-assign]
        for each in pair.cloud.firewall._watched.values():
            each.rules = each.acl = None
        pair.cloud.firewall.refresh()

    return back


BREAK = """
cd /usr/local/sbin
mv ssh-mgmt-server /root/kept
printf '#!/bin/sh\\nexit 1\\n' >ssh-mgmt-server
chmod 755 ssh-mgmt-server
"""

LOGIN_FILE = "/etc/opt/ssh-mgmt/server/server.env"
LAST = "wrong-hand"
"""The scenario that comes after all others: a red one ends the run."""

FAULTS = {
    "the access group is attached to nothing": Fault(detach, "access as it should be"),
    "the standby's service starts with its host": Fault(
        on_standby("systemctl enable ssh-mgmt-server", "systemctl disable ssh-mgmt-server"), "autostart off"
    ),
    "the standby's disk can't be written": Fault(
        on_standby("mount -t tmpfs -o ro none /var/lib/ms-failover", "umount /var/lib/ms-failover"),
        "hosts can be written",
    ),
    "the monitoring role may end no session": Fault(
        sql("REVOKE pg_signal_backend FROM ms_failover", "GRANT pg_signal_backend TO ms_failover"), "database rights"
    ),
    "the record leads elsewhere": Fault(lead_record_astray, "record as expected"),
    "a server may not be stopped": Fault(protect, "machines as configured"),
    "the server's login is not where it was": Fault(
        on_active(f"mv {LOGIN_FILE} /root/kept.env", f"mv /root/kept.env {LOGIN_FILE}"),
        "What nobody can judge is not tried",
    ),
    "nothing fails over by itself": Fault(leave_in_manual_mode, "mode: it is manual"),
    "the audit's schedule does not fire": Fault(pause("audit"), "takes the rule", "wrong-hand"),
    "another way leads past the fence": Fault(lead_past_the_fence, "One writer at a time", "partition"),
    "the standby's service does not start": Fault(on_standby(BREAK, ""), "expected was promoted", "crash"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_refused_by_its_name_or_makes_its_scenario_red(
    name: str, pair: DemoPair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = FAULTS[name]
    mend = fault.plant(pair)
    try:
        wanted = dict.fromkeys((fault.shown_by, LAST)) if fault.shown_by else ["switchover"]
        code, found, said = accept(pair, tmp_path, capsys, *wanted)
    finally:
        mend()
    if not fault.shown_by:
        assert code in (Exit.NOT_DONE, Exit.CANNOT_ASK), said
        assert fault.words in said
        assert not (tmp_path / "acceptance.json").exists(), "nothing was tried"
        pair_at_rest.await_rest(driver_of(pair))
        return
    assert code == Exit.NOT_WELL, said
    line, *rest = found["scenarios"]
    assert [(each["answer"], each["sentence"]) for each in rest] == [
        ("unknown", f"Not run: the run ended with {fault.shown_by}.") for _ in [*wanted][1:]
    ]
    assert (line["name"], line["answer"]) == (fault.shown_by, "no")
    assert fault.words in line["sentence"]
    assert not json.loads((tmp_path / fault.shown_by / "report.json").read_text())["ok"]
    if name != [*FAULTS][-1]:  # which leaves the change halted
        for _ in range(2):  # a failover may come of mending it, and wants to be acknowledged
            pair_at_rest.settle(driver_of(pair))
            pair_at_rest.await_rest(driver_of(pair))
