"""What docs/deploy.md calls untried, and what an acceptance saw of it: yes, no, or unknown.

The names are the first column of that page's table; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from failoverctl.acceptance.place import Place
from failoverctl.acceptance.result import Line
from failoverctl.account import item
from failoverctl.errors import CommandError, plainly
from failoverctl.report.course import Step

Seen = tuple[str, str]
"""An answer, and what was seen."""
NOT_DONE: Seen = ("unknown", "Acceptance does not do it: see docs/deploy.md for how to check it.")


@dataclass(frozen=True)
class Evidence:
    """What there is to go by when the scenarios are over.

    Args:
        place: the pair.
        steps: of every execution that belonged to a scenario.
        since: when the acceptance began, in seconds since 1970.
    """

    place: Place
    steps: tuple[Step, ...]
    since: float


def untried(evidence: Evidence) -> tuple[Line, ...]:
    """A line for each. What AWS did not answer itself is unknown, whatever was seen."""
    return tuple(_line(evidence, name, ask) for name, ask in KNOWN.items())


def _line(evidence: Evidence, name: str, ask: Callable[[Evidence], Seen]) -> Line:
    try:
        answer, sentence = ask(evidence)
    except CommandError as error:
        answer, sentence = "unknown", str(error)
    if answer == "yes" and not evidence.place.on_aws:
        return Line(name, "unknown", f"This is not AWS, but a cloud of this machine's. {sentence}")
    return Line(name, answer, sentence)


def _deployed(evidence: Evidence) -> Seen:
    with plainly("read the stack"):
        (stack,) = evidence.place.account.client("cloudformation").describe_stacks(StackName=evidence.place.stack.name)[
            "Stacks"
        ]
    state = str(stack["StackStatus"])
    good = state in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    return "yes" if good else "no", f"The stack {evidence.place.stack.name} is {state}."


def _policies(evidence: Evidence) -> Seen:
    readiness = item(evidence.place.account, evidence.place.stack, "readiness")
    checks: Iterable[Mapping[str, Any]] = readiness.get("checks", [])
    found = next((each for each in checks if each["name"] == "permissions"), None)
    return (str(found["answer"]), str(found["sentence"])) if found else ("unknown", "Readiness was not checked.")


def _managed(evidence: Evidence) -> Seen:
    ids = ", ".join(each.instance for each in evidence.place.servers.values())
    return "unknown", f"The pair's hosts are instances of EC2 ({ids})."


def _engine(evidence: Evidence) -> Seen:
    given = evidence.place.stack.parameters
    login = "an IAM token" if given.get("DatabaseIamUser") else "a secret"
    return "unknown", f"The pair's database is {given['DatabaseEngine']}, and its sessions were listed with {login}."


def _how_long(evidence: Evidence) -> Seen:
    told = []
    for name in ("UpdateRecord", "RevokeAccess"):
        spans = [each.end - each.start for each in evidence.steps if each.name == name and each.end and not each.failed]
        if not spans:
            return "unknown", f"No step {name} was seen to end."
        told.append(f"{name} took {min(spans):.1f} to {max(spans):.1f} s in {len(spans)} changes")
    return "yes", f"{'; '.join(told)}."


KNOWN: dict[str, Callable[[Evidence], Seen]] = {
    "`sam deploy` itself (packing and uploading ran against an emulated S3), includes of documents as CloudFormation"
    " makes them": _deployed,
    "policies as IAM evaluates them": _policies,
    "Rules of the template as CloudFormation evaluates them": lambda _: NOT_DONE,
    "`mi-…` hosts": _managed,
    "Oracle, RDS's own procedures, IAM tokens": _engine,
    "how long Route 53 and a security group take to change": _how_long,
    "cold starts in a VPC": lambda _: NOT_DONE,
    "alarms with periods of ten seconds": lambda _: NOT_DONE,
    "an instance that does not stop (`stopping` for minutes)": lambda _: NOT_DONE,
}
