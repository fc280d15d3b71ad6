"""The local cloud in one object: started, deployed to, asked through boto3, stopped."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from moto.moto_api._internal.models import moto_api_backend

from lab.testbed.cloud import atomic, owner_resources, resources
from lab.testbed.cloud import deploy as deploying
from lab.testbed.cloud.account import backend
from lab.testbed.cloud.agents import AgentServer
from lab.testbed.cloud.alarms import Alarms
from lab.testbed.cloud.event_sources import EventSources
from lab.testbed.cloud.events import Bus
from lab.testbed.cloud.function_logs import FunctionLogs, metric, put_metrics
from lab.testbed.cloud.functions import Functions
from lab.testbed.cloud.interpreter import EXECUTION_CHANGED, Interpreter
from lab.testbed.cloud.manners import apply
from lab.testbed.cloud.manners.dials import Manners
from lab.testbed.cloud.manners.front import Front
from lab.testbed.cloud.network_rules import DatabaseFirewall
from lab.testbed.cloud.owner import Addresses, Owner, furnish
from lab.testbed.cloud.patching import Patches
from lab.testbed.cloud.permissions import Permissions
from lab.testbed.cloud.power import Power
from lab.testbed.cloud.rds import Databases
from lab.testbed.cloud.route53 import Zones
from lab.testbed.cloud.schedules import Schedules
from lab.testbed.cloud.server import MotoServer, client
from lab.testbed.cloud.ssm import RunCommand
from lab.testbed.cloud.targets import Targets
from lab.testbed.host_interfaces import Firewall, Machines, Names, Places


@dataclass(frozen=True)
class Ports:
    """Where the cloud listens; 0 takes any free port."""

    api: int = 5000
    agents: int = 5080


class Cloud:
    """Everything that AWS does for this project, on one machine, in this process and the functions' own.

    `work_dir` gets the functions' output (`logs/NAME.log`). `addresses.conductor` is where hosts and functions reach
    this process; `ports` where it listens. Nothing happens before `start`; `stop` ends every process and thread and
    takes the changes to moto back.
    """

    def __init__(
        self,
        machines: Machines,
        firewall: Firewall,
        names: Names,
        places: Places,
        work_dir: Path,
        *,
        addresses: Addresses | None = None,
        ports: Ports | None = None,
        listen_on: str = "0.0.0.0",
        manners: Manners | None = None,
    ) -> None:
        self.addresses = addresses or Addresses()
        self._ports = ports or Ports()
        self._listen_on = listen_on
        self.manners = manners or Manners()
        self._server = MotoServer(listen_on, self._ports.api, self._put_front)
        self._clients: dict[str, Any] = {}
        self._credentials: dict[str, dict[str, str]] = {}
        self._making = threading.Lock()
        self._patches = Patches()
        self._machines, self._firewalls_of_hosts, self._names, self._places = machines, firewall, names, places
        self._work_dir = work_dir
        self._started = False

    def start(self) -> Cloud:
        """Listen and let the loops run. Raises PortTakenError or OSError when a port is not free."""
        moto_api_backend.reset()
        self._server.start()
        self._started = True
        try:
            self._assemble()
        except BaseException:
            self.stop()
            raise
        return self

    def _put_front(self, behind: Any) -> Front:
        self.front = Front(behind, self.manners)
        return self.front

    @property
    def endpoint(self) -> str:
        """The APIs' address for this process."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def functions_endpoint(self) -> str:
        """The APIs' address for hosts and functions."""
        return f"http://{self.addresses.conductor}:{self._server.port}"

    @property
    def agents_port(self) -> int:
        """Where the hosts' agents find their commands, at `addresses.conductor`."""
        return self._agents.port

    def client(self, service: str) -> Any:
        """A boto3 client to the local cloud, one per service (clients are thread-safe)."""
        with self._making:
            if service not in self._clients:
                self._clients[service] = client(service, self.endpoint)
            return self._clients[service]

    def furnish(self, *, zone: str = "corp.example", secret: dict[str, Any] | None = None) -> Owner:
        """Make the owner's account; from now on the database's access groups follow its groups."""
        owner = furnish(self.client, self.addresses, zone=zone, secret=secret)
        self.firewall.watch(owner.database_interface_id)
        return owner

    def deploy(self, template_path: Path, stack_name: str, parameters: Mapping[str, str]) -> deploying.Stack:
        """Deploy a SAM template. Raises deploy.DeployError or template.TemplateError, naming what is wrong."""
        stack = deploying.deploy(template_path, stack_name, parameters, self.client)
        self.firewall.refresh()
        return stack

    def confirm_subscriptions(self, topic_arn: str) -> None:
        """Follow the link in the message that every new subscriber gets, as people do once. moto counts nobody."""
        topic = backend("sns").topics[topic_arn]
        topic.subscriptions_confimed = sum(each.topic is topic for each in backend("sns").subscriptions.values())

    def attach_group(self, owner: Owner, group_id: str) -> None:
        """Put a group on the database's interface beside the ones that are there, as the operator does once."""
        interface = self.client("ec2").describe_network_interfaces(NetworkInterfaceIds=[owner.database_interface_id])[
            "NetworkInterfaces"
        ][0]
        groups = [group["GroupId"] for group in interface["Groups"]]
        self.client("ec2").modify_network_interface_attribute(
            NetworkInterfaceId=owner.database_interface_id, Groups=list(dict.fromkeys([*groups, group_id]))
        )

    def credentials_of(self, role_arn: str) -> dict[str, str]:
        """Keys of a role, from STS; fixed ones where there is no role."""
        with self._making:
            if role_arn in self._credentials:
                return self._credentials[role_arn]
        if not role_arn:
            return {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": "test"}
        answer = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="local")
        keys = {name: answer["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
        with self._making:
            return self._credentials.setdefault(role_arn, keys)

    def stop(self) -> None:
        """End everything; may be called twice, and after a start that failed."""
        if not self._started:
            return
        self._started = False
        for part in (
            "schedules",
            "event_sources",
            "alarms",
            "targets",
            "interpreter",
            "functions",
            "ssm",
            "_agents",
            "zones",
        ):
            if hasattr(self, part):
                getattr(self, part).stop()
        self._server.stop()
        self._patches.undo()
        moto_api_backend.reset()

    def __enter__(self) -> Cloud:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _assemble(self) -> None:
        self.logs = FunctionLogs(self._work_dir / "logs")
        self.functions = Functions(
            self._places,
            self.logs,
            host=self.addresses.conductor,
            listen_on=self._listen_on,
            endpoint=self.functions_endpoint,
            credentials_of=self.credentials_of,
        )
        self.targets = Targets(self.functions)
        self.bus = Bus(self.targets)
        self.schedules = Schedules(self.targets)
        self.alarms = Alarms(self.bus, self.targets)
        self.ssm = RunCommand(self.bus)
        self.power = Power(self._machines, self.bus, self.ssm.commands.disconnect)
        self.firewall = DatabaseFirewall(self._firewalls_of_hosts, self.addresses.functions)
        self.databases = Databases(self.addresses.database, self.firewall.watch)
        self.zones = Zones(self._names)
        self.permissions = Permissions()
        self.event_sources = EventSources(self.functions, self.permissions)
        self.interpreter = Interpreter(self.endpoint, self.credentials_of, self._execution_changed)
        self._agents = AgentServer(self.ssm.commands, self._listen_on, self._ports.agents)
        resources.install(self._patches, self.client, owner_resources.OWNERS)
        atomic.install(self._patches)
        for part in (
            self.functions,
            self.bus,
            self.alarms,
            self.ssm,
            self.power,
            self.firewall,
            self.databases,
            self.zones,
            self.interpreter,
            self.permissions,
            self.event_sources,
        ):
            part.install(self._patches)
        apply.install(
            self.manners,
            zones=self.zones,
            schedules=self.schedules,
            event_sources=self.event_sources,
            commands=self.ssm.commands,
            power=self.power,
            firewall=self.firewall,
            functions=self.functions,
            interpreter=self.interpreter,
        )
        for running in (self._agents, self.ssm, self.zones, self.schedules, self.event_sources, self.alarms):
            running.start()

    def _execution_changed(self, detail: dict[str, Any]) -> None:
        self.bus.emit("aws.states", EXECUTION_CHANGED, detail, [detail["executionArn"]])
        counted = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut", "ABORTED": "Aborted"}
        name = counted.get(detail["status"], "Started")
        machine = {"StateMachineArn": detail["stateMachineArn"]}
        put_metrics("AWS/States", [metric(f"Executions{name}", 1, machine, "Count")])
