"""What a sender says in a session twice, or in numbers that are invalid: refused, and nothing is spoilt by it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.testbed.hosts.polling import wait_until
from tests.documents.pair import CDS, STATE, TOOLS, Pair
from tests.documents.test_authority import promote, sent

pytestmark = pytest.mark.testbed

DIGEST = "a" * 64
STAGED = f"{Path(CDS).parent}/.ms-failover/cds"


@contextmanager
def spoken(pair: Pair) -> Iterator[Callable[[str], str]]:
    """A session that is held open; what is called says some lines, and gives the answer that comes next."""
    argv = pair.ssh_argv("session")
    run = pair.host("ms1").spawn(argv, log="spoken", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert run.stdin is not None
    assert run.stdout is not None
    words, answers = run.stdin, run.stdout

    def say(lines: str) -> str:
        words.write(f"{lines}\n".encode())
        words.flush()
        return answers.readline().decode().strip()

    try:
        yield say
    finally:
        words.close()
        answers.read()
        answers.close()
        run.wait(timeout=20)


def last(pair: Pair, what: str) -> str:
    (place,) = pair.inside("ms1", f"{STATE}/sent").glob("*_cds")
    return (place / f"last-{what}").read_text().strip()


@pytest.mark.parametrize(
    "words", [f"hello {TOOLS} 0001 10", f"hello {TOOLS} 1 010", f"hello {TOOLS} 1", "look 2 01 10"]
)
def test_a_number_with_a_leading_zero_is_invalid(pair: Pair, words: str) -> None:
    assert pair.ssh("session", stdin=f"{words}\n").stdout.startswith("refused not understood")


@pytest.mark.parametrize("room", ["08 1 0 0", "-1 1 0 0", "1 1 0", "1 1 0 0x7"])
def test_room_is_asked_for_in_whole_numbers(pair: Pair, room: str) -> None:
    said = pair.ssh("session", stdin=f"hello {TOOLS} 1 10\nunit {CDS} full -\nroom {room}\n")
    assert said.stdout.splitlines()[-1] == "refused not understood: room"


@pytest.mark.parametrize("moments", ["1.2.3 4", "... 1", "1", "01 1", "1 -1", "1e5 1", "1 1 1"])
def test_a_set_of_no_moment_is_not_taken_and_the_standby_goes_on_saying_what_it_holds(pair: Pair, moments: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.settle()
    held = pair.marker()
    with spoken(pair) as say:
        assert say(f"hello {TOOLS} 1 10").startswith("ready ")
        assert say(f"holds 1\n{CDS} {last(pair, 'mark')}") == f"held {CDS}"
        told = say(f"commit 0 1 {DIGEST}\n{CDS} {last(pair, 'digest')} {moments}")
    assert told == "refused not understood: commit"
    assert pair.run("ms2", "status").result["replica"] == held


def test_a_set_of_no_directory_is_not_taken(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.settle()
    held = pair.marker()
    said = pair.ssh("session", stdin=f"hello {TOOLS} 1 10\ncommit 0 0 {DIGEST}\n").stdout.splitlines()
    assert said[-1] == "refused not understood: commit"
    assert pair.run("ms2", "status").result["replica"] == held


def test_a_set_that_is_complete_is_not_taken_twice(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/old", "1")
    pair.settle()
    pair.write("ms1", "/root/new/new", "2")
    with spoken(pair) as say:
        token = say(f"hello {TOOLS} 1 10").split()[1]
        assert say(f"unit {CDS} full -").startswith("mode full")
        assert say("room 100000 10 0 0") == "send"
        assert sent(pair, token, "/root/new").returncode == 0
        assert say(f"arrived\ncommit 9 1 {DIGEST}\n{CDS} {DIGEST} 5 5") == f"differs {CDS}"
        digest = pair.inside("ms2", f"{STAGED}/digest").read_text().strip()
        assert say(f"commit 9 1 {DIGEST}\n{CDS} {digest} 5 5") == "complete"
        told = say(f"commit 9 1 {DIGEST}\n{CDS} {digest} 6 6")
    assert told == "refused not understood: commit after the set was complete"
    assert [each.name for each in pair.inside("ms2", CDS).iterdir()] == ["new"]
    assert pair.marker()["as_of"] == {CDS: 5}
    wait_until("its mirror rests", lambda: not pair.inside("ms2", f"{STAGED}/staging").exists(), deadline_s=10)
    assert [each.name for each in pair.inside("ms2", CDS).iterdir()] == ["new"]


@pytest.mark.parametrize("words", ["holds ", "holds 2", f"holds {TOOLS} 01 {CDS} {DIGEST}", "holds 2 -1"])
def test_a_short_question_that_is_invalid_is_refused_in_a_sentence(pair: Pair, words: str) -> None:
    said = pair.ssh(words)
    assert (said.stdout, said.stderr) == ("refused not understood: holds\n", "")


MARKER = '{{"digest": "{}", "epoch": {}, "completed_at": 1.5, "sets": {{}}, "as_of": {{{}}}, "content_as_of": {{}}}}'


@pytest.mark.parametrize(
    "spoilt",
    ['{"damaged}', MARKER.format(DIGEST, "0001", ""), MARKER.format(DIGEST, 1, '"/x": 1..')],
    ids=["damaged", "octal", "no moment"],
)
def test_a_marker_that_is_invalid_says_nothing_and_spoils_nothing_else(pair: Pair, spoilt: str) -> None:
    pair.inside("ms2", f"{STATE}/received.json").write_text(f"{spoilt}\n")
    status = pair.run("ms2", "status").result
    assert status["replica"] is None
    assert status["epoch"] == 1


def test_a_marker_with_all_that_it_can_hold_is_shown(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.settle()
    assert pair.run("ms2", "status").result["replica"] == pair.marker()
    assert len(pair.marker()["sets"]) > 1, "more than one directory"


def test_no_question_of_an_earlier_session_is_answered_and_none_after_a_promotion(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.settle()
    mark = last(pair, "mark")
    with spoken(pair) as say:
        earlier = say(f"hello {TOOLS} 1 10").split()[1]
        assert say(f"unit {CDS} compare -").startswith("mode compare")
        assert pair.ssh(f"listing {earlier} {CDS}").returncode == 0
    with spoken(pair) as say, spoken(pair) as compare:
        token = say(f"hello {TOOLS} 1 10").split()[1]
        assert say(f"unit {CDS} compare -").startswith("mode compare")
        assert pair.ssh(f"listing {earlier} {CDS}").stderr == "refused the question is of another run\n"
        compared = compare(f"look {TOOLS} 1 10").split()[1]
        assert pair.ssh(f"contents {token} {CDS}").stderr == "refused the question is of another run\n"
        assert pair.ssh(f"contents {compared} {CDS}").returncode == 0
        promote(pair)
        for words in (f"listing {token} {CDS}", f"contents {compared} {CDS}", f"holds {TOOLS} 9 {CDS} {mark}"):
            asked = pair.ssh(words)
            assert asked.returncode == 1, words
            assert (asked.stdout + asked.stderr).startswith("refused "), words
    for words in (f"hello {TOOLS} 9 10", f"look {TOOLS} 9 10"):
        told = pair.ssh("session", stdin=f"{words}\n").stdout
        assert told == "refused the receiving host is itself the active server, of epoch 2\n"


@contextmanager
def unread(pair: Pair, *lines: str) -> Iterator[None]:
    """A session whose peer says these lines and reads nothing: there is no room left for any answer."""
    full = "/run/full"
    said = " ".join(shlex.quote(line) for line in lines)
    talk = (
        f"rm -f {full}; mkfifo {full}; exec 3<>{full}; head -c 65536 /dev/zero >&3; touch {full}.there;"
        f" printf '%s\\n' {said} | SSH_ORIGINAL_COMMAND=session {STATE}/bin/receive >&3"
    )
    pair.inside("ms2", f"{full}.there").unlink(missing_ok=True)
    run = pair.host("ms2").spawn(["bash", "-c", talk], log="unread")
    try:
        wait_until("nothing more can be said", pair.inside("ms2", f"{full}.there").exists, deadline_s=10)
        receives = ["pgrep", "-f", f"^bash {STATE}/bin/receive"]
        wait_until("it asks", lambda: pair.host("ms2").run(receives, check=False).returncode == 0, deadline_s=10)
        yield
    finally:
        pair.host("ms2").run(["timeout", "2", "cat", full], check=False, timeout_s=10)
        run.wait(timeout=20)


@pytest.mark.parametrize("words", [f"hello {TOOLS} 0 60", f"look {TOOLS} 0 60"])
def test_a_refusal_that_nobody_reads_holds_no_promotion_up(pair: Pair, words: str) -> None:
    with unread(pair, words):
        promote(pair)
    assert pair.inside("ms2", f"{STATE}/epoch").read_text() == "2 active\n"
