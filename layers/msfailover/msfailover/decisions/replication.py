"""May the active server's files be carried now, and how fresh is the standby's copy?

What travels, and that it arrives whole or not at all, is the documents' business on the hosts (docs/replication.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from msfailover.freshness import Freshness
from msfailover.history import History, Outcome, read_withheld
from msfailover.pair import PairState, Role
from msfailover.text import clean
from msfailover.verdict import Verdict, no, unknown, yes

_FIELDS_AT_MOST, _LONGEST_NAME, _LONGEST_TEXT, _LARGEST = 40, 40, 500, 10**15
AHEAD_AT_MOST_S = 300.0
"""How far a host's clock may be ahead of ours; a copy of a later moment than that has no age that could be believed."""


@dataclass(frozen=True)
class Order:
    """Where a replication runs and in which epoch; the host refuses it in any other."""

    source: Role
    epoch: int


def may_run(state: PairState, execution: str | None = None) -> tuple[Verdict, Order | None]:
    """Decide whether a replication may be sent now. The direction is read from the record, never remembered.

    Args:
        state: the pair's record as read now.
        execution: the execution that asks, for the last copies of a switchover; None for the schedule.
    """
    if state.active is None:
        return no("Nothing is replicated: the pair has not been adopted yet."), None
    lease = state.lease
    if lease is not None and not (lease.execution == execution and lease.action == "switchover"):
        return no(f"Nothing is replicated while {lease.action} to {lease.target} is under way."), None
    order = Order(state.active, state.epoch)
    return yes(f"{order.source} replicates to {order.source.other} in epoch {order.epoch}."), order


def under_way(known: Freshness, now: float, limit_s: float) -> bool:
    """Whether a run is still going, as far as is known; one whose limit has long passed is taken for lost."""
    return not known.ended and now - known.sent_at < limit_s + 60


def removal_accepted(word: str, pair: str) -> bool:
    """Whether a person accepts that a large share of the files is gone: by the pair's name, so never by accident."""
    return word == pair


def sent(known: Freshness, command: str, order: Order, now: float) -> Freshness:
    """What is known after a run was sent, at a moment before which it can't have begun."""
    return replace(known, command=command, server=order.source.value, sent_at=now, ended=False, wanted=False)


