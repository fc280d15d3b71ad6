"""Clients of AWS, each with its own limits; made when first used, then kept for the life of the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 4


def _config(
    read_timeout_s: float = READ_TIMEOUT_S, attempts: int = 3, connect_timeout_s: float = CONNECT_TIMEOUT_S
) -> Config:
    # botocore's own retries are the only ones below the state machine's: retrying in one place keeps the sum of all
    # waits below the task's timeout.
    return Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        tcp_keepalive=True,
    )


class Throttled(ClientError):
    """AWS refused a call because there were too many, longer than the SDK tries again; nothing was done.

    A name of its own, so that whoever may repeat the whole step can tell it from a refusal that stays one.
    """


THROTTLES = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled"}
    | {
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "EC2ThrottledException",
        "SlowDown",
        "BandwidthLimitExceeded",
    }
    | {"PriorRequestNotComplete", "ProvisionedThroughputExceededException"}
)
"""The codes that AWS's services throttle with (botocore's retry rules, `ThrottledRetryableChecker`)."""


def may_pass(error: ClientError | BotoCoreError) -> bool:
    """Whether a call may succeed when it is made again: it got no answer, or AWS was in trouble itself."""
    if not isinstance(error, ClientError):
        return True
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500


TRIES_AT_MOST = 3


def with_leave(may: Callable[[], object], call: Callable[[], object]) -> None:
    """Make a call that its client sends once; again where AWS has not taken it, with leave each time.

    Args:
        may: raises where the call need not be made (any more).
        call: can be made twice.
    """
    for last in (False,) * (TRIES_AT_MOST - 1) + (True,):
        may()
        try:
            call()
            return
        except (ClientError, BotoCoreError) as error:
            if last or not may_pass(error):
                raise


@cache
def _client(service: str, config: Config) -> Any:
    client = boto3.client(service, config=config)
    client.meta.events.register("after-call", _name_throttles)
    return client


def _name_throttles(parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Raise a throttle under its own name, once the SDK's own tries are over."""
    if str(parsed.get("Error", {}).get("Code", "")) in THROTTLES:
        raise Throttled(parsed, model.name)  # type: ignore[arg-type]


_STANDARD = _config()
_ONCE = _config(attempts=1)
# With what was read of the record a second before, no more than the 5 s of transitions.GRANT_SETTLES_S in all.
_ONCE_AND_SOON = _config(read_timeout_s=3, attempts=1, connect_timeout_s=1)
# A function is waited for as long as it may run itself, and is never called twice by the client behind our back.
_PATIENT = _config(read_timeout_s=70, attempts=1)


PROBE_LIMIT_S = 8.0
"""For how long one of two probes is waited for: both in turn, one after the other, are to fit into every step."""
_BRIEF = _config(read_timeout_s=PROBE_LIMIT_S, attempts=1)


def dynamodb() -> DynamoDBClient:
    return _client("dynamodb", _STANDARD)  # type: ignore[no-any-return]


def ec2() -> EC2Client:
    return _client("ec2", _STANDARD)  # type: ignore[no-any-return]


def ec2_once() -> EC2Client:
    """EC2, for what grants access, denies it or switches off: the client sends nothing again behind the back of whoever
    asks the record each time (I10). What a try that got no answer was sent for is done within some seconds, or never.
    """
    return _client("ec2", _ONCE_AND_SOON)  # type: ignore[no-any-return]


def ssm() -> SSMClient:
    return _client("ssm", _STANDARD)  # type: ignore[no-any-return]


def route53() -> Route53Client:
    return _client("route53", _STANDARD)  # type: ignore[no-any-return]


def route53_once() -> Route53Client:
    """Route 53, for what moves the record: sent once for each reading of the pair's record (I10). A swap that is sent
    again later finds the record as it was read, where it was moved back meanwhile."""
    return _client("route53", _ONCE)  # type: ignore[no-any-return]


def stepfunctions() -> SFNClient:
    return _client("stepfunctions", _STANDARD)  # type: ignore[no-any-return]


def sns() -> SNSClient:
    return _client("sns", _STANDARD)  # type: ignore[no-any-return]


def sqs() -> Any:
    return _client("sqs", _STANDARD)


def events() -> EventBridgeClient:
    """EventBridge, which only the audit asks, best effort; what was not taken comes again a minute later."""
    return _client("events", _ONCE)  # type: ignore[no-any-return]


def kms() -> Any:
    """KMS, which only the audit asks, best effort; one try, since the next run is due in a minute."""
    return _client("kms", _ONCE)


def functions() -> LambdaClient:
    return _client("lambda", _PATIENT)  # type: ignore[no-any-return]


def probes() -> LambdaClient:
    """Lambda, for a question that another function can answer as well."""
    return _client("lambda", _BRIEF)  # type: ignore[no-any-return]
