"""`python -m local.account prepare|undo|attach --stack NAME`, with the desk's own credentials and region."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.account.door import describe
from local.preparing import NotPrepared, prepare_hosts, undo_hosts
from local.waiting import StageError


def main(argv: list[str] | None = None, client_of: Any = None) -> int:
    """Run a command; returns its exit status: 0 done, 1 a host or AWS said no."""
    arguments = _parser().parse_args(argv)
    client_of = client_of or boto3.Session(profile_name=arguments.profile, region_name=arguments.region).client
    try:
        print(arguments.do(client_of, arguments.stack))
    except (NotPrepared, StageError, ClientError, BotoCoreError) as problem:
        print(f"{problem}\nIt can be run again when that is mended.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.account", description=__doc__)
    parser.add_argument("--profile", help="of the AWS command line (or AWS_PROFILE)")
    parser.add_argument("--region", help="(or AWS_REGION)")
    commands = parser.add_subparsers(required=True)
    for name, does, do in (
        ("prepare", "make both hosts ends of the replication; can be run again", _prepare),
        ("undo", "take away what prepare made on both hosts", _undo),
        ("attach", "say what the door has to be attached to; changes nothing", _attach),
    ):
        command = commands.add_parser(name, help=does, description=does)
        command.add_argument("--stack", required=True)
        command.set_defaults(do=do)
    return parser


def _stack(client_of: Any, name: str) -> tuple[dict[str, str], dict[str, str]]:
    found = client_of("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}
    return {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}, outputs


def _hosts(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Instances and addresses of the stack's servers."""
    instances = {role: given[f"{role.capitalize()}InstanceId"] for role in ("ms1", "ms2")}
    # AWS gives a list as it was typed, moto as Python writes it; the first address is the one that counts.
    listed = {role: re.findall(r"[0-9A-Fa-f.:]{2,}", given[f"{role.capitalize()}Addresses"]) for role in instances}
    return instances, {role: each[0] for role, each in listed.items()}


def _undo(client_of: Any, stack: str) -> str:
    undo_hosts(client_of("ssm"), stack, *_hosts(_stack(client_of, stack)[0]))
    return "Both hosts are as they were, but for autostart, which stays off: turn it on on one of them only."


def _prepare(client_of: Any, stack: str) -> str:
    given, _ = _stack(client_of, stack)
    instances, addresses = _hosts(given)
    settings = {
        "Service": given["ServiceName"],
        "Package": given["PackageName"],
        "Paths": f"{given['SoftwarePaths']} {given['ConfigPath']}",
    }
    told = prepare_hosts(client_of("ssm"), stack, instances, addresses, settings)
    return "\n".join(
        f"{role} ({instances[role]}) is prepared; autostart is {told[role]['autostart']}." for role in told
    )


def _attach(client_of: Any, stack: str) -> str:
    given, outputs = _stack(client_of, stack)
    return describe(client_of("ec2"), outputs["DoorGroupId"], given)


if __name__ == "__main__":
    sys.exit(main())
