"""Notifications: what happened, what state the pair is in, what is safe, what to do next, with which command.

Read at three in the morning, by somebody who did not build this: so each message says all of it, and names the section
of docs/operate.md that says more. Alarms say the same in their descriptions (observability.yaml).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msfailover.game_day import GameDay, Result
from msfailover.history import History, Outcome
from msfailover.pair import PairState, Role
from msfailover.request import Action
from msfailover.text import clean, moment

SUBJECT_AT_MOST = 99
"""A subject is to have fewer than 100 characters (SNS API reference, Publish)."""


@dataclass(frozen=True)
class Message:
    """A message for SNS."""

    subject: str
    body: str


@dataclass(frozen=True)
class Advice:
    """What a message says of one outcome; `{source}`, `{target}` and `{active}` are filled in.

    Args:
        safe: what can be relied on.
        next: what a person does now.
        command: with which command; `--stack` is added.
        section: of docs/operate.md.
    """

    safe: str
    next: str
    command: str
    section: str


_ALONE = "Only {target} can use the database; {source} has no access."

_ADVICE = {
    Outcome.PROMOTED: Advice(
        _ALONE,
        "find out what happened to {source}, and repair it: until then there is no standby to fail over to. Going back"
        " is never automatic; it is a switchover.",
        "failoverctl readiness",
        "promoted",
    ),
    Outcome.STOOD_DOWN: Advice(
        "{source} stays active; it was not fenced, nothing was stopped.",
        "read the reason above. If it names something of {source}, such as its certificate, look at it. If {source}"
        " just answered again, nothing; if that keeps happening, look at the network between us and {source}.",
        "failoverctl status",
        "stood-down",
    ),
    Outcome.REFUSED: Advice(
        "nothing was touched.", "read the reason above, and see who holds what.", "failoverctl status", "refused"
    ),
    Outcome.BLOCKED: Advice(
        "nothing was touched; {source} stays as it was, and if it is down, so is the service.",
        "mend what is named above. While {source} is down the watchdog tries again by itself in automatic mode.",
        "failoverctl readiness",
        "blocked",
    ),
    Outcome.ROLLED_BACK: Advice(
        "{target} is active again; only it can use the database.",
        "find out why {source} did not come up, before the switchover is tried again.",
        "failoverctl explain",
        "rolled-back",
    ),
    Outcome.HALTED: Advice(
        "{fence}",
        "see where it stopped (failoverctl explain), fix what is named above, then resume. To promote the other server"
        " instead, add --target.",
        'failoverctl resume --reason "…"',
        "failover-halted",
    ),
}

_PROMOTED_BY = {
    Action.SWITCHOVER: Advice(
        _ALONE, "nothing. Back again the same way, when you want to.", "failoverctl readiness", "promoted"
    ),
    Action.ADOPT: Advice(
        _ALONE, "see whether a failover would go ahead: readiness names what is missing.", "failoverctl readiness",
        "promoted",
    ),
}  # fmt: skip
"""A planned change needs no investigation."""

_UNACKNOWLEDGED = Advice(
    _ALONE,
    "find out what happened to {source}, and repair it: until then there is no standby to fail over to. The next"
    " automatic failover waits for your acknowledgement. Going back is never automatic; it is a switchover.",
    "failoverctl acknowledge",
    "promoted",
)

_RESUME_TO_THE_OTHER = Advice(
    "{fence}",
    "{target} is lost, so resuming to it would halt again. See where it stopped (failoverctl explain), then resume"
    " to {instead}; or bring {target} back first, and resume without --target.",
    'failoverctl resume --target {instead} --reason "…"',
    "failover-halted",
)

_HELD = Advice(
    "nothing was touched.",
    "look at {active}. If it is really down, fail over; if not, mend what keeps it from answering.",
    'failoverctl failover --reason "…"',
    "held",
)

_GO_HOME = Advice(
    "the active server serves, and automatic failover goes on as set; nothing of the game day runs any more.",
    "find out what kept the pair from going home. Home is {home}; it goes there by a switchover, when you want to.",
    'failoverctl switchover --reason "…"',
    "game-day",
)

_GAME_DAY = {
    Result.COMPLETED: Advice(
        "{home} serves as before; each move was a planned switchover, with its fence proven.",
        "nothing, where the seconds are within the target; else see where they went (failoverctl explain).",
        "failoverctl history",
        "game-day",
    ),
    Result.NOT_BEGUN: Advice(
        "nothing was touched.",
        "mend what is named, or leave it so on purpose; the calendar's next day is tried again by itself.",
        "failoverctl readiness",
        "game-day",
    ),
    Result.NOT_MOVED: Advice(
        "the record says who is active, and only that server can use the database.",
        "find out why the move did not come to its end: a failover would have met the same.",
        "failoverctl explain",
        "game-day",
    ),
    Result.WENT_HOME: Advice(
        "{home} serves as before.",
        "mend what was amiss with {away}: a failover would have met the same.",
        "failoverctl readiness",
        "game-day",
    ),
    Result.STAYED: _GO_HOME,
    Result.INTERRUPTED: _GO_HOME,
}


def of_end(pair: str, state: PairState, history: History, stack: str = "", instead: Role | None = None) -> Message:
    """The message for a change that has ended.

    Args:
        pair: its name.
        state: the record after the change.
        history: the change's line in the history.
        stack: for the commands; empty leaves `--stack` out.
        instead: the server that a halted change is to be resumed to, where its own target is lost.
    """
    words = {
        "source": history.source.value,
        "target": history.target.value,
        "instead": str(instead),
        "fence": _fence(history),
    }
    happened = (
        f"{history.action} of pair {pair}: {history.outcome}. {history.sentence}",
        f"Asked for by {history.requested_by}: {history.reason}",
        *_served(history),
        *_files(history),
    )
    body = _body(happened, state, _advice(state, history, instead), words, stack, history.execution)
    return Message(subject(pair, history.action, history.outcome.value), body)


def of_refusal(pair: str, state: PairState, sentence: str, execution: str, stack: str = "") -> Message:
    """The message for a request that was refused."""
    body = _body((f"Pair {pair}: {sentence}",), state, _ADVICE[Outcome.REFUSED], {}, stack, execution)
    return Message(subject(pair, "request", Outcome.REFUSED.value), body)


def of_held(pair: str, state: PairState, why: str, stack: str = "") -> Message:
    """The message for an automatic failover that is held while the active server is down. One for each outage."""
    active = str(state.active or "nobody")
    happened = (
        f"The active server {active} of pair {pair} is down, and automatic failover is held. {why}",
        "The service is probably down.",
    )
    return Message(subject(pair, "failover", "held"), _body(happened, state, _HELD, {"active": active}, stack))


def of_game_day(pair: str, state: PairState, day: GameDay, stack: str = "") -> Message:
    """The message for a game day that has ended, or has not begun."""
    result = day.result or Result.INTERRUPTED
    happened = (f"Game day of pair {pair}: {result}. {day.sentence}",)
    words = {"home": str(day.home or "nobody"), "away": str(day.away or "the other server")}
    body = _body(happened, state, _GAME_DAY[result], words, stack, day.execution)
    return Message(subject(pair, "game day", result.value), body)


def attributes(pair: str, outcome: str, severity: str) -> dict[str, Any]:
    """A notification's message attributes, by which subscriptions can be filtered; the workflow's have the same."""
    values = {"pair": pair, "outcome": outcome, "severity": severity}
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def subject(pair: str, action: str, outcome: str) -> str:
    return clean(f"[ms-failover {pair}] {action} {outcome}", SUBJECT_AT_MOST)


def state_in_words(state: PairState) -> str:
    """The pair's state in one line: who is active, and everything that keeps a failover from happening by itself."""
    said = [f"{state.active} is active, epoch {state.epoch}" if state.active else "no server is active yet"]
    if state.lease is not None:
        said.append(f"{state.lease.action} to {state.lease.target} holds the lease, so nothing else can start")
    if not state.acknowledged:
        said.append("the next automatic failover waits for an acknowledgement")
    if state.mode != "automatic":
        said.append(f"{state.mode} mode, nothing fails over by itself (failoverctl mode automatic changes that)")
    return "; ".join(said)


