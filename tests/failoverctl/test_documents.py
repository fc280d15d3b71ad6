"""What operators are told to read is there, and what they are told to type is understood."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from msfailover.history import Outcome
from msfailover.request import Action, parse_request

from failoverctl.errors import MEANING
from failoverctl.parser import make_parser
from failoverctl.status import ALARMS
from tests.failoverctl.pages import CONCEPTS, OPERATE, PAGES, ROOT, Command, commands, links, sections
from tests.failoverctl.region import OPERATIONS
from tests.template.deployment import STACK, resources, value

SPEAKING = [
    ROOT / "template.yaml",
    ROOT / "observability.yaml",
    *sorted((ROOT / "statemachine").glob("*.json")),
    *sorted((ROOT / "layers/msfailover/msfailover").rglob("*.py")),
    *sorted((ROOT / "functions").rglob("*.py")),
    *sorted((ROOT / "failoverctl").glob("*.py")),
]
FAILOVERCTL = [each for page in PAGES for each in commands(page, "failoverctl", "bin/failoverctl")]
MAKE = [each for page in PAGES for each in commands(page, "make")]
KNOWN = re.findall(r"^    ([a-z-]+)(?: |$)", make_parser().format_help(), re.MULTILINE)
"""The commands of failoverctl."""
MAKEFILE = (ROOT / "Makefile").read_text()


def named() -> set[str]:
    """Every section of docs/operate.md that code, template or workflow sends people to."""
    text = "\n".join(each.read_text() for each in SPEAKING)
    found = set(re.findall(r"docs/operate\.md, ([a-z-]+)", text))
    advice = (ROOT / "layers/msfailover/msfailover/runtime/notifications.py").read_text()
    found |= set(re.findall(r'^ +"([a-z]+(?:-[a-z]+)*)",\n\s*\)', advice, re.MULTILINE))
    told = "".join((ROOT / f"failoverctl/{name}.py").read_text() for name in ("problems", "render"))
    ways_to_end = {"timed-out"}  # no section's name, but what Step Functions calls it
    return found | set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', told)) - ways_to_end


def test_every_section_that_anything_sends_people_to_is_there() -> None:
    assert len(named()) > 15
    assert named() - sections(OPERATE) == set()


@pytest.mark.parametrize(
    "name", [*ALARMS, *(each for each in Outcome if each is not Outcome.HALTED), "failover-halted"]
)
def test_every_alarm_and_every_outcome_has_a_section(name: str) -> None:
    assert name in sections(OPERATE)


@pytest.mark.parametrize("page", [OPERATE, CONCEPTS], ids=lambda page: str(page.name))
def test_no_link_leads_nowhere(page: Path) -> None:
    assert links(page)
    for file, anchor in links(page):
        assert file.exists(), file
        assert not anchor or anchor in sections(file), f"{file.name}#{anchor}"


@pytest.mark.parametrize("command", FAILOVERCTL, ids=str)
def test_every_command_line_of_failoverctl_is_understood(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_STACK", "demo")
    _, *line = shlex.split(command.line, comments=True)
    if not command.block and len(line) <= 1:  # named within a sentence, with nothing to it
        assert not line or line[0] in KNOWN
        return
    make_parser().parse_args(line)  # leaves by SystemExit where it does not understand


@pytest.mark.parametrize("command", MAKE, ids=str)
def test_every_target_and_variable_of_make_is_there(command: Command) -> None:
    for line in command.line.split("&&"):
        program, *words = shlex.split(line, comments=True)
        if program != "make":
            continue
        for word in words:
            name, is_variable, _ = word.partition("=")
            wanted = rf"^{name} \?=" if is_variable else rf"^{name}:.*## "
            assert re.search(wanted, MAKEFILE, re.MULTILINE), word


def test_the_pages_have_commands_to_check() -> None:
    assert sum(each.page == "operate.md" for each in FAILOVERCTL) > 40
    assert len(MAKE) > 10


def test_the_exit_codes_are_those_of_the_program() -> None:
    table = OPERATE.read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE))
    assert rows == {str(int(code)): meaning for code, meaning in MEANING.items()}


def test_the_permissions_are_those_of_what_it_asks_aws() -> None:
    prefixes = {"stepfunctions": "states"}
    asked = {f"{prefixes.get(service, service)}:{name}" for service, names in OPERATIONS.items() for name in names}
    text = OPERATE.read_text()
    policy = json.loads(text.partition("```json\n")[2].partition("```")[0])
    (statement,) = policy["Statement"]
    everybody_may = {"sts:GetCallerIdentity"}
    assert (
        set(statement["Action"])
        | {"lambda:Invoke", "states:StartExecution", "cloudformation:GetTemplate", "kms:Verify", "pricing:GetProducts"}
        | everybody_may
        == asked
    )
    assert "`lambda:InvokeFunction` on `demo-*` and `states:StartExecution`" in text.replace("\n", " ")


def test_every_verb_and_setting_is_in_the_table_of_commands() -> None:
    table = OPERATE.read_text().partition("## The commands")[2].partition("\n## ")[0]
    assert len(KNOWN) == 29
    assert [name for name in KNOWN if f"| `failoverctl {name}" not in table] == []


EVENTS = {each.stem: json.loads(each.read_text()) for each in sorted((ROOT / "events").glob("*.json"))}
FUNCTIONS = {each.parent.name for each in (ROOT / "functions").glob("*/app.py")}


def test_every_verb_and_every_function_has_an_event_to_try_it_with() -> None:
    more = {"alarm", "software_imported", "replicate_accept_removal", "replicate_dry_run", "replicate_verify"}
    assert set(EVENTS) - more == FUNCTIONS | {each.value for each in Action}


@pytest.mark.parametrize("verb", [each.value for each in Action])
def test_every_verb_s_event_is_a_request_of_that_verb_by_a_person(verb: str) -> None:
    request = parse_request(EVENTS[verb])
    assert (request.action, request.automatic) == (verb, False)


ALARM_SAYS = {name: str(value(each["AlarmDescription"])) for name, each in resources("AWS::CloudWatch::Alarm").items()}
IN_AN_ALARM = re.compile(r'failoverctl [a-z-]+(?: automatic| off)?(?: --[a-z-]+ (?:"[^"]*"|[\w-]+))*')


@pytest.mark.parametrize("name", ALARM_SAYS)
def test_the_commands_of_an_alarm_are_understood_and_name_the_stack(name: str) -> None:
    found = IN_AN_ALARM.findall(ALARM_SAYS[name])
    for command in found:
        assert make_parser().parse_args(shlex.split(command)[1:]).stack == STACK
    assert found or name == "AuditSilentAlarm", "what is done about that one is looking at a log"
