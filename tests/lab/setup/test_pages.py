"""The commands that the pages give can be given: targets, verbs and files are there, and links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

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
