"""EC2, SSM, Route 53 and Step Functions in memory: the calls the functions make, through the gate."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.simulation.clients_acl import NetworkAcls
from lab.simulation.clients_data import client_error, client_failure, copied
from lab.simulation.hosts import ACCESS_GROUP, OWNERS, PREFIX_LIST, SERVERS_GROUP, Host
from lab.simulation.judge import Execution, RecordJudge
from lab.simulation.subnet_borders import SERVERS_SUBNET
from lab.simulation.world import RECORD, World

DELIVERY_LIMIT_S = 30.0


class _Client:
    """Remembers what each read answered before the last change, for stale reads."""

    def __init__(self, world: World, service: str) -> None:
        self._world, self._service = world, service
        self._seen: dict[str, list[Any]] = {}

    def _call(self, operation: str, effect: Callable[[], Any], key: str = "", dry: bool = False) -> Any:
        def fresh() -> Any:
            answer = effect()
            history = self._seen.setdefault(operation + key, [])
            if not history or history[-1] != answer:
                history.append(copied(answer))
            return answer

        def stale() -> Any:
            before = self._seen.get(operation + key, [])
            now = effect()
            different = [each for each in before if each != now]
            return copied(different[-1]) if different else now

        return self._world.gate.call(f"{self._service}.{operation}", fresh, client_failure(operation), stale, dry)


class EC2(_Client):
    """Instances, their interfaces, and the groups in front of the database."""

    def __init__(self, world: World, judge: RecordJudge) -> None:
        super().__init__(world, "ec2")
        self._judge = judge
        self._acls = NetworkAcls(world, self._call)
        # What a read may still show after the first change: how it was before.
        self._seen["describe_security_group_rules" + ACCESS_GROUP] = [
            {"SecurityGroupRules": self._rules([ACCESS_GROUP])}
        ]

    def _host(self, instance_id: str) -> Host | None:
        return next((host for host in self._world.machines() if host.instance_id == instance_id), None)

    def describe_instances(self, *, InstanceIds: list[str]) -> Any:  # noqa: N803
        def found() -> Any:
            hosts = [host for each in InstanceIds if (host := self._host(each))]
            return {"Reservations": [{"Instances": [_instance(host) for host in hosts]}]}

        return self._call("describe_instances", found, InstanceIds[0])

    def describe_instance_attribute(self, **_: Any) -> Any:
        return self._call("describe_instance_attribute", lambda: {"DisableApiStop": {"Value": False}})

    def stop_instances(self, *, InstanceIds: list[str], DryRun: bool = False, **_: Any) -> Any:  # noqa: N803

        def stop() -> Any:
            _refuse_dry(DryRun, "StopInstances")
            for each in InstanceIds:
                if host := self._host(each):
                    self._world.order_off(host)
            return {}

        return self._call("stop_instances", stop, dry=DryRun)

    def get_paginator(self, operation: str) -> _Pages:
        return _Pages(lambda **request: getattr(self, operation)(**request))

    def __getattr__(self, operation: str) -> Any:
        """What is about network ACLs is in a part of its own."""
        return getattr(self._acls, operation)

    def describe_network_interfaces(self, *, Filters: list[Any]) -> Any:  # noqa: N803
        name, values = Filters[0]["Name"], Filters[0]["Values"]

        def found() -> Any:
            if name == "group-id":
                groups = [ACCESS_GROUP, OWNERS]
                own = {**_interface(groups, ("10.77.0.30",)), "SubnetId": self._world.database.borders.at}
                return {"NetworkInterfaces": [own] if values[0] in groups else []}
            if name == "subnet-id":
                gateway = {**_interface([], ()), "NetworkInterfaceId": "eni-9", "InterfaceType": "transit_gateway"}
                here = self._world.database.gateway
                return {"NetworkInterfaces": [{**gateway, "SubnetId": values[0]}] if here else []}
            hosts = [host for host in self._world.machines() if host.machine != "terminated"]
            if name == "attachment.instance-id":
                hosts = [host for host in hosts if host.instance_id in values]
            else:
                hosts = [host for host in hosts if set(host.addresses) & set(values)]
            afar = {"VpcId": "vpc-2"} if self._world.database.gateway else {}
            return {"NetworkInterfaces": [{**_interface_of(host), **afar} for host in hosts]}

        return self._call("describe_network_interfaces", found, name)

    def _rules(self, groups: list[str]) -> list[Any]:
        return [copied(rule) for rule in self._world.database.rules if rule["GroupId"] in groups]

    def describe_security_group_rules(self, *, Filters: list[Any]) -> Any:  # noqa: N803
        groups = Filters[0]["Values"]
        return self._call(
            "describe_security_group_rules", lambda: {"SecurityGroupRules": self._rules(groups)}, ",".join(groups)
        )

    def get_managed_prefix_list_entries(self, *, PrefixListId: str) -> Any:  # noqa: N803
        assert PrefixListId == PREFIX_LIST
        return self._call(
            "get_managed_prefix_list_entries",
            lambda: {"Entries": [{"Cidr": cidr} for cidr in self._world.database.prefixes]},
        )

    def authorize_security_group_ingress(
        self,
        *,
        GroupId: str,  # noqa: N803
        IpPermissions: list[Any],  # noqa: N803
        DryRun: bool = False,  # noqa: N803
    ) -> Any:
        cidr = IpPermissions[0]["IpRanges"][0]["CidrIp"]
        role = next((host.role for host in self._world.hosts.values() if cidr.split("/")[0] in host.addresses), cidr)

        if not DryRun:  # when it is asked for: what EC2 does with it later is for the proofs to wait for
            self._judge.grants(role, "granted access")

        def authorize() -> Any:
            _refuse_dry(DryRun, "AuthorizeSecurityGroupIngress")
            database = self._world.database
            if any(rule["GroupId"] == GroupId and rule.get("CidrIpv4") == cidr for rule in database.rules):
                raise client_error("InvalidPermission.Duplicate", "already there", "AuthorizeSecurityGroupIngress")
            database.add_rule(GroupId, cidr)
            self._world.touch(f"access is granted to {role}")
            return {}

        return self._call("authorize_security_group_ingress", authorize, dry=DryRun)

    def revoke_security_group_ingress(self, *, GroupId: str, DryRun: bool = False, **request: Any) -> Any:  # noqa: N803
        ids = request.get("SecurityGroupRuleIds")
        cidrs = [r["CidrIp"] for each in request.get("IpPermissions", []) for r in each.get("IpRanges", [])]

        def revoke() -> Any:
            _refuse_dry(DryRun, "RevokeSecurityGroupIngress")
            gone = [
                rule
                for rule in self._world.database.rules
                if rule["GroupId"] == GroupId
                and (rule["SecurityGroupRuleId"] in ids if ids else rule.get("CidrIpv4") in cidrs)
            ]
            if not gone:
                code = "InvalidSecurityGroupRuleId.NotFound" if ids else "InvalidPermission.NotFound"
                raise client_error(code, "not there", "RevokeSecurityGroupIngress")
            self._world.database.keep_rules(lambda rule: rule not in gone)
            for rule in gone:
                self._world.touch(f"access is revoked for {rule['CidrIpv4']}")
            return {}

        return self._call("revoke_security_group_ingress", revoke, dry=DryRun)


@dataclass(frozen=True)
class _Pages:
    operation: Callable[..., Any]

    def paginate(self, **request: Any) -> Iterator[Any]:
        yield self.operation(**request)


def _refuse_dry(dry_run: bool, operation: str) -> None:
    if dry_run:
        raise client_error("DryRunOperation", "it would have been allowed", operation)


def _instance(host: Host) -> dict[str, Any]:
    interfaces = [_interface_of(host)] if host.machine != "terminated" else []
    return {"InstanceId": host.instance_id, "State": {"Name": host.machine}, "NetworkInterfaces": interfaces}


def _interface_of(host: Host) -> dict[str, Any]:
    attached = {"InstanceId": host.instance_id}
    where = {"NetworkInterfaceId": "eni-1", "SubnetId": SERVERS_SUBNET, "Attachment": attached}
    delegated = {"Ipv4Prefixes": [{"Ipv4Prefix": each} for each in host.prefixes]}
    checked = {"SourceDestCheck": not host.any_source}
    return {**_interface([SERVERS_GROUP], host.addresses), **where, **delegated, **checked}


def _interface(groups: list[str], addresses: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Groups": [{"GroupId": each} for each in groups],
        "PrivateIpAddresses": [{"PrivateIpAddress": each} for each in addresses],
    }


class SSM(_Client):
    """Run Command, with the documents' own rules: idempotent, and deaf to orders of an older epoch."""

    def __init__(self, world: World, judge: RecordJudge) -> None:
        super().__init__(world, "ssm")
        self._judge = judge
        self._ids = itertools.count(1)
        self._commands: dict[str, dict[str, Any]] = {}
        world.deliver_commands = self._deliver

    def send_command(self, *, InstanceIds: list[str], DocumentName: str, Parameters: Any, **_: Any) -> Any:  # noqa: N803
        host = next(host for host in self._world.machines() if host.instance_id == InstanceIds[0])
        what = DocumentName.rsplit("-", 1)[-1]
        order = int(Parameters.get("Epoch", ["0"])[0])
        dry = "NoSuchParameter" in Parameters

        if what == "start" and not dry:
            self._judge.starts(host.role)  # when it is asked for: a late order is the host's to refuse

        def send() -> Any:
            if dry:
                raise client_error("InvalidParameters", "no such parameter", "SendCommand")
            if what == "stop" and self._world.running:
                self._world.touch(f"{host.role} is ordered to stop", service_of=host.role)
            command = f"command-{next(self._ids)}"
            self._commands[command] = {
                "Status": "Pending",
                "host": host,
                "what": what,
                "epoch": order,
                "not_after": float(Parameters.get("NotAfter", ["inf"])[0]),
                "until": self._world.clock.time() + DELIVERY_LIMIT_S,
            }
            self._deliver()
            return {"Command": {"CommandId": command}}

        return self._call("send_command", send)

    def cancel_command(self, *, CommandId: str, **_: Any) -> Any:  # noqa: N803
        def cancel() -> Any:
            if self._commands[CommandId]["Status"] == "Pending":
                self._commands[CommandId].update(Status="Cancelled", StatusDetails="Cancelled")
            return {}

        return self._call("cancel_command", cancel)

    def get_command_invocation(self, *, CommandId: str, InstanceId: str) -> Any:  # noqa: N803
        del InstanceId

        def found() -> Any:
            return {key: value for key, value in self._commands[CommandId].items() if key[0].isupper()}

        return self._call("get_command_invocation", found, CommandId)

    def _deliver(self) -> None:
        for command in self._commands.values():
            if command["Status"] not in ("Pending", "InProgress"):
                continue
            if command["host"].frozen and command["host"].reachable:
                command["Status"] = "InProgress"  # its agent has it, and continues with it when it wakes
            elif command["Status"] == "Pending" and self._world.clock.time() > command["until"]:
                command.update(Status="TimedOut", StatusDetails="DeliveryTimedOut")
            elif command["host"].reachable:
                trouble, result = self._run(command["host"], command)
                status = "Failed" if trouble else "Success"
                command.update(Status=status, StandardOutputContent=json.dumps(result), StandardErrorContent=trouble)

    def _run(self, host: Host, command: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        what, epoch = command["what"], command["epoch"]
        running = host.runs and host.start != "misreported"
        service = {"service": "running" if running else "stopped", "epoch": host.epoch, "database": "reachable"}
        if what == "status":
            return "", service
        if what == "replicate":
            whole = self._world.hosts["ms2" if host.role == "ms1" else "ms1"].reachable
            return "", {"complete": whole, "as_of": self._world.clock.time(), "epoch": epoch, "digest": "d", "files": 1}
        if self._world.clock.time() > command["not_after"] + 1:
            return "refused: this order was good until a while ago", {}
        if epoch < host.epoch:
            return f"refused: this order is of epoch {epoch}, this host has seen epoch {host.epoch}", {}
        host.epoch = epoch
        if what == "stop":
            done = self._world.stop_service(host)
            return ("" if done else "the service still runs"), {"service": "stopped"}
        assert what == "start", what
        self._judge.carries_out(host.role, epoch)
        done = self._world.start_service(host)
        return ("" if done else "the service did not start"), {"service": "running"}


class Route53(_Client):
    """The one record."""

    def __init__(self, world: World, judge: RecordJudge) -> None:
        super().__init__(world, "route53")
        self._judge = judge

    def list_resource_record_sets(self, **_: Any) -> Any:
        return self._call("list_resource_record_sets", lambda: {"ResourceRecordSets": [self._set()]})

    def _set(self) -> dict[str, Any]:
        name: dict[str, Any] = self._world.name
        values = [{"Value": value} for value in name["values"]]
        return {"Name": RECORD, "Type": "A", "TTL": name["ttl"], "ResourceRecords": values}

    def change_resource_record_sets(self, *, ChangeBatch: Any, **_: Any) -> Any:  # noqa: N803
        made = next(each["ResourceRecordSet"] for each in ChangeBatch["Changes"] if each["Action"] != "DELETE")
        values = tuple(each["Value"] for each in made["ResourceRecords"])
        for host in self._world.hosts.values():
            if set(values) & set(host.addresses):
                self._judge.names(host.role)

        def change() -> Any:
            removed = [each["ResourceRecordSet"] for each in ChangeBatch["Changes"] if each["Action"] == "DELETE"]
            if removed != [self._set()]:
                raise client_error("InvalidChangeBatch", "not as it was", "ChangeResourceRecordSets")
            self._world.name = {"values": values, "ttl": made["TTL"]}
            self._world.touch(f"the DNS record is updated to {', '.join(values)}")
            return {"ChangeInfo": {"Id": "/change/C1"}}

        return self._call("change_resource_record_sets", change)

    def get_change(self, *, Id: str) -> Any:  # noqa: N803
        def found() -> Any:
            if Id.startswith("C000"):
                raise client_error("NoSuchChange", "no such change", "GetChange")
            return {"ChangeInfo": {"Id": Id, "Status": "INSYNC", "SubmittedAt": datetime.now(UTC)}}

        return self._call("get_change", found)


class StepFunctions(_Client):
    """Which executions run, and starting another one."""

    def __init__(self, world: World, executions: Mapping[str, Execution], start: Callable[[str, Any], str]) -> None:
        super().__init__(world, "states")
        self._executions, self._start = executions, start

    def describe_execution(self, *, executionArn: str) -> Any:  # noqa: N803
        def found() -> Any:
            execution = self._executions[executionArn]
            stopped = {"stopDate": datetime.fromtimestamp(execution.stopped_at, UTC)} if execution.stopped_at else {}
            return {"status": execution.status, **stopped}

        return self._call("describe_execution", found)

    def get_execution_history(self, **_: Any) -> Any:
        return self._call("get_execution_history", lambda: {"events": []})

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Any:  # noqa: A002, N803
        del stateMachineArn

        def start() -> Any:
            return {"executionArn": self._start(name, json.loads(input))}

        return self._call("start_execution", start)
