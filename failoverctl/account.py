"""The account that is asked: its clients, and the stack of the pair in it."""

from __future__ import annotations

import copy
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.session import Session
from msfailover.chain import ChainHead
from msfailover.freshness import Freshness
from msfailover.pair import PairState
from msfailover.record import RecordUnreadable, state_from_json
from msfailover.text import clean, clean_all

from failoverctl.errors import CommandError, Exit, plainly

ANSWER_WITHIN_S = 80.0
_LIMITS = Config(connect_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"})
_OUT_OF_ORDER_AT_MOST = 30
_READS_AT_MOST = 3
_OUTPUTS = ("StateMachineArn", "TableName", "TopicArn", "AccessGroupId")
_DESCRIBED = "ms-failover: fenced failover"
"""How the template's description begins, by which a stack of ours is known that was not deployed as a whole."""


class Account:
    """Clients of AWS, made when first needed and kept. They are botocore's: boto3 is as much again to import.

    Args:
        profile, region: as the AWS command line has them; None for the environment's.
        endpoint: where all APIs are, in place of AWS (the local testbed).
    """

    def __init__(self, profile: str | None, region: str | None, endpoint: str | None = None) -> None:
        self._session = Session(profile=profile)
        self._region = region or os.environ.get("AWS_REGION")  # which botocore doesn't look at, unlike AWS's own tool
        with plainly("use this profile"):
            self._session.get_scoped_config()
        if endpoint:  # nobody looks at them there
            self._session.set_credentials("testbed", "testbed")
        self._endpoint = endpoint
        self._clients: dict[tuple[str, float], Any] = {}
        self._making = threading.Lock()

    def in_region(self, region: str) -> Account:
        """The same credentials in another region."""
        other = copy.copy(self)  # the lock stays one: the session is one
        other._region, other._clients = region, {}
        return other

    def demand_login(self) -> None:
        """For what is to serve for long. Raises CommandError where no region is set, or there are no credentials."""
        self.client("cloudformation")
        with plainly("log in"):
            if self._session.get_credentials() is None:
                raise NoCredentialsError

    def client(self, service: str, wait_s: float = ANSWER_WITHIN_S) -> Any:
        """The client of a service, whose answers are waited for as long as that."""
        with self._making:  # making clients is not thread-safe in botocore, using them is
            if (service, wait_s) not in self._clients:
                config = _LIMITS.merge(Config(read_timeout=wait_s))
                with plainly(f"speak to {service}"):
                    made = self._session.create_client(
                        service, region_name=self._region, endpoint_url=self._endpoint, config=config
                    )
                self._clients[service, wait_s] = made
            return self._clients[service, wait_s]


@dataclass(frozen=True)
class Identity:
    """Whose credentials these are, as STS tells it.

    Args:
        account: the account's number; empty where STS could not be asked.
        arn: of the user or the role's session; empty where STS could not be asked.
        error: why STS could not be asked; empty where it was.
    """

    account: str
    arn: str
    error: str = ""


def identity_of(account: Account) -> Identity:
    """Ask STS whose credentials these are. Everybody may ask that, best effort: it never raises."""
    try:
        with plainly("tell whose credentials these are"):
            answer = account.client("sts").get_caller_identity()
        return Identity(clean(answer["Account"], 20), clean(answer["Arn"], 300))
    except CommandError as error:
        return Identity("", "", str(error))


@dataclass(frozen=True)
class Stack:
    """A deployed stack of ours.

    Args:
        name: the stack's.
        pair: the pair's.
        machine: the workflow's ARN.
        table: the record's table.
        group: the stack's security group in front of the database.
        parameters: the stack's parameters.
    """

    name: str
    pair: str
    machine: str
    table: str
    group: str
    parameters: Mapping[str, str]

    @property
    def region(self) -> str:
        return self.machine.split(":")[3]

    @property
    def account(self) -> str:
        """The number of the account that it is deployed in."""
        return self.machine.split(":")[4]

    def function(self, name: str) -> str:
        """The full name of one of its functions ("database-access")."""
        return f"{self.name}-{name}"


def find_stack(account: Account, name: str) -> Stack:
    """Read the stack's outputs. Raises CommandError where it is not there, or not one of ours."""
    client = account.client("cloudformation")
    try:
        with plainly(f"read the stack {name}"):
            found = client.describe_stacks(StackName=name)["Stacks"][0]
    except CommandError as error:
        if not isinstance(error.__cause__, ClientError) or "does not exist" not in str(error.__cause__):
            raise
        raise CommandError(
            f"There is no stack {name} in {client.meta.region_name}: name it with --stack (or FAILOVER_STACK),"
            " and check that --profile and --region are those it was deployed with."
        ) from error
    missing = [each for each in _OUTPUTS if each not in _outputs(found)]
    if missing:
        raise CommandError(
            f"The stack {name} ({found.get('StackStatus')}) is not a deployed one of ms-failover: it has no output"
            f" {', '.join(missing)}. `sam deploy` says why, where the deployment failed."
        )
    return _stack(found)


def find_stacks(account: Account) -> tuple[list[Stack], dict[str, str]]:
    """Every stack of ours in the account's region.

    Returns:
        the deployed ones, and the names and states (ROLLBACK_COMPLETE) of those that are not deployed as a whole.

    Raises:
        CommandError: they could not be listed.
    """
    found, more = list[dict[str, Any]](), dict[str, str]()
    client = account.client("cloudformation")
    while True:
        with plainly("list the stacks"):
            answer = client.describe_stacks(**more)
        found += answer["Stacks"]
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}
    whole = [each for each in found if not set(_OUTPUTS) - set(_outputs(each))]
    ours = [each for each in found if str(each.get("Description", "")).startswith(_DESCRIBED) and each not in whole]
    others = {str(each["StackName"]): str(each.get("StackStatus")) for each in ours}
    return sorted(map(_stack, whole), key=lambda each: each.name), others


