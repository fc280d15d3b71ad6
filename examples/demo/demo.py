"""Makes a demo pair in an AWS account, and takes it away: `make demo-up`, `make demo-down`.

`up` shows account, region, cost and the time of removal, and asks before it makes anything. Everything that it makes in
the account is one CloudFormation stack with a tag, which deletes itself. On this machine it makes a certificate
(build/demo/server.pem) and puts it, and RDS's authorities, where the layer takes them from.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failoverctl.account import Account
from failoverctl.discovery import samconfig
from failoverctl.discovery.parameters import Value
from failoverctl.errors import CommandError, Exit, plainly

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CERTIFICATES = ROOT / "layers/msfailover/certificates"
MADE = ROOT / "build/demo"
SAMCONFIG = ROOT / "samconfig.toml"
ENVIRONMENT = "default"
PACKAGE = "rsync"
"""What both servers' versions are compared by: the stand-in comes in no package."""
ZONE = "demo.internal"
RECORD, FIRST_ADDRESS = f"ms.{ZONE}", "10.99.0.10"
TAG = "ms-failover-demo"
LONGEST_H = 24
RECORD_BACK_BEFORE = datetime.timedelta(minutes=5)
MADE_WITHIN_S = GONE_WITHIN_S = 2400
AUTHORITIES = "https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"
"""RDS's own, as "Using SSL/TLS to encrypt a connection to a DB instance" in Amazon RDS's guide names them."""


@dataclass(frozen=True)
class Cost:
    """One kind of thing that costs by the hour.

    Args:
        what: in words.
        kind: the resource type in the template.
        count: how many of it there are.
        dollars: for one, an hour.
    """

    what: str
    kind: str
    count: int
    dollars: float


HOURS_A_MONTH = 730
COSTS = (
    Cost("server, t4g.micro", "AWS::EC2::Instance", 2, 0.0084),
    Cost("its volume, 8 GB gp3", "AWS::EC2::Instance", 2, 8 * 0.08 / HOURS_A_MONTH),
    Cost("PostgreSQL on RDS, db.t4g.micro in one zone", "AWS::RDS::DBInstance", 1, 0.016),
    Cost("its storage, 20 GB gp3", "AWS::RDS::DBInstance", 1, 20 * 0.115 / HOURS_A_MONTH),
    Cost("interface endpoint in one zone", "AWS::EC2::VPCEndpoint", 4, 0.01),
    Cost("secret", "AWS::SecretsManager::Secret", 4, 0.40 / HOURS_A_MONTH),
    Cost("private zone", "AWS::Route53::HostedZone", 1, 0.50 / HOURS_A_MONTH),
)
"""US East (N. Virginia), on demand, no free tier taken off. RDS's prices as secondary sources quote AWS's list in 2026,
the others from memory: check them with AWS's calculator. The gateway endpoint costs nothing."""


def an_hour() -> float:
    """What the demo costs an hour, in dollars, without the pair's own stack."""
    return sum(each.count * each.dollars for each in COSTS)


def bill() -> str:
    """The cost an hour, as the table of README.md has it."""
    rows = [f"| {each.count} | {each.what} | {each.count * each.dollars:.4f} |" for each in COSTS]
    return "\n".join(
        ["| | what | dollars an hour |", "|---|---|---|", *rows, f"| | **all** | **{an_hour():.2f}** |", ""]
    )


