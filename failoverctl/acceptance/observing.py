"""The access group and the DNS record of a pair on AWS, read again and again while a scenario runs.

Best effort: a read that fails is left out. What nobody read is not known, and the report says so.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from failoverctl.acceptance.driver_on_aws import DriverOnAws
from failoverctl.acceptance.place import ROLES
from failoverctl.acceptance.report.record import AccessObserved, NameSeen
from failoverctl.errors import CommandError, plainly

EVERY_S = 1.0


class Observing:
    """Reads both from entering to leaving."""

    def __init__(self, driver: DriverOnAws) -> None:
        self._driver = driver
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._access: list[AccessObserved] = []
        self._name: list[NameSeen] = []
        self._threads = [
            threading.Thread(target=self._go_on, args=(read, every_s), daemon=True)
            for read, every_s in ((self._read_access, EVERY_S), (self._read_name, 2 * EVERY_S))
        ]

    @property
    def access(self) -> tuple[AccessObserved, ...]:
        with self._lock:
            return tuple(self._access)

    @property
    def name(self) -> tuple[NameSeen, ...]:
        with self._lock:
            return tuple(self._name)

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for each in self._threads:
            each.join(timeout=10)

    def _go_on(self, read: Callable[[], None], every_s: float) -> None:
        while not self._over.is_set():
            with contextlib.suppress(CommandError):  # the next read tells
                read()
            self._over.wait(every_s)

    def _read_access(self) -> None:
        at, rules = time.time(), self._driver.rules()
        allowed = frozenset(role for role in ROLES if any(self._driver.allows(each, role) for each in rules))
        with self._lock:
            if not self._access or self._access[-1].servers != allowed:
                self._access.append(AccessObserved(at, allowed))

    def _read_name(self) -> None:
        at, address = time.time(), self._address()
        servers = self._driver.place.servers.values()
        server = next((each.role for each in servers if address in each.addresses), None)
        with self._lock:
            if not self._name or self._name[-1].address != address:
                self._name.append(NameSeen(at, server, address))

    def _address(self) -> str:
        given = self._driver.place.stack.parameters
        wanted = given["RecordName"]
        with plainly("read the record"):
            answer: dict[str, Any] = self._driver.place.account.client("route53").list_resource_record_sets(
                HostedZoneId=given["HostedZoneId"], StartRecordName=wanted, MaxItems="5"
            )
        for each in answer["ResourceRecordSets"]:
            if each["Name"].rstrip(".") == wanted and each["Type"] in ("A", "AAAA") and each.get("ResourceRecords"):
                return str(each["ResourceRecords"][0]["Value"])
        return ""
