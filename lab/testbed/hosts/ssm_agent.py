"""Stand-in for the SSM agent: run as a program on a host, it takes commands from the cloud and runs their scripts.

    ssm_agent.py URL INSTANCE_ID

It asks the cloud for a command (a long poll, which is its ping as well), runs each one in a thread of its own, and
tells the result. A cloud that is away is asked again, for ever.

Of a schema 2.2 document it runs the steps `aws:runShellScript`, in order, until one fails: `{{ Name }}` is replaced by
the parameter's value (the document's default where none was given), the lines become one script whose shebang counts,
and `timeoutSeconds` ends the script's whole process group.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

WORK = Path("/var/lib/amazon/ssm")
POLL_S = 20
SOCKET_TIMEOUT_S = POLL_S + 10
AWAY_FIRST_S, AWAY_MOST_S = 0.1, 2.0
TELL_FOR_S = 600
DEFAULT_TIMEOUT_S = 3600.0
OUTPUT_LIMIT = 200_000
PARAMETER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


class BadDocumentError(ValueError):
    """The command's document is not one that this agent can run."""


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: str
    exit_code: int
    stdout: str
    stderr: str


class Cloud:
    """The other end of the agent's protocol."""

    def __init__(self, url: str, instance_id: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._path = f"/agents/{instance_id}/command"

    def next_command(self) -> dict[str, Any] | None:
        """Wait for a command; None when the poll ended without one. Raises OSError, HTTPException or ValueError."""
        status, body = self._request("GET", f"{self._path}?wait={POLL_S}")
        if status == 204:
            return None
        if status != 200:
            raise OSError(f"the cloud answered {status}")
        command = json.loads(body)
        if not isinstance(command, dict):
            raise ValueError("the cloud sent no command")
        return command

    def tell(self, command_id: str, result: Result) -> None:
        """Report a result; tried again while the cloud is away, for TELL_FOR_S at most."""
        body = json.dumps(vars(result)).encode()
        end = time.monotonic() + TELL_FOR_S
        delay = AWAY_FIRST_S
        while time.monotonic() < end:
            try:
                status, _ = self._request("POST", f"{self._path}/{command_id}", body)
                if status < 500:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(delay)
            delay = min(delay * 2, AWAY_MOST_S)
        log(f"{command_id}: the result was not taken in {TELL_FOR_S} s: {result.status}")

    def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=SOCKET_TIMEOUT_S)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def log(sentence: str) -> None:
    sys.stderr.write(f"{time.time():.3f} {sentence}\n")
    sys.stderr.flush()