@dataclass(frozen=True)
class Demo:
    """A demo's stack in an account.

    Args:
        account: whose clients are used.
        stack: its name.
        ask: shows a question and says whether a person agreed.
        say: shows a line.
        pause_s: seconds from one read of the stack's state to the next.
    """

    account: Account
    stack: str
    ask: Callable[[str], bool]
    say: Callable[[str], None]
    pause_s: float = 10.0

    def up(self, hours: float, now: datetime.datetime) -> None:
        """Make the demo. Raises CommandError where a person declines or AWS refuses."""
        if not 0.5 <= hours <= LONGEST_H:
            raise CommandError(f"--hours is {hours:g}; a demo lives for half an hour to {LONGEST_H}.", Exit.USAGE)
        end = now + datetime.timedelta(hours=hours)
        region = self._region()
        self.say(f"Makes the stack {self.stack} in account {self._account_id()}, {region}:")
        self.say("two servers, PostgreSQL on RDS, a network, a private zone. It costs about")
        self.say(f"${an_hour():.2f} an hour, and removes itself at {end:%Y-%m-%d %H:%M} UTC, in {hours:g} h.")
        if not self.ask("Make it?"):
            raise CommandError("Nothing was made.", Exit.DECLINED)
        no_other_pair(SAMCONFIG)
        server = certificate()
        authorities(region)
        cloudformation = self.account.client("cloudformation")
        parameters = {
            "RemoveAt": f"{end:%Y-%m-%dT%H:%M:%S}",
            "RecordBackAt": f"{end - RECORD_BACK_BEFORE:%Y-%m-%dT%H:%M:%S}",
            "Setup": (HERE / "setup.sh").read_text(),
            "Server": (HERE / "server.py").read_text(),
            "Certificate": server,
            "Zone": ZONE,
        }
        with plainly(f"make the stack {self.stack}"):
            cloudformation.create_stack(
                StackName=self.stack,
                TemplateBody=(HERE / "template.yaml").read_text(),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_IAM"],
                Tags=[{"Key": TAG, "Value": self.stack}],
                OnFailure="DELETE",
                TimeoutInMinutes=MADE_WITHIN_S // 60,
            )
        if self._ended(MADE_WITHIN_S) != "CREATE_COMPLETE":
            raise CommandError(f"The stack was not made; it is deleted again. {self._why()}", Exit.NOT_DONE)
        choose(SAMCONFIG, self.outputs())
        self.say("The servers set themselves up now, for about three minutes. Then:")
        self.say("\n".join(self.next_steps()))

    def next_steps(self) -> list[str]:
        """The commands that make a pair of it, with nothing to be found by hand."""
        out = self.outputs()
        return [
            f"  bin/failoverctl init --ms1 {out['Ms1InstanceId']} --ms2 {out['Ms2InstanceId']}"
            f" --database {out['DatabaseIdentifier']} --record {out['RecordName']} --admin-tls-name {out['RecordName']}"
            f" --secret {out['MonitorSecretArn']} --region {self._region()}",
            "  make build && build/tools/bin/sam deploy",
            "  bin/failoverctl prepare --stack ms-failover",
            "  bin/failoverctl acceptance --stack ms-failover",
        ]

    def down(self) -> None:
        """Take everything away. Raises CommandError where a person declines, or the pair's own stack is still there."""
        out = self.outputs(or_none=True)
        if not out:
            self._forget_remover()
            raise CommandError(f"There is no stack {self.stack} in {self._region()}.", Exit.NOT_DONE)
        if self._functions_of_a_pair(out["VpcId"]):
            raise CommandError(
                "The functions of a pair are still in the demo's network. First:"
                " build/tools/bin/sam delete --stack-name ms-failover",
                Exit.NOT_DONE,
            )
        if not self.ask(f"Delete the stack {self.stack} in account {self._account_id()}, {self._region()}?"):
            raise CommandError("Nothing was deleted.", Exit.DECLINED)
        self._record_back(out["ZoneId"])
        for _ in range(2):  # the pair's access group is kept with its stack, and keeps the network
            with plainly(f"delete the stack {self.stack}"):
                self.account.client("cloudformation").delete_stack(StackName=out["StackId"])
            ended = self._ended(GONE_WITHIN_S, out["StackId"])
            if ended == "DELETE_COMPLETE":
                break
            self._forget_access_groups(out["VpcId"])
        else:
            raise CommandError(f"{self.stack} is {ended}. {self._why(out['StackId'])}", Exit.NOT_DONE)
        self._forget_remover()
        self.say(f"{self.stack} is gone, and its role with it.")

    def outputs(self, *, or_none: bool = False) -> dict[str, str]:
        """The stack's outputs, and its StackId; empty where there is no stack and that is allowed."""
        try:
            with plainly(f"read the stack {self.stack}"):
                found = self.account.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        except CommandError as error:
            if or_none and "does not exist" in str(error.__cause__):
                return {}
            raise
        told = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
        return {**told, "StackId": found["StackId"]}

    # ---- what the account says -------------------------------------------------------------------------------------

    def _region(self) -> str:
        return str(self.account.client("ec2").meta.region_name)

    def _account_id(self) -> str:
        with plainly("tell whose credentials these are"):
            return str(self.account.client("sts").get_caller_identity()["Account"])

    def _ended(self, within_s: float, stack: str = "") -> str:
        """The state that a change of the stack ends in. Raises CommandError where it does not end in time."""
        began, said = time.monotonic(), ""
        cloudformation = self.account.client("cloudformation")
        while time.monotonic() - began < within_s:
            with plainly("read the stack's state"):
                try:
                    status = cloudformation.describe_stacks(StackName=stack or self.stack)["Stacks"][0]["StackStatus"]
                except cloudformation.exceptions.ClientError as error:
                    if "does not exist" not in str(error):
                        raise
                    status = "DELETE_COMPLETE"
            if status != said:
                self.say(f"  {int(time.monotonic() - began):4} s  {status}")
                said = status
            if not status.endswith("_IN_PROGRESS"):
                return str(status)
            time.sleep(self.pause_s)
        raise CommandError(
            f"{self.stack} is {said} after {within_s / 60:.0f} minutes: see CloudFormation.", Exit.UNFOLLOWED
        )

    def _why(self, stack: str = "") -> str:
        """The first thing that failed."""
        try:
            events = self.account.client("cloudformation").describe_stack_events(StackName=stack or self.stack)
        except Exception as error:
            return f"(Why is not known: {error})"
        failed = [each for each in events["StackEvents"] if each["ResourceStatus"].endswith("_FAILED")]
        return f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason', '')}" if failed else ""

    def _functions_of_a_pair(self, vpc: str) -> bool:
        wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "description", "Values": ["AWS Lambda VPC ENI*"]}]
        with plainly("see what is in the demo's network"):
            return bool(self.account.client("ec2").describe_network_interfaces(Filters=wanted)["NetworkInterfaces"])

    # ---- what CloudFormation does not take away --------------------------------------------------------------------

    def _record_back(self, zone: str) -> None:
        """Put the record back as the template made it: CloudFormation deletes no other."""
        record = {"Name": f"{RECORD}.", "Type": "A", "TTL": 30, "ResourceRecords": [{"Value": FIRST_ADDRESS}]}
        with plainly("put the record back"):
            self.account.client("route53").change_resource_record_sets(
                HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
            )

    def _forget_access_groups(self, vpc: str) -> None:
        ec2 = self.account.client("ec2")
        wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "description", "Values": ["ms-failover: *"]}]
        with plainly("delete the pair's access group"):
            for each in ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]:
                ec2.delete_security_group(GroupId=each["GroupId"])

    def _forget_remover(self) -> None:
        """Delete the role that a demo of this name has left in this region.

        IAM knows no regions: one of the same name elsewhere needs its own role to remove itself.
        """
        iam = self.account.client("iam")
        with plainly("delete the role that the demo leaves"):
            pages = iam.get_paginator("list_roles").paginate()
            names = [each["RoleName"] for page in pages for each in page["Roles"]]
            for name in (each for each in names if each.startswith(f"{self.stack}-Remover-")):
                policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
                said = [iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in policies]
                if f":cloudformation:{self._region()}:{self._account_id()}:stack/{self.stack}/" not in json.dumps(said):
                    continue  # it may remove another stack than ours, or has nothing left that says which
                for policy in policies:
                    iam.delete_role_policy(RoleName=name, PolicyName=policy)
                iam.delete_role(RoleName=name)


