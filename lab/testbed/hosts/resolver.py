"""A real caching resolver (unbound) between whoever asks and the name server, as a VPC's own is."""

from __future__ import annotations

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from lab.testbed.hosts.addresses import PREFIX, RESOLVER, ZONE
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.polling import wait_until

_CONFIGURATION = "/etc/unbound-testbed.conf"


class Resolver:
    """Unbound beside the name server, on an address of its own. It keeps what it was told for the TTL."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def start(self) -> None:
        """Start with an empty cache; returns when it answers."""
        self._host.run(["ip", "addr", "add", f"{RESOLVER}/{PREFIX}", "dev", "eth0"])
        self._host.files.write(
            _CONFIGURATION,
            f"""server:
    directory: "/etc"
    pidfile: ""
    username: ""
    chroot: ""
    use-syslog: no
    logfile: ""
    interface: {RESOLVER}
    access-control: 0.0.0.0/0 allow
    do-daemonize: no
    do-ip6: no
    num-threads: 1
    module-config: "iterator"
    local-zone: "{ZONE}." nodefault
stub-zone:
    name: "{ZONE}."
    stub-addr: {self._host.place.address}
remote-control:
    control-enable: no
""",
        )
        self._host.spawn(["unbound", "-d", "-c", _CONFIGURATION], log="unbound")
        wait_until("the resolver answers", lambda: self._answers(ZONE, "SOA"), deadline_s=10)

    def ask(self, name: str) -> None:
        """Have it asked for a name's address, so that it remembers the answer from now on. No answer is no error."""
        self._answers(name, "A")

    def _answers(self, name: str, kind: str) -> bool:
        query = dns.message.make_query(name, dns.rdatatype.from_text(kind))
        try:
            return bool(dns.query.udp(query, RESOLVER, timeout=0.5).answer)
        except (dns.exception.DNSException, OSError):
            return False
