"""SSM Run Command: delivery and run both bounded, the result one line of JSON, and no result is no result."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError
from msfailover.adapters import clients, run_command
from msfailover.adapters.run_command import CommandFailed, CommandUnfinished
from msfailover.pair import Role, Server

from tests.functions.hosts import NOT_YET, RUNNING, Hosts, after, failed, succeeded
from tests.functions.wire import Failure

MS1 = Server(Role.MS1, "i-00000000000000a01", ("10.0.0.11",))
STATUS = "ms-failover-status"


def send() -> str:
    return run_command.send(clients.ssm(), MS1, STATUS, {"Service": "ssh-mgmt-server", "StatusCommand": ""})


def test_a_document_is_sent_to_one_host_with_a_limit_on_its_delivery(hosts: Hosts) -> None:
    identity = send()
    (command,) = hosts.commands
    assert identity == command.identity
    assert (command.document, command.instance) == (STATUS, MS1.instance_id)
    assert command.parameters == {"Service": "ssh-mgmt-server", "StatusCommand": ""}
    assert command.delivery_limit_s == 30, "the least that SSM takes"


def test_the_last_line_that_a_host_wrote_is_the_result(hosts: Hosts) -> None:
    hosts.prepare("status", succeeded(service="running", epoch=2))
    assert run_command.result(clients.ssm(), MS1, send(), 1.0) == {"service": "running", "epoch": 2}


def test_what_a_host_says_is_words_and_never_what_a_terminal_obeys(hosts: Hosts) -> None:
    hosts.prepare("status", succeeded(service="running", said="\x1b]0;x\x07\x1b[2J", list=[{"\u202ea": "b\u009b"}]))
    assert run_command.result(clients.ssm(), MS1, send(), 1.0) == {
        "service": "running", "said": "]0;x [2J", "list": [{"a": "b"}]
    }  # fmt: skip
    hosts.prepare("status", failed("\x1b[2JIt is\u202e full."))
    with pytest.raises(CommandFailed, match=r"ended as Failed: \[2JIt is full\.$"):
        run_command.result(clients.ssm(), MS1, send(), 1.0)


def test_an_invocation_that_ssm_does_not_know_yet_is_asked_for_again(hosts: Hosts) -> None:
    hosts.prepare("status", NOT_YET, NOT_YET, {"Status": "Pending"}, RUNNING, succeeded(service="stopped"))
    assert run_command.result(clients.ssm(), MS1, send(), 5.0) == {"service": "stopped"}
    assert hosts.commands[0].reads == 5


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Delayed", "Cancelling"])
def test_a_run_that_does_not_end_in_time_is_unfinished_and_not_failed(hosts: Hosts, status: str) -> None:
    hosts.prepare("status", {"Status": status})
    identity, began = send(), time.monotonic()
    with pytest.raises(CommandUnfinished) as caught:
        run_command.result(clients.ssm(), MS1, identity, 0.2)
    assert str(caught.value) == f"Command {identity} on ms1 is {status} after 0.2 s."
    assert time.monotonic() - began < 2


def test_an_invocation_that_never_appears_is_unfinished(hosts: Hosts) -> None:
    hosts.prepare("status", NOT_YET)
    with pytest.raises(CommandUnfinished, match="is Pending after"):
        run_command.result(clients.ssm(), MS1, send(), 0.1)


def test_no_time_at_all_is_one_read(hosts: Hosts) -> None:
    hosts.prepare("status", *after(3, succeeded(service="running")))
    with pytest.raises(CommandUnfinished):
        run_command.result(clients.ssm(), MS1, send(), 0)
    assert hosts.commands[0].reads == 1


@pytest.mark.parametrize("status", ["Failed", "TimedOut", "Cancelled", "Undeliverable", "Terminated"])
def test_a_run_that_ended_badly_is_told_in_the_hosts_own_last_words(hosts: Hosts, status: str) -> None:
    hosts.prepare("status", failed("a warning\nthe host has seen epoch 3, this is 2.\n", status))
    identity = send()
    with pytest.raises(CommandFailed) as caught:
        run_command.result(clients.ssm(), MS1, identity, 1.0)
    assert str(caught.value) == f"Command {identity} ended as {status}: the host has seen epoch 3, this is 2."


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ("No space left on device\nfailed to run commands: exit status 1", "No space left on device"),
        ("No space left on device\n\nfailed to run commands: exit status 141\n", "No space left on device"),
        ("failed to run commands: exit status 1\nthen this", "then this"),
        ("failed to run commands: exit status 1", "failed to run commands: exit status 1"),
        ("failed to run commands: no such shell", "failed to run commands: no such shell"),
    ],
)
def test_the_agents_own_last_line_does_not_take_the_place_of_the_hosts(hosts: Hosts, errors: str, told: str) -> None:
    hosts.prepare("status", failed(errors))
    with pytest.raises(CommandFailed) as caught:
        run_command.result(clients.ssm(), MS1, send(), 1.0)
    assert str(caught.value).endswith(f"ended as Failed: {told}")


def test_a_run_that_ended_without_a_word_is_told_by_its_details(hosts: Hosts) -> None:
    hosts.prepare("status", {**failed("", "TimedOut"), "StatusDetails": "Delivery Timed Out"})
    with pytest.raises(CommandFailed, match="ended as TimedOut: Delivery Timed Out"):
        run_command.result(clients.ssm(), MS1, send(), 1.0)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400, "-1" + "0" * 400, "1e300", "NaN", "007"])
def test_a_number_that_nobody_can_reckon_with_is_no_result(hosts: Hosts, number: str) -> None:
    told = f'{{"service": "running", "clock": {number}}}'
    hosts.prepare("status", {"Status": "Success", "StandardOutputContent": told, "StandardErrorContent": ""})
    with pytest.raises(CommandFailed, match="succeeded, but its last line is no result"):
        run_command.result(clients.ssm(), MS1, send(), 1.0)


@pytest.mark.parametrize("output", ["", "running", "[1, 2]", '"running"', '{"service": "running"}\nand more', "{"])
def test_a_success_without_a_result_is_a_failure(hosts: Hosts, output: str) -> None:
    hosts.prepare("status", {"Status": "Success", "StandardOutputContent": output, "StandardErrorContent": ""})
    with pytest.raises(CommandFailed, match="succeeded, but its last line is no result"):
        run_command.result(clients.ssm(), MS1, send(), 1.0)


def test_a_host_that_talks_for_ever_makes_no_long_sentence(hosts: Hosts) -> None:
    hosts.prepare("status", failed("x" * 24_000))
    with pytest.raises(CommandFailed) as caught:
        run_command.result(clients.ssm(), MS1, send(), 1.0)
    assert len(str(caught.value)) < 600


def test_an_ssm_that_turns_down_the_question_is_not_waited_for(hosts: Hosts) -> None:
    hosts.prepare("status", Failure("AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDeniedException"):
        run_command.result(clients.ssm(), MS1, send(), 60.0)


def test_a_command_that_ssm_does_not_take_is_not_sent(hosts: Hosts) -> None:
    hosts.refuse = Failure("InvalidInstanceId")
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        send()
