"""The owner's network in moto: two instances, a database's interface, and the groups in front of it."""

from __future__ import annotations

import ipaddress
import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

PORT = 5432
_numbers = itertools.count(1)


class Network:
    """A network of its own in moto.

    The database's interface carries the access group and a group of its owner's; ms1 has two addresses, of which EC2
    alone knows the second. The database may be in two subnets, each with a network ACL of its own.
    """

    def __init__(self, client: EC2Client) -> None:
        self.ec2 = client
        self._number = next(_numbers)
        base = ipaddress.ip_network(f"10.{100 + self._number % 100}.0.0/24")
        self.vpc = client.create_vpc(CidrBlock=str(base))["Vpc"]["VpcId"]
        self.subnet, _, *self.database_subnets = (
            client.create_subnet(VpcId=self.vpc, CidrBlock=str(each))["Subnet"]["SubnetId"]
            for each in base.subnets(prefixlen_diff=2)
        )
        self.acls = [self._acl(each) for each in self.database_subnets]
        self.ms1_address, self.ms1_second, self.ms2_address = (str(base[number]) for number in (11, 111, 12))
        self.access, self.owners, self.functions, self.ms1_group, self.ms2_group = (
            self._group(name) for name in ("access", "owner", "functions", "ms1", "ms2")
        )
        self.ms1 = self.instance(self.ms1_address, self.ms1_group)
        self.ms2 = self.instance(self.ms2_address, self.ms2_group)
        client.assign_private_ip_addresses(
            NetworkInterfaceId=self.interface(self.ms1), PrivateIpAddresses=[self.ms1_second]
        )
        made = client.create_network_interface(SubnetId=self.database_subnets[0], Groups=[self.access, self.owners])
        self.database = made["NetworkInterface"]["NetworkInterfaceId"]
        self.database_address = made["NetworkInterface"]["PrivateIpAddress"]
        self.allow(self.access, group=self.functions)

    def env(self) -> dict[str, str]:
        """The variables that point a function at this network."""
        return {
            "MS1_INSTANCE_ID": self.ms1,
            "MS1_ADDRESSES": self.ms1_address,
            "MS2_INSTANCE_ID": self.ms2,
            "MS2_ADDRESSES": self.ms2_address,
            "FUNCTIONS_GROUP_ID": self.functions,
        }

    def with_acls(self, **more: str) -> dict[str, str]:
        """As `env`, with the ACLs and subnets of the database."""
        lists = {"DATABASE_NETWORK_ACL_IDS": self.acls, "DATABASE_SUBNET_IDS": self.database_subnets}
        return {**self.env(), **{name: ",".join(each) for name, each in lists.items()}, **more}

    def denied(self) -> list[tuple[str, str, int, str]]:
        """Every denial of a single address in the database's ACLs: which ACL, direction, number, address."""
        found = self.ec2.describe_network_acls(NetworkAclIds=self.acls)["NetworkAcls"]
        return sorted(
            ("ab"[self.acls.index(acl["NetworkAclId"])], "out" if each["Egress"] else "in", each["RuleNumber"], address)
            for acl in found
            for each in acl["Entries"]
            if each["RuleAction"] == "deny" and (address := each["CidrBlock"]).endswith("/32")
        )

    def write(self, acl: int, number: int, cidr: str, *, egress: bool, action: str = "deny") -> None:
        """Put an entry into one of the ACLs, as an owner or an intruder might."""
        self.ec2.create_network_acl_entry(
            NetworkAclId=self.acls[acl],
            RuleNumber=number,
            Protocol="-1",
            RuleAction=action,  # type: ignore[arg-type]
            Egress=egress,
            CidrBlock=cidr,
        )

    def remove(self, acl: int, number: int, *, egress: bool) -> None:
        self.ec2.delete_network_acl_entry(NetworkAclId=self.acls[acl], RuleNumber=number, Egress=egress)

    def allow(
        self,
        group_id: str,
        cidr: str = "",
        group: str = "",
        prefix_list: str = "",
        protocol: str = "tcp",
        ports: tuple[int, int] = (PORT, PORT),
    ) -> None:
        """Add a rule to a group, as an owner or an intruder might."""
        permission: dict[str, Any] = {"IpProtocol": protocol}
        if protocol != "-1":
            permission |= {"FromPort": ports[0], "ToPort": ports[1]}
        if ":" in cidr:
            permission["Ipv6Ranges"] = [{"CidrIpv6": cidr}]
        elif cidr:
            permission["IpRanges"] = [{"CidrIp": cidr}]
        if group:
            permission["UserIdGroupPairs"] = [{"GroupId": group}]
        if prefix_list:
            permission["PrefixListIds"] = [{"PrefixListId": prefix_list}]
        self.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])  # type: ignore[list-item]

    def prefix_list(self, *cidrs: str) -> str:
        """A managed prefix list of these networks."""
        made = self.ec2.create_managed_prefix_list(
            PrefixListName=f"list-{self._number}",
            AddressFamily="IPv4",
            MaxEntries=10,
            Entries=[{"Cidr": cidr} for cidr in cidrs],
        )
        return made["PrefixList"]["PrefixListId"]

    def admitted(self) -> list[str]:
        """The single addresses that the access group allows, by its own rules as EC2 holds them."""
        answer = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.access]}])
        rules = [each for each in answer["SecurityGroupRules"] if not each["IsEgress"]]
        return sorted(each["CidrIpv4"] for each in rules if "CidrIpv4" in each)

    def rules_of_access_group(self) -> list[str]:
        """The ids of all inbound rules of the access group."""
        answer = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.access]}])
        return sorted(each["SecurityGroupRuleId"] for each in answer["SecurityGroupRules"] if not each["IsEgress"])

    def interface(self, instance: str) -> str:
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "attachment.instance-id", "Values": [instance]}])
        return found["NetworkInterfaces"][0]["NetworkInterfaceId"]

    def _acl(self, subnet: str) -> str:
        """An ACL that allows everything, in front of a subnet."""
        acl = self.ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        for egress in (False, True):
            self.ec2.create_network_acl_entry(
                NetworkAclId=acl,
                RuleNumber=100,
                Protocol="-1",
                RuleAction="allow",
                Egress=egress,
                CidrBlock="0.0.0.0/0",
            )
        found = self.ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
        for each in found["NetworkAcls"][0]["Associations"]:
            if each["SubnetId"] == subnet:
                self.ec2.replace_network_acl_association(
                    AssociationId=each["NetworkAclAssociationId"], NetworkAclId=acl
                )
        return acl

    def _group(self, name: str) -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)
        return made["GroupId"]

    def instance(self, address: str, group: str) -> str:
        made = self.ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.subnet,
                    "PrivateIpAddress": address,
                    "Groups": [group],
                    "DeleteOnTermination": True,  # AWS's default, and not moto's
                }
            ],
        )
        return made["Instances"][0]["InstanceId"]
