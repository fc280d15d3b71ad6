"""A pair in an account of moto's, as far as acceptance looks for it there."""

from __future__ import annotations

import pytest

from failoverctl.acceptance.place import DEMO_TAG, Place, find_place
from failoverctl.account import Account, Stack
from tests.failoverctl.discovery.made_up import REGION, MadeUp

DEMO = "ms-failover-demo"


class Alone(MadeUp):
    """Nothing stands beside the servers in their subnets."""

    def endpoint(self, service: str) -> None: ...


def made_place(monkeypatch: pytest.MonkeyPatch, demos: tuple[str, str] = (DEMO, DEMO)) -> Place:
    """The pair, its servers tagged as those of some demos; to be called in `mock_aws`.

    Args:
        demos: the tag's value on ms1 and on ms2; empty for no tag.
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    owner = Alone()
    for instance, demo in zip(owner.servers.values(), demos, strict=True):
        if demo:
            owner.ec2.create_tags(Resources=[instance], Tags=[{"Key": DEMO_TAG, "Value": demo}])
    parameters = {
        "Ms1InstanceId": owner.servers["ms1"],
        "Ms2InstanceId": owner.servers["ms2"],
        "Ms1Addresses": "10.0.1.10",
        "Ms2Addresses": "10.0.2.10",
        "DatabaseSubnetIds": ",".join(owner.subnets[name] for name in ("database-a", "database-b")),
        "DatabasePort": "5432",
        "DatabaseEngine": "postgresql",
        "ServiceName": "ssh-mgmt-server",
    }
    group = owner.group("access")
    machine = f"arn:aws:states:{REGION}:123456789012:stateMachine:ms-failover"
    stack = Stack("ms-failover", "demo-pair", machine, "table", group, parameters)
    return find_place(Account(None, REGION), stack)


__all__ = ["DEMO", "REGION", "made_place"]
