"""Network ACLs: the stateless filter at a subnet's border, and the entries of our own in it.

A network ACL keeps no track of connections: an entry that denies an address in one direction ends what is established,
too (EC2 user guide, "Security group connection tracking"). Entries are evaluated by rising number, inbound and
outbound apart, and the first match decides (VPC user guide, "Network ACL rules").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from msfailover.adapters.clients import Throttled, may_pass
from msfailover.adapters.security_groups import TooManyRules
from msfailover.observations import ANY_PROTOCOL, AclEntry, NetworkAcl, Subnet

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

CALLS_AT_ONCE = 8
PAGES_AT_MOST = 20
NOBODY = "192.0.2.1/32"
"""An address that is nobody's (RFC 5737)."""

_TAKEN = "NetworkAclEntryAlreadyExists"
_ABSENT = "InvalidNetworkAclEntry.NotFound"


def acls_of(client: EC2Client, subnets: Sequence[str]) -> list[NetworkAcl]:
    """The network ACLs that stand before some subnets. A subnet has exactly one at a time.

    Raises:
        TooManyRules: there are more than are read.
    """
    filters = [{"Name": "association.subnet-id", "Values": list(subnets)}]
    return _read(client, Filters=filters) if subnets else []


def acls_named(client: EC2Client, acl_ids: Sequence[str]) -> list[NetworkAcl]:
    """The network ACLs of these ids, wherever they stand; one that does not exist (any more) is not among them.

    Raises:
        TooManyRules: there are more than are read.
    """
    if not acl_ids:
        return []
    try:
        return _read(client, NetworkAclIds=list(acl_ids))
    except ClientError as error:
        if not error.response["Error"]["Code"].endswith(".NotFound"):
            raise
        if len(acl_ids) == 1:
            return []
    # One that is gone makes EC2 answer for none of them.
    return [found for each in acl_ids for found in acls_named(client, [each])]


def subnets(client: EC2Client, subnet_ids: Sequence[str]) -> list[Subnet]:
    """The subnets of these ids, with their networks; one that does not exist is not among them.

    Raises:
        TooManyRules: there are more than are read.
    """
    if not subnet_ids:
        return []
    found: list[Subnet] = []
    filters = [{"Name": "subnet-id", "Values": list(subnet_ids)}]
    for number, page in enumerate(client.get_paginator("describe_subnets").paginate(Filters=filters)):  # type: ignore[arg-type]
        if number >= PAGES_AT_MOST:
            raise TooManyRules(f"More than {PAGES_AT_MOST} pages of subnets were answered.")
        found += [_subnet(each) for each in page["Subnets"]]
    return found


def _subnet(data: Any) -> Subnet:
    sixes = [each["Ipv6CidrBlock"] for each in data.get("Ipv6CidrBlockAssociationSet", [])]
    return Subnet(data["SubnetId"], tuple(each for each in (data.get("CidrBlock"), *sixes) if each))


def _read(client: EC2Client, **request: Any) -> list[NetworkAcl]:
    found: list[NetworkAcl] = []
    for number, page in enumerate(client.get_paginator("describe_network_acls").paginate(**request)):
        if number >= PAGES_AT_MOST:
            raise TooManyRules(f"More than {PAGES_AT_MOST} pages of network ACLs were answered.")
        found += [_acl(each) for each in page["NetworkAcls"]]
    return found


def _acl(data: Any) -> NetworkAcl:
    return NetworkAcl(
        acl_id=data["NetworkAclId"],
        subnets=frozenset(each["SubnetId"] for each in data.get("Associations", ())),
        entries=tuple(_entry(each) for each in data.get("Entries", ())),
    )


def _entry(data: Any) -> AclEntry:
    return AclEntry(
        number=int(data["RuleNumber"]),
        egress=bool(data["Egress"]),
        allows=data["RuleAction"] != "deny",
        protocol=str(data["Protocol"]),
        cidr=str(data.get("CidrBlock") or data.get("Ipv6CidrBlock") or ""),
    )


def put(client: EC2Client, acl_id: str, entry: AclEntry, *, replaces: bool) -> None:
    """Write an entry: under a free number, or in the place of the one that holds its number. Twice is once.

    A number that is taken, or not held, after all leaves everything as it is: read back what stands.
    """
    (replace if replaces else create)(client, acl_id, entry)


@dataclass(frozen=True)
class Unwritten:
    """Why an entry could not be written, and whether it may be when it is tried again."""

    sentence: str
    passes: bool


def put_or_say(client: EC2Client, acl_id: str, entry: AclEntry, *, replaces: bool) -> Unwritten | None:
    """As `put`, for one of several entries that do not wait for each other; says what went wrong, or nothing."""
    try:
        put(client, acl_id, entry, replaces=replaces)
    except (ClientError, BotoCoreError) as error:
        sentence = f"{entry} of {acl_id} could not be written: {str(error)[:300]}"
        return Unwritten(sentence, isinstance(error, Throttled) or may_pass(error))
    return None


