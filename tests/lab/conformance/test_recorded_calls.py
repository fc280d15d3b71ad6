"""Every call of a pair's whole life, judged twice more: by a second evaluator of policies, and by botocore's models.

The session is the one of tests/lab/testbed/iam, recorded with its parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from lab.conformance.programs import ask
from lab.testbed.cloud.account import ACCOUNT, REGION, backend
from lab.testbed.iam.calls import call_of
from lab.testbed.iam.policies import Call, decide
from tests.lab.testbed.iam.session import Session, run

pytestmark = pytest.mark.testbed

BY_PATH = ("route53", "lambda")
"""Services whose parameters stand in the URL, where moto has names of its own for them."""

PRINCIPAL = f"arn:aws:iam::{ACCOUNT}:role/any"


@dataclass(frozen=True)
class Recorded:
    session: Session
    parameters: list[tuple[str, str, Mapping[str, Any]]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    found: dict[str, tuple[str, str, Mapping[str, Any]]] = {}

    def noted(service: str, operation: str, params: Mapping[str, Any], here: Any) -> Call:
        found.setdefault(repr((service, operation, sorted(params.items(), key=str))), (service, operation, params))
        return call_of(service, operation, params, here)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("lab.testbed.cloud.permissions.call_of", noted)
        for session in run(tmp_path_factory.mktemp("session")):
            yield Recorded(session, list(found.values()))


def documents(role: str) -> list[Any]:
    """A role's policies as they were handed to IAM."""
    iam = backend("iam")
    found = [iam.get_role_policy(role, name)[1] for name in iam.list_role_policies(role)]
    found += [each.document for each in iam.list_attached_role_policies(role)[0]]
    return [json.loads(each) if isinstance(each, str) else each for each in found]


def question(policies: list[Any], call: Call, resource: str) -> dict[str, Any]:
    context = {key: values[0] if len(values) == 1 else list(values) for key, values in call.context.items()}
    many = {key: list(call.context[key]) for key in call.context if key.endswith("LeadingKeys")}
    many |= {key: list(call.context[key]) for key in call.context if ":ChangeResourceRecordSets" in key}
    return {"policies": policies, "action": call.action, "resource": resource, "context": {**context, **many}}


def ours_alone(call: Call, resource: str) -> bool:
    """Whether only our own evaluator takes this for a resource of the call: it asks more of a policy than IAM does.

    The reference knows the group alone as a resource of RevokeSecurityGroupIngress, not the rules that are revoked.
    """
    return call.action == "ec2:RevokeSecurityGroupIngress" and ":security-group-rule/" in resource


def asked(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(
        "policies", json.dumps({"accountId": ACCOUNT, "principal": PRINCIPAL, "questions": questions})
    )
    return found


def test_the_second_evaluator_allows_every_call_that_was_made(recorded: Recorded) -> None:
    seen = recorded.session.testbed.cloud.permissions.seen
    policies = {role: documents(role) for role in {each.role for each in seen}}
    pairs = [
        (each, resource) for each in seen for resource in each.call.resources if not ours_alone(each.call, resource)
    ]
    answers = asked([question(policies[each.role], each.call, resource) for each, resource in pairs])
    refused = [
        (each.role, each.call.action, resource, answer)
        for (each, resource), answer in zip(pairs, answers, strict=True)
        if not answer.get("allowed") or answer["ignored"]
    ]
    assert refused == []
    assert len(pairs) > 60


def test_both_evaluators_refuse_the_same_calls_by_other_roles(recorded: Recorded) -> None:
    """Each call is tried with every role's policies, most of which do not allow it."""
    seen = recorded.session.testbed.cloud.permissions.seen
    roles = sorted({each.role for each in seen})
    policies = {role: documents(role) for role in roles}
    tried = [(role, each.call, on) for each in seen for on in each.call.resources[:1] for role in roles]
    answers = asked([question(policies[role], call, on) for role, call, on in tried])
    differ = []
    for (role, call, on), answer in zip(tried, answers, strict=True):
        ours = decide(
            recorded.session.testbed.cloud.permissions.statements(role), Call(call.action, (on,), call.context)
        )
        if ours.allowed is not answer.get("allowed"):
            differ.append((role, call.action, on, ours.sentence, answer))
    assert differ == []
    assert sum(not answer.get("allowed") for answer in answers) > len(seen)


def test_what_our_own_evaluator_alone_asks_for_is_refused_as_unknown_by_the_second(recorded: Recorded) -> None:
    rule = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group-rule/sgr-0123456789abcdef0"
    (answer,) = asked([question([], Call("ec2:RevokeSecurityGroupIngress", (rule,)), rule)])
    assert answer == {"errors": {"message": "no.resource.types"}}


def faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What botocore's model of a parameter says against a value: lengths, ranges, patterns and listed values.

    botocore itself checks types, lengths and ranges before it sends, but neither at patterns nor at listed values.
    """
    kind, meta = shape.type_name, shape.metadata
    if kind == "structure" and isinstance(value, Mapping):
        for name, each in value.items():
            if name not in shape.members:
                yield f"{path}.{name} is no parameter"
            else:
                yield from faults(shape.members[name], each, f"{path}.{name}")
    elif kind == "list" and isinstance(value, list | tuple):
        for at, each in enumerate(value):
            yield from faults(shape.member, each, f"{path}[{at}]")
    elif kind == "map" and isinstance(value, Mapping):
        for key, each in value.items():
            yield from faults(shape.key, key, f"{path} key {key}")
            yield from faults(shape.value, each, f"{path}.{key}")
    elif kind == "string" and isinstance(value, str):
        if shape.enum and value not in shape.enum:
            yield f"{path} is {value!r}, which is none of {shape.enum}"
        if "pattern" in meta and not re.fullmatch(_readable(meta["pattern"]), value):
            yield f"{path} is {value!r}, which does not match {meta['pattern']}"
        if not meta.get("min", 0) <= len(value) <= meta.get("max", len(value)):
            yield f"{path} has {len(value)} characters"


def _readable(pattern: str) -> str:
    """A pattern of AWS's, which are Java's, as Python reads it."""
    return pattern.replace("\\p{L}", "\\w").replace("\\p{Z}", "\\s").replace("\\p{N}", "\\d")


def test_every_parameter_fits_its_model(recorded: Recorded) -> None:
    wrong = []
    for service, operation, params in recorded.parameters:
        model = boto3.client(service, REGION).meta.service_model.operation_model(operation)
        assert model.input_shape is not None
        known = model.input_shape.members
        own = {name: each for name, each in params.items() if service not in BY_PATH or name in known}
        wrong += [f"{service} {operation}: {each}" for each in faults(model.input_shape, own, operation)]
    assert wrong == []
    assert len({(service, operation) for service, operation, _ in recorded.parameters}) > 20


def test_a_parameter_that_does_not_fit_would_be_found() -> None:
    shape = boto3.client("ssm", REGION).meta.service_model.operation_model("SendCommand").input_shape
    assert [*faults(shape, {"DocumentName": "no name!", "Nonsense": "1"}, "SendCommand")] == [
        "SendCommand.DocumentName is 'no name!', which does not match ^[a-zA-Z0-9_\\-.:/]{3,128}$",
        "SendCommand.Nonsense is no parameter",
    ]
