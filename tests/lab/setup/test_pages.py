"""The commands that the pages give can be given: targets, verbs and files are there, and links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session

from failoverctl.parser import make_parser
from tests.template.deployment import template

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs" / f"{name}.md" for name in ("deploy", "security", "licences", "second-opinion")]
TEXT = {page.stem: page.read_text() for page in PAGES}


def commands(page: str) -> list[str]:
    """Every line of the page's consoles."""
    blocks = re.findall(r"```console\n(.*?)```", TEXT[page], re.DOTALL)
    return [part.strip() for block in blocks for line in block.splitlines() for part in line.split("&&")]


@pytest.mark.parametrize("command", [each for each in commands("deploy") if each.startswith("bin/failoverctl")])
def test_failoverctl_understands_what_the_page_says(command: str) -> None:
    make_parser().parse_args(shlex.split(command)[1:])


def of_aws(text: str) -> list[list[str]]:
    """Every command line of AWS's own tool on a page, in consoles and in the text, as words."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`(aws [^`\n]+)`", text)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [shlex.split(each.split(" (")[0]) for each in [*lines, *spans] if each.startswith("aws ")]


FOR_ALL = {"--query", "--output", "--region", "--profile", "--no-paginate"}
"""Options of AWS's tool that are no parameter of an operation."""
SHORTER = {
    ("ec2", "authorize-security-group-ingress"): {"--protocol", "--port", "--cidr"},
    ("ec2", "delete-network-acl-entry"): {"--ingress", "--egress"},
    ("sns", "subscribe"): {"--notification-endpoint"},
}
"""Options that the tool has by another name, or in place of a structure (AWS CLI reference)."""


@pytest.mark.parametrize("words", of_aws(TEXT["deploy"]), ids=" ".join)
def test_aws_s_own_tool_has_every_command_and_option_that_the_page_gives(words: list[str]) -> None:
    _, service, command, *options = words
    model = get_session().get_service_model(service)
    operations = {xform_name(each, "-"): each for each in model.operation_names}
    assert command in operations
    shape = model.operation_model(operations[command]).input_shape
    members = {f"--{xform_name(each, '-')}": about for each, about in (shape.members if shape else {}).items()}
    flags = {f"--no-{each.removeprefix('--')}" for each in members}
    known = {*members, *flags, *FOR_ALL, *SHORTER.get((service, command), ())}
    assert {each for each in options if each.startswith("--")} <= known


def test_the_page_gives_the_commands_that_were_counted_on() -> None:
    assert len(of_aws(TEXT["deploy"])) > 10


def test_make_has_every_target_that_the_pages_name() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page, text in TEXT.items():
        named = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b", "\n".join(re.findall(r"`[^`]*`", text))))
        named |= {each.split()[1] for each in commands(page) if each.startswith("make ")}
        assert named <= targets, f"{page} names {named - targets}"


def test_every_parameter_that_the_page_names_is_one() -> None:
    known = set(template()["Parameters"]) | set(template()["Resources"]) | set(template()["Outputs"])
    words = "Ms[12]|Database|Record|Watch|Audit|Failure|Probe|Pair|Vpc|Subnet"
    named = set(re.findall(rf"`((?:{words})[A-Za-z0-9]+)`", TEXT["deploy"]))
    assert named
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.stem)
def test_every_link_to_a_page_of_ours_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        if (page.parent / target).exists():
            continue
        assert target == "replication.md", f"{page.name} links to {target}"
