"""The record that agents go by, in Route 53: read, and moved by compare-and-swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client


class RecordMovedUnderneath(Exception):
    """The record set was no longer what had been read; nothing was changed. It can be read and tried again."""


class StrangeRecord(Exception):
    """The record set is of a shape that this system does not own (alias, weighted, …); nothing was changed."""


SIMPLE = {"Name", "Type", "TTL", "ResourceRecords"}
"""What a simple record set has: all of it, and nothing else that a swap would have to name, or would lose."""


@dataclass(frozen=True)
class RecordSet:
    """A simple record set; `ttl_s` in seconds."""

    name: str
    type: str
    ttl_s: int
    values: tuple[str, ...]

    def to_api(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "Type": self.type,
            "TTL": self.ttl_s,
            "ResourceRecords": [{"Value": value} for value in self.values],
        }


def read(client: Route53Client, zone: str, name: str, kind: str) -> RecordSet | None:
    """The record set of that name and type as Route 53 holds it; None where there is none.

    Raises:
        StrangeRecord: it is not a simple one.
    """
    answer = client.list_resource_record_sets(
        HostedZoneId=zone,
        StartRecordName=name,
        StartRecordType=kind,  # type: ignore[arg-type]
        MaxItems="1",
    )
    for each in answer["ResourceRecordSets"]:
        if each["Name"].rstrip(".").lower() != name.rstrip(".").lower() or each["Type"] != kind:
            continue
        if set(each) != SIMPLE:
            raise StrangeRecord(
                f"{name} is an alias, or has a routing policy or a health check; a simple {kind} record set is needed."
            )
        return RecordSet(each["Name"], kind, int(each["TTL"]), tuple(r["Value"] for r in each["ResourceRecords"]))
    return None


def swap(client: Route53Client, zone: str, before: RecordSet | None, after: RecordSet, comment: str) -> str:
    """Put `after` in the place of exactly `before`, in one batch: all of it happens or nothing.

    Returns:
        the change's id.

    Raises:
        RecordMovedUnderneath: the record set is not `before` any more.
    """
    changes: list[Any] = [{"Action": "DELETE", "ResourceRecordSet": before.to_api()}] if before else []
    changes.append({"Action": "CREATE", "ResourceRecordSet": after.to_api()})
    try:
        answer = client.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Comment": comment[:256], "Changes": changes}
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidChangeBatch":
            raise RecordMovedUnderneath(f"{after.name} was not as read; nothing was changed: {error}") from error
        raise
    return answer["ChangeInfo"]["Id"]


@dataclass(frozen=True)
class Change:
    """A change as Route 53 tells of it: when it was accepted (seconds since 1970), and whether all name servers of the
    zone have it."""

    submitted_at: float
    in_sync: bool


def change_of(client: Route53Client, change: str) -> Change:
    """How far a change has come (GetChange: PENDING, then INSYNC).

    Args:
        change: the change's id, as `swap` returned it.
    """
    about = client.get_change(Id=change)["ChangeInfo"]
    return Change(about["SubmittedAt"].timestamp(), about["Status"] == "INSYNC")


def try_to_swap(client: Route53Client, zone: str, name: str, ttl_s: int) -> None:
    """Ask for a swap that can't be: what it deletes, an address of documentation's, is not there; so it is refused.

    Were it there, the very same would be put in its place: nothing is changed in any case.
    """
    nowhere = RecordSet(name, "A", ttl_s, ("192.0.2.1",)).to_api()
    changes: list[Any] = [{"Action": action, "ResourceRecordSet": nowhere} for action in ("DELETE", "CREATE")]
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Comment": "dry run", "Changes": changes})
