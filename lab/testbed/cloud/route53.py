"""Route 53: batches that are all or nothing, and changes that are PENDING until the name servers have them."""

from __future__ import annotations

import datetime
import queue
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import HostedZoneIdentifier, RecordSet, Route53Backend
from moto.route53.responses import Route53

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.patching import Patches
from lab.testbed.host_interfaces import Names, Record

_RETRY_S = 0.5


class InvalidChangeBatchError(Route53ClientError):  # type: ignore[misc]
    """A batch that does not fit what the zone holds; nothing of it was done."""

    code = 400

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("InvalidChangeBatch", f"[{', '.join(messages)}]")


class NoSuchChangeError(Route53ClientError):  # type: ignore[misc]
    """GetChange for an id that was never given."""

    code = 404

    def __init__(self, change_id: str) -> None:
        super().__init__("NoSuchChange", f"Could not find resource with ID: {change_id}")


class Zones:
    """Joins moto's hosted zones to `names`.

    `pending_s` says of each change how long it is PENDING; the name servers have it at the end of that.
    `before_change` is called before each change is taken.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._changing = threading.Lock()
        self._submitted: dict[str, datetime.datetime] = {}
        self._done: set[str] = set()
        self._due: dict[str, float] = {}
        self._stopped = threading.Event()
        self._queue: queue.Queue[tuple[str, str] | None] = queue.Queue()
        self.pending_s: Callable[[], float] = lambda: 0.0
        self.before_change: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._publish, name="route53", daemon=True)

    def install(self, patches: Patches) -> None:
        patches.put(
            Route53Backend,
            "change_resource_record_sets",
            lambda _, zone_id, changes: self._change(zone_id, changes),
            why="moto applies a batch halfway, deletes records by name alone, and compares with a log of past changes",
        )
        new_id: Any = patches.put(
            HostedZoneIdentifier,
            "generate",
            lambda identifier, *rest, **options: f"Z{new_id(identifier, *rest, **options)[1:]}",
            why="a hosted zone's id begins with Z, and templates may rely on it",
        )
        patches.put(
            Route53,
            "change_resource_record_sets",
            lambda response: self._change_response(response),
            why="always the same id, INSYNC",
        )
        patches.put(Route53, "get_change", lambda response: self._get_change(response), why="always INSYNC")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _change(self, zone_id: str, changes: Sequence[Mapping[str, Any]]) -> str:
        self.before_change()
        zone = backend("route53").get_hosted_zone(zone_id)
        with self._changing:
            zone.rrsets = changed(zone.rrsets, changes, zone.name)
            change_id = "C" + uuid.uuid4().hex[:20].upper()
            self._submitted[change_id] = datetime.datetime.now(datetime.UTC)
            self._due[change_id] = time.monotonic() + self.pending_s()
            self._queue.put((change_id, zone.resource_id))
        return change_id

    def _change_response(self, response: Any) -> Any:
        change_id = self._change(response._get_param("HostedZoneId"), response._get_param("ChangeBatch.Changes"))
        return self._info(change_id)

    def _get_change(self, response: Any) -> Any:
        change_id = response._get_param("Id").removeprefix("/change/")
        if change_id not in self._submitted:
            raise NoSuchChangeError(change_id)
        return self._info(change_id)

    def _info(self, change_id: str) -> Any:
        status = "INSYNC" if change_id in self._done else "PENDING"
        about = {"Id": f"/change/{change_id}", "Status": status, "SubmittedAt": self._submitted[change_id]}
        return ActionResult({"ChangeInfo": about})

    def _publish(self) -> None:
        # One thread, so that an older state of the zone never overtakes a newer one.
        while (item := self._queue.get()) is not None:
            change_id, zone_id = item
            self._stopped.wait(max(0.0, self._due.pop(change_id) - time.monotonic()))
            while not self._published(zone_id):
                time.sleep(_RETRY_S)
                if not self._queue.empty() and self._queue.queue[0] is None:
                    return
            self._done.add(change_id)

    def _published(self, zone_id: str) -> bool:
        zone = backend("route53").get_hosted_zone(zone_id)
        try:
            self._names.publish(zone.name.rstrip("."), records(zone.rrsets))
        except Exception as error:
            print(f"the zone {zone.name} is not published yet: {type(error).__name__}: {error}", file=sys.stderr)
            return False
        return True


def records(rrsets: Sequence[Any]) -> list[Record]:
    """A zone's record sets but for NS and SOA, which a name server has of its own; names without the last dot."""
    return [
        Record(each.name.rstrip("."), each.type, int(each.ttl or 0), tuple(each.records))
        for each in rrsets
        if each.type not in ("NS", "SOA") and not each.alias_target
    ]


def changed(rrsets: Sequence[Any], changes: Sequence[Mapping[str, Any]], zone_name: str) -> list[Any]:
    """The record sets after a batch. Raises InvalidChangeBatchError, with all that is wrong with it."""
    found = {_key(each.name, each.type, each.set_identifier): each for each in rrsets}
    wrong: list[str] = []
    for change in changes:
        wanted = _record_set(change["ResourceRecordSet"])
        action = change["Action"]
        key = _key(wanted.name, wanted.type, wanted.set_identifier)
        label = f"resource record set [name='{wanted.name}', type='{wanted.type}']"
        if not key[0].endswith("." + zone_name.rstrip(".")) and key[0] != zone_name.rstrip("."):
            wrong.append(f"RRSet with DNS name {wanted.name} is not permitted in zone {zone_name}")
        elif action == "CREATE" and key in found:
            wrong.append(f"Tried to create {label} but it already exists")
        elif action == "DELETE" and key not in found:
            wrong.append(f"Tried to delete {label} but it was not found")
        elif action == "DELETE" and not _same(found[key], wanted):
            wrong.append(f"Tried to delete {label} but the values provided do not match the current values")
        elif action == "DELETE":
            del found[key]
        elif action in ("CREATE", "UPSERT"):
            found[key] = wanted
        else:
            wrong.append(f"Invalid action {action} for {label}")
    if wrong:
        raise InvalidChangeBatchError(wrong)
    return list(found.values())


def _key(name: str, kind: str, identifier: str | None) -> tuple[str, str, str | None]:
    return name.rstrip(".").lower(), kind, identifier


def _record_set(given: Mapping[str, Any]) -> Any:
    values = [each["Value"] for each in given.get("ResourceRecords") or []]
    ttl = int(given["TTL"]) if given.get("TTL") is not None else None
    return RecordSet({**given, "Name": given["Name"].rstrip(".") + ".", "ResourceRecords": values, "TTL": ttl})


def _same(one: Any, other: Any) -> bool:
    return (
        int(one.ttl or 0) == int(other.ttl or 0)
        and sorted(one.records) == sorted(other.records)
        and (one.alias_target or None) == (other.alias_target or None)
    )
