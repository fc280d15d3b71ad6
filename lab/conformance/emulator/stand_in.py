"""In place of the functions that reach hosts: what they would answer, from a world in a file.

The world: `{"runs": ["ms1"], "unknown": false, "unfit": false}`; `unknown` is a database that can't be seen. The name
is read from Route 53, because the name's function is the real one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

ROLES = ("ms1", "ms2")
WORLD = Path("@WORLD@")
DATABASE = "10.0.0.30"
"""Where the database's name leads to, and its interface is."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"].rsplit("-", 1)[-1]
    before = WORLD.read_text()
    world = json.loads(before)
    answer = {"probe": probe, "server": server, "sessions": sessions, "replicate": replicate}[function](event, world)
    # Many run at once: one that changed nothing must not put back what another one, or the desk, has changed meanwhile.
    if world != json.loads(before):
        new = WORLD.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(world))
        new.replace(WORLD)
    if "unless_yes" in event and answer["answer"] != "yes":
        raise type(event["unless_yes"], (Exception,), {})(answer["sentence"])
    return answer


def verdict(answer: bool | str, sentence: str, **evidence: Any) -> dict[str, Any]:
    word = answer if isinstance(answer, str) else "yes" if answer else "no"
    return {"answer": word, "sentence": sentence, "evidence": evidence}


def probe(event: dict[str, Any], world: dict[str, Any]) -> dict[str, Any]:
    action, role = event["action"], event.get("server")
    up = role in world["runs"]
    if action == "name":
        found = addresses(os.environ["RECORD_NAME"])
        return verdict(True, f"The name points to {found}.", addresses=found)
    if action == "probe":
        signal = {True: "answers", False: "refused"}
        return {each: {"admin": signal[each in world["runs"]], "port": signal[each in world["runs"]]} for each in ROLES}
    if action == "confirm_outage":
        return verdict(not up, f"{role} is {'up' if up else 'down'}.")
    if action == "check_reachable":
        return verdict(True, f"{role} can be reached.")
    return verdict(up, f"{role} {'answers' if up else 'does not answer'}.")


def addresses(name: str) -> list[str]:
    import boto3

    client = boto3.client("route53", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    sets = client.list_resource_record_sets(HostedZoneId="@ZONE@")["ResourceRecordSets"]
    ours = [each for each in sets if each["Name"].rstrip(".") == name]
    return [record["Value"] for each in ours for record in each.get("ResourceRecords", [])]


def server(event: dict[str, Any], world: dict[str, Any]) -> dict[str, Any]:
    action, role = event["action"], str(event.get("server"))
    if action == "check_standby":
        return verdict(not world["unfit"], f"{role} is {'not ' if world['unfit'] else ''}fit.")
    if action in ("stop_source", "ask_source_to_stop", "power_off") and role in world["runs"]:
        world["runs"].remove(role)
    if action == "power_off":
        ec2().stop_instances(InstanceIds=[instance_of(role)])
    if action == "start_server" and role not in world["runs"]:
        world["runs"].append(role)
    if action == "power":
        return power(role, world)
    if action == "runs":
        return verdict(role in world["runs"], f"{role} {'runs' if role in world['runs'] else 'does not run'}.")
    return verdict(True, f"{action} of {role}.")


def power(role: str, world: dict[str, Any]) -> dict[str, Any]:
    """As EC2 has it: `database_access` reads that itself before it grants access on it."""
    if world["unknown"] == "all":
        return verdict("unknown", f"Whether {role}'s machine is on is not known.")
    found = ec2().describe_instances(InstanceIds=[instance_of(role)])["Reservations"][0]["Instances"][0]
    return verdict(found["State"]["Name"] != "stopped", f"The machine of {role} is {found['State']['Name']}.")


def instance_of(role: str) -> str:
    return os.environ[f"{role.upper()}_INSTANCE_ID"]


def ec2() -> Any:
    import boto3

    return boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def sessions(event: dict[str, Any], world: dict[str, Any]) -> dict[str, Any]:
    if world["unknown"]:
        return verdict("unknown", "The database can't be seen.")
    if event["action"] == "status":
        there, reads = event["server"] in world["runs"], int(event.get("reads", 1))
        sentence = f"{event['server']} has {'a session' if there else 'no session'}."
        seen = {"counts": [int(there)] * reads, "by_address": int(there), "database_addresses": [DATABASE]}
        return verdict(there, sentence, **seen)
    if event["action"] == "addresses":
        return verdict(True, f"The database's name leads to {DATABASE}.", database_addresses=[DATABASE])
    return verdict(True, "Done.")


def replicate(_event: dict[str, Any], _world: dict[str, Any]) -> dict[str, Any]:
    return verdict(True, "The standby holds all.")
