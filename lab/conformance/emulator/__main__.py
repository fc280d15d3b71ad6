"""`make second-opinion`: deploys the template on ministack, and runs the happy path and the refusals there.

Real there: the template, the rules, the state machine, the functions `pair`, `database_access`, `dns` and `audit`, the
table, the security groups, the zone. Stood in for: the four functions that reach hosts (stand_in.py).
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.conformance.emulator.deployment import STACK, Refused, delete, deploy, furnish, update
from lab.conformance.emulator.emulator import Emulator, running
from lab.conformance.emulator.missing_features import with_crutches
from lab.testbed.polling import TestbedError, wait_for

PYTHON = Path("build/second/bin/python")
STOOD_IN = ("probe", "server", "database-sessions", "replicate")
LIMIT_S = 400
"""Seconds for an execution: a fence that nothing proves is given up after some three minutes there."""
MOST_SHOWN = 400


@dataclass(frozen=True)
class Pair:
    """The deployed pair: requests to it, and the world of its stand-ins."""

    emulator: Emulator
    machine: str
    table: str
    world: Path

    def is_now(self, **changes: Any) -> None:
        known = json.loads(self.world.read_text()) if self.world.exists() else {}
        new = self.world.with_suffix(".new")
        new.write_text(json.dumps({**known, **changes}))
        new.replace(self.world)

    def ask(self, action: str, **more: Any) -> str:
        """Start an execution and return its outcome: its output's, or how it ended and why."""
        client = self.emulator.client("stepfunctions")
        request = {"action": action, "reason": "second opinion", "requested_by": "desk", **more}
        execution = client.start_execution(stateMachineArn=self.machine, input=json.dumps(request))["executionArn"]

        def ended() -> Any:
            found = client.describe_execution(executionArn=execution)
            return None if found["status"] == "RUNNING" else found

        found = wait_for(f"the end of {action}", ended, LIMIT_S, every_s=0.2)
        if found["status"] == "SUCCEEDED":
            output = json.loads(found["output"])
            return f"{output['outcome']}: {output['sentence']}" if "outcome" in output else str(output)
        word = "halted" if found.get("error") == "Halted" else found["status"]
        return f"{word}: {found.get('cause', '')[:600]}"

    def call(self, function: str, **payload: Any) -> dict[str, Any]:
        answer = self.emulator.client("lambda").invoke(
            FunctionName=f"{STACK}-{function}", Payload=json.dumps(payload).encode()
        )
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def record(self) -> dict[str, Any]:
        key = {"pair": {"S": "management-server"}, "item": {"S": "state"}}
        found: dict[str, Any] = self.emulator.client("dynamodb").get_item(TableName=self.table, Key=key)["Item"]
        return {name: next(iter(each.values())) for name, each in found.items()}


def stand_in(pair: Pair, zone: str) -> None:
    """Replace the code of the functions that reach hosts."""
    text = (Path(__file__).parent / "stand_in.py").read_text()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", text.replace("@WORLD@", str(pair.world)).replace("@ZONE@", zone))
    for name in STOOD_IN:
        pair.emulator.client("lambda").update_function_code(FunctionName=f"{STACK}-{name}", ZipFile=packed.getvalue())


def main() -> int:
    """Run all; returns 0 where it went as expected, 1 where it did not."""
    if not PYTHON.exists():
        print(f"{PYTHON} is not there: `make second-opinion` makes it.", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="second-opinion-") as directory,
        running(PYTHON.absolute(), Path(directory)) as emulator,
    ):
        return _run(emulator, Path(directory))


