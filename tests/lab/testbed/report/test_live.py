"""The live view: in a terminal, in a log, and when what it reads fails."""

from __future__ import annotations

import io
import re
import threading
from collections import Counter
from dataclasses import replace

import pytest
from rich.console import Console

from failoverctl.acceptance.report.figures import agents_at, report
from failoverctl.report.course import Event, Step
from lab.testbed.report.live import Watching, is_lively, watch
from lab.testbed.report.plain import PlainView
from lab.testbed.report.screen import Rates, ScreenView
from lab.testbed.report.snapshot import Snapshot
from lab.testbed.report.verdict import verdict
from tests.lab.testbed.report import sample


def at(seconds: float) -> Snapshot:
    """The crash, so many seconds after the failure."""
    run, now = sample.crash(), sample.FAILURE + seconds
    done = [step for step in run.steps if step.start <= now]
    steps = (step if step.end and step.end <= now else Step(step.name, step.start) for step in done)
    name = [seen for seen in run.name if seen.at <= now][-1]
    return Snapshot(
        at=now,
        scenario=run.scenario,
        headline=run.headline,
        started_at=run.t0,
        doing="failing over" if seconds >= 0 else "all is well",
        failure_at=sample.FAILURE if seconds >= 0 else None,
        steps=tuple(steps),
        access=[seen for seen in run.access if seen.at <= now][-1].servers,
        name=name.server,
        address=name.address,
        agents=Counter(agents_at(run, now).values()),
        written=Counter(row.server for row in run.rows if row.at <= now),
        hosts={"ms1": "running" if seconds < 0 else "dead", "ms2": "stands by"},
        log=tuple(event for event in run.events if event.at <= now),
    )


def console(*, terminal: bool = False, width: int = 100, height: int = 40) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=width, height=height, color_system=None), out


def plainly(snapshots: list[Snapshot]) -> list[str]:
    terminal, out = console()
    view = PlainView(terminal)
    with view:
        for snapshot in snapshots:
            view.update(snapshot)
    return out.getvalue().splitlines()


def whole_run(updates_per_s: int = 8) -> list[Snapshot]:
    return [at(update / updates_per_s) for update in range(-8, 18 * updates_per_s)]


def test_a_log_gets_one_line_for_each_thing_and_no_control_codes() -> None:
    lines = plainly(whole_run())
    text = "\n".join(lines)
    assert text.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    for step in sample.crash().steps:
        assert sum(f"< {step.name} (" in line for line in lines) == 1
    assert sum("killed the server process on ms1" in line for line in lines) == 1
    assert sum("database open to: nobody" in line for line in lines) == 1
    assert sum("database open to: ms2" in line for line in lines) == 1
    assert sum("name points to: ms2 (10.77.0.12)" in line for line in lines) == 1
    assert any("0 with ms1, 40 with ms2, 0 on their way" in line for line in lines)
    assert len(lines) < 80


def test_a_log_misses_nothing_when_updates_are_rare() -> None:
    lines = plainly([at(-1), at(17)])
    for step in sample.crash().steps:
        assert sum(f"< {step.name} (" in line for line in lines) == 1


def test_a_log_repeats_nothing_when_nothing_happens() -> None:
    assert len(plainly([at(17)] * 50)) == len(plainly([at(17)]))


def test_a_log_leaves_out_choices_that_take_no_time_and_say_nothing() -> None:
    snapshot = at(3)
    choice = Step("Fenced", snapshot.at - 0.01, snapshot.at - 0.009)
    assert not [line for line in plainly([replace(snapshot, steps=(choice,))]) if "Fenced" in line]


def test_what_hosts_say_cannot_steer_a_terminal() -> None:
    evil = "\x1b[2Jwiped [bold]not markup[/bold]\nsecond line"
    lines = plainly([replace(at(1), log=(Event(sample.FAILURE, evil),), doing=evil, headline=evil)])
    assert sum("[2Jwiped [bold]not markup[/bold] second line" in line for line in lines) == 3
    assert not [line for line in lines if "\x1b" in line]
    terminal, _ = console(terminal=True)
    drawn = ScreenView(terminal).draw(replace(at(1), log=(Event(sample.FAILURE, evil),), doing=evil)).plain
    assert "\x1b" not in drawn
    assert "[bold]not markup" in drawn


