"""A server cut off from all but the database, by a network ACL in front of its subnet: the one cut that AWS has.

A security group would leave connections alone that are there. An ACL of acceptance's own takes the place of the
subnet's; it allows the database's subnets and nothing else, and holds in its tag what was there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from failoverctl.acceptance.place import TAG, Place, Server
from failoverctl.acceptance.polling import CannotTry
from failoverctl.errors import plainly

FIRST_NUMBER = 100
BEFORE_TAG = f"{TAG}-before"


def why_not(place: Place, server: Server) -> str:
    """Why a server can't be cut off alone; empty where it can."""
    ec2 = place.account.client("ec2")
    if not place.database_subnets:
        return "the stack does not name the database's subnets (DatabaseSubnetIds)"
    if server.subnet in place.database_subnets:
        return f"{server.role} stands in a subnet of the database's, and no network ACL stands between them"
    with plainly(f"see what stands in {server.subnet}"):
        pages = ec2.get_paginator("describe_network_interfaces").paginate(
            Filters=[{"Name": "subnet-id", "Values": [server.subnet]}]
        )
        found = [each for page in pages for each in page["NetworkInterfaces"]]
    others = [each for each in found if (each.get("Attachment") or {}).get("InstanceId") != server.instance]
    if others:
        about = others[0].get("Description") or others[0]["NetworkInterfaceId"]
        return f"{server.role}'s subnet {server.subnet} holds more ({about}), which a network ACL would cut off, too"
    return ""


def prepare(place: Place, server: Server) -> str:
    """Make the ACL, in front of nothing yet; returns its id. Raises CannotTry where it would cut off more."""
    if reason := why_not(place, server):
        raise CannotTry(f"{reason[0].upper()}{reason[1:]}.")
    ec2 = place.account.client("ec2")
    with plainly("make a network ACL"):
        before = str(_in_front_of(ec2, server.subnet)["NetworkAclId"])
        tags = [{"Key": TAG, "Value": place.stack.pair}, {"Key": BEFORE_TAG, "Value": f"{server.subnet}={before}"}]
        made = ec2.create_network_acl(
            VpcId=place.vpc, TagSpecifications=[{"ResourceType": "network-acl", "Tags": tags}]
        )["NetworkAcl"]["NetworkAclId"]
        subnets = ec2.describe_subnets(SubnetIds=place.database_subnets)["Subnets"]
        for number, subnet in enumerate(subnets, FIRST_NUMBER):
            for egress in (False, True):
                ec2.create_network_acl_entry(
                    NetworkAclId=made,
                    RuleNumber=number,
                    Protocol="-1",
                    RuleAction="allow",
                    Egress=egress,
                    CidrBlock=subnet["CidrBlock"],
                )
    return str(made)


def cut(place: Place, server: Server, acl: str) -> None:
    """Put the ACL in front of the server's subnet."""
    ec2 = place.account.client("ec2")
    with plainly(f"put a network ACL in front of {server.subnet}"):
        _put(ec2, server.subnet, acl)


def heal(place: Place) -> None:
    """Put every subnet back behind the ACL that it was behind, and delete those that are acceptance's own."""
    ec2 = place.account.client("ec2")
    mine = [{"Name": f"tag:{TAG}", "Values": [place.stack.pair]}, {"Name": "vpc-id", "Values": [place.vpc]}]
    with plainly("take acceptance's network ACLs away"):
        for acl in ec2.describe_network_acls(Filters=mine)["NetworkAcls"]:
            subnet, _, before = _tags(acl).get(BEFORE_TAG, "").partition("=")
            if any(each["SubnetId"] == subnet for each in acl["Associations"]):
                _put(ec2, subnet, before)
            ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"])


def by_hand(server: Server) -> str:
    """What a person does where `heal` could not."""
    return (
        f"aws ec2 describe-network-acls --filters Name=tag-key,Values={TAG}  (its tag {BEFORE_TAG} names what"
        f" {server.subnet} was behind), then replace-network-acl-association and delete-network-acl"
    )


def _put(ec2: Any, subnet: str, acl: str) -> None:
    now = _in_front_of(ec2, subnet)
    if now["NetworkAclId"] == acl:
        return
    association = next(each for each in now["Associations"] if each["SubnetId"] == subnet)
    try:
        ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl)
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidAssociationID.NotFound":
            raise
        # Somebody was faster; what counts is what is in front of it now.
        if _in_front_of(ec2, subnet)["NetworkAclId"] != acl:
            raise


def _in_front_of(ec2: Any, subnet: str) -> Mapping[str, Any]:
    found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
    return dict(found[0])


def _tags(acl: Mapping[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in acl.get("Tags", [])}