def read_result(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a host said of a run, as far as it can be kept: plain values of bounded size, and no others.

    A set is only called complete where it says as of when, in which epoch, and what it holds.
    """
    kept = {name: _plain(value) for name, value in list(data.items())[:_FIELDS_AT_MOST] if name.isidentifier()}
    kept = {name: value for name, value in kept.items() if value is not None and len(name) <= _LONGEST_NAME}
    whole = _is_number(kept.get("as_of")) and _is_whole(kept.get("epoch")) and isinstance(kept.get("digest"), str)
    if kept.get("complete") is True and not whole:
        kept |= {"complete": False, "reason": "The host's result does not say as of when, in which epoch, or of what."}
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, _LONGEST_TEXT)
    if isinstance(value, bool) or not _is_number(value):
        return value if isinstance(value, bool) else None
    return round(value, 6)  # DynamoDB keeps no number of any smallness


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()


def arrived(known: Freshness, command: str, result: Mapping[str, Any], now: float) -> Freshness:
    """What is known after a run's result came, by event, by asking, or by both.

    Never makes a copy look fresher than a complete set says, nor takes an older set for a newer one. A set of a later
    epoch always replaces one of an earlier, and a moment that lies ahead of our clock holds nothing up.

    Args:
        known: what the record keeps.
        command: the run's.
        result: as its host gave it, its times by its own clock.
        now: seconds since 1970, by our clock.
    """
    result = read_result(result)
    ours = command == known.command
    after = replace(known, ended=known.ended or ours, last=result)
    if result.get("complete") is not True:
        return after
    epoch = int(result["epoch"])
    ahead = _ahead(known if ours else None, result, now)
    as_of, content, config = (_moment(result, name, ahead) for name in ("as_of", "content_as_of", "config_as_of"))
    so_far = known.as_of if known.as_of <= now else 0.0
    withheld = read_withheld(result)[:200]
    if withheld and epoch == known.epoch and known.config_as_of > 0:  # what was not carried is no newer than it was
        config = min(config, known.config_as_of)
        as_of = min(as_of, config)
    if epoch < known.epoch or as_of > now:
        return after
    if epoch == known.epoch and as_of <= so_far:  # of a configuration that is withheld the age stands still, or is more
        if not ours:
            return after
        return replace(after, as_of=as_of or known.as_of, config_withheld=withheld, config_as_of=min(config, now))
    if as_of <= 0:  # complete, but for a configuration that was never carried: no whole set yet
        return replace(after, config_withheld=withheld)
    return replace(
        after,
        as_of=as_of,
        epoch=epoch,
        digest=str(result.get("digest") or "")[:128],
        content_as_of=min(content, now),
        config_withheld=withheld,
        config_as_of=min(config, now),
    )


def _ahead(ours: Freshness | None, result: Mapping[str, Any], now: float) -> float:
    """Seconds by which the host's clock was ahead of ours, as far as can be told: its run began after we had sent it,
    and has ended by now, after all the seconds that it took. A host that does not say when it began is believed unless
    it speaks of the future."""
    says = "started_at" in result
    began, took = (result["started_at"], result.get("seconds", 0.0)) if says else (result["as_of"], 0.0)
    if not (_is_number(began) and _is_number(took)):
        return 0.0
    ahead = began + max(0.0, took) > now
    if ours is None:  # nothing says when it was sent: of what lies ahead no moment is believed
        return float(began) if ahead else 0.0
    return float(began) - ours.sent_at if ahead or (says and began < ours.sent_at) else 0.0


def _moment(result: Mapping[str, Any], name: str, ahead: float) -> float:
    """A moment that a host names, by our clock. Of an earlier one than its run's nobody knows how wrong the clock was
    then: it is taken back by what the clock is ahead, but never made newer."""
    value = result.get(name, 0.0)
    if not _is_number(value) or value <= 0:
        return 0.0
    of_this_run = value == result.get("started_at", value)
    return max(0.0, float(value) - (ahead if of_this_run else max(0.0, ahead)))


def as_of_in(known: Freshness, epoch: int) -> float:
    """Up to which moment the standby holds the files of the server that is active in an epoch, in seconds since 1970.

    What that server changed later may be lost with it. 0 where the standby never held a whole set of that epoch: one of
    another epoch went the other way.
    """
    return known.as_of if known.epoch == epoch else 0.0


def withheld_configuration(known: Freshness, epoch: int) -> tuple[str, float]:
    """Why the configuration of the server that is active in an epoch was not carried by the last complete run, and as
    of when the standby's is; an empty word where it was carried, or nothing is known of this epoch."""
    if known.epoch != epoch or not known.config_withheld:
        return "", 0.0
    return known.config_withheld, known.config_as_of


def with_copy(line: History, read: Callable[[], Freshness], epoch: int) -> History:
    """The line of a change from an epoch; a promotion's with the age of the files and configuration it had.

    Args:
        read: reads what the record keeps of the copy, where that is wanted.
    """
    if line.outcome is not Outcome.PROMOTED:
        return line
    known = read()
    withheld, of = withheld_configuration(known, epoch)
    return replace(line, files_as_of=as_of_in(known, epoch), config_withheld=withheld, config_as_of=of)


def complete_copy(known: Freshness, state: PairState, now: float) -> Verdict:
    """Does the standby hold a complete copy of the active server's files, of the epoch that is? However old it is."""
    as_of = as_of_in(known, state.epoch)
    if state.active is None or not as_of:
        return no("The standby holds no complete copy of this epoch.")
    age = max(0.0, now - as_of)
    return yes(
        f"{state.active.other} holds a complete copy of {state.active}'s files, as of {age:.0f} s ago.", age_s=age
    )


def is_fresh(known: Freshness, state: PairState, now: float, oldest_s: float) -> Verdict:
    """Is the standby's copy fresh enough to be promoted with?

    Args:
        known: what the record keeps.
        state: the pair's record; a set of another epoch went the other way.
        now: seconds since 1970.
        oldest_s: seconds the last whole set may be old.
    """
    if known.as_of == 0:
        return unknown(f"No whole set of files has reached the standby yet.{_withheld(known, now)}")
    if known.as_of > now + AHEAD_AT_MOST_S:
        return unknown(f"The last whole set is of {known.as_of - now:.0f} s in the future: the host's clock is wrong.")
    age = max(0.0, now - known.as_of)
    if known.epoch != state.epoch:
        return no(f"The last whole set is of epoch {known.epoch}, the pair is in {state.epoch}.", age_s=age)
    word = yes if age <= oldest_s else no
    return word(
        f"The last whole set reached the standby as of {age:.0f} s ago; {oldest_s:g} s are allowed."
        f"{_withheld(known, now)}",
        age_s=age,
    )


def fresh_enough(read: Callable[[], Freshness], state: PairState, now: float, oldest_s: float) -> Verdict | None:
    """Is the standby's copy fresh enough for a failover that nobody asked for? None where the owner sets no limit.

    Args:
        read: reads what the record keeps of the copy; only called where there is a limit.
        state: the pair's record.
        now: seconds since 1970.
        oldest_s: seconds that the copy may be old; 0 for no limit.
    """
    if not oldest_s:
        return None
    try:
        known = read()
    except Exception as error:  # whatever keeps it from being read: it is not known to be fresh, and a person decides
        return unknown(f"How old the standby's copy is can't be read: {error!r:.200}.")
    return is_fresh(known, state, now, oldest_s)


def _withheld(known: Freshness, now: float) -> str:
    """What is to be said of a configuration that the standby's version of the server can't use; empty where it can."""
    if not known.config_withheld:
        return ""
    age = f"of {max(0.0, now - known.config_as_of):.0f} s ago" if known.config_as_of else "not the active server's"
    return f" The configuration is withheld: {known.config_withheld}; the standby's is {age}."
