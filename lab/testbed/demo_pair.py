"""An empty account on this machine, and a demo pair made in it by the commands of docs/deploy.md.

Only what no command does there is done here: what EC2, RDS and a private zone do by themselves once
examples/demo/template.yaml is made, and `sam deploy` in whose place the template goes to the local cloud as it stands.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from examples.demo import demo
from failoverctl import program
from failoverctl.account import Account
from failoverctl.discovery import samconfig
from lab.testbed.cloud.account import REGION, backend
from lab.testbed.cloud.cloud import Cloud
from lab.testbed.cloud.deploy import Stack
from lab.testbed.cloud.manners.dials import Manners
from lab.testbed.cloud.owner import Addresses
from lab.testbed.hosts import addresses
from lab.testbed.hosts.demo_hosts import Border, DemoHosts
from lab.testbed.polling import TestbedError
from lab.testbed.state_files import ROOT

STACK = "ms-failover"
ENDPOINTS = f"*.aaaaaaaaaa.{REGION}.rds.amazonaws.com"
"""Where moto's RDS has its endpoints."""
SET_UP_WITHIN_S = 120.0
_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "operator", "AWS_REGION": REGION}
_OF_OTHERS = ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "FAILOVER_STACK")

QUICK = {
    "AccessSettlesSeconds": "0",  # here a rule is in effect before EC2's stand-in answers
    "ProbeIntervalSeconds": "1",
    "ProbeTimeoutSeconds": "0.5",
    "FailureThreshold": "3",
    "RecordTtlSeconds": "5",
}
"""What an ideal cloud allows: quicker than the template's defaults."""


