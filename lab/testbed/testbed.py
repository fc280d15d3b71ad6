"""The testbed: this machine as the account, the network and the hosts, with the template deployed on it.

Everything a user would call real is real (hosts/); what AWS does is done by cloud/. To be used inside the
testbed's own namespaces (lab/testbed/namespaces.py), which the kernel takes away with everything in them when it ends.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from boto3.dynamodb.types import TypeDeserializer

from failoverctl.preparing import prepare_hosts
from failoverctl.report.course import Step
from failoverctl.steps import answer_of, steps_of
from lab.testbed.cloud.cloud import Cloud
from lab.testbed.cloud.deploy import Stack
from lab.testbed.cloud.manners.dials import Manners
from lab.testbed.hosts.addresses import (
    ADDRESS_OF,
    DATABASE,
    DATABASE_ELSEWHERE,
    NAMES,
    SERVICE_NAME,
    WRITER_NAME,
    ZONE,
)
from lab.testbed.hosts.database import MONITOR, NAME
from lab.testbed.hosts.hosts import Hosts
from lab.testbed.polling import TestbedError, wait_for
from lab.testbed.state_files import ROOT
from lab.testbed.timeline_recorder import RecordedFirewall, RecordedNames

STACK = "testbed"
ROLES = ("ms1", "ms2")

PROBE_INTERVAL_S = 1
FAILURE_THRESHOLD = 3
AWS_PATIENCE = 5.0


class Testbed:
    """Hosts, cloud and stack, up while the context lasts.

    Args:
        directory: takes files and logs; made new.
        agents: how many agents.
        parameters: of the template, over the testbed's own.
        manners: of the cloud; ideal without.
        multi_az: whether the database is one that can be in another zone later: found by its writer's name, with an
            interface in either zone. There is a second probe in the other zone then.
    """

    def __init__(
        self,
        directory: Path,
        *,
        agents: int = 20,
        parameters: Mapping[str, str] | None = None,
        manners: Manners | None = None,
        multi_az: bool = False,
    ) -> None:
        self.directory = directory = directory.resolve()
        self._parameters = dict(parameters or {})
        self.manners = manners or Manners()
        self._multi_az = multi_az
        self.hosts = Hosts(
            directory,
            agents=agents,
            preseeded=False,
            agents_come=False,
            caching=not self.manners.is_ideal,
            by_name=multi_az,
        )
        servers = {role: ADDRESS_OF[role] for role in ROLES}
        port = int(self._parameters.get("DatabasePort", self.hosts.database.port))
        self.firewall = RecordedFirewall(self.hosts.firewall, servers, port)
        self.names = RecordedNames(self.hosts.names, servers, SERVICE_NAME)
        self.cloud = Cloud(
            self.hosts.machines, self.firewall, self.names, self.hosts.places, directory, manners=self.manners
        )
        self.stack: Stack | None = None
        self._histories: dict[str, tuple[Step, ...]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        try:
            self._up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def patience(self) -> float:
        """By how much longer than on an ideal cloud things may take."""
        return 1.0 if self.manners.is_ideal else AWS_PATIENCE

    def close(self) -> None:
        """End everything; can be called again."""
        self.cloud.stop()
        self.hosts.close()

    def _up(self) -> None:
        with ThreadPoolExecutor(2) as threads:
            hosts = threads.submit(self.hosts.__enter__)
            cloud = threads.submit(self.cloud.start)
            cloud.result()
            hosts.result()
        secret = {"username": MONITOR, "password": self.hosts.passwords.monitor}
        self.owner = self.cloud.furnish(secret=secret)
        self.instances = {"ms1": self.owner.primary_instance_id, "ms2": self.owner.standby_instance_id}
        if self.hosts.resolver is not None:
            self.cloud.zones.before_change = self._ask_resolver
        self.hosts.machines.enroll({instance: role for role, instance in self.instances.items()})
        authority = self.directory / "authority.pem"
        authority.write_bytes(self.hosts.ca_pem)
        self.stack = self.cloud.deploy(ROOT / "template.yaml", STACK, {**self._own(authority), **self._parameters})
        # As an owner has it before: ms1 gets in by a rule of the owner's, and works.
        self._edit_owners_group("authorize")
        self.cloud.attach_group(self.owner, self.stack.outputs["AccessGroupId"])
        if self._multi_az:
            self.cloud.client("ec2").create_network_interface(
                SubnetId=self.owner.database_subnet_ids[1],
                PrivateIpAddress=DATABASE_ELSEWHERE,
                Groups=[self.owner.database_group_id, self.stack.outputs["AccessGroupId"]],
                Description="the database's standby in the other zone",
            )
        self.cloud.confirm_subscriptions(self.stack.outputs["TopicArn"])

    def _ask_resolver(self) -> None:
        if self.hosts.resolver is not None and self.manners.happens("resolver.asked-before"):
            self.hosts.resolver.ask(SERVICE_NAME)

    def _own(self, authority: Path) -> dict[str, str]:
        """The parameters that an owner would give for this account."""
        return {
            "PairName": STACK,
            "Ms1InstanceId": self.instances["ms1"],
            "Ms1Addresses": ADDRESS_OF["ms1"],
            "Ms2InstanceId": self.instances["ms2"],
            "Ms2Addresses": ADDRESS_OF["ms2"],
            "DatabaseEngine": self.hosts.database.engine,
            "DatabaseHost": WRITER_NAME if self._multi_az else DATABASE,
            "DatabasePort": str(self.hosts.database.port),
            "DatabaseName": NAME,
            "DatabaseNetworkAclIds": self.owner.database_network_acl_id,
            "DatabaseSubnetIds": ",".join(self.owner.database_subnet_ids),
            "DatabaseSecretArn": self.owner.secret_arn,
            "DatabaseCaFile": str(authority),
            "HostedZoneId": self.owner.zone_id,
            "RecordName": SERVICE_NAME,
            "VpcId": self.owner.vpc_id,
            "SubnetIds": self.owner.functions_subnet_id,
            "SecondProbeSubnetIds": self.owner.second_functions_subnet_id if self._multi_az else "",
            "AdminTlsName": SERVICE_NAME,
            "AdminCaFile": str(authority),
            "NotificationEmail": f"operators@{ZONE}",
            **(_quick() if self.manners.is_ideal else {}),  # on AWS as it is: the template's own defaults
        }

    def _edit_owners_group(self, verb: str) -> None:
        """Allow ms1 by a rule of the owner's ("authorize"), or not any more ("revoke")."""
        port = int(self._parameters.get("DatabasePort", self.hosts.database.port))
        source = [{"CidrIp": f"{ADDRESS_OF['ms1']}/32"}]
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": source}
        edit = getattr(self.cloud.client("ec2"), f"{verb}_security_group_ingress")
        edit(GroupId=self.owner.database_group_id, IpPermissions=[rule])

    # ---- executions ------------------------------------------------------------------------------------------------

    @property
    def machine(self) -> str:
        return self._stack.outputs["StateMachineArn"]

    @property
    def access_group(self) -> str:
        """The stack's own security group in front of the database."""
        return self._stack.outputs["AccessGroupId"]

    @property
    def _stack(self) -> Stack:
        if self.stack is None:
            raise TestbedError("Nothing is deployed on the testbed yet.")
        return self.stack

    def start(self, request: Mapping[str, Any], name: str | None = None) -> str:
        """Start an execution with a request; returns its ARN."""
        more = {"name": name} if name else {}
        answer = self.cloud.client("stepfunctions").start_execution(
            stateMachineArn=self.machine, input=json.dumps(request), **more
        )
        return str(answer["executionArn"])

    def executions(self) -> list[dict[str, Any]]:
        """All executions so far, oldest first."""
        answer = self.cloud.client("stepfunctions").list_executions(stateMachineArn=self.machine, maxResults=100)
        return sorted(answer["executions"], key=lambda each: each["startDate"])

    def outcome(self, execution: str, deadline_s: float) -> str:
        """Wait for an execution's end and return its outcome.

        Raises:
            TestbedError: it had not ended by the deadline.
        """
        client = self.cloud.client("stepfunctions")
        found = wait_for(
            f"the end of {execution}",
            lambda: (answer := client.describe_execution(executionArn=execution))["status"] != "RUNNING" and answer,
            deadline_s,
        )
        if found["status"] == "SUCCEEDED":
            return str(json.loads(found["output"])["outcome"])
        return "halted" if found.get("error") == "Halted" else str(found["status"]).lower()

    def prepare_hosts(self) -> None:
        """Make both hosts ends of the replication. Raises NotPrepared with the host's own words."""
        prepare_hosts(self.cloud.client("ssm"), STACK, self.instances, {role: ADDRESS_OF[role] for role in ROLES})

    def import_software(self, files: int, bytes_each: int, role: str = "ms1") -> None:
        """Import software on a server and say so, as the documented one-liner does."""
        self.hosts.import_package(files, bytes_each, role)
        self.say_imported()

    def say_imported(self) -> None:
        """Send the event that has an import carried at once."""
        detail = json.dumps({"pair": STACK})
        self.cloud.client("events").put_events(
            Entries=[{"Source": "ms-failover", "DetailType": "Software Imported", "Detail": detail}]
        )

    def freshness(self) -> dict[str, Any]:
        """What the pair's record knows of the standby's copy."""
        return self._item("freshness")

    def game_day(self) -> dict[str, Any]:
        """The last game day, as it is kept beside the record; empty before the first."""
        return self._item("game-day")

    def adopt(self, deadline_s: float = 90) -> None:
        """Adopt the pair, as on AWS; the agents come once there is a server for them.

        Just before, the active server is taken out of the owner's group. Its sessions live on: that is how it is found.

        Raises:
            TestbedError: it did not succeed.
        """
        wait_for("ms1 writes", lambda: self.hosts.journal.by_server().get("ms1"), 20)
        self._edit_owners_group("revoke")
        execution = self.start({"action": "adopt", "reason": "the testbed begins", "requested_by": "testbed"}, "adopt")
        outcome = self.outcome(execution, deadline_s * self.patience)
        if outcome != "promoted":
            said = self.steps(execution)
            raise TestbedError(f"The pair could not be adopted: {outcome}: {said[-1].result if said else ''}")
        self.hosts.agents.start()

    def steps(self, execution: str) -> tuple[Step, ...]:
        """The states of an execution as they ran; an ended execution is asked for once."""
        with self._lock:
            if execution in self._histories:
                return self._histories[execution]
        client = self.cloud.client("stepfunctions")
        ended = client.describe_execution(executionArn=execution)["status"] != "RUNNING"
        events = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        name = execution.rsplit(":", 1)[-1]
        steps = tuple(Step.of(each, name) for each in steps_of(events))
        if ended:
            with self._lock:
                self._histories[execution] = steps
        return steps

    def answer(self, execution: str, step: str) -> dict[str, Any]:
        """What the function behind a step of an execution answered last; empty where it never did."""
        client = self.cloud.client("stepfunctions")
        return answer_of(client.get_execution_history(executionArn=execution, maxResults=1000)["events"], step)

    # ---- the pair's record -----------------------------------------------------------------------------------------

    def record(self) -> dict[str, Any]:
        """The pair's record, as the table has it."""
        return self._item("state")

    def _item(self, name: str) -> dict[str, Any]:
        from msfailover.adapters.pair_table import key_of

        item = self.cloud.client("dynamodb").get_item(
            TableName=self._stack.outputs["TableName"],
            Key=key_of(STACK, name),
            ConsistentRead=True,
        )
        return {name: TypeDeserializer().deserialize(value) for name, value in item.get("Item", {}).items()}

    def history(self) -> list[dict[str, Any]]:
        """The pair's history, the latest change first."""
        from msfailover.adapters.pair_table import PairTable

        return PairTable(self.cloud.client("dynamodb"), self._stack.outputs["TableName"], STACK).history()

    def invoke(self, function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Call a function of the stack ("database-access"). Raises TestbedError where it raises."""
        answer = self.cloud.client("lambda").invoke(
            FunctionName=f"{STACK}-{function}", Payload=json.dumps(payload).encode()
        )
        body = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise TestbedError(f"{function} raised {body.get('errorType')}: {body.get('errorMessage')}")
        return dict(body)


def _quick() -> dict[str, str]:
    """What an ideal cloud allows: quicker than the template's defaults."""
    return {
        "AccessSettlesSeconds": "0",  # here a rule is in effect before EC2's stand-in answers
        "RecordTtlSeconds": "5",
        "Resolvers": NAMES,
        "ProbeIntervalSeconds": str(PROBE_INTERVAL_S),
        "ProbeTimeoutSeconds": "0.5",
        "FailureThreshold": str(FAILURE_THRESHOLD),
    }
