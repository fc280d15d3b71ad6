"""RDS, Route 53, Secrets Manager and Lambda: the database, the record, the secret, and room for the functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from failoverctl.discovery.facts import Concurrency, Database, Record, Secret, Wanted, Zone, engine_of
from failoverctl.discovery.read_network import NO_INSTANCE, interface
from failoverctl.discovery.reader import Reader

ON_EC2 = re.compile(r"(i-[0-9a-f]{8,17}):([0-9]{1,5})")
OUR_NAME = re.compile(r"ms[-_]failover", re.IGNORECASE)
"""What a secret's name holds that speaks for this software."""
_NO_DATABASE = ("DBInstanceNotFound", "DBInstanceNotFoundFault", "DBClusterNotFoundFault", "InvalidParameterValue")
_COPY_OF = ("ReadReplicaSourceDBInstanceIdentifier", "ReadReplicaSourceDBClusterIdentifier")
_NO_SECRET = ("ResourceNotFoundException", "ValidationException")


def database(reader: Reader, wanted: Wanted) -> Database | None:
    """The database that was named, or whose host and port the file has; None where there is none."""
    on_ec2 = ON_EC2.fullmatch(wanted.database)
    if on_ec2:
        return _on_ec2(reader, on_ec2[1], int(on_ec2[2]))
    if wanted.database:
        found = reader.all(
            "rds", "describe_db_instances", "DBInstances", "the database", _NO_DATABASE,
            DBInstanceIdentifier=wanted.database,
        )  # fmt: skip
        if found:
            return _instance(reader, found[0])
        found = reader.all(
            "rds", "describe_db_clusters", "DBClusters", "the database", _NO_DATABASE,
            DBClusterIdentifier=wanted.database,
        )  # fmt: skip
        return _cluster(reader, found[0]) if found else None
    host = wanted.given.get("DatabaseHost", "")
    return _by_host(reader, host, wanted.given.get("DatabasePort", "")) if host else None


def _by_host(reader: Reader, host: str, port: str) -> Database | None:
    clusters = reader.all("rds", "describe_db_clusters", "DBClusters", "the clusters of RDS") or []
    for each in clusters:
        if each.get("Endpoint") == host:
            return _cluster(reader, each)
    for each in reader.all("rds", "describe_db_instances", "DBInstances", "the instances of RDS") or []:
        if (each.get("Endpoint") or {}).get("Address") == host:
            return _instance(reader, each)
    for name in ("addresses.private-ip-address", "private-dns-name"):
        filters = [{"Name": name, "Values": [host]}]
        found = reader.all(
            "ec2", "describe_network_interfaces", "NetworkInterfaces", f"the interface of {host}", Filters=filters
        )
        machines = {interface(each).instance_id for each in found or []} - {""}
        if len(machines) == 1 and port.isdigit():
            return _on_ec2(reader, machines.pop(), int(port), host)
    return None


def _on_ec2(reader: Reader, instance_id: str, port: int, host: str = "") -> Database | None:
    answer = reader.all(
        "ec2", "describe_instances", "Reservations", "the database's instance", NO_INSTANCE, InstanceIds=[instance_id]
    )
    machine = next((each for group in answer or [] for each in group["Instances"]), None)
    if machine is None:
        return None
    its = [interface(each, instance_id) for each in machine.get("NetworkInterfaces", [])]
    addresses = tuple(dict.fromkeys(address for each in its for address in each.private))
    return Database(
        "ec2",
        instance_id,
        host=host or str(machine.get("PrivateIpAddress") or next(iter(addresses), "")),
        port=port,
        vpc=str(machine.get("VpcId", "")),
        groups=tuple(sorted({group for each in its for group in each.groups})),
        subnets=tuple(dict.fromkeys(each.subnet_id for each in its)),
        addresses=addresses,
    )


def _instance(reader: Reader, data: Mapping[str, Any]) -> Database | None:
    """An instance of RDS; a member of a cluster is the cluster, whose endpoint leads to the writer."""
    if data.get("DBClusterIdentifier"):
        found = reader.all(
            "rds", "describe_db_clusters", "DBClusters", "the database", _NO_DATABASE,
            DBClusterIdentifier=data["DBClusterIdentifier"],
        )  # fmt: skip
        return _cluster(reader, found[0]) if found else None
    endpoint, group, engine = data.get("Endpoint") or {}, data.get("DBSubnetGroup") or {}, str(data["Engine"])
    tls_port, options = _ssl_option(reader, data) if engine_of(engine) == "oracle" else (0, True)
    name = str(data["DBInstanceIdentifier"])
    return Database(
        "rds",
        name,
        engine,
        str(endpoint.get("Address", "")),
        int(endpoint.get("Port", 0)),
        tls_port,
        str(data.get("DBName") or ""),
        str(data.get("DbiResourceId", "")),
        data.get("IAMDatabaseAuthenticationEnabled") is True,
        str(group.get("VpcId", "")),
        _groups(data),
        tuple(each["SubnetIdentifier"] for each in group.get("Subnets", [])),
        copy_of=str(next((data[each] for each in _COPY_OF if data.get(each)), "")),
        proxies=_proxies(reader, name),
        master_secret=str((data.get("MasterUserSecret") or {}).get("SecretArn", "")),
        options=options,
    )


