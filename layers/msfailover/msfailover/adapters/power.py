"""A server's power: is the machine on, and switching it off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from msfailover.pair import Server
from msfailover.verdict import Verdict, no, unknown, yes

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

OFF = ("stopped", "terminated")


class NoPowerSwitch(Exception):
    """The server is not an EC2 instance: nobody here can switch it off."""


def is_on(client: EC2Client, server: Server) -> Verdict:
    """Whether the machine runs. Only `stopped` and `terminated` are *no*: a stopping machine can still write."""
    if server.instance_id.startswith("mi-"):
        return unknown(f"{server.role} ({server.instance_id}) is no EC2 instance; its power can't be seen from here.")
    try:
        answer = client.describe_instances(InstanceIds=[server.instance_id])
    except (ClientError, BotoCoreError) as error:
        return unknown(f"EC2 does not tell the state of {server.role} ({server.instance_id}): {error}")
    states = [each["State"]["Name"] for group in answer["Reservations"] for each in group["Instances"]]
    if len(states) != 1:
        return unknown(f"EC2 does not know {server.role} ({server.instance_id}).")
    if states[0] in OFF:
        return no(f"the instance of {server.role} ({server.instance_id}) is {states[0]}.", state=states[0])
    return yes(f"the instance of {server.role} ({server.instance_id}) is {states[0]}.", state=states[0])


def try_to_switch_off(client: EC2Client, server: Server) -> None:
    """Ask for what `switch_off` does, dry: EC2 refuses it, and by the error's code says whether it would be allowed."""
    client.stop_instances(InstanceIds=[server.instance_id], Force=True, DryRun=True)


def switch_off(client: EC2Client, server: Server) -> None:
    """Order the machine off and return; whether it is off is for `is_on` to say.

    `Force` still tries a graceful stop first (EC2 API reference, StopInstances). An instance that is stopping or
    stopped already is left to it.

    Raises:
        NoPowerSwitch: it is not an EC2 instance.
    """
    if server.instance_id.startswith("mi-"):
        raise NoPowerSwitch(f"{server.role} ({server.instance_id}) is no EC2 instance: switch it off by hand.")
    client.stop_instances(InstanceIds=[server.instance_id], Force=True)
