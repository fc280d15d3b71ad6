"""The wrapper of the import tool returns when the standby holds what was imported, and not before."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from lab.testbed.hosts.polling import wait_until
from tests.documents.pair import CDS, DISTS, STATE, Ended, Pair

pytestmark = pytest.mark.testbed

IMPORT = f"{STATE}/bin/import"
A_FILE = f"echo new >{CDS}/package"


class Importing:
    """An import under way on ms1.

    Args:
        command: what the import tool does, in shell.
        limit_s: seconds that it waits for its confirmation.
    """

    def __init__(self, pair: Pair, command: str, limit_s: int = 60) -> None:
        self._log = pair.inside("ms1", "/var/log/import")
        argv = ["sh", "-c", f"{IMPORT} --limit {limit_s} -- sh -c '{command}' >/var/log/import 2>&1"]
        self._run = pair.host("ms1").spawn(argv, log="import", stdout=subprocess.PIPE)

    def await_waiting(self) -> None:
        """Until the command has ended and its confirmation is waited for."""
        wait_until("the import is done", lambda: "waiting for it" in self._said(), deadline_s=10)

    @property
    def is_waiting(self) -> bool:
        return self._run.poll() is None

    def ended(self, timeout_s: float = 20) -> Ended:
        self._run.communicate(timeout=timeout_s)
        return Ended(self._run.returncode, self._said(), "")

    def await_words(self, words: str) -> None:
        wait_until(f"it says {words}", lambda: words in self._said(), deadline_s=10)

    def _said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@pytest.fixture(autouse=True)
def _nothing_said(pair: Pair) -> None:
    pair.inside("ms1", "/var/log/import").unlink(missing_ok=True)


def test_it_returns_when_the_standby_holds_the_new_set(pair: Pair) -> None:
    importing = Importing(pair, A_FILE)
    importing.await_waiting()
    assert importing.is_waiting
    pair.assert_complete(pair.replicate())
    said = importing.ended()
    assert said.code == 0, said.stdout
    assert re.search(r"The standby holds it: \d+ files in all, as of .* UTC, epoch 1\.", said.stdout)
    assert f"Carried: {CDS} {DISTS} " in said.stdout
    assert pair.inside("ms2", f"{CDS}/package").read_text() == "new\n"


def test_a_run_that_began_before_the_end_of_the_import_confirms_nothing(pair: Pair) -> None:
    for name in ("a", "b"):
        pair.write("ms1", f"{DISTS}/{name}", os.urandom(100_000))
    pair.hold_copies_after(150_000)
    run = pair.begin()
    pair.await_half(f"{DISTS}/a")
    importing = Importing(pair, "true", limit_s=8)
    importing.await_waiting()
    pair.let_go()
    assert pair.ended(run).result["complete"] is True
    assert importing.ended().code == 75


def test_a_failed_run_is_said_with_its_reason_and_the_next_one_is_waited_for(pair: Pair) -> None:
    pair.stand_in("ms1", "rsync", "exit 12")
    importing = Importing(pair, A_FILE)
    importing.await_waiting()
    assert pair.replicate().code != 0
    importing.await_words("A run of the replication failed: ")
    assert importing.is_waiting
    pair.put_aside("ms1")
    pair.assert_complete(pair.replicate())
    assert importing.ended().code == 0


def test_without_a_run_it_says_what_the_standby_lacks(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/old", "old")
    pair.settle()
    said = Importing(pair, A_FILE, limit_s=1).ended()
    assert said.code == 75
    assert "NOT confirmed on the standby: no run of the replication that began after it has ended" in said.stdout
    assert f"Of {CDS} it lacks 2 names as they are here: ./ ./package" in said.stdout


def test_names_of_what_is_lacking_reach_no_terminal_as_its_commands(pair: Pair) -> None:
    pair.settle()
    pair.write("ms1", f"{CDS}/a\x1b[2J\x07b\nc", "1")
    said = Importing(pair, "true", limit_s=1).ended()
    assert said.code == 75
    assert "./a?[2J?b?c" in said.stdout
    assert "\x1b" not in said.stdout


def test_an_import_that_fails_is_not_confirmed_and_its_exit_code_is_kept(pair: Pair) -> None:
    said = Importing(pair, "exit 3").ended()
    assert (said.code, said.stdout) == (3, "The import failed with exit code 3. Nothing is confirmed.\n")


def test_a_change_of_the_pair_meanwhile_ends_the_waiting(pair: Pair) -> None:
    importing = Importing(pair, A_FILE)
    importing.await_waiting()
    pair.set_epoch("ms1", 2, "standby")
    said = importing.ended()
    assert said.code == 75
    assert "the pair changed meanwhile" in said.stdout


def test_on_a_host_that_is_not_active_nothing_is_run(pair: Pair) -> None:
    pair.set_epoch("ms1", 2, "standby")
    said = Importing(pair, A_FILE).ended()
    assert said.code == 69
    assert "Nothing was run: this host is not the active server (epoch 2, standby)" in said.stdout
    assert not pair.inside("ms1", f"{CDS}/package").exists()


def test_a_withheld_configuration_does_not_keep_software_from_being_confirmed(pair: Pair) -> None:
    pair.set_version("ms2", "0.9")
    importing = Importing(pair, A_FILE)
    importing.await_waiting()
    assert pair.replicate().result["config"] == "withheld"
    assert importing.ended().code == 0


def test_where_the_host_may_send_events_the_copy_is_asked_for_at_once(pair: Pair) -> None:
    settings = pair.inside("ms1", f"{STATE}/receiver.conf")
    as_prepared = settings.read_text()
    pair.stand_in("ms1", "aws", 'printf "%s\\n" "$@" >/var/log/aws; echo 0')
    try:
        settings.write_text(f"{as_prepared}pair=tectia region=eu-central-1\n")
        importing = Importing(pair, A_FILE)
        importing.await_words("The copy to the standby has been asked for")
    finally:
        settings.write_text(as_prepared)
    asked = pair.inside("ms1", "/var/log/aws").read_text().splitlines()
    assert asked[:5] == ["--region", "eu-central-1", "events", "put-events", "--entries"]
    (entry,) = json.loads(asked[5])
    assert (entry["Source"], entry["DetailType"]) == ("ms-failover", "Software Imported")
    assert json.loads(entry["Detail"]) == {"pair": "tectia"}
    pair.assert_complete(pair.replicate())
    assert importing.ended().code == 0


def test_an_interrupted_wait_says_that_nothing_is_confirmed(pair: Pair) -> None:
    importing = Importing(pair, A_FILE)
    importing.await_waiting()
    pair.host("ms1").run(["pkill", "-TERM", "-f", f"^bash {IMPORT}|^/usr/bin/env bash {IMPORT}|bash {IMPORT}"])
    said = importing.ended()
    assert said.code == 75
    assert "not waited for any further" in said.stdout


def test_what_it_is_to_run_must_be_said(pair: Pair) -> None:
    said = pair.host("ms1").run([IMPORT, "--limit", "soon", "--", "true"], check=False)
    assert said.returncode == 64
    assert "usage: import [--limit SECONDS] -- COMMAND" in said.stderr


def test_a_run_that_carries_no_software_confirms_none(pair: Pair) -> None:
    importing = Importing(pair, A_FILE, limit_s=8)
    importing.await_waiting()
    assert pair.replicate(ReplicateSoftware="no").result["complete"] is True
    assert importing.ended().code == 75


@pytest.mark.parametrize(
    "line",
    [
        {"software_as_of": "4000000000.000000", "started_at": "4000000000.000000"},
        {"software_as_of": "4000000000.000000", "started_at": "4000000000.000000", "since_boot": "99999999.00"},
        {"since_boot": "99999999.00", "epoch": "2"},
        {"since_boot": "99999999.00", "software_as_of": "1.000000"},
    ],
    ids=["a clock that was ahead", "before the host was started", "of another epoch", "older software"],
)
def test_a_run_that_only_seems_to_be_later_confirms_nothing(pair: Pair, line: dict[str, str]) -> None:
    pair.assert_complete(pair.replicate())
    kept = pair.inside("ms1", f"{STATE}/run-complete.json")
    said = kept.read_text()
    for name, value in line.items():
        said = re.sub(rf'"{name}": [0-9.]+', f'"{name}": {value}', said)
    if "since_boot" in line and "started_at" in line:
        said = re.sub(r'"boot": "[^"]*"', '"boot": "b0"', said)
    kept.write_text(said)
    assert Importing(pair, A_FILE, limit_s=1).ended().code == 75


def test_what_a_host_kept_of_an_older_run_confirms_nothing(pair: Pair) -> None:
    pair.assert_complete(pair.replicate())
    assert Importing(pair, A_FILE, limit_s=1).ended().code == 75