def _advice(state: PairState, history: History, instead: Role | None) -> Advice:
    if instead is not None:
        return _RESUME_TO_THE_OTHER
    if history.outcome is not Outcome.PROMOTED:
        return _ADVICE[history.outcome]
    if not state.acknowledged:
        return _UNACKNOWLEDGED
    planned = {action: each for action, each in _PROMOTED_BY.items() if action == history.action}
    return next(iter(planned.values()), _ADVICE[Outcome.PROMOTED])


def _served(history: History) -> tuple[str, ...]:
    """How long it took until a server served."""
    if history.recovery_s is None:
        return ()
    since = "the first failed probe" if history.counts_from < history.taken_at else "the begin of the change"
    return (f"Out: {history.target} served {history.recovery_s:.0f} s after {since}.",)


def _files(history: History) -> tuple[str, ...]:
    """How old the files are that a promoted server serves with: what may have been lost."""
    if history.outcome is not Outcome.PROMOTED or history.action == Action.ADOPT:
        return ()
    source, target = history.source, history.target
    config = _configuration(history)
    if not history.files_as_of:
        return (
            f"Files: {target} holds no whole set of {source}'s files that is known of; see docs/replication.md.",
            *config,
        )
    age = max(0.0, history.ended_at - history.files_as_of)
    return (
        f"Files: {target} serves with {source}'s files as of {moment(history.files_as_of)}, {age:.0f} s before this"
        " ended. Software that was imported later has to be imported again.",
        *config,
    )


def _configuration(history: History) -> tuple[str, ...]:
    """What a promoted server's configuration is, where the last copy could not carry the other one's."""
    if not history.config_withheld:
        return ()
    target, source = history.target, history.source
    whose = f"{source}'s as of {moment(history.config_as_of)}" if history.config_as_of else f"its own, never {source}'s"
    return (f"Configuration: {target}'s is {whose}; what changed later was withheld: {history.config_withheld}.",)


def _fence(history: History) -> str:
    """What a halted change leaves that can be relied on."""
    receipt = history.receipt
    if receipt is not None and receipt.epoch == history.epoch:
        return (
            f"{receipt.server} is fenced (by {receipt.by}); only {receipt.server.other} can be granted access."
            " Until somebody resumes, the service may be down."
        )
    return (
        f"no server is granted access before the other one's fence is proven, and that of {history.source} is not"
        " proven. The service may be down."
    )


def _body(
    happened: tuple[str, ...],
    state: PairState,
    advice: Advice,
    words: dict[str, str],
    stack: str,
    execution: str = "",
) -> str:
    where = f" --stack {stack}" if stack else ""
    lines = [
        *happened,
        f"State: {state_in_words(state)}.",
        f"Safe: {advice.safe.format(**words)}",
        f"Next: {advice.next.format(**words)}",
        f"Command: {advice.command.format(**words)}{where}",
        f"See docs/operate.md, {advice.section}.",
    ]
    return "\n".join(clean(line) for line in ([*lines, f"Execution: {execution}"] if execution else lines))
