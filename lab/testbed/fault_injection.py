"""A hand on the stage that is up: what a person breaks and mends there from a second terminal, to try the rest on.

The stage listens on a socket of its own network, which nobody outside can see; a line with a fault and a server does
it, and a line comes back that says what was done.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lab.testbed.hosts.addresses import DATABASE, NETWORK
from lab.testbed.polling import StageError

if TYPE_CHECKING:
    from lab.testbed.testbed import Stage

_NAME = "\0ms-failover-hand"
"""An abstract name: it lives and ends with the stage's network namespace."""
_LONGEST_LINE = 200
_ANSWER_WITHIN_S = 30.0


@dataclass(frozen=True)
class Fault:
    """Something a person can do to a server of the pair.

    Args:
        told: what has been done, with `{server}` in it.
        do: does it; takes the stage and "ms1" or "ms2".
        undo: what takes it back; empty where that is the workflow's business, or nobody's.
        of_a_server: whether a server has to be named.
    """

    told: str
    do: Callable[[Stage, str], object]
    undo: str = ""
    of_a_server: bool = True


def _broad(stage: Stage) -> dict[str, object]:
    """A rule of the database owner's own, that lets the whole network in."""
    rule = {"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, "IpRanges": [{"CidrIp": NETWORK}]}
    return {"GroupId": stage.owner.database_group_id, "IpPermissions": [rule]}


FAULTS: Mapping[str, Fault] = {
    "kill": Fault(
        "The server process of {server} is killed.", lambda stage, server: stage.hosts.kill_ms(server), undo="start"
    ),
    "hang": Fault(
        "The administration interface of {server} hangs; its database writer goes on.",
        lambda stage, server: stage.hosts.hang_admin(server),
        undo="recover",
    ),
    "recover": Fault(
        "The administration interface of {server} answers again.",
        lambda stage, server: stage.hosts.ms(server).recover_admin(),
    ),
    "no-start": Fault(
        "The service of {server} will not start any more.",
        lambda stage, server: stage.hosts.ms(server).switch(start_fails=True),
        undo="mend",
    ),
    "mend": Fault(
        "The service of {server} can be started again.", lambda stage, server: stage.hosts.ms(server).switch()
    ),
    "start": Fault(
        "The service of {server} was started by hand, on its host.",
        lambda stage, server: stage.hosts.ms(server).start(),
        undo="stop",
    ),
    "stop": Fault(
        "The service of {server} was stopped by hand, on its host.",
        lambda stage, server: stage.hosts.ms(server).stop(),
        undo="start",
    ),
    "freeze": Fault(
        "Every process of the host of {server} stands still.",
        lambda stage, server: stage.hosts.host(server).freeze(),
        undo="thaw",
    ),
    "thaw": Fault(
        "The host of {server} goes on with what it had in hand.", lambda stage, server: stage.hosts.host(server).thaw()
    ),
    "cut": Fault(
        "{server} is cut off from everything but the database.",
        lambda stage, server: stage.hosts.ms(server).host.cut([DATABASE]),
        undo="reconnect",
    ),
    "reconnect": Fault("{server} can be reached again.", lambda stage, server: stage.hosts.ms(server).host.reconnect()),
    "database-down": Fault(
        "The database is down.", lambda stage, _: stage.hosts.database.kill(), undo="database-up", of_a_server=False
    ),
    "database-up": Fault("The database is back.", lambda stage, _: stage.hosts.database.start(), of_a_server=False),
    "broad-rule": Fault(
        f"A rule of the database owner's lets {NETWORK} in, both servers among it.",
        lambda stage, _: stage.cloud.client("ec2").authorize_security_group_ingress(**_broad(stage)),
        undo="no-broad-rule",
        of_a_server=False,
    ),
    "no-broad-rule": Fault(
        "The owner's rule is gone.",
        lambda stage, _: stage.cloud.client("ec2").revoke_security_group_ingress(**_broad(stage)),
        of_a_server=False,
    ),
    "import": Fault(
        "Software was imported on {server}; replication is told of it.",
        lambda stage, server: stage.import_software(20, 20_000, server),
    ),
    "power-off": Fault(
        "The machine of {server} is being switched off.",
        lambda stage, server: stage.cloud.client("ec2").stop_instances(InstanceIds=[stage.instances[server]]),
        undo="power-on",
    ),
    "power-on": Fault(
        "The machine of {server} is being switched on.",
        lambda stage, server: stage.cloud.client("ec2").start_instances(InstanceIds=[stage.instances[server]]),
    ),
}


def listen(stage: Stage) -> None:
    """Do what comes in, one at a time, until the stage ends. Returns at once."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(_NAME)
    door.listen(4)

    def serve() -> None:
        while True:
            caller, _ = door.accept()
            with caller:
                caller.settimeout(5)
                try:
                    line = caller.makefile("rb").readline(_LONGEST_LINE).decode(errors="replace")
                    caller.sendall(f"{obey(stage, line)}\n".encode())
                except OSError:
                    continue  # the caller has gone

    threading.Thread(target=serve, name="hand", daemon=True).start()


def obey(stage: Stage, line: str) -> str:
    """Do what a line says ("kill active") and return what was done, or after "no: " why it was not."""
    name, _, whom = line.strip().partition(" ")
    if name == "pid-of" and whom in ("ms1", "ms2"):
        return str(stage.hosts.ms(whom).host.pid)
    whom = whom or ("active" if name in FAULTS and not FAULTS[name].of_a_server else "")
    if name not in FAULTS or whom not in ("ms1", "ms2", "active", "standby"):
        return f"no: {usage()}"
    active = str(stage.record().get("active") or "ms1")
    server = {"active": active, "standby": "ms2" if active == "ms1" else "ms1"}.get(whom, whom)
    try:
        FAULTS[name].do(stage, server)
    except (StageError, OSError, RuntimeError, subprocess.SubprocessError, ClientError) as error:
        return f"no: {name} {server} was not done: {error}"
    return FAULTS[name].told.format(server=server)


def usage() -> str:
    return f'DO is one of {", ".join(FAULTS)}, and one of ms1, ms2, active, standby: make fault DO="kill active"'


def table() -> str:
    """Every fault with what takes it back, a line each."""
    rows = []
    for name, fault in FAULTS.items():
        whom = " SERVER" if fault.of_a_server else ""
        rows.append(f"{name + whom:20} {fault.told.format(server='SERVER'):72} undo: {fault.undo or '-'}")
    return "\n".join([*rows, "", f"SERVER is ms1, ms2, active or standby. {usage()}"])


def ask(line: str) -> tuple[bool, str]:
    """Have the stage do it; to be called inside its network. Returns whether it was done, and its sentence."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(_ANSWER_WITHIN_S)
        door.connect(_NAME)
        door.sendall(f"{line}\n".encode())
        answer = door.makefile("rb").readline().decode().strip()
    return not answer.startswith("no: "), answer.removeprefix("no: ")
