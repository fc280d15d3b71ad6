"""One life of a pair on the testbed: adopted, replicated, switched over, a game day, intruded upon, failed over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.testbed.cloud.permissions import Seen
from lab.testbed.hosts.addresses import ADDRESS_OF, DATABASE, NETWORK
from lab.testbed.hosts.database import MONITOR, quoted
from lab.testbed.iam.policies import Statement
from lab.testbed.polling import TestbedError, wait_for
from lab.testbed.scenarios.game_days import calendar
from lab.testbed.scenarios.surroundings import take_from_behind_acl
from lab.testbed.testbed import STACK, Testbed

ROTATED = "Rotated/4711'and\"more"


@dataclass
class Session:
    """What came of it. The testbed is up while the tests read.

    Args:
        outcomes: of the executions, by what they were for.
        answers: of the functions that were asked by hand, by what for.
    """

    testbed: Testbed
    outcomes: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def roles(self) -> dict[str, str]:
        """Every role of the stack: its name in the template by its own name."""
        assert self.testbed.stack is not None
        return {name: logical for logical, name in self.testbed.stack.of_type("AWS::IAM::Role").items()}

    def statements(self, role: str) -> tuple[Statement, ...]:
        """What a role may do. `role` by its name in the template."""
        name = next(name for name, logical in self.roles.items() if logical == role)
        return self.testbed.cloud.permissions.statements(name)

    def called(self, role: str, function: str) -> bool:
        """Whether a role has asked a function yet."""
        return any(each.call.resources[0].endswith(f":{STACK}-{function}") for each in self.seen(role))

    def seen(self, role: str) -> list[Seen]:
        """What a role has called."""
        return [each for each in self.testbed.cloud.permissions.seen if self.roles.get(each.role) == role]


def run(directory: Path) -> Iterator[Session]:
    """Give the session once it is over, and end the testbed afterwards."""
    parameters = {"PowerPauseSeconds": "1", **calendar(5)}
    with Testbed(directory, agents=2, parameters=parameters) as testbed:
        session = Session(testbed)
        _adopt(session)
        _rotate(session)
        _switch_over(session)
        _game_day(session)
        _intrude(session)
        _fail_over(session)
        yield session


def _adopt(session: Session) -> None:
    testbed = session.testbed
    ec2 = testbed.cloud.client("ec2")
    made = ec2.create_managed_prefix_list(
        PrefixListName="desks", AddressFamily="IPv4", MaxEntries=2, Entries=[{"Cidr": "10.99.0.0/24"}]
    )
    _open_owners_group(testbed, PrefixListIds=[{"PrefixListId": made["PrefixList"]["PrefixListId"]}])
    testbed.prepare_hosts()
    testbed.adopt()
    session.outcomes["adopt"] = "promoted"
    testbed.import_software(4, 10_000)
    wait_for("a complete set on ms2", lambda: testbed.freshness().get("as_of"), 30)
    session.answers["replicated"] = testbed.freshness()
    session.answers["compared"] = testbed.invoke("replicate", {"action": "verify"})
    session.answers["readiness"] = testbed.invoke("readiness", {"action": "check"})
    for action in ("failover", "switchover"):
        tried = testbed.start({"action": action, "reason": "would it?", "requested_by": "Ann", "dry_run": True})
        session.outcomes[f"dry {action}"] = testbed.outcome(tried, 30)


def _rotate(session: Session) -> None:
    """Another password for the monitoring role, in the database and in the secret; its open connections are ended."""
    testbed = session.testbed
    with closing(testbed.hosts.database.connect()) as database:
        database.run(f"ALTER ROLE {MONITOR} PASSWORD {quoted(ROTATED)}")
        secret = json.dumps({"username": MONITOR, "password": ROTATED})
        testbed.cloud.client("secretsmanager").put_secret_value(SecretId=testbed.owner.secret_arn, SecretString=secret)
        database.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {quoted(MONITOR)}")
    session.answers["after the rotation"] = testbed.invoke("database-sessions", {"action": "status", "server": "ms1"})


def _switch_over(session: Session) -> None:
    testbed = session.testbed
    begun = testbed.start({"action": "switchover", "reason": "a new kernel for ms1", "requested_by": "Ann"})
    session.outcomes["switchover"] = testbed.outcome(begun, 60)


def _game_day(session: Session) -> None:
    testbed = session.testbed
    wait_for("a copy of the new direction", lambda: int(testbed.freshness().get("epoch", 0)) == 2, 30)
    testbed.cloud.schedules.fire(f"{STACK}-game-day")
    wait_for("the game day's report", lambda: testbed.game_day().get("reported"), 90)
    session.outcomes["game day"] = str(testbed.game_day()["result"])
    session.answers["game day"] = testbed.game_day()


def _intrude(session: Session) -> None:
    testbed = session.testbed
    take_from_behind_acl(
        testbed, testbed.owner.database_subnet_ids[0]
    )  # what the network cuts off needs no revoked access
    port = testbed.hosts.database.port
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": f"{ADDRESS_OF['ms1']}/32"}]}
    testbed.cloud.client("ec2").authorize_security_group_ingress(GroupId=testbed.access_group, IpPermissions=[rule])
    session.answers["audit"] = testbed.invoke("audit", {})


def _fail_over(session: Session) -> None:
    """An outage in manual mode, which notifies; then the watchdog may act, and power must prove the fence."""
    testbed = session.testbed
    host = testbed.hosts.ms("ms2").host
    testbed.invoke("pair", {"action": "set_mode", "mode": "manual", "requested_by": "Ann"})
    _open_owners_group(testbed, IpRanges=[{"CidrIp": NETWORK}])
    testbed.hosts.kill_ms("ms2")
    wait_for("the failover is held", lambda: testbed.record().get("held"), 30)
    testbed.invoke("audit", {})  # the active server is in no list any more: its path is checked again
    host.cut([DATABASE])
    wait_for("the watchdog asks for the machine's power", lambda: session.called("WatchFunctionRole", "server"), 30)
    with pytest.raises(TestbedError, match="SourceLost"):  # which it has asked the functions about that see
        testbed.invoke("replicate", {"action": "now"})
    known = {each["executionArn"] for each in testbed.executions()}
    testbed.invoke("pair", {"action": "set_mode", "mode": "automatic", "requested_by": "Ann"})

    def begun() -> str | None:
        return next((each["executionArn"] for each in testbed.executions() if each["executionArn"] not in known), None)

    failover = str(wait_for("the watchdog starts the failover", begun, 40))
    wait_for("it holds the lease", lambda: testbed.record().get("lease"), 20)
    resumed = testbed.start({"action": "resume", "reason": "too eager", "requested_by": "Bob"})
    session.outcomes["resume while it runs"] = testbed.outcome(resumed, 30)
    session.outcomes["failover"] = testbed.outcome(failover, 60)
    session.answers["receipt"] = testbed.record()["receipt"]


def _open_owners_group(testbed: Testbed, **source: Any) -> None:
    permission = {"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, **source}
    testbed.cloud.client("ec2").authorize_security_group_ingress(
        GroupId=testbed.owner.database_group_id, IpPermissions=[permission]
    )
