"""Who may do what to which resource, as a page for people: made from the template, so that it can't say anything else.

`make permissions` writes docs/permissions.md; a test checks that it is current.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.testbed.cloud import template as templates

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "permissions.md"
_HEAD = """\
# Who may do what

Made from `template.yaml` by `make permissions`; edit the template, not this page. Every function, the workflow, each
schedule and each rule has a role of its own; what is not in its table is denied.

The tests run a pair's whole life on the testbed (adoption, replication, readiness, dry runs, a rotated password, a
switchover, a game day, an intruder, an outage in manual mode, a failover that switches a machine off), where each call
is held against the caller's policies with resource and condition. No call was refused, and each line here is needed by
a call of that session, but for the few that `tests/lab/testbed/iam/test_session.py` names with their reason.

**Not tried on AWS.** What a call touches and which condition keys it brings is written down from AWS's Service
Authorization Reference (`lab/testbed/iam/calls.py`). `failoverctl readiness` tries them dry on a real one.

Names in `${…}` are parameters and resources of the stack; account and region are always its own. "everything" stands
only where the service knows no resources for the action.

"""
_TAIL = """\

## What AWS's own policies add

Functions have `AWSLambdaBasicExecutionRole`, which lets Lambda write their logs, and those in the network
`AWSLambdaVPCAccessExecutionRole`, which lets Lambda make their network interfaces. Both allow it everywhere; the
policy `only-its-own` takes that back: logs are for this stack's functions only, and no function's code can make, change
or remove an interface.

## What else has to be allowed

- The hosts need `AmazonSSMManagedInstanceCore` in their instance profile (managed instances: in their service role).
- A database secret that is encrypted with a key of your own: let the role of `${AWS::StackName}-database-sessions` use
  `kms:Decrypt` in that key's policy. The table above can't know your key.
- People who use `failoverctl` act with their own rights: attach the stack's `ViewerPolicy`, and for those who act
  `OperatorPolicy` beside it. Neither lets anybody do what a function does.
"""
_SHARED = "Every function's role has also"
_BY = {
    "lambda.amazonaws.com": "Lambda",
    "states.amazonaws.com": "Step Functions",
    "events.amazonaws.com": "EventBridge",
    "scheduler.amazonaws.com": "EventBridge Scheduler",
}


def page() -> str:
    """The whole page."""
    parameters = {name: f"${{{name}}}" for name in templates.load(ROOT / "template.yaml")["Parameters"]}
    resources = templates.expand(ROOT / "template.yaml", parameters)["Resources"]
    roles = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::IAM::Role"}
    attached = [each for each in resources.values() if each["Type"] == "AWS::IAM::Policy"]
    shared = [
        each["Properties"] for each in attached if "Condition" not in each and len(each["Properties"]["Roles"]) > 1
    ]
    own = [each for each in attached if each["Properties"] not in shared]
    tables = [_role(name, roles[name], own) for name in sorted(roles)]
    people = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::IAM::ManagedPolicy"}
    tables += [
        _table(f"{name}, for people", list(_rows(people[name]["PolicyDocument"], ""))) for name in sorted(people)
    ]
    tables += [_table(f"{_SHARED} `{each['PolicyName']}`", list(_rows(each["PolicyDocument"], ""))) for each in shared]
    return _HEAD + "\n".join(tables) + _TAIL


def _role(name: str, properties: Mapping[str, Any], attached: list[Mapping[str, Any]]) -> str:
    trust = properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
    rows = [row for policy in properties.get("Policies", []) for row in _rows(policy["PolicyDocument"], "")]
    for policy in attached:
        if {"Ref": name} in policy["Properties"]["Roles"]:
            when = f"condition {policy['Condition']} of the template" if "Condition" in policy else ""
            rows += _rows(policy["Properties"]["PolicyDocument"], when)
    return _table(f"{name}, taken on by {_BY[trust if isinstance(trust, str) else trust[0]]}", rows)


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    table = "".join(f"| {may} | {on} | {only} |\n" for may, on, only in rows) or "| nothing | | |\n"
    return f"## {title}\n\n| may | on | only if |\n|---|---|---|\n{table}"


def _rows(document: Mapping[str, Any], when: str) -> Iterator[tuple[str, str, str]]:
    statements = document["Statement"]
    for each in statements if isinstance(statements, list) else [statements]:
        if "Fn::If" in each:
            condition, statement, _ = each["Fn::If"]
            yield from _rows({"Statement": statement}, f"condition {condition} of the template")
            continue
        actions = "<br>".join(f"`{action}`" for action in _list(each["Action"]))
        others = "NotResource" in each
        only = [_conditions(each.get("Condition", {})), when]
        on = "<br>".join(_resource(resource) for resource in _list(each["NotResource" if others else "Resource"]))
        may = actions if each["Effect"] == "Allow" else f"**never**<br>{actions}"
        yield may, f"all but {on}" if others else on, "; ".join(filter(None, only))


def _resource(given: Any) -> str:
    if given == "*":
        return "everything"
    if isinstance(given, Mapping) and "Ref" in given:
        return f"`{given['Ref']}`"
    if isinstance(given, Mapping) and "Fn::GetAtt" in given:
        return f"`{given['Fn::GetAtt'][0]}`"
    arn = (
        _text(given).replace("${AWS::Partition}", "aws").replace("${AWS::Region}", "").replace("${AWS::AccountId}", "")
    )
    if not arn.startswith("arn:aws:"):
        return f"`{arn}`"
    service, _, account, resource = arn.removeprefix("arn:aws:").split(":", 3)
    return f"`{service}:{resource}`" + (" of any account" if account == "*" else "")


def _conditions(block: Mapping[str, Any]) -> str:
    lines = []
    for operator, keys in block.items():
        for key, values in keys.items():
            if operator == "Null":
                continue  # that the key is there at all; the line beside it says what it must be
            words = " or ".join(f"`{_resource(value).strip('`')}`" for value in _list(values))
            verb = "are all" if operator.startswith("ForAllValues") else "is"
            lines.append(f"`{key}` {verb} {words}")
    return "<br>".join(lines)


def _text(given: Any) -> str:
    if isinstance(given, Mapping):
        return str(given.get("Fn::Sub", given.get("Ref", given)))
    return str(given)


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


if __name__ == "__main__":
    PAGE.write_text(page())
