"""What a person can break on the testbed that is up, and mend again: each fault with what takes it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.testbed.hosts.addresses import ADDRESS_OF, DATABASE, NETWORK, NOBODY, SERVICE_NAME

if TYPE_CHECKING:
    from lab.testbed.testbed import Testbed

_STATE = "/var/lib/ms-failover"
_SMALL = f"{_STATE}.small"


@dataclass(frozen=True)
class Fault:
    """Something a person can do to a server of the pair.

    Args:
        sentence: what has been done, with `{server}` in it.
        do: does it; takes the testbed and "ms1" or "ms2".
        undo: what takes it back; empty where that is the workflow's business, or nobody's.
        of_a_server: whether a server has to be named.
    """

    sentence: str
    do: Callable[[Testbed, str], object]
    undo: str = ""
    of_a_server: bool = True


def _broad(testbed: Testbed) -> dict[str, object]:
    """A rule of the database owner's own, that allows the whole network."""
    rule = {"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, "IpRanges": [{"CidrIp": NETWORK}]}
    return {"GroupId": testbed.owner.database_group_id, "IpPermissions": [rule]}


def _fill_disk(testbed: Testbed, server: str) -> None:
    """Give the directory of the host's own state a disk of 2 MB that is full. Nothing of it is lost."""
    move = f"mkdir {_SMALL} && mount -t tmpfs -o size=2m small {_SMALL} && cp -a {_STATE}/. {_SMALL}"
    fill = f"{{ head -c 3M /dev/zero >{_STATE}/filler 2>/dev/null || true; }}"
    testbed.hosts.host(server).run(["sh", "-c", f"{move} && mount --move {_SMALL} {_STATE} && {fill}"])


def _free_disk(testbed: Testbed, server: str) -> None:
    """Take the small disk away; what was written on it meanwhile, an epoch say, stays."""
    keep = f"rm -f {_STATE}/filler && mkdir -p {_SMALL} && mount --move {_STATE} {_SMALL}"
    back = f"cp -a {_SMALL}/. {_STATE} && umount {_SMALL} && rmdir {_SMALL}"
    testbed.hosts.host(server).run(["sh", "-c", f"{keep} && {back}"])


def _point_record_to(testbed: Testbed, address: str) -> None:
    """Change the service's DNS record as somebody at the console would."""
    record = {"Name": SERVICE_NAME, "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": address}]}
    change = {"Action": "UPSERT", "ResourceRecordSet": record}
    testbed.cloud.client("route53").change_resource_record_sets(
        HostedZoneId=testbed.owner.zone_id, ChangeBatch={"Changes": [change]}
    )


FAULTS: Mapping[str, Fault] = {
    "kill": Fault(
        "The server process of {server} is killed.", lambda testbed, server: testbed.hosts.kill_ms(server), undo="start"
    ),
    "hang": Fault(
        "The administration interface of {server} hangs; its database writer goes on.",
        lambda testbed, server: testbed.hosts.hang_admin(server),
        undo="recover",
    ),
    "recover": Fault(
        "The administration interface of {server} answers again.",
        lambda testbed, server: testbed.hosts.ms(server).recover_admin(),
    ),
    "no-start": Fault(
        "The service of {server} will not start any more.",
        lambda testbed, server: testbed.hosts.ms(server).switch(start_fails=True),
        undo="mend",
    ),
    "mend": Fault(
        "The service of {server} can be started again.", lambda testbed, server: testbed.hosts.ms(server).switch()
    ),
    "start": Fault(
        "The service of {server} was started by hand, on its host.",
        lambda testbed, server: testbed.hosts.ms(server).start(),
        undo="stop",
    ),
    "stop": Fault(
        "The service of {server} was stopped by hand, on its host.",
        lambda testbed, server: testbed.hosts.ms(server).stop(),
        undo="start",
    ),
    "freeze": Fault(
        "Every process of the host of {server} stands still.",
        lambda testbed, server: testbed.hosts.host(server).freeze(),
        undo="thaw",
    ),
    "thaw": Fault(
        "The host of {server} continues with what it had in hand.",
        lambda testbed, server: testbed.hosts.host(server).thaw(),
    ),
    "cut": Fault(
        "{server} is cut off from everything but the database.",
        lambda testbed, server: testbed.hosts.ms(server).host.cut([DATABASE]),
        undo="reconnect",
    ),
    "reconnect": Fault(
        "{server} can be reached again.", lambda testbed, server: testbed.hosts.ms(server).host.reconnect()
    ),
    "database-down": Fault(
        "The database is down.", lambda testbed, _: testbed.hosts.database.kill(), undo="database-up", of_a_server=False
    ),
    "database-up": Fault("The database is back.", lambda testbed, _: testbed.hosts.database.start(), of_a_server=False),
    "broad-rule": Fault(
        f"A rule of the database owner's allows {NETWORK}, both servers among it.",
        lambda testbed, _: testbed.cloud.client("ec2").authorize_security_group_ingress(**_broad(testbed)),
        undo="no-broad-rule",
        of_a_server=False,
    ),
    "no-broad-rule": Fault(
        "The owner's rule is gone.",
        lambda testbed, _: testbed.cloud.client("ec2").revoke_security_group_ingress(**_broad(testbed)),
        of_a_server=False,
    ),
    "import": Fault(
        "Software was imported on {server}; replication is notified of it.",
        lambda testbed, server: testbed.import_software(20, 20_000, server),
    ),
    "power-off": Fault(
        "The machine of {server} is being switched off.",
        lambda testbed, server: testbed.cloud.client("ec2").stop_instances(InstanceIds=[testbed.instances[server]]),
        undo="power-on",
    ),
    "power-on": Fault(
        "The machine of {server} is being switched on.",
        lambda testbed, server: testbed.cloud.client("ec2").start_instances(InstanceIds=[testbed.instances[server]]),
    ),
    "disk-full": Fault("The disk with the own state of the host of {server} is full.", _fill_disk, undo="disk-room"),
    "disk-room": Fault("The disk of the host of {server} has room again.", _free_disk),
    "record-elsewhere": Fault(
        f"Somebody has pointed the DNS record to {NOBODY}, where nothing is.",
        lambda testbed, _: _point_record_to(testbed, NOBODY),
        undo="record-back",
        of_a_server=False,
    ),
    "record-back": Fault(
        "The DNS record points to the active server, {server}, again.",
        lambda testbed, server: _point_record_to(testbed, ADDRESS_OF[server]),
        of_a_server=False,
    ),
    "certificate-expired": Fault(
        "The certificate of {server} has run out; its service was restarted with it.",
        lambda testbed, server: testbed.hosts.change_certificate(server, expired=True),
        undo="certificate-renewed",
    ),
    "certificate-renewed": Fault(
        "{server} has a good certificate again; its service was restarted with it.",
        lambda testbed, server: testbed.hosts.change_certificate(server, expired=False),
    ),
}
