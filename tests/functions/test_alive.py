"""`probe`: a sign of life of the standby, by the path that a promotion is verified by; and whether anything is seen.

Silence is unknown, not no. Silence of both servers may be the probe's own.
"""

from __future__ import annotations

import pytest
from msfailover.adapters.admin_interface import Sighting
from msfailover.observations import Signal
from msfailover.pair import Role, Server
from msfailover.verdict import Answer

from tests.functions.conftest import Start


@pytest.mark.parametrize(
    ("admin", "port", "answer"),
    [
        (Signal.REFUSED, Signal.REFUSED, Answer.YES),
        (Signal.SILENT, Signal.REFUSED, Answer.YES),
        (Signal.ANSWERS, Signal.SILENT, Answer.YES),
        (Signal.WRONG_CERTIFICATE, Signal.UNREACHABLE, Answer.YES),
        (Signal.SILENT, Signal.SILENT, Answer.UNKNOWN),
        (Signal.UNREACHABLE, Signal.SILENT, Answer.UNKNOWN),
        (Signal.UNREACHABLE, Signal.UNREACHABLE, Answer.UNKNOWN),
    ],
)
def test_anything_that_comes_back_is_a_sign_of_life(
    run: Start, monkeypatch: pytest.MonkeyPatch, admin: Signal, port: Signal, answer: Answer
) -> None:
    probe = run("probe")
    monkeypatch.setattr(probe, "_admin", lambda *_: Sighting(admin, "so it was", 0.0))
    monkeypatch.setattr(probe, "_port", lambda *_: Sighting(port, "so it was", 0.0))
    assert probe.handler({"action": "check_reachable", "server": "ms2"}, None)["answer"] == answer


@pytest.mark.parametrize(
    ("admin", "port", "answer"),
    [
        (Signal.REFUSED, Signal.REFUSED, Answer.YES),
        (Signal.REFUSED, Signal.ANSWERS, Answer.NO),
        (Signal.WRONG_CERTIFICATE, Signal.REFUSED, Answer.NO),
        (Signal.REFUSED, Signal.SILENT, Answer.NO),
        (Signal.SILENT, Signal.SILENT, Answer.UNKNOWN),
        (Signal.UNREACHABLE, Signal.SILENT, Answer.UNKNOWN),
    ],
)
def test_only_two_refusals_say_that_nothing_listens(
    run: Start, monkeypatch: pytest.MonkeyPatch, admin: Signal, port: Signal, answer: Answer
) -> None:
    probe = run("probe")
    monkeypatch.setattr(probe, "_admin", lambda *_: Sighting(admin, "so it was", 0.0))
    monkeypatch.setattr(probe, "_port", lambda *_: Sighting(port, "so it was", 0.0))
    found = probe.handler({"action": "check_refusing", "server": "ms2"}, None)
    assert found["answer"] == answer
    assert (found["evidence"].get("cut_off") is True) is (answer is Answer.UNKNOWN), "a second probe is asked then"


SEEN = {
    "both": (Role.MS1, Role.MS2),
    "the standby": (Role.MS2,),
    "the active server": (Role.MS1,),
    "nothing": (),
}
QUESTIONS = ({"action": "probe"}, *({"action": each, "server": "ms1"} for each in ("confirm_outage", "check_serving")))


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize(
    "asked", (*QUESTIONS, {"action": "check_reachable", "server": "ms1"}), ids=lambda it: it["action"]
)
def test_a_probe_says_that_it_sees_nothing_only_where_neither_host_answers(
    run: Start, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], seen: str
) -> None:
    probe = run("probe")

    def signal(_context: object, server: Server, _timeout_s: float) -> Sighting:
        return Sighting(Signal.REFUSED if server.role in SEEN[seen] else Signal.SILENT, "as it is", 0.0)

    monkeypatch.setattr(probe, "_admin", signal)
    monkeypatch.setattr(probe, "_port", signal)
    answer = probe.handler(asked, None)
    assert (answer["evidence"].get("cut_off") is True) == (seen == "nothing")
    if seen == "nothing" and "answer" in answer:
        assert answer["answer"] == "unknown"