def certificate() -> str:
    """Certificate and key of the administration interface, made once; the layer is given the certificate."""
    path, trusted = MADE / "server.pem", CERTIFICATES / "admin-ca.pem"
    if not path.exists():
        MADE.mkdir(parents=True, exist_ok=True)
        key, made = MADE / "key.pem", MADE / "certificate.pem"
        order = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
        about = ["-subj", f"/CN={RECORD}", "-addext", f"subjectAltName=DNS:{RECORD}"]
        subprocess.run([*order.split(), *about, "-keyout", key, "-out", made], check=True, capture_output=True)
        path.touch(mode=0o600)
        path.write_text(made.read_text() + key.read_text())
        key.unlink()
    text = path.read_text()
    own = text[: text.index("-----BEGIN PRIVATE")]
    if trusted.exists() and own not in trusted.read_text():
        raise CommandError(f"{trusted} is another pair's: move it away, and back afterwards.", Exit.CANNOT_WRITE)
    trusted.write_text(own)
    return text


def no_other_pair(file: Path) -> None:
    """Raises CommandError where sam's file names a pair already: the demo's values would meet another one's."""
    given = _given(file)
    if given.get("Ms1InstanceId"):
        raise CommandError(
            f"{file.name} names a pair already (Ms1InstanceId={given['Ms1InstanceId']}): move the file away, as"
            f" {file.name}.of-that-pair, say, and back afterwards. Nothing was made.",
            Exit.CANNOT_WRITE,
        )


