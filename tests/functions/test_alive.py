"""`probe`: a sign of life of the standby, by the path that a promotion is verified by. Silence is unknown, not no."""

from __future__ import annotations

import pytest
from msfailover.adapters.admin_interface import Sighting
from msfailover.observations import Signal
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