def values(document: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The value of every parameter of the document: as given, or its default.

    Raises BadDocumentError for one that is given but not declared, or declared and without either.
    """
    declared: Mapping[str, Any] = document.get("parameters") or {}
    if unknown := sorted(set(given) - set(declared)):
        raise BadDocumentError(f"parameters that the document has not: {', '.join(unknown)}")
    found: dict[str, list[str]] = {}
    for name, declaration in declared.items():
        value = given[name] if name in given else declaration.get("default")
        if value is None:
            raise BadDocumentError(f"parameter {name} has neither a value nor a default")
        found[name] = [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
    return found


def substitute(text: str, parameters: Mapping[str, Sequence[str]]) -> str:
    """The text with each `{{ Name }}` replaced. What is no parameter of the document's stays as it is."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return ",".join(parameters[name]) if name in parameters else match.group(0)

    return PARAMETER.sub(value, text)


def lines_of(commands: Any, parameters: Mapping[str, Sequence[str]]) -> list[str]:
    """A step's `runCommand` as lines; a lone `{{ Name }}` stands for the whole list of that parameter."""
    if isinstance(commands, str):
        match = PARAMETER.fullmatch(commands.strip())
        if match and match.group(1) in parameters:
            return list(parameters[match.group(1)])
        commands = [commands]
    if not isinstance(commands, list):
        raise BadDocumentError("runCommand is no list")
    return [substitute(str(line), parameters) for line in commands]


def run_document(command: Mapping[str, Any]) -> Result:
    """Run a command's steps in order until one fails; the outputs of all are joined."""
    document = command["document"]
    try:
        parameters = values(document, command.get("parameters") or {})
        steps = [step for step in document["mainSteps"] if step["action"] == "aws:runShellScript"]
        if len(steps) != len(document["mainSteps"]) or not steps:
            raise BadDocumentError("only steps aws:runShellScript can be run")
    except (BadDocumentError, KeyError, TypeError) as error:
        return Result("Failed", 1, "", f"the document can't be run: {error}")
    results: list[Result] = []
    for step in steps:
        inputs = step["inputs"]
        try:
            timeout_s = float(substitute(str(inputs.get("timeoutSeconds", "")), parameters) or 0)
            timeout_s = timeout_s or float(command.get("timeout_s") or DEFAULT_TIMEOUT_S)
            lines = lines_of(inputs["runCommand"], parameters)
        except (ValueError, KeyError) as error:
            results.append(Result("Failed", 1, "", f"step {step.get('name')}: {error}"))
            break
        results.append(run_script(str(command["command_id"]), str(step.get("name", "step")), lines, timeout_s))
        if results[-1].status != "Success":
            break
    last = results[-1]
    return Result(last.status, last.exit_code, "".join(r.stdout for r in results), "".join(r.stderr for r in results))


def run_script(command_id: str, step: str, lines: Sequence[str], timeout_s: float) -> Result:
    """Run the lines as one script file, in a process group of its own that is killed after `timeout_s` seconds."""
    place = WORK / re.sub(r"[^A-Za-z0-9_.-]", "_", command_id) / re.sub(r"[^A-Za-z0-9_.-]", "_", step)
    place.mkdir(parents=True, exist_ok=True)
    script, out, err = place / "_script.sh", place / "stdout", place / "stderr"
    new = script.with_name(f"_script.{threading.get_ident()}")  # a shell may be reading the one that is there
    new.write_text("\n".join(lines) + "\n")
    new.chmod(0o700)
    new.replace(script)
    shebang = lines[0].startswith("#!") if lines else False
    argv = [str(script)] if shebang else ["/bin/sh", str(script)]
    # Files, not pipes: a service that the script starts may keep them open and must not keep the command waiting.
    # Appended to, as the agent does (amazon-ssm-agent, FileFlagsCreateOrAppend): a command that is run twice has the
    # lines of both.
    with out.open("ab") as out_file, err.open("ab") as err_file:
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out_file, stderr=err_file, cwd="/", start_new_session=True
            )
        except OSError as error:
            return Result("Failed", 126, "", f"the script can't be run: {error}")
        try:
            code = process.wait(timeout=timeout_s)
            status = "Success" if code == 0 else "Failed"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code, status = -1, "TimedOut"
    return Result(status, code, _text(out), _text(err))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(OUTPUT_LIMIT).decode(errors="replace")


def work_on(cloud: Cloud, command: Mapping[str, Any]) -> None:
    command_id = str(command["command_id"])
    log(f"{command_id}: begins")
    try:
        result = run_document(command)
    except Exception as error:
        result = Result("Failed", 1, "", f"the agent could not run it: {type(error).__name__}: {error}")
    log(f"{command_id}: {result.status} {result.exit_code}")
    cloud.tell(command_id, result)


def main(url: str, instance_id: str) -> None:
    cloud = Cloud(url, instance_id)
    delay = AWAY_FIRST_S
    log(f"agent of {instance_id} at {url}")
    while True:
        try:
            command = cloud.next_command()
            delay = AWAY_FIRST_S
        except (OSError, http.client.HTTPException, ValueError) as error:
            log(f"the cloud is away: {error}")
            time.sleep(delay)
            delay = min(delay * 2, AWAY_MOST_S)
            continue
        if command is not None:
            threading.Thread(target=work_on, args=(cloud, command), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
