"""keepalived and Pacemaker, as they would be set up for the pair: the same server, hosts, checks and intervals."""

from __future__ import annotations

import shutil
import socketserver
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import partial
from typing import Protocol

from lab.testbed.hosts.addresses import ADDRESS_OF, ADMIN_PORT, BRIDGE, CLOUD
from lab.testbed.hosts.hosts import Hosts
from lab.testbed.hosts.server_host import SERVICE, ServerHost
from lab.testbed.polling import TestbedError, wait_for

ROLES = ("ms1", "ms2")
CHECK_EVERY_S, CHECK_WITHIN_S = 1, 1
BOOTS, BOOT_WITHIN_S = 3, 30
_POWER_PORT = 5090

# Does the server answer? What every one of the three asks, the same way.
_CHECK = f"curl -ksf -m 0.9 -o /dev/null https://127.0.0.1:{ADMIN_PORT}/login"


class Manager(Protocol):
    """What moves the server from one host to the other."""

    name: str

    def start(self, server: ServerHost) -> None:
        """Start it on a host that has just booted, as the host's init system does. Can be done again after a boot."""


class Keepalived:
    """keepalived: who holds the address has the server; a check that fails once gives it up. Fences nobody."""

    name = "keepalived"

    def start(self, server: ServerHost) -> None:
        host, peer = server.host, next(ADDRESS_OF[role] for role in ROLES if role != server.name)
        first = server.name == "ms1"
        host.files.write(
            "/etc/keepalived/keepalived.conf",
            f"""\
global_defs {{
    enable_script_security
    script_user root
}}
vrrp_script answers {{
    script "/etc/keepalived/answers"
    interval {CHECK_EVERY_S}
    timeout {CHECK_WITHIN_S}
    fall 1
    rise 1
}}
vrrp_instance pair {{
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority {100 if first else 90}
    advert_int 1
    unicast_src_ip {ADDRESS_OF[server.name]}
    unicast_peer {{
        {peer}
    }}
    virtual_ipaddress {{
        10.77.0.100/24
    }}
    track_script {{
        answers
    }}
    notify_master "/etc/keepalived/take"
    notify_backup "/etc/keepalived/leave"
    notify_fault "/etc/keepalived/leave"
}}
""",
        )
        # The one that waits has no server to ask; and one that was just started is given the time to come up.
        scripts = {
            "answers": "[ -e /run/taken ] || exit 0\n"
            "[ -z \"$(find /run/taken -newermt '-3 seconds')\" ] || exit 0\n" + _CHECK,
            "take": f"touch /run/taken; exec systemctl start {SERVICE}",
            "leave": f"rm -f /run/taken; exec systemctl stop {SERVICE}",
        }
        for name, text in scripts.items():
            host.files.write(f"/etc/keepalived/{name}", f"#!/bin/sh\n{text}\n", mode=0o755)
        host.spawn(["keepalived", "-n", "-l", "-D"], log="keepalived")


class Pacemaker:
    """Pacemaker on Corosync; with `fencing` by the hosts' power, without it two halves may each go on."""

    def __init__(self, *, fencing: bool) -> None:
        self.name = "pacemaker" if fencing else "pacemaker, no fencing"
        self._fencing = fencing

    def start(self, server: ServerHost) -> None:
        host = server.host
        host.files.write("/etc/corosync/corosync.conf", _COROSYNC)
        host.files.write(f"/etc/init.d/{SERVICE}", _LSB, mode=0o755)
        host.files.write("/var/lib/fence_testbed", _FENCE, mode=0o755)
        # /dev/shm and the place of the fence agents are the machine's: a host gets its own. The cluster's record begins
        # anew only where the host never had one: after a reboot it is what it was.
        host.run(["sh", "-ec", _OWN_PLACES])
        if not host.files.path("/var/lib/pacemaker/cib/cib.xml").exists():
            host.files.write("/var/lib/pacemaker/cib/cib.xml", _cib(fencing=self._fencing), mode=0o600)
            host.run(["chown", "-R", "hacluster:haclient", "/var/lib/pacemaker"])
        host.spawn(["corosync", "-f"], log="corosync")
        wait_for(
            f"corosync on {server.name}", lambda: host.run(["corosync-cfgtool", "-s"], check=False).returncode == 0, 20
        )
        host.spawn(["pacemakerd", "-f"], log="pacemaker", env={"PCMK_logfile": "/var/log/pacemaker/pacemaker.log"})