@pytest.mark.parametrize(("width", "height"), [(100, 40), (80, 24), (140, 50), (61, 30)])
@pytest.mark.parametrize("seconds", [-1, 0, 2.8, 4.5, 16])
def test_a_screen_fits_its_terminal(width: int, height: int, seconds: float) -> None:
    terminal, _ = console(terminal=True, width=width, height=height)
    lines = ScreenView(terminal).draw(at(seconds)).plain.split("\n")
    assert max(map(len, lines)) < width
    assert len(lines) <= height


def test_a_screen_tells_what_goes_on() -> None:
    terminal, _ = console(terminal=True, width=120)
    drawn = ScreenView(terminal).draw(at(2.9)).plain
    assert "+2.9 s since the failure" in drawn
    assert re.search(r"● VerifyFence +0\.14 s", drawn)
    assert re.search(r"✓ RevokeAccess +0\.09 s +access is revoked", drawn)
    assert "open to nobody" in drawn
    assert "points to ms1 10.77.0.11" in drawn


def test_an_access_group_open_to_both_shouts() -> None:
    terminal, _ = console(terminal=True)
    assert "OPEN TO BOTH SERVERS" in ScreenView(terminal).draw(replace(at(1), access=frozenset({"ms1", "ms2"}))).plain


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    terminal, _ = console(terminal=True)
    drawn = ScreenView(terminal).draw(replace(at(1), access=None, name=None, address="")).plain
    assert len(re.findall("not known", drawn)) == 2


def test_rates_are_made_of_totals() -> None:
    rates = Rates()
    for update in range(41):
        rates.see(replace(at(0), at=1000 + update / 8, written={"ms1": update * 3}))
    assert rates.latest("ms1") == pytest.approx(24)
    assert rates.latest("ms2") == 0
    assert len(rates.history("ms1", 12)) == 12


def test_a_terminal_gets_a_screen_and_everything_else_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert is_lively(console(terminal=True)[0])
    assert not is_lively(console(terminal=False)[0])
    monkeypatch.setenv("TERM", "dumb")
    assert not is_lively(console(terminal=True)[0])


def test_a_log_in_ascii_loses_no_line() -> None:
    raw = io.BytesIO()
    terminal = Console(file=io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    view = PlainView(terminal)
    view.update(replace(at(1), doing="naïve — “quoted”"))
    assert b"na?ve ? ?quoted?" in raw.getvalue()
    verdict(report(sample.crash(), sample.judged(sample.crash())), terminal)


def test_watching_shows_the_last_state_and_outlives_a_source_that_stumbles() -> None:
    terminal, out = console()
    read, calls = threading.Event(), iter(range(1000))

    def source() -> Snapshot:
        if next(calls) == 0:
            raise ConnectionError("the host is gone")
        read.set()
        return at(17)

    with watch(source, terminal) as watching:
        assert read.wait(10)
    assert "Notify" in out.getvalue()
    assert watching.trouble is None


def test_watching_keeps_the_trouble_it_had_and_lets_errors_pass() -> None:
    def source() -> Snapshot:
        raise ConnectionError("the host is gone")

    watching = Watching(source, PlainView(console()[0]), updates_per_s=100)
    with pytest.raises(KeyboardInterrupt), watching:
        raise KeyboardInterrupt
    assert isinstance(watching.trouble, ConnectionError)


def test_the_verdict_tells_outcome_takeover_phases_and_what_held() -> None:
    terminal, out = console(width=120)
    verdict(report(sample.crash(), sample.judged(sample.crash())), terminal)
    said = out.getvalue()
    assert "OK  crash: promoted; ms2 wrote 4.17 s after the failure; 40 of 40 agents back after 15.36 s." in said
    assert re.search(r"Fence +\+2\.31 s +0\.71 s", said)
    assert len(re.findall(r"^held ", said, re.M)) == 6


def test_the_verdict_names_what_is_broken() -> None:
    terminal, out = console(width=120)
    run = replace(sample.split(), outcome="halted")
    verdict(report(run, sample.judged(run)), terminal)
    said = out.getvalue()
    assert said.startswith("\nNOT OK  split: halted (expected: promoted)")
    assert re.search(r"BROKEN +One writer at a time", said)
    assert re.search(r"BROKEN +The outcome is the expected one", said)
