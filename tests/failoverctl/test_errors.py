"""What is missing is said plainly: credentials, profile, region, stack, permission, network, testbed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from failoverctl import program
from failoverctl.errors import MEANING, Exit
from failoverctl.parser import make_parser
from failoverctl.program import main
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import OPERATIONS, Region
from tests.functions.wire import Failure

SOURCES = Path(program.__file__).parent


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which nobody ever logged in to AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("bare")
class TestAMachineWithoutALogin:
    def test_no_credentials(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["status", "--stack", "demo", "--region", "eu-central-1"]) == Exit.CANNOT_ASK
        assert capsys.readouterr().err == (
            "There are no AWS credentials: log in (`aws sso login`), set AWS_PROFILE, or give --profile.\n"
        )

    def test_no_region(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["status", "--stack", "demo"]) == Exit.CANNOT_ASK
        assert capsys.readouterr().err == "No region is set: give --region, or set AWS_REGION.\n"

    def test_the_region_of_the_environment_is_taken_as_the_aws_command_line_takes_it(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        assert main(["status", "--stack", "demo"]) == Exit.CANNOT_ASK
        assert "no AWS credentials" in capsys.readouterr().err

    def test_no_such_profile(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["status", "--stack", "demo", "--profile", "nobody"]) == Exit.CANNOT_ASK
        assert "(nobody) could not be found. `aws configure list-profiles`" in capsys.readouterr().err

    def test_a_login_that_was_never_made(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "config").write_text(
            "[profile work]\nsso_session = it\nsso_account_id = 1\nsso_role_name = r\nregion = eu-central-1\n"
            "[sso-session it]\nsso_start_url = https://it.example\nsso_region = eu-central-1\n"
        )
        assert main(["status", "--stack", "demo", "--profile", "work"]) == Exit.CANNOT_ASK
        assert "run `aws sso login` first" in capsys.readouterr().err

    def test_nobody_answers_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        line = ["status", "--stack", "demo", "--region", "eu-central-1", "--endpoint", "http://127.0.0.1:1"]
        assert main(line) == Exit.CANNOT_ASK
        assert capsys.readouterr().err.startswith("AWS does not answer, to read the stack demo")


def test_no_stack_is_named(ctl: Run) -> None:
    said = ctl("acknowledge", stack="")
    assert said.code == Exit.USAGE
    assert said.err == "Which pair? Give --stack NAME, set FAILOVER_STACK, or --testbed.\n"


def test_the_stack_of_the_environment_is_taken(ctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_STACK", "demo")
    assert ctl("status", stack="").code == 0


def test_there_is_no_such_stack(ctl: Run) -> None:
    said = ctl("status", stack="nowhere")
    assert said.code == Exit.CANNOT_ASK
    assert said.err.startswith("There is no stack nowhere in eu-central-1: name it with --stack")


def test_a_stack_of_somebody_else_s_or_one_that_was_never_finished(ctl: Run, region: Region) -> None:
    region.outputs, region.stack_status = {}, "ROLLBACK_COMPLETE"
    said = ctl("status")
    assert said.code == Exit.CANNOT_ASK
    assert "The stack demo (ROLLBACK_COMPLETE) is not a deployed one of ms-failover" in said.err


@pytest.mark.parametrize(
    ("operation", "line", "doing"),
    [
        ("DescribeStacks", ("status",), "read the stack demo"),
        ("StartExecution", ("failover", "--reason", "x", "--yes"), "start an execution of the workflow"),
        ("Invoke", ("mode", "manual", "--yes"), "call the function pair"),
        ("Query", ("history",), "read the pair's history"),
        ("GetItem", ("readiness", "--last"), "read the pair's record"),
        ("ListExecutions", ("explain",), "list the executions"),
    ],
)
def test_a_missing_permission_is_named_with_where_to_read_about_it(
    ctl: Run, region: Region, operation: str, line: tuple[str, ...], doing: str
) -> None:
    region.denied = {operation}
    said = ctl(*line)
    assert said.code == Exit.CANNOT_ASK
    assert said.err.startswith(f"These credentials may not {doing} ({operation}): ")
    assert said.err.endswith("See docs/operate.md, permissions.\n")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredToken", "The AWS credentials have expired: log in again (`aws sso login`)."),
        ("InvalidClientTokenId", "AWS does not know these credentials (InvalidClientTokenId): is the profile right?"),
        ("Surprise", "AWS refused to read the stack demo: Surprise: as the test wants it"),
    ],
)
def test_credentials_that_aws_does_not_take_are_said_so(ctl: Run, region: Region, code: str, sentence: str) -> None:
    region.failing["DescribeStacks"] = [Failure(code)]
    said = ctl("history")
    assert (said.code, said.err) == (Exit.CANNOT_ASK, f"{sentence}\n")


def test_with_json_an_error_is_json_too(ctl: Run) -> None:
    said = ctl("status", "--json", stack="nowhere")
    assert json.loads(said.out) == {"error": said.err.strip(), "exit": Exit.CANNOT_ASK}


def test_no_testbed_is_up(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("lab.testbed.join_network.TESTBED_FILE", tmp_path / "none.json")
    assert main(["status", "--testbed"]) == Exit.CANNOT_ASK
    assert capsys.readouterr().err.startswith("No testbed is up: start one with `make testbed` in another terminal")


def test_ctrl_c_says_that_what_runs_goes_on(ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("failoverctl.actions.read_execution", interrupted)
    said = ctl("failover", "--reason", "x", "--yes")
    assert said.code == Exit.INTERRUPTED
    assert "it goes on" in said.err


def test_every_exit_code_has_its_meaning_in_the_help() -> None:
    assert set(MEANING) == set(Exit)
    told = " ".join(make_parser().format_help().split())
    for code, meaning in MEANING.items():
        assert f"{code:d} {meaning}" in told


def test_it_asks_aws_for_nothing_but_what_the_region_of_the_tests_answers() -> None:
    """So that the tests see every call, and docs/operate.md can list the permissions."""
    source = "".join(each.read_text() for room in (SOURCES, SOURCES / "whatif") for each in room.glob("*.py"))
    called = set(re.findall(r"\b(?:client(?:\([^)]*\))?)\.([a-z_]+)\(", source)) - {"upper"}
    known = {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for names in OPERATIONS.values() for name in names}
    assert called == known


UNREADABLE = {
    "a lease without its target": {"active": "ms1", "epoch": 1, "lease": {"execution": "arn:x"}},
    "an invalid server": {"active": "ms3", "epoch": 1},
    "an epoch in words": {"active": "ms1", "epoch": "two"},
    "a lease that is a list": {"active": "ms1", "epoch": 1, "lease": ["arn:x"]},
    "an invalid receipt": {"active": "ms1", "epoch": 1, "receipt": {"server": "ms2"}},
}


@pytest.mark.parametrize("record", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("command", [("status",), ("explain",), ("acknowledge", "--yes"), ("resume", "--reason", "x")])
def test_a_record_that_can_t_be_read_is_said_in_one_sentence_and_nothing_is_done(
    ctl: Run, region: Region, command: tuple[str, ...], record: dict[str, object]
) -> None:
    region.items["state"] = record
    said = ctl(*command)
    assert said.code == (Exit.NOT_WELL if command == ("status",) else Exit.CANNOT_ASK)
    told = said.flat if command == ("status",) else said.err
    assert "The pair's record can't be read (" in told
    assert "Restore it from the table's backup" in told
    assert "itself failed" not in said.err
    assert region.started() == []


def test_what_is_stored_of_the_copy_and_can_t_be_read_is_said_in_one_sentence(ctl: Run, region: Region) -> None:
    region.items["freshness"] = {"as_of": "lately", "last": "yes", "version": 1}
    assert "What is known of the standby's copy can't be read" in ctl("status").flat
    said = ctl("replicate", "--limit", "1")
    assert (said.code, region.invoked) == (Exit.CANNOT_ASK, [each for each in region.invoked if each[0] != "replicate"])
    assert "Delete the item freshness from the table pairs" in said.err


def test_a_line_of_the_history_that_can_t_be_read_is_said_in_one_sentence(ctl: Run, region: Region) -> None:
    region.history = [{"epoch": 1, "outcome": "promoted"}]
    for command in ("status", "history"):
        said = ctl(command)
        assert "A line of the pair's history can't be read" in said.flat + said.err, command
        assert "itself failed" not in said.err
