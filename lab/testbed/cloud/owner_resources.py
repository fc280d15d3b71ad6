"""Resource types of an owner's own stack (a demo pair) that moto's CloudFormation lacks or makes in part.

The template of ms-failover needs none of them. moto leaves out an instance's groups and tags, a database's groups, and
a zone's network; it has no secrets, no network ACLs and no name for a parameter. Each is made through the API, from
CloudFormation's properties.
"""

from __future__ import annotations

import base64
import json
import secrets
import string
from typing import Any

from lab.testbed.cloud.resources import ClientOf, Made, Maker, Properties


def _instance(client_of: ClientOf, _name: str, properties: Properties) -> Made:
    ec2 = client_of("ec2")
    about: dict[str, Any] = {
        "ImageId": properties["ImageId"],
        "InstanceType": properties["InstanceType"],
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": properties["SubnetId"],
                "PrivateIpAddress": properties["PrivateIpAddress"],
                "Groups": list(properties["SecurityGroupIds"]),
                "AssociatePublicIpAddress": False,  # as EC2 has it, unless the subnet says otherwise
            }
        ],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": properties.get("Tags", [])}],
        "UserData": base64.b64decode(properties.get("UserData", "")).decode(),
        "MetadataOptions": properties.get("MetadataOptions", {}),
    }
    made = ec2.run_instances(MinCount=1, MaxCount=1, **about)["Instances"][0]
    if "IamInstanceProfile" in properties:
        ec2.associate_iam_instance_profile(
            InstanceId=made["InstanceId"], IamInstanceProfile={"Name": properties["IamInstanceProfile"]}
        )
    return Made(made["InstanceId"], {"PrivateIp": properties["PrivateIpAddress"]})


def _acl(client_of: ClientOf, _name: str, properties: Properties) -> Made:
    made = client_of("ec2").create_network_acl(VpcId=properties["VpcId"])["NetworkAcl"]["NetworkAclId"]
    return Made(made, {"Id": made})


def _acl_entry(client_of: ClientOf, name: str, properties: Properties) -> Made:
    client_of("ec2").create_network_acl_entry(
        NetworkAclId=properties["NetworkAclId"],
        RuleNumber=int(properties["RuleNumber"]),
        Protocol=str(properties["Protocol"]),
        RuleAction=properties["RuleAction"],
        Egress=_true(properties.get("Egress", False)),
        CidrBlock=properties["CidrBlock"],
    )
    return Made(name)


def _acl_association(client_of: ClientOf, name: str, properties: Properties) -> Made:
    ec2, subnet = client_of("ec2"), properties["SubnetId"]
    found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
    (now,) = [each for acl in found for each in acl["Associations"] if each["SubnetId"] == subnet]
    made = ec2.replace_network_acl_association(
        AssociationId=now["NetworkAclAssociationId"], NetworkAclId=properties["NetworkAclId"]
    )["NewAssociationId"]
    return Made(name, {"AssociationId": made})


def _secret(client_of: ClientOf, name: str, properties: Properties) -> Made:
    text = properties.get("SecretString", "")
    if wanted := properties.get("GenerateSecretString"):
        letters = string.ascii_letters + string.digits
        word = "".join(secrets.choice(letters) for _ in range(int(wanted.get("PasswordLength", 32))))
        text = json.dumps({**json.loads(wanted["SecretStringTemplate"]), wanted["GenerateStringKey"]: word})
    made = client_of("secretsmanager").create_secret(Name=name, SecretString=text)
    return Made(made["ARN"], {"Id": made["ARN"]})


_DATABASE = {
    "Engine": str,
    "DBInstanceClass": str,
    "AllocatedStorage": int,
    "StorageType": str,
    "DBName": str,
    "Port": int,
    "MasterUsername": str,
    "MasterUserPassword": str,
    "DBSubnetGroupName": str,
    "BackupRetentionPeriod": int,
}


def _database(client_of: ClientOf, name: str, properties: Properties) -> Made:
    rds, identifier = client_of("rds"), name.lower().replace("_", "-")
    values = {key: kind(properties[key]) for key, kind in _DATABASE.items() if key in properties}
    group = properties["DBSubnetGroupName"]  # of a Ref, moto makes its own object
    made = rds.create_db_instance(
        DBInstanceIdentifier=identifier,
        **{**values, "DBSubnetGroupName": getattr(group, "name", group)},
        StorageEncrypted=_true(properties.get("StorageEncrypted", False)),
        VpcSecurityGroupIds=list(properties["VPCSecurityGroups"]),
    )["DBInstance"]
    endpoint = made["Endpoint"]
    return Made(identifier, {"Endpoint.Address": endpoint["Address"], "Endpoint.Port": str(endpoint["Port"])})


def _zone(client_of: ClientOf, name: str, properties: Properties) -> Made:
    networks = properties.get("VPCs", [])
    first = {"VPCRegion": networks[0]["VPCRegion"], "VPCId": networks[0]["VPCId"]} if networks else None
    more: dict[str, Any] = {"VPC": first, "HostedZoneConfig": {"PrivateZone": True}} if first else {}
    made = client_of("route53").create_hosted_zone(Name=properties["Name"], CallerReference=name, **more)
    zone = str(made["HostedZone"]["Id"]).rpartition("/")[2]
    return Made(zone, {"Id": zone})


def _record(client_of: ClientOf, _name: str, properties: Properties) -> Made:
    record = {
        "Name": properties["Name"],
        "Type": properties["Type"],
        "TTL": int(properties["TTL"]),
        "ResourceRecords": [{"Value": each} for each in properties["ResourceRecords"]],
    }
    client_of("route53").change_resource_record_sets(
        HostedZoneId=properties["HostedZoneId"],
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )
    return Made(str(properties["Name"]).rstrip("."))


def _parameter(client_of: ClientOf, name: str, properties: Properties) -> Made:
    client_of("ssm").put_parameter(Name=name, Type=properties["Type"], Value=properties["Value"])
    return Made(name, {"Type": properties["Type"], "Value": properties["Value"]})


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


OWNERS: dict[str, tuple[str, frozenset[str], Maker]] = {
    "AWS::EC2::Instance": ("", frozenset({"PrivateIp"}), _instance),
    "AWS::EC2::NetworkAcl": ("", frozenset({"Id"}), _acl),
    "AWS::EC2::NetworkAclEntry": ("", frozenset(), _acl_entry),
    "AWS::EC2::SubnetNetworkAclAssociation": ("", frozenset({"AssociationId"}), _acl_association),
    "AWS::SecretsManager::Secret": ("Name", frozenset({"Id"}), _secret),
    "AWS::RDS::DBInstance": ("DBInstanceIdentifier", frozenset({"Endpoint.Address", "Endpoint.Port"}), _database),
    "AWS::Route53::HostedZone": ("", frozenset({"Id"}), _zone),
    "AWS::Route53::RecordSet": ("", frozenset(), _record),
    "AWS::SSM::Parameter": ("Name", frozenset({"Type", "Value"}), _parameter),
}