def list_regions(account: Account) -> list[str]:
    """The regions that the account has enabled, sorted. Raises CommandError."""
    with plainly("list the regions"):
        return sorted(str(each["RegionName"]) for each in account.client("ec2").describe_regions()["Regions"])


def only_stack(account: Account) -> Stack:
    """The one stack of ours in the account's region. Raises CommandError where there is none, or more than one."""
    deployed, _ = find_stacks(account)
    if len(deployed) == 1:
        return deployed[0]
    region = account.client("cloudformation").meta.region_name
    if not deployed:
        raise CommandError(
            f"There is no stack of ms-failover in {region}: `failoverctl list --all-regions` looks for it in the"
            " others; check that --profile is the one it was deployed with.",
            Exit.USAGE,
        )
    names = ", ".join(each.name for each in deployed)
    raise CommandError(f"Which pair? There are {len(deployed)} in {region}: give --stack ({names}).", Exit.USAGE)


def _outputs(found: Mapping[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def _stack(found: Mapping[str, Any]) -> Stack:
    parameters = {each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", [])}
    pair, outputs = parameters.get("PairName", "management-server"), _outputs(found)
    return Stack(
        str(found["StackName"]),
        pair,
        outputs["StateMachineArn"],
        outputs["TableName"],
        outputs["AccessGroupId"],
        parameters,
    )


def ask(
    account: Account, stack: Stack, function: str, payload: Mapping[str, Any], wait_s: float = ANSWER_WITHIN_S
) -> dict[str, Any]:
    """Call a function of the stack and return its answer.

    Args:
        wait_s: seconds that its answer is waited for.

    Raises:
        CommandError: it could not be called, or it raised; with its own words.
    """
    client = account.client("lambda", wait_s)
    with plainly(f"call the function {function}"):
        answer = client.invoke(FunctionName=stack.function(function), Payload=json.dumps(payload).encode())
        body = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        detail = body if isinstance(body, dict) else {}
        kind, said = str(detail.get("errorType") or ""), str(detail.get("errorMessage") or "it gave no reason")
        if kind == "BadRequest":
            raise CommandError(f"Not done: {said}", Exit.USAGE)
        raise CommandError(
            f"The function {function} failed: {f'{kind}: ' if kind else ''}{said}"
            f" Its log group is /aws/lambda/{stack.function(function)}."
        )
    return dict(clean_all(body or {}))


def ask_later(account: Account, stack: Stack, function: str, payload: Mapping[str, Any]) -> bool:
    """Have a function called without waiting for it; whether that was accepted."""
    try:
        with plainly(f"call the function {function}"):
            account.client("lambda").invoke(
                FunctionName=stack.function(function), Payload=json.dumps(payload).encode(), InvocationType="Event"
            )
    except CommandError:
        return False
    return True


def read_record(account: Account, stack: Stack) -> PairState:
    """The pair's record; an empty one where the pair has not been adopted. Raises CommandError."""
    try:
        return state_from_json(item(account, stack, "state"))
    except RecordUnreadable as error:
        raise CommandError(str(error)) from error


def read_freshness(account: Account, stack: Stack) -> Freshness:
    """What is known of the standby's copy; nothing before the first run. Raises CommandError."""
    stored = item(account, stack, "freshness")
    try:
        return Freshness.from_json(stored)
    except (ValueError, TypeError, OverflowError) as error:
        raise CommandError(
            f"What is known of the standby's copy can't be read ({error!r:.200}). Delete the item freshness from the"
            f" table {stack.table}: the next run writes it anew."
        ) from error


def item(account: Account, stack: Stack, name: str) -> dict[str, Any]:
    """An item of the pair's, as it is stored: "state", "freshness", "watch", "game-day"; empty where there is none."""
    partition = f"{stack.pair}#{name}" if name in ("freshness", "watch", "game-day") else stack.pair
    with plainly("read the pair's record"):
        answer = account.client("dynamodb").get_item(
            TableName=stack.table, Key={"pair": {"S": partition}, "item": {"S": name}}, ConsistentRead=True
        )
    return plain(answer.get("Item", {}))


def history(account: Account, stack: Stack, most: int) -> list[dict[str, Any]]:
    """The pair's latest lines of history, newest first: its changes, and notes of what was set or held."""
    # The table sorts by epoch first, and a change that came to nothing has the epoch it would have had: so a few more
    # are read than are wanted, and sorted by time.
    stored = _stored_items(account, stack, stack.pair, "history#", most + _OUT_OF_ORDER_AT_MOST)
    found = [dict(clean_all(each)) for each in stored]
    try:
        return sorted(found, key=lambda each: float(each["ended_at"]), reverse=True)[:most]
    except (KeyError, ValueError, TypeError) as error:
        raise CommandError(
            f"A line of the pair's history can't be read ({error!r:.100}). Nothing was changed. Look for it in the"
            f" table {stack.table}, and take it out or restore it from the table's backup."
        ) from error


def whole_history(account: Account, stack: Stack) -> tuple[list[dict[str, Any]], ChainHead]:
    """Every line of the pair's history as it is stored, not cleaned, and the head of their chain.

    Raises:
        CommandError: it can't be read, or is being written all the time.
    """
    for _ in range(_READS_AT_MOST):
        before = read_record(account, stack).chain
        found = _stored_items(account, stack, stack.pair, "history#")
        if read_record(account, stack).chain == before:
            return found, before
    raise CommandError("The history was written each time it was read. Try again.")


def stored_signatures(account: Account, stack: Stack) -> list[dict[str, Any]]:
    """Every signature of the history that is kept. Raises CommandError."""
    return _stored_items(account, stack, f"{stack.pair}#signatures", "signature#")


def _stored_items(
    account: Account, stack: Stack, partition: str, prefix: str, enough: int | None = None
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while enough is None or len(found) < enough:
        with plainly("read the pair's history"):
            answer = account.client("dynamodb").query(
                TableName=stack.table,
                KeyConditionExpression="#p = :p AND begins_with(#i, :h)",
                ExpressionAttributeNames={"#p": "pair", "#i": "item"},
                ExpressionAttributeValues={":p": {"S": partition}, ":h": {"S": prefix}},
                ScanIndexForward=False,
                Limit=1000 if enough is None else enough - len(found),
                ConsistentRead=True,
                **more,
            )
        found += [{name: _value(each) for name, each in line.items()} for line in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    return found


def object_of(text: str | None) -> dict[str, Any]:
    """A JSON object that Step Functions keeps as text, cleaned; an invalid input or output is empty."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return dict(clean_all(found)) if isinstance(found, dict) else {}


def plain(stored: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's types as JSON's."""
    return dict(clean_all({name: _value(each) for name, each in stored.items()}))


def _value(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    if kind == "N":
        number = Decimal(value)
        return int(number) if number == number.to_integral_value() else float(number)
    if kind == "M":
        return {name: _value(each) for name, each in value.items()}
    if kind == "L":
        return [_value(each) for each in value]
    # Sets and bytes are nothing that this software stores; they are shown as what they are.
    return {"S": value, "BOOL": value, "NULL": None}.get(kind, str(value))