class PowerSwitch:
    """What a management network is: cuts a host's power when a fence agent asks for it, and says when it is done."""

    def __init__(self, servers: Mapping[str, ServerHost]) -> None:
        class Request(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                verb, name = self.rfile.readline().decode().split()
                if verb == "off":
                    servers[name].power_off()
                with suppress(OSError):  # who asked may have been the one
                    self.wfile.write(b"done\n")

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self._server = socketserver.ThreadingTCPServer((CLOUD, _POWER_PORT), Request)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def boot(hosts: Hosts, manager: Manager) -> None:
    """Both hosts anew, as if never used, with the manager at work and ms1's server writing.

    On a busy machine a first check may come too late, and the manager has moved the server before anything was done to
    it: then again.

    Raises:
        TestbedError: it did not come to that in three times.
    """
    for attempt in range(1, BOOTS + 1):
        for role in ROLES:
            _boot_host(hosts.ms(role))
        _forget_sessions(hosts)
        last = hosts.journal.rows()[-1].id if hosts.journal.rows() else 0
        for role in ROLES:
            manager.start(hosts.ms(role))
        try:
            wait_for(f"ms1's server by {manager.name}", partial(_writes, hosts, "ms1", last), BOOT_WITHIN_S)
            return
        except TestbedError:
            if attempt == BOOTS:
                raise


def _forget_sessions(hosts: Hosts) -> None:
    """End what hosts without power have left on the database: in time it would have no room for a server."""
    with closing(hosts.database.connect()) as database:
        database.run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE client_addr IS NOT NULL")


def _boot_host(server: ServerHost) -> None:
    server.power_off()
    server.host.reconnect()
    for path in ("/var/lib/pacemaker", "/var/lib/corosync"):
        shutil.rmtree(server.host.files.path(path), ignore_errors=True)
    server.host.files.path("/var/lib/testbed-systemd/enabled").unlink(missing_ok=True)
    server.power_on()


def _writes(hosts: Hosts, role: str, last: int) -> bool:
    rows = hosts.journal.rows(last)
    return len(rows) > 60 and {row.server for row in rows[-40:]} == {role}


_OWN_PLACES = """\
mount -t tmpfs -o mode=1777 shm /dev/shm
mkdir -p /run/upper /run/work /var/lib/corosync /var/log/cluster /var/log/pacemaker /run/crm
mkdir -p /var/lib/pacemaker/cib /var/lib/pacemaker/pengine /var/lib/pacemaker/cores /var/lib/pacemaker/blackbox
chown -R hacluster:haclient /var/lib/pacemaker /var/log/pacemaker /run/crm
mount -t overlay -o lowerdir=/usr/sbin,upperdir=/run/upper,workdir=/run/work own /usr/sbin
cp -p /var/lib/fence_testbed /usr/sbin/fence_testbed
"""

_COROSYNC = f"""\
totem {{
    version: 2
    cluster_name: pair
    transport: udpu
    token: {CHECK_EVERY_S * 1000}
    consensus: {CHECK_EVERY_S * 1200}
}}
nodelist {{
    node {{
        ring0_addr: {ADDRESS_OF["ms1"]}
        name: ms1
        nodeid: 1
    }}
    node {{
        ring0_addr: {ADDRESS_OF["ms2"]}
        name: ms2
        nodeid: 2
    }}
}}
quorum {{
    provider: corosync_votequorum
    two_node: 1
    wait_for_all: 0
}}
logging {{
    to_stderr: yes
    to_syslog: no
}}
"""

_LSB = f"""\
#!/bin/sh
case "$1" in
    start) systemctl start {SERVICE} && until {_CHECK}; do sleep 0.05; done ;; # Pacemaker's limit ends the wait
    stop) exec systemctl stop {SERVICE} ;;
    status)
        systemctl -q is-active {SERVICE} || exit 3
        {_CHECK} || exit 1 ;;
    *) exit 2 ;;
esac
"""

_FENCE = f"""\
#!/bin/bash
# A fence agent for the hosts' power switch, which is on {BRIDGE}.
action=off plug=''
while IFS='=' read -r key value; do
    case $key in
        action | option) action=$value ;;
        plug | port) plug=$value ;;
        nodename) plug=${{plug:-$value}} ;;
    esac
done
case $action in
    metadata)
        cat <<'XML'
<?xml version="1.0"?>
<resource-agent name="fence_testbed" shortdesc="The hosts' power switch">
<parameters>
<parameter name="action" unique="0" required="1"><content type="string" default="off"/></parameter>
<parameter name="plug" unique="0" required="0"><content type="string"/></parameter>
</parameters>
<actions>
<action name="off"/><action name="reboot"/><action name="on"/><action name="status"/><action name="monitor"/>
<action name="list"/><action name="metadata"/>
</actions>
</resource-agent>
XML
        ;;
    off | reboot)
        exec 3<>/dev/tcp/{CLOUD}/{_POWER_PORT} || exit 1
        echo "off $plug" >&3
        read -r -t 10 answer <&3 && [ "$answer" = done ] ;;
    *) exit 0 ;;
esac
"""


def _cib(*, fencing: bool) -> str:
    options = {
        "stonith-enabled": "true" if fencing else "false",
        "stonith-action": "off",
        "no-quorum-policy": "ignore",
        "dc-deadtime": "2s",
    }
    device = """
  <primitive id="power" class="stonith" type="fence_testbed"><instance_attributes id="power-a">
   <nvpair id="power-l" name="pcmk_host_list" value="ms1 ms2"/>
   <nvpair id="power-c" name="pcmk_host_check" value="static-list"/>
  </instance_attributes></primitive>"""
    return f"""<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="1" epoch="1" num_updates="0">
 <configuration>
 <crm_config><cluster_property_set id="options">{_pairs("options", options)}</cluster_property_set></crm_config>
 <nodes><node id="1" uname="ms1"/><node id="2" uname="ms2"/></nodes>
 <resources>
  <primitive id="server" class="lsb" type="{SERVICE}"><operations>
   <op id="server-m" name="monitor" interval="{CHECK_EVERY_S}s" timeout="{CHECK_WITHIN_S}s"/>
   <op id="server-s" name="start" interval="0s" timeout="20s"/>
   <op id="server-e" name="stop" interval="0s" timeout="20s"/>
  </operations></primitive>{device if fencing else ""}
 </resources>
 <constraints><rsc_location id="home" rsc="server" node="ms1" score="100"/></constraints>
 <rsc_defaults><meta_attributes id="defaults">{_pairs("d", {"resource-stickiness": "1000", "migration-threshold": "1"})}
 </meta_attributes></rsc_defaults>
 </configuration>
 <status/>
</cib>
"""


def _pairs(prefix: str, values: Mapping[str, str]) -> str:
    return "".join(f'<nvpair id="{prefix}-{name}" name="{name}" value="{value}"/>' for name, value in values.items())
