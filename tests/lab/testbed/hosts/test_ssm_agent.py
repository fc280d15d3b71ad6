"""The SSM agent's stand-in, on a host, against a cloud that the test stands in for."""

from __future__ import annotations

import http.server
import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from lab.testbed.hosts.addresses import CLOUD, SSM_PORT
from lab.testbed.hosts.polling import wait_until
from lab.testbed.hosts.ssm_agent import BadDocumentError, lines_of, substitute, values
from tests.lab.testbed.hosts.conftest import Testbed


class Cloud(http.server.ThreadingHTTPServer):
    """Gives out the commands that it is told to, and keeps the answers."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__((CLOUD, SSM_PORT), Poll)
        self.commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self.answers: dict[str, queue.Queue[dict[str, Any]]] = {}
        self.refusals = 0
        self.polls = 0
        self._number = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def send(self, *lines: str, timeout_s: int = 30, **document: Any) -> queue.Queue[dict[str, Any]]:
        """Send lines as a command; the answer will be in the queue returned."""
        self._number += 1
        command_id = f"command-{self._number}"
        given = document.pop("given", {})
        self.answers[command_id] = queue.Queue()
        self.last = {
            "command_id": command_id,
            "document": {**self.document(*lines, timeout_s=timeout_s), **document},
            "parameters": given,
            "timeout_s": 60,
        }
        self.commands.put(self.last)
        return self.answers[command_id]

    @staticmethod
    def document(*lines: str, timeout_s: int = 30) -> dict[str, Any]:
        inputs = {"timeoutSeconds": str(timeout_s), "runCommand": list(lines)}
        steps = [{"action": "aws:runShellScript", "name": "only", "inputs": inputs}]
        return {"schemaVersion": "2.2", "mainSteps": steps}


class Poll(http.server.BaseHTTPRequestHandler):
    @property
    def cloud(self) -> Cloud:
        return cast(Cloud, self.server)

    def do_GET(self) -> None:
        if not self.path.startswith("/agents/i-1/command?wait="):
            self._answer(204)
            return
        self.cloud.polls += 1
        try:
            self._answer(200, json.dumps(self.cloud.commands.get(timeout=2)).encode())
        except queue.Empty:
            self._answer(204)
        finally:
            self.cloud.polls -= 1

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.cloud.refusals:
            self.cloud.refusals -= 1
            self._answer(503)
            return
        self.cloud.answers[self.path.split("/")[-1]].put(body)
        self._answer(200)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def cloud(testbed: Testbed) -> Iterator[Cloud]:
    with Cloud() as server:
        yield server
        server.shutdown()


@pytest.mark.testbed
def test_a_script_runs_on_the_host_with_its_parameters_and_its_shebang(cloud: Cloud) -> None:
    declared = {
        "Who": {"type": "String"},
        "Times": {"type": "String", "default": "2"},
    }
    answer = cloud.send(
        "#!/usr/bin/env bash",
        "set -euo pipefail",
        "words=('{{ Who }}' '{{Times}}')  # an array: no other shell has them",
        'echo "${words[*]} $(hostname)"',
        'echo "{{ Unknown }}" >&2',
        parameters=declared,
        given={"Who": ["ana"]},
    ).get(timeout=10)
    assert answer == {"status": "Success", "exit_code": 0, "stdout": "ana 2 ms1\n", "stderr": "{{ Unknown }}\n"}


@pytest.mark.testbed
def test_a_failing_script_tells_its_exit_status(cloud: Cloud) -> None:
    answer = cloud.send("echo so far", "echo no further >&2", "exit 3").get(timeout=10)
    assert answer == {"status": "Failed", "exit_code": 3, "stdout": "so far\n", "stderr": "no further\n"}


@pytest.mark.testbed
def test_a_script_over_its_time_is_killed_with_its_children(testbed: Testbed, cloud: Cloud) -> None:
    began = time.monotonic()
    answer = cloud.send("sleep 3456 &", "echo begun", "sleep 3456", timeout_s=1).get(timeout=10)
    assert answer["status"] == "TimedOut"
    assert answer["stdout"] == "begun\n"
    assert 0.9 < time.monotonic() - began < 5
    assert testbed.hosts.host("ms1").run(["pgrep", "-f", "sleep 3456"], check=False).stdout == ""


@pytest.mark.testbed
def test_a_slow_command_does_not_hold_up_the_next(cloud: Cloud) -> None:
    slow = cloud.send("until [ -e /tmp/go-on ]; do sleep 0.02; done", "echo slow")
    assert cloud.send("touch /tmp/go-on", "echo quick").get(timeout=10)["stdout"] == "quick\n"
    assert slow.get(timeout=10)["stdout"] == "slow\n"


@pytest.mark.testbed
def test_a_command_that_is_run_twice_at_once_has_the_whole_lines_of_both(cloud: Cloud) -> None:
    answers = cloud.send(
        "if mkdir /tmp/one; then until [ -e /tmp/other ]; do sleep 0.02; done; echo the-longer-line",
        "else echo short; touch /tmp/other; fi",
    )
    cloud.commands.put(cloud.last)
    lines = [set(answers.get(timeout=10)["stdout"].splitlines()) for _ in range(2)]
    both = {"short", "the-longer-line"}
    assert lines[-1] | lines[0] == both
    assert both in lines


@pytest.mark.testbed
def test_a_service_that_a_script_starts_outlives_it_and_does_not_hold_it_up(testbed: Testbed, cloud: Cloud) -> None:
    testbed.hosts.ms("ms1").stop()
    assert cloud.send("systemctl start ssh-mgmt-server").get(timeout=10)["status"] == "Success"
    assert testbed.hosts.ms("ms1").is_running()
    assert cloud.send("systemctl stop ssh-mgmt-server").get(timeout=10)["status"] == "Success"


@pytest.mark.testbed
def test_a_result_is_told_until_the_cloud_takes_it(cloud: Cloud) -> None:
    cloud.refusals = 3
    assert cloud.send("echo still here").get(timeout=10)["stdout"] == "still here\n"
    assert cloud.refusals == 0


@pytest.mark.testbed
def test_an_agent_is_back_after_a_boot(testbed: Testbed, cloud: Cloud) -> None:
    testbed.hosts.machines.power_off("i-1")
    # The dead agent's poll would take the command with it.
    wait_until("the dead one's poll is over", lambda: cloud.polls == 0, deadline_s=10)
    answer = cloud.send("hostname")
    testbed.hosts.machines.power_on("i-1")
    assert answer.get(timeout=15)["stdout"] == "ms1\n"


@pytest.mark.testbed
def test_a_document_that_can_t_be_run_fails_with_a_sentence(cloud: Cloud) -> None:
    answer = cloud.send("true", parameters={"Who": {"type": "String"}}).get(timeout=10)
    assert answer["status"] == "Failed"
    assert "Who has neither a value nor a default" in answer["stderr"]
    answer = cloud.send("true", mainSteps=[{"action": "aws:runPowerShellScript", "name": "x"}]).get(timeout=10)
    assert "only steps aws:runShellScript" in answer["stderr"]


def test_a_value_is_put_in_as_it_is_and_not_read_again() -> None:
    assert substitute("a {{ X }} {{Y}} {{ Z }}", {"X": ["{{ Y }}"], "Y": ["$1", "2"]}) == "a {{ Y }} $1,2 {{ Z }}"


def test_a_list_can_stand_for_all_lines() -> None:
    assert lines_of("{{ Lines }}", {"Lines": ["a", "b"]}) == ["a", "b"]


def test_a_parameter_that_the_document_has_not_is_refused() -> None:
    with pytest.raises(BadDocumentError, match="Bogus"):
        values({"parameters": {}}, {"Bogus": ["1"]})