def _run(emulator: Emulator, directory: Path) -> int:
    results: list[bool] = []

    def expect(what: str, found: Callable[[], str], wanted: str, known: str = "") -> None:
        began = time.monotonic()
        try:
            said = found()
        except (Refused, TestbedError) as error:
            said = f"{type(error).__name__}: {error}"
        good = wanted in said
        results.append(good or (known != "" and known in said))
        word = "as expected" if good else "known      " if results[-1] else "DIFFERENT  "
        print(f"{word}  {time.monotonic() - began:5.1f} s  {what}: {said[:MOST_SHOWN]}", flush=True)

    parameters = furnish(emulator)
    same = {**parameters, "Ms2InstanceId": parameters["Ms1InstanceId"]}
    expect("the same server twice", lambda: str(deploy(emulator, same)), "TwoServers")
    expect("a TTL of 301", lambda: str(deploy(emulator, {**parameters, "RecordTtlSeconds": "301"})), "RecordTtlSeconds")
    outputs = deploy(emulator, parameters)
    _support(emulator, outputs["StateMachineArn"])
    print(f"             deployed: {', '.join(outputs)}")
    pair = Pair(emulator, outputs["StateMachineArn"], outputs["TableName"], directory / "world.json")
    stand_in(pair, parameters["HostedZoneId"])
    _attach(emulator, parameters, outputs["AccessGroupId"])
    pair.is_now(runs=["ms1"], unknown=False, unfit=False)
    expect("failover before the pair is adopted", lambda: pair.ask("failover"), "refused")
    expect("adopt", lambda: pair.ask("adopt"), "promoted")
    expect("adopt again", lambda: pair.ask("adopt"), "refused")
    expect("nonsense", lambda: pair.ask("explode"), "refused")
    expect("failover while MS1 answers", lambda: pair.ask("failover"), "stood-down")
    expect("force without a name", lambda: pair.ask("force", requested_by=""), "refused")
    pair.is_now(runs=[], unfit=True)
    expect("failover to a standby that is not fit", lambda: pair.ask("failover"), "blocked")
    pair.is_now(runs=[], unfit=False)
    expect("failover", lambda: pair.ask("failover"), "promoted")
    expect(
        "the record after it", lambda: f"{pair.record()['active']} in epoch {pair.record()['epoch']}", "ms2 in epoch"
    )
    expect(
        "the old server's access group",
        lambda: pair.call("database-access", action="status", server="ms1")["answer"],
        "no",
    )
    expect(
        "the new server's access group",
        lambda: pair.call("database-access", action="status", server="ms2")["answer"],
        "yes",
    )
    grant = {"action": "grant_access", "server": "ms1", "epoch": 9}
    expect("a grant in no epoch of ours", lambda: str(pair.call("database-access", **grant)), "is not granted access")
    expect("the audit", lambda: str(pair.call("audit").get("risk")), "'answer': 'no'")
    expect("rights to the name, tried dry", lambda: str(pair.call("dns", action="rights")), "'answer': 'yes'")
    expect("the name", lambda: pair.call("dns", action="status", server="ms2")["answer"], "yes")
    expect("switchover back", lambda: pair.ask("switchover"), "promoted")
    pair.is_now(runs=["ms1"], unknown="all")
    expect("force where nothing proves the fence", lambda: pair.ask("force"), "halted")
    expect("failover while that holds the lease", lambda: pair.ask("failover"), "refused")
    pair.is_now(unknown=False)
    expect("resume", lambda: pair.ask("resume"), "promoted")
    expect(
        "the stack updated with another TTL", lambda: update(emulator, parameters, RecordTtlSeconds="60"), "COMPLETE"
    )
    expect("the access group after it", lambda: _rules(emulator, outputs["AccessGroupId"]), "10.0.0.12/32")
    # It does there what it asks for, and grants access.
    dry = {"action": "rights", "server": "ms1"}
    expect(
        "rights to the access group, tried dry",
        lambda: str(pair.call("database-access", **dry)),
        "'answer': 'yes'",
        "was not",
    )
    expect("the audit after that", lambda: str(pair.call("audit").get("risk")), "'answer': 'no'", "access-open")
    _authorize(emulator, outputs["AccessGroupId"], "10.0.0.12")  # that was taken away by the same trial
    expect("the stack deleted", lambda: delete(emulator), "gone")
    expect("the access group after it", lambda: _rules(emulator, outputs["AccessGroupId"]), "10.0.0.12/32")
    expect(
        "the record after it", lambda: f"{pair.record()['active']} in epoch {pair.record()['epoch']}", "ms2 in epoch"
    )
    print(f"{sum(results)} of {len(results)} as expected or known (docs/second-opinion.md)")
    return 0 if all(results) else 1


def _rules(emulator: Emulator, access: str) -> str:
    """Whom the access group allows, as EC2 has it."""
    rules = emulator.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [access]}])
    found = [each["CidrIpv4"] for each in rules["SecurityGroupRules"] if not each["IsEgress"] and each.get("CidrIpv4")]
    return f"{access} allows {found}"


def _authorize(emulator: Emulator, access: str, address: str) -> None:
    """The command that docs/deploy.md has for a rule that somebody took away."""
    emulator.client("ec2").authorize_security_group_ingress(
        GroupId=access, IpProtocol="tcp", FromPort=1521, ToPort=1521, CidrIp=f"{address}/32"
    )


def _support(emulator: Emulator, machine: str) -> None:
    client = emulator.client("stepfunctions")
    definition = client.describe_state_machine(stateMachineArn=machine)["definition"]
    client.update_state_machine(stateMachineArn=machine, definition=with_crutches(definition))


def _attach(emulator: Emulator, parameters: dict[str, str], access: str) -> None:
    ec2 = emulator.client("ec2")
    ec2.create_network_interface(SubnetId=parameters["SubnetIds"], PrivateIpAddress="10.0.0.30", Groups=[access])


if __name__ == "__main__":
    sys.exit(main())