def choose(file: Path, out: dict[str, str]) -> None:
    """Put into sam's file what is an owner's choice, and no account tells; `init` adds the rest, and lets it stand."""
    values = (
        Value("SubnetIds", out["FunctionsSubnetIds"], "the demo's, apart from the servers' own"),
        Value("PackageName", PACKAGE, "the demo's stand-in comes in no package"),
    )
    text = file.read_text() if file.exists() else ""
    try:
        new = samconfig.written(text, ENVIRONMENT, values, (), {}, update=True)
    except samconfig.NotWritable as error:
        raise CommandError(f"{file.name} was not written: {error}", Exit.CANNOT_WRITE) from error
    file.write_text(new)


def _given(file: Path) -> dict[str, str]:
    try:
        return samconfig.overrides(file.read_text(), ENVIRONMENT) if file.exists() else {}
    except samconfig.NotWritable as error:
        raise CommandError(f"{file.name} can't be read: {error}", Exit.CANNOT_WRITE) from error


def authorities(region: str) -> None:
    """Fetch RDS's authorities for the layer, where there are none yet. Raises CommandError with what to do by hand."""
    path, address = CERTIFICATES / "database-ca.pem", AUTHORITIES.format(region=region)
    if path.exists():
        return
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310 - https, by AUTHORITIES
            text = answer.read(1_000_000).decode("ascii")
    except (OSError, ValueError) as error:
        raise CommandError(f"RDS's authorities were not fetched ({error}): curl -o {path} {address}") from error
    if "BEGIN CERTIFICATE" not in text:
        raise CommandError(f"{address} holds no certificate: curl -o {path} {address}")
    path.write_text(text)


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise CommandError("Nobody is at the terminal to ask: give --yes.", Exit.DECLINED)
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns an exit code of failoverctl's."""
    parser = argparse.ArgumentParser(prog="demo", description="A demo pair on AWS: make it, take it away.")
    parser.add_argument("action", choices=["up", "down", "cost", "next"])
    parser.add_argument("--stack", default="ms-failover-demo", help="the stack's name (%(default)s)")
    parser.add_argument("--hours", type=float, default=4, help="after which it removes itself (%(default)s)")
    parser.add_argument("--profile", help="as the AWS command line has it")
    parser.add_argument("--region", help="as the AWS command line has it")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    given: Any = parser.parse_args(arguments)
    try:
        if given.action == "cost":
            sys.stdout.write(bill())
            return Exit.DONE
        account = Account(given.profile, given.region, os.environ.get("AWS_ENDPOINT_URL"))
        ask: Callable[[str], bool] = (lambda _: True) if given.yes else _agreed
        demo = Demo(account, given.stack, ask, _say)
        if given.action == "up":
            demo.up(given.hours, datetime.datetime.now(datetime.UTC))
        elif given.action == "down":
            demo.down()
        else:
            sys.stdout.write("\n".join([*demo.next_steps(), ""]))
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
