"""A real authoritative name server (Knot DNS) fed with record sets as Route 53 holds them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype

from lab.testbed.host_interfaces import Record
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.polling import wait_until

_RUN = "/run/knot"
_ZONES = "/var/lib/knot"
_CONFIGURATION = "/etc/knot-testbed.conf"
_SERVED_WITHIN_S = 5.0


class NameServer:
    """Knot in a host of its own. Implements `lab.testbed.host_interfaces.Names`. Thread-safe."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._zones: dict[str, list[str]] = {}
        self._serial = int(time.time())
        self._one_at_a_time = threading.Lock()

    def start(self, *zones: str) -> None:
        """Start with these zones, empty; returns when the server answers for them."""
        for zone in zones:
            self._zones[_absolute(zone)] = []
            self._write(_absolute(zone))
        self._configure()
        self._host.run(["mkdir", "-p", _RUN])
        self._host.spawn(["knotd", "-c", _CONFIGURATION], log="knotd")
        wait_until("the name server answers", lambda: self._served(*self._zones), deadline_s=10)

    def publish(self, zone: str, records: Sequence[Record]) -> None:
        """Serve exactly these records of the zone; returns when they are served.

        The apex's SOA and NS are the server's own: those among `records` are passed over, as are Route 53's aliases
        (records without values). Raises WaitedTooLongError when they are not served within five seconds.
        """
        zone = _absolute(zone)
        lines = [
            f"{_absolute(record.name)} {record.ttl} IN {record.type} {value}"
            for record in sorted(records, key=lambda record: (record.name, record.type))
            for value in record.values
            if not (_absolute(record.name) == zone and record.type in ("SOA", "NS"))
        ]
        with self._one_at_a_time:
            known = zone in self._zones
            if known and self._zones[zone] == lines:
                return
            self._zones[zone] = lines
            self._write(zone)
            if known:
                self._control("zone-reload", zone)
            else:
                self._configure()
                self._control("reload")
            wait_until(f"zone {zone} is served", lambda: self._served(zone), deadline_s=_SERVED_WITHIN_S, every_s=0.005)

    def _write(self, zone: str) -> None:
        self._serial += 1
        head = [
            f"{zone} 5 IN SOA ns.{zone} hostmaster.{zone} {self._serial} 3600 600 86400 5",
            f"{zone} 5 IN NS ns.{zone}",
            f"ns.{zone} 5 IN A {self._host.place.address}",
        ]
        path = self._zone_file(zone)
        new = path.with_suffix(".new")
        path.parent.mkdir(exist_ok=True)
        new.write_text("\n".join([*head, *self._zones[zone]]) + "\n")
        new.replace(path)

    def _zone_file(self, zone: str) -> Path:
        return self._host.files.path(f"{_ZONES}/{zone}zone")

    def _configure(self) -> None:
        zones = "".join(f"  - domain: {zone}\n    file: {zone}zone\n" for zone in self._zones)
        self._host.files.write(
            _CONFIGURATION,
            f"""server:
    rundir: {_RUN}
    listen: [ {self._host.place.address}@53, 127.0.0.1@53 ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: {_ZONES}
template:
  - id: default
    storage: {_ZONES}
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
{zones}""",
        )

    def _control(self, *words: str) -> None:
        self._host.run(["knotc", "-b", "-s", f"{_RUN}/knot.sock", *words], timeout_s=_SERVED_WITHIN_S)

    def _served(self, *zones: str) -> bool:
        return all(self._served_serial(zone) == self._serial_in_file(zone) for zone in zones)

    def _serial_in_file(self, zone: str) -> int:
        return int(self._zone_file(zone).read_text().split()[6])

    def _served_serial(self, zone: str) -> int | None:
        query = dns.message.make_query(zone, dns.rdatatype.SOA)
        try:
            answer = dns.query.udp(query, self._host.place.address, timeout=0.25)
        except (dns.exception.DNSException, OSError):
            return None
        if not answer.answer or not answer.flags & dns.flags.AA:
            return None
        return int(answer.answer[0][0].serial)


def _absolute(name: str) -> str:
    return name if name.endswith(".") else name + "."