def _cluster(reader: Reader, data: Mapping[str, Any]) -> Database:
    name, listed = str(data["DBClusterIdentifier"]), str(data.get("DBSubnetGroup") or "")
    found = (
        reader.all(
            "rds", "describe_db_subnet_groups", "DBSubnetGroups", "the database's subnets", DBSubnetGroupName=listed
        )
        if listed
        else []
    )
    group = found[0] if found else {}
    return Database(
        "cluster",
        name,
        str(data["Engine"]),
        str(data.get("Endpoint", "")),
        int(data.get("Port") or 0),
        name=str(data.get("DatabaseName") or ""),
        resource_id=str(data.get("DbClusterResourceId", "")),
        iam=data.get("IAMDatabaseAuthenticationEnabled") is True,
        vpc=str(group.get("VpcId", "")),
        groups=_groups(data),
        subnets=tuple(each["SubnetIdentifier"] for each in group.get("Subnets", [])),
        copy_of=str(data.get("ReplicationSourceIdentifier") or ""),
        proxies=_proxies(reader, name),
        master_secret=str((data.get("MasterUserSecret") or {}).get("SecretArn", "")),
    )


def _groups(data: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each["VpcSecurityGroupId"] for each in data.get("VpcSecurityGroups", []))


def _ssl_option(reader: Reader, data: Mapping[str, Any]) -> tuple[int, bool]:
    """The port of RDS Oracle's option SSL, 0 for none; and whether that could be read."""
    known = True
    for each in data.get("OptionGroupMemberships", []):
        if str(each["OptionGroupName"]).startswith("default:"):
            continue  # RDS's own, which is empty and can't be changed
        found = reader.all(
            "rds", "describe_option_groups", "OptionGroupsList", "the database's options",
            OptionGroupName=each["OptionGroupName"],
        )  # fmt: skip
        known = known and found is not None
        for option in (option for group in found or [] for option in group.get("Options", [])):
            if option.get("OptionName") == "SSL":
                return int(option.get("Port") or 2484), True
    return 0, known


def _proxies(reader: Reader, name: str) -> tuple[str, ...] | None:
    """The RDS Proxies that lead to a database."""
    proxies = reader.all("rds", "describe_db_proxies", "DBProxies", "the proxies of RDS")
    if proxies is None:
        return None
    found = []
    for each in proxies:
        proxy = str(each["DBProxyName"])
        targets = reader.all(
            "rds", "describe_db_proxy_targets", "Targets", f"the targets of {proxy}", DBProxyName=proxy
        )
        if any(name in (target.get("RdsResourceId"), target.get("TrackedClusterId")) for target in targets or []):
            found.append(proxy)
    return tuple(found)


def zones(reader: Reader, record: str, vpc: str) -> tuple[Zone, ...] | None:
    """The hosted zones that a record's name lies in, and whether the network resolves by each."""
    listed = reader.all("route53", "list_hosted_zones", "HostedZones", "the hosted zones")
    if listed is None:
        return None
    found = []
    for each in listed:
        name, zone_id = str(each["Name"]).rstrip(".").lower(), str(each["Id"]).rpartition("/")[2]
        if record != name and not record.endswith(f".{name}"):
            continue
        private = bool((each.get("Config") or {}).get("PrivateZone"))
        found.append(Zone(zone_id, name, private, not private or _is_associated(reader, zone_id, vpc)))
    return tuple(found)


def _is_associated(reader: Reader, zone_id: str, vpc: str) -> bool:
    told = reader.one("route53", "get_hosted_zone", f"the zone {zone_id}", Id=zone_id) or {}
    return any(each.get("VPCId") == vpc for each in told.get("VPCs", []))


def records(reader: Reader, among: tuple[Zone, ...], name: str) -> tuple[Record, ...] | None:
    """The record sets of a name in some zones."""
    found: list[Record] = []
    for zone in among:
        answer = reader.one(
            "route53", "list_resource_record_sets", f"the record in {zone.zone_id}",
            HostedZoneId=zone.zone_id, StartRecordName=name,
        )  # fmt: skip
        if answer is None:
            return None
        found += [
            _record(zone, each)
            for each in answer["ResourceRecordSets"]
            if str(each["Name"]).rstrip(".").lower() == name and each["Type"] in ("A", "AAAA", "CNAME")
        ]
    return tuple(found)


def _record(zone: Zone, data: Mapping[str, Any]) -> Record:
    simple = "TTL" in data and not {"SetIdentifier", "AliasTarget", "HealthCheckId"} & set(data)
    values = tuple(str(each["Value"]) for each in data.get("ResourceRecords", []))
    return Record(zone.zone_id, str(data["Type"]), values, int(data.get("TTL") or 0), simple)


def secrets(reader: Reader, named: str, not_this: str) -> tuple[Secret, ...] | None:
    """The secret that was named, or those whose names speak for this software; never the master user's."""
    if named:
        told = reader.one("secretsmanager", "describe_secret", f"the secret {named}", _NO_SECRET, SecretId=named)
        return (Secret(told["ARN"], told["Name"]),) if told else ()
    listed = reader.all("secretsmanager", "list_secrets", "SecretList", "the list of secrets")
    if listed is None:
        return None
    ours = [Secret(each["ARN"], each["Name"]) for each in listed if OUR_NAME.search(each["Name"])]
    return tuple(each for each in ours if each.arn != not_this)


def concurrency(reader: Reader) -> Concurrency | None:
    """How many functions may run at once."""
    told = reader.one("lambda", "get_account_settings", "the limits of Lambda")
    limits = (told or {}).get("AccountLimit") or {}
    if "ConcurrentExecutions" not in limits:
        return None
    limit = int(limits["ConcurrentExecutions"])
    return Concurrency(limit, int(limits.get("UnreservedConcurrentExecutions", limit)))
