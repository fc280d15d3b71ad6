"""The one account and region of the local cloud, and the way to moto's own state in it."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

ACCOUNT = "123456789012"
REGION = "eu-central-1"
PARTITION = "aws"

_GLOBAL_SERVICES = frozenset({"iam", "sts", "route53", "s3"})


def backend(service: str) -> Any:
    """moto's state of one service, by moto's name for it ("ec2", "cloudwatch" ...), as the API sees it."""
    if service == "stepfunctions":
        # The plain backend records executions but runs nothing; the API is served from the one that runs them.
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        return stepfunctions_parser_backends[ACCOUNT][REGION]
    if service == "lambda":
        from moto.awslambda_simple.models import lambda_simple_backends

        return lambda_simple_backends[ACCOUNT][REGION]
    where = PARTITION if service in _GLOBAL_SERVICES else REGION
    name: Any = service
    return get_backend(name)[ACCOUNT][where]


def arn(service: str, resource: str) -> str:
    """The ARN of a resource of this account and region."""
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"
