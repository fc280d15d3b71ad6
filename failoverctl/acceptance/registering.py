"""A demo pair that is deployed and not yet adopted: the access group is attached to its database, the rules that admit
its servers beside it are taken out, and the pair is adopted. Of another pair all this is its owner's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from failoverctl import actions
from failoverctl.acceptance.driver_on_aws import DriverOnAws
from failoverctl.acceptance.pair_at_rest import BY
from failoverctl.acceptance.polling import wait_for
from failoverctl.account import read_record
from failoverctl.errors import CommandError, Exit, plainly

ATTACHED_WITHIN_S = 900.0
ADOPTED_WITHIN_S = 600.0
POLL_EVERY_S = 2.0


def register(driver: DriverOnAws, say: Callable[[str], None]) -> bool:
    """Register the pair where that is not done; returns whether it was done now.

    Raises:
        CommandError: the pair is not a demo, or it can't be adopted.
        NotSo: RDS did not attach the group in time.
    """
    place = driver.place
    if read_record(place.account, place.stack).active is not None:
        return False
    if not place.demo:
        raise CommandError(
            f"The pair {place.stack.pair} is not adopted: docs/deploy.md, steps 3 to 5, are its owner's.", Exit.NOT_DONE
        )
    database = _database(driver)
    say(f"The access group is attached to the demo's database {database['DBInstanceIdentifier']}.")
    groups = _attach(driver, database)
    # Connections that are there live on while groups change: the active server's is what it is known by.
    _revoke_owners_rules(driver, groups, say)
    say("The pair is adopted: who is active is found out, and given access.")
    request = {"action": "adopt", "reason": "acceptance of a demo", "requested_by": BY}
    ended = actions.follow(place.account, driver.start(request), None, ADOPTED_WITHIN_S)
    if ended.outcome != "promoted":
        raise CommandError(
            f"The pair could not be adopted: {ended.outcome}: {ended.sentence} `failoverctl explain` has the steps.",
            Exit.NOT_DONE,
        )
    return True


def _database(driver: DriverOnAws) -> Mapping[str, Any]:
    host = driver.place.stack.parameters["DatabaseHost"]
    with plainly("see the demo's database"):
        pages = driver.place.account.client("rds").get_paginator("describe_db_instances").paginate()
        found = [each for page in pages for each in page["DBInstances"]]
    for each in found:
        if each.get("Endpoint", {}).get("Address") == host:
            return dict(each)
    raise CommandError(f"No database of RDS's has the endpoint {host}: is this the demo's stack?", Exit.NOT_DONE)


def _attach(driver: DriverOnAws, database: Mapping[str, Any]) -> list[str]:
    """Attach the access group beside the database's own; returns those."""
    account, access = driver.place.account, driver.place.stack.group
    groups = [each["VpcSecurityGroupId"] for each in database["VpcSecurityGroups"]]
    own = [each for each in groups if each != access]
    if access not in groups:
        with plainly("attach the access group to the database"):
            account.client("rds").modify_db_instance(
                DBInstanceIdentifier=database["DBInstanceIdentifier"],
                VpcSecurityGroupIds=[*own, access],
                ApplyImmediately=True,
            )

    def carried() -> bool:
        with plainly("see what the access group is attached to"):
            found = account.client("ec2").describe_network_interfaces(
                Filters=[{"Name": "group-id", "Values": [access]}]
            )["NetworkInterfaces"]
        return bool(found)

    wait_for("the access group is attached to the database", carried, ATTACHED_WITHIN_S, POLL_EVERY_S)
    return own


def _revoke_owners_rules(driver: DriverOnAws, groups: list[str], say: Callable[[str], None]) -> None:
    """Take out what admits a server beside the access group: by address, or as a member of a group."""
    ec2, place = driver.place.account.client("ec2"), driver.place
    instances = [each.instance for each in place.servers.values()]
    with plainly("see whom the database's own groups admit"):
        reservations = ec2.describe_instances(InstanceIds=instances)["Reservations"]
        interfaces = [
            interface for each in reservations for one in each["Instances"] for interface in one["NetworkInterfaces"]
        ]
        carried = {group["GroupId"] for each in interfaces for group in each["Groups"]}
        pages = ec2.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": "group-id", "Values": groups}]
        )
        rules = [each for page in pages for each in page["SecurityGroupRules"] if not each["IsEgress"]]
    addresses = [address for each in place.servers.values() for address in each.addresses]
    for rule in rules:
        member = (rule.get("ReferencedGroupInfo") or {}).get("GroupId") in carried
        if member or _holds(rule.get("CidrIpv4") or rule.get("CidrIpv6") or "", addresses):
            say(f"{rule['SecurityGroupRuleId']} of {rule['GroupId']} admits a server: it is taken out.")
            with plainly("take the rule out"):
                ec2.revoke_security_group_ingress(
                    GroupId=rule["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]]
                )


def _holds(cidr: str, addresses: list[str]) -> bool:
    if not cidr:
        return False
    network = ipaddress.ip_network(cidr, strict=False)
    return any(ipaddress.ip_address(each) in network for each in addresses)