class Wanted(Protocol):
    """An entry that is to be written, and whether it takes the place of the one that holds its number."""

    @property
    def acl_id(self) -> str: ...
    @property
    def entry(self) -> AclEntry: ...
    @property
    def replaces(self) -> bool: ...


def put_each(client: EC2Client, wanted: Sequence[Wanted]) -> list[Unwritten]:
    """As `put_or_say` for each, side by side; returns what went wrong.

    Args:
        client: one that sends nothing again by itself: a denial that is written late would meet the server that was
            granted access meanwhile, or take the place of another one's.
    """
    with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE) as threads:
        told = threads.map(lambda each: put_or_say(client, each.acl_id, each.entry, replaces=each.replaces), wanted)
        return [each for each in told if each]


def delete_until_gone(
    client: EC2Client,
    find: Callable[[], list[tuple[str, AclEntry]]],
    may: Callable[[], object],
    tries: Iterable[object],
) -> list[tuple[str, AclEntry]]:
    """Take entries out until they are there no more.

    Args:
        client: one that sends nothing again by itself: here it is tried again, and `may` asked before.
        find: reads which are there, each with its ACL.
        may: raises where they need not go (any more); asked before each cut.
        tries: for as long as EC2's answers may lag behind an order.

    Returns:
        what is still there.
    """
    left, taken = list[tuple[str, AclEntry]](), list[tuple[str, AclEntry]]()
    for _ in tries:
        left = find()
        if not left:
            break
        # Each is taken out once: EC2 may show it for a while yet, and another call would only put that off.
        due = [each for each in left if each not in taken]
        may()
        with ThreadPoolExecutor(max_workers=CALLS_AT_ONCE) as threads:
            done = list(threads.map(lambda each: is_deleted(client, *each), due))
        taken += [each for each, is_done in zip(due, done, strict=True) if is_done]
    return left


def is_deleted(client: EC2Client, acl_id: str, entry: AclEntry) -> bool:
    """As `delete`; whether EC2 took it. `client`: one that sends nothing again by itself."""
    try:
        delete(client, acl_id, entry)
    except (ClientError, BotoCoreError) as error:
        if not may_pass(error):
            raise
        return False
    return True


def create(client: EC2Client, acl_id: str, entry: AclEntry) -> None:
    """Write an entry under a number that is free. One that holds it already is left as it is: read back what stands."""
    try:
        client.create_network_acl_entry(**_request(acl_id, entry))
    except ClientError as error:
        if error.response["Error"]["Code"] != _TAKEN:
            raise


def replace(client: EC2Client, acl_id: str, entry: AclEntry) -> None:
    """Put an entry in the place of the one that holds its number; where none does, nothing is changed."""
    try:
        client.replace_network_acl_entry(**_request(acl_id, entry))
    except ClientError as error:
        if error.response["Error"]["Code"] != _ABSENT:
            raise


def delete(client: EC2Client, acl_id: str, entry: AclEntry) -> None:
    """Take an entry out by its number. One that is gone already is as good as taken out."""
    try:
        client.delete_network_acl_entry(NetworkAclId=acl_id, RuleNumber=entry.number, Egress=entry.egress)
    except ClientError as error:
        if error.response["Error"]["Code"] != _ABSENT:
            raise


def attempts_of_each(client: EC2Client, acl_ids: Sequence[str], number: int) -> dict[str, Callable[[], object]]:
    """Every call that edits these ACLs, made dry, by its name. `number`: a rule number that holds no entry."""
    tried = (("Create", try_to_create), ("Replace", try_to_replace), ("Delete", try_to_delete))
    return {
        f"ec2:{name}NetworkAclEntry on {acl_id}": partial(call, client, acl_id, number)
        for acl_id in acl_ids
        for name, call in tried
    }


def try_to_create(client: EC2Client, acl_id: str, number: int) -> None:
    """Ask for what `create` does, dry and for nobody: EC2 refuses it, and the error's code says whether it would have
    been allowed."""
    client.create_network_acl_entry(**_request(acl_id, _for_nobody(number)), DryRun=True)


def try_to_replace(client: EC2Client, acl_id: str, number: int) -> None:
    """Ask for what `replace` does, dry and for nobody; see `try_to_create`."""
    client.replace_network_acl_entry(**_request(acl_id, _for_nobody(number)), DryRun=True)


def try_to_delete(client: EC2Client, acl_id: str, number: int) -> None:
    """Ask for what `delete` does, dry; see `try_to_create`."""
    client.delete_network_acl_entry(NetworkAclId=acl_id, RuleNumber=number, Egress=False, DryRun=True)


def _for_nobody(number: int) -> AclEntry:
    return AclEntry(number, egress=False, allows=False, protocol=ANY_PROTOCOL, cidr=NOBODY)


def _request(acl_id: str, entry: AclEntry) -> Any:
    return {
        "NetworkAclId": acl_id,
        "RuleNumber": entry.number,
        "Egress": entry.egress,
        "Protocol": entry.protocol,
        "RuleAction": "allow" if entry.allows else "deny",
        ("Ipv6CidrBlock" if ":" in entry.cidr else "CidrBlock"): entry.cidr,
    }
