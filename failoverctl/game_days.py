"""The last game day, for `status`: how far it has come, how it ended, and what a person should do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msfailover.game_day import GameDay, Phase, Result
from msfailover.record import state_from_json
from msfailover.text import moment
from rich.text import Text

from failoverctl.account import Account, Stack, item
from failoverctl.serving import ago

OVERDUE_S = 600.0
"""Seconds beyond its own limits after which a game day that has not ended is taken for left half done."""
SAID_FOR_S = 86400.0
"""Seconds for which a pair that a game day has left on its other server is called a problem: one may leave it there."""
_STYLES = {Result.COMPLETED: "green", Result.NOT_BEGUN: "yellow"}
_AWAY = (Result.STAYED, Result.INTERRUPTED)


def read_game_day(account: Account, stack: Stack) -> dict[str, Any] | None:
    """The last game day as it is kept; None where the stack has no schedule, or before the first."""
    if not stack.parameters.get("GameDaySchedule"):
        return None
    stored = item(account, stack, "game-day")
    if not stored:
        return None
    try:
        return GameDay.from_json(stored).to_json()
    except ValueError as error:
        return {"error": f"What is kept of the last game day can't be read: {error}"}


def in_words(kept: Mapping[str, Any], at: float) -> Text:
    """The last game day in a line."""
    if kept.get("error"):
        return Text(str(kept["error"]), style="yellow")
    day = GameDay.from_json(kept)
    if day.phase is Phase.ENDED and day.result:
        said = Text(str(day.result), style=_STYLES.get(day.result, "red"))
        return said.append(f" ({ago(at - day.ended_at)} ago): {day.sentence}")
    doing = {
        Phase.THERE: f"the pair is moved to {day.away}",
        Phase.SERVING: f"{day.away} serves since {moment(day.since)}, and is watched",
        Phase.HOME: f"the pair is moved home to {day.home}",
    }
    return Text(f"under way for {ago(at - day.began_at)}: {doing[day.phase]}", style="bold yellow")


def problems(status: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """What is amiss by the last game day: a sentence, and whether the pair is left where a switchover takes it home."""
    kept, record = status.get("game_day"), status["record"]
    if not kept or record.get("error"):
        return
    if kept.get("error"):
        yield str(kept["error"]), False
        return
    day, at = GameDay.from_json(kept), float(status["at"])
    away = day.left_away(state_from_json(record))
    if day.phase is not Phase.ENDED and at > day.until + OVERDUE_S:
        left = f"{day.away} serves, and nothing moves the pair home to {day.home}." if away else "It was not reported."
        yield f"The game day of {moment(day.began_at)} was left half done. {left}", away
    elif away and day.result in _AWAY and at < day.ended_at + SAID_FOR_S:
        why = f"The game day of {moment(day.began_at)} left the pair on {day.away}, and home is {day.home}:"
        yield f"{why} {day.sentence}", True
