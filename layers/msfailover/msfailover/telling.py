"""What people are told when a workflow has ended: what happened, what is safe, what to do next, with which command."""

from __future__ import annotations

from dataclasses import dataclass

from msfailover.changes import History, Outcome
from msfailover.pair import PairState

SUBJECT_AT_MOST = 99
"""A subject is to have fewer than 100 characters (SNS API reference, Publish)."""


@dataclass(frozen=True)
class Message:
    """A message for SNS."""

    subject: str
    body: str


_SAFE = {
    Outcome.PROMOTED: "Safe: {target} alone can use the database; {source} is shut out.",
    Outcome.STOOD_DOWN: "Safe: {source} stays active; it was not fenced.",
    Outcome.REFUSED: "Safe: nothing was touched.",
    Outcome.BLOCKED: "Safe: nothing was touched; {source} stays as it was, and if it is down, so is the service.",
    Outcome.ROLLED_BACK: "Safe: {target} is active again and alone can use the database.",
    Outcome.HALTED: "Safe: no server is let in before the other one's fence is proven. The service may be down.",
}

_NEXT = {
    Outcome.PROMOTED: "Next: find out what happened to {source} before anything else. An automatic failover waits to be"
    " acknowledged: `failoverctl acknowledge`. Going back is never automatic: `failoverctl switchover`.",
    Outcome.STOOD_DOWN: "Next: nothing. If it keeps happening, look at the network between the watchdog and {source}.",
    Outcome.REFUSED: "Next: read the reason above; `failoverctl status` shows who holds what.",
    Outcome.BLOCKED: "Next: mend what is named above (`failoverctl readiness` lists it); the watchdog tries again.",
    Outcome.ROLLED_BACK: "Next: find out why {source} did not come up, then try the switchover again.",
    Outcome.HALTED: "Next: mend what is named above, then `failoverctl resume --reason …`; to go to the other server"
    ' instead, `failoverctl resume --target …`. See docs/operate.md, "Halted".',
}


def tell(pair: str, state: PairState, history: History) -> Message:
    """The message for a change that has ended."""
    words = {"source": history.source.value, "target": history.target.value}
    active = f"{state.active} (epoch {state.epoch})" if state.active else "none yet"
    body = "\n".join(
        (
            f"{history.action} of pair {pair}: {history.outcome}. {history.sentence}",
            f"Asked for by {history.requested_by}: {history.reason}",
            f"Active server: {active}.",
            _SAFE[history.outcome].format(**words),
            _NEXT[history.outcome].format(**words),
            f"Execution: {history.execution}",
        )
    )
    return Message(subject(pair, history.action, history.outcome.value), body)


def tell_refusal(pair: str, state: PairState, sentence: str, execution: str) -> Message:
    """The message for a request that was refused."""
    active = f"{state.active} (epoch {state.epoch})" if state.active else "none yet"
    body = "\n".join(
        (
            sentence,
            f"Active server: {active}.",
            _SAFE[Outcome.REFUSED],
            _NEXT[Outcome.REFUSED],
            f"Execution: {execution}",
        )
    )
    return Message(subject(pair, "request", Outcome.REFUSED.value), body)


def tell_held(pair: str, state: PairState, why: str) -> Message:
    """The message for an automatic failover that is held back while the active server is down. One for each outage."""
    nxt = "Next: look at {active}. If it is really down: `failoverctl failover --reason …`."
    if not state.acknowledged:
        nxt += " To let the next one happen by itself: `failoverctl acknowledge`."
    if state.mode != "automatic":
        nxt += " To let it happen by itself: `failoverctl mode automatic`."
    active = str(state.active or "nobody")
    body = "\n".join(
        (
            f"The active server {active} of pair {pair} is down, and nothing is done about it by itself. {why}",
            f"Active server: {active} (epoch {state.epoch}). The service is probably away.",
            "Safe: nothing was touched.",
            nxt.format(active=active),
            'See docs/operate.md, "Held back".',
        )
    )
    return Message(subject(pair, "failover", "held back"), body)


def subject(pair: str, action: str, outcome: str) -> str:
    return f"[ms-failover {pair}] {action} {outcome}"[:SUBJECT_AT_MOST]
