"""The functions that the workflow demands a yes of fail on another answer; asked without that, they give it."""

from __future__ import annotations

import pytest
from msfailover.demands import NotServingYet, StandbyNotFit
from msfailover.verdict import no, yes

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import OURS, lease, receipt, state


def test_a_server_that_does_not_serve_yet_fails_the_step_that_waits_for_it(
    run: Start, record: Record, answers: Answers
) -> None:
    record.put(state())
    pair = run("pair", TABLE_NAME=record.name)
    asked = {"action": "check_serving", "server": "ms1", "execution": OURS}
    answers.prepare("probe", "check_serving", no("It is silent."))
    assert pair.handler(asked, None)["answer"] == "no"
    with pytest.raises(NotServingYet, match=r"^It is silent\.$"):
        pair.handler({**asked, "unless_yes": "NotServingYet"}, None)
    answers.prepare("probe", "check_serving", yes("It answers."))
    assert pair.handler({**asked, "unless_yes": "NotServingYet"}, None)["answer"] == "yes"


def test_a_standby_that_is_not_fit_fails_the_step_that_checks_it(
    run: Start, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.put(state())
    server = run("server", TABLE_NAME=record.name)
    monkeypatch.setattr(server, "_machine_and_host", lambda *_: (no("Its machine is stopped."), no("It is stopped.")))
    asked = {"action": "check_standby", "server": "ms2", "execution": OURS}
    assert server.handler(asked, None)["answer"] == "no"
    with pytest.raises(StandbyNotFit, match=r"^ms2 is not fit: Its machine is stopped\.$"):
        server.handler({**asked, "unless_yes": "StandbyNotFit"}, None)


def test_an_end_is_told_in_the_words_that_were_written(run: Start, record: Record, answers: Answers) -> None:
    record.put(state(lease=lease(), receipt=receipt()))
    pair = run("pair", TABLE_NAME=record.name)
    cause = '{"errorMessage": "ms2 is silent.", "errorType": "NotServingYet", "stackTrace": []}'
    asked = {"action": "conclude", "outcome": "halted", "sentence": f"It ended. {cause}", "execution": OURS}
    assert pair.handler(asked, None)["sentence"] == "It ended. ms2 is silent."
    assert record.get().halted == "It ended. ms2 is silent."