class DemoPair:
    """Hosts and cloud, up while the context lasts; the account is empty at first.

    Args:
        directory: takes files and logs; made new.
        manners: of the cloud; ideal without.
    """

    def __init__(self, directory: Path, manners: Manners | None = None) -> None:
        if addresses.HERE is not addresses.OF_DEMO:
            raise TestbedError(f"A demo pair needs its own addresses: set {addresses.LAYOUT_BY}=demo before the start.")
        self.directory = directory = directory.resolve()
        self.manners = manners or Manners()
        self.hosts = DemoHosts(directory, ENDPOINTS)
        where = Addresses(conductor=addresses.CLOUD, functions=addresses.VPC, database=addresses.DATABASE)
        self.cloud = Cloud(
            self.hosts.machines,
            self.hosts.firewall,
            self.hosts.names,
            self.hosts.places,
            directory,
            addresses=where,
            manners=self.manners,
        )
        self.samconfig = directory / "samconfig.toml"
        self.certificates = directory / "certificates"
        self.stack: Stack | None = None
        self.instances: dict[str, str] = {}
        self._before: dict[str, str | None] = {}
        self._of_demo = (demo.CERTIFICATES, demo.MADE, demo.SAMCONFIG)

    def __enter__(self) -> Self:
        try:
            with ThreadPoolExecutor(2) as threads:
                hosts, cloud = threads.submit(self.hosts.__enter__), threads.submit(self.cloud.start)
                cloud.result()
                hosts.result()
            self._settle_in()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything; can be called again."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}
        demo.CERTIFICATES, demo.MADE, demo.SAMCONFIG = self._of_demo
        self.cloud.stop()
        self.hosts.close()

    def _settle_in(self) -> None:
        """Lead the commands to this account, and away from the checkout's own files."""
        wanted: Mapping[str, str | None] = {
            **_ENVIRONMENT,
            "AWS_ENDPOINT_URL": self.cloud.endpoint,
            **dict.fromkeys(_OF_OTHERS),
        }
        for name, value in wanted.items():
            self._before[name] = os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        self.certificates.mkdir(exist_ok=True)
        (self.certificates / "database-ca.pem").write_bytes(self.hosts.ca_pem)
        demo.CERTIFICATES, demo.MADE, demo.SAMCONFIG = self.certificates, self.directory / "made", self.samconfig

    # ---- the commands ----------------------------------------------------------------------------------------------

    def type(self, line: str) -> int:
        """Run a command line of failoverctl as a person types it in this account; returns its exit code."""
        return program.main(shlex.split(line))

    def demo_up(self) -> None:
        """`make demo-up`, and what AWS does then. Raises TestbedError where either fails."""
        if code := demo.main(["up", "--yes"]):
            raise TestbedError(f"demo-up ended with {code}.")
        self._launch()

    def init(self) -> int:
        """`failoverctl init` as demo-up printed it; returns its exit code."""
        made = demo.Demo(Account(None, None, self.cloud.endpoint), demo.TAG, lambda _: True, _silently)
        (line,) = [each for each in made.next_steps() if "failoverctl init" in each]
        return self.type(f"{line.removeprefix('  bin/failoverctl ')} --config-file {self.samconfig}")

    def deploy(self, **changed: str) -> None:
        """`make build && sam deploy`: the template with sam's file's parameters, and some changed ones."""
        of_file = samconfig.overrides(self.samconfig.read_text(), demo.ENVIRONMENT)
        authorities = {
            "DatabaseCaFile": str(self.certificates / "database-ca.pem"),
            "AdminCaFile": str(self.certificates / "admin-ca.pem"),
        }
        quick = QUICK if self.manners.is_ideal else {}
        parameters = {**of_file, **authorities, **quick, **changed}
        self.stack = self.cloud.deploy(ROOT / "template.yaml", STACK, parameters)

    # ---- what AWS does by itself -----------------------------------------------------------------------------------

    def _launch(self) -> None:
        """Let RDS's endpoint lead to the database, and both instances boot and run their user data."""
        (database,) = backend("rds").databases.values()
        self.hosts.managed.set_master_password(self._resolved(str(database._master_user_password)))
        self.hosts.lead_to_database(str(database.address))
        ec2 = self.cloud.client("ec2")
        found = [each for group in ec2.describe_instances()["Reservations"] for each in group["Instances"]]
        self.instances = {_tag(each, "Name"): str(each["InstanceId"]) for each in found}
        self.hosts.machines.enroll({instance: role for role, instance in self.instances.items()})
        for each in found:
            host = self.hosts.host(_tag(each, "Name"))
            self.cloud.firewall.watch(str(each["NetworkInterfaces"][0]["NetworkInterfaceId"]), Border(host))
        with ThreadPoolExecutor(2) as threads:
            for done in [threads.submit(self._boot, role, instance) for role, instance in self.instances.items()]:
                done.result()

    def _resolved(self, reference: str) -> str:
        """What a dynamic reference of CloudFormation's to a field of a secret stands for: moto leaves it as it is."""
        found = re.fullmatch(r"\{\{resolve:secretsmanager:(.+):SecretString:(\w+)\}\}", reference)
        if found is None:
            raise TestbedError(f"The master's password is no reference to a secret: {reference[:40]}")
        secret = self.cloud.client("secretsmanager").get_secret_value(SecretId=found[1])["SecretString"]
        return str(json.loads(secret)[found[2]])

    def _boot(self, role: str, instance: str) -> None:
        said = self.cloud.client("ec2").describe_instance_attribute(InstanceId=instance, Attribute="userData")
        self.hosts.machines.power_on(instance)
        host = self.hosts.host(role)
        script = base64.b64decode(said["UserData"]["Value"]).decode()
        host.files.write("/root/user-data", script, mode=0o700)
        host.run(["bash", "/root/user-data"], timeout_s=SET_UP_WITHIN_S)


def _tag(instance: Mapping[str, Any], name: str) -> str:
    return next(str(each["Value"]) for each in instance["Tags"] if each["Key"] == name)


def _silently(_: str) -> None:
    """Show nothing: what is said was said before."""
