"""What can happen to the active server, or only to the network to the watchdog, and what a probe then observes.

Every outage begins at 0. An observation is asked for at a moment and given back as `probe` would give it, with the
seconds it took. Lost packets are sent again as TCP does: a connection's first packet after 1, 3 and 7 s, later ones
after 0.2 s and twice as long each time.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from msfailover.decisions.detection import Observation
from msfailover.observations import Signal
from msfailover.verdict import Verdict, no, unknown, yes

ROUND_TRIP_S = 0.002
EXCHANGES = 3
"""Of an answer after the connection is there: two for TLS, one for the page."""
_CONNECT_AGAIN_S = (0.0, 1.0, 3.0, 7.0)
_SENT_AGAIN_AFTER_S = 0.2

STANDBY = Observation(Signal.REFUSED, Signal.REFUSED, "the connection is refused")
WELL = Observation(Signal.ANSWERS, Signal.ANSWERS, "it answers with status 200")
GONE = Observation(Signal.REFUSED, Signal.REFUSED, "the connection is refused")
MUTE = Observation(Signal.SILENT, Signal.SILENT, "no answer")
HUNG = Observation(Signal.SILENT, Signal.ANSWERS, "no answer")


@dataclass(frozen=True)
class Sight:
    """What one probe sees: of the active server, of the other one, and after how many seconds."""

    observation: Observation
    other: Observation
    seconds: float


@dataclass(frozen=True)
class Outage(ABC):
    """Something that happens, and for how long (seconds)."""

    lasts_s: float

    def well(self, at: float) -> bool:
        """Whether somebody with a sound way to the active server could use it."""
        return not 0 <= at < self.lasts_s

    def sessions(self, at: float) -> Verdict:
        """What the database says of the active server's sessions."""
        return yes("It has a session.") if self.well(at) else no("It has no session.")

    def power(self, _at: float) -> Verdict:
        """What EC2 says of its machine."""
        return yes("It is running.")

    def see(self, at: float, timeout_s: float, draw: random.Random) -> Sight:
        """What a probe that begins at a moment observes."""
        if 0 <= at < self.lasts_s:
            return self.during(at, timeout_s, draw)
        return Sight(WELL, STANDBY, ROUND_TRIP_S * (1 + EXCHANGES))

    @abstractmethod
    def during(self, at: float, timeout_s: float, draw: random.Random) -> Sight:
        """What a probe observes while it lasts."""


class Crash(Outage):
    """Its process is gone: its host refuses, and its sessions went with it."""

    def during(self, _at: float, _timeout_s: float, _draw: random.Random) -> Sight:
        return Sight(GONE, STANDBY, ROUND_TRIP_S)


class Hang(Outage):
    """Its administration interface takes connections and answers none; it may write on."""

    def sessions(self, _at: float) -> Verdict:
        return yes("It has a session.")

    def during(self, _at: float, timeout_s: float, _draw: random.Random) -> Sight:
        return Sight(HUNG, STANDBY, timeout_s)


class CutOff(Outage):
    """Nothing of its host comes through any more, to anybody."""

    def sessions(self, _at: float) -> Verdict:
        return yes("It has a session.")

    def during(self, _at: float, timeout_s: float, _draw: random.Random) -> Sight:
        return Sight(MUTE, STANDBY, timeout_s)


class MachineOff(CutOff):
    """Its machine was switched off, and EC2 says so after a while."""

    KNOWN_AFTER_S = 5.0

    def power(self, at: float) -> Verdict:
        return no("It is stopped.") if at > self.KNOWN_AFTER_S else yes("It is stopping.")


class ShortPartition(CutOff):
    """As cut off, but only from the watchdog: everybody else can use the server."""

    def well(self, _at: float) -> bool:
        return True


class WatchdogCutOff(Outage):
    """The watchdog sees neither server; all is well with both."""

    def well(self, _at: float) -> bool:
        return True

    def sessions(self, _at: float) -> Verdict:
        return unknown("The database could not be asked.")

    def during(self, _at: float, timeout_s: float, _draw: random.Random) -> Sight:
        return Sight(MUTE, MUTE, timeout_s)


@dataclass(frozen=True)
class LostPackets(Outage):
    """Packets of both servers are lost on the way, each by itself.

    Args:
        lost: the share of them.
    """

    lost: float = 0.0

    def well(self, _at: float) -> bool:
        return True

    def during(self, _at: float, timeout_s: float, draw: random.Random) -> Sight:
        admin, admin_s = self._answer(timeout_s, draw)
        port, port_s = self._connection(timeout_s, draw)
        other, other_s = self._connection(timeout_s, draw)
        refused = Signal.REFUSED if other is Signal.ANSWERS else other
        observation = Observation(admin, port, "no answer" if admin is Signal.SILENT else "it answers")
        return Sight(
            observation, Observation(refused, refused, "the connection is refused"), max(admin_s, port_s, other_s)
        )

    def _connection(self, timeout_s: float, draw: random.Random) -> tuple[Signal, float]:
        arrives = (1 - self.lost) ** 2
        for after in _CONNECT_AGAIN_S:
            if after + ROUND_TRIP_S > timeout_s:
                break
            if draw.random() < arrives:
                return Signal.ANSWERS, after + ROUND_TRIP_S
        return Signal.SILENT, timeout_s

    def _answer(self, timeout_s: float, draw: random.Random) -> tuple[Signal, float]:
        signal, seconds = self._connection(timeout_s, draw)
        if signal is not Signal.ANSWERS:
            return signal, seconds
        for _ in range(EXCHANGES):
            silence, again = ROUND_TRIP_S, _SENT_AGAIN_AFTER_S
            while draw.random() >= (1 - self.lost) ** 2:
                silence, again = silence + again, again * 2
            seconds += silence
            if silence > timeout_s or seconds > 2 * timeout_s:
                return Signal.SILENT, min(seconds, 2 * timeout_s)
        return Signal.ANSWERS, seconds


@dataclass(frozen=True)
class SlowAnswers(Outage):
    """The server is busy: a page takes a time that varies, log-normally.

    Args:
        median_s: half of the pages are slower than this.
    """

    median_s: float = 0.0
    SPREAD = 0.6

    def well(self, _at: float) -> bool:
        return True

    def during(self, _at: float, timeout_s: float, draw: random.Random) -> Sight:
        takes = draw.lognormvariate(math.log(self.median_s), self.SPREAD)
        if takes > timeout_s:
            return Sight(HUNG, STANDBY, timeout_s)
        return Sight(WELL, STANDBY, takes)


@dataclass(frozen=True)
class Recorded(Outage):
    """An outage as the probe saw it on the testbed; between two of its probes the earlier one holds.

    Args:
        usable: whether the server could be used all the while.
        samples: begin, seconds, and what was seen (as `lab.benchmarks.recordings` writes them).
    """

    usable: bool = False
    samples: tuple[dict[str, Any], ...] = ()

    def well(self, at: float) -> bool:
        return self.usable or super().well(at)

    def sessions(self, at: float) -> Verdict:
        word = self._sample(at).get("sessions")
        return {"yes": yes, "no": no}.get(str(word), unknown)("As recorded.")

    def see(self, at: float, timeout_s: float, draw: random.Random) -> Sight:
        return self.during(at, timeout_s, draw)

    def during(self, at: float, _timeout_s: float, _draw: random.Random) -> Sight:
        found = self._sample(at)
        observation, other = (
            Observation(Signal(found[who][0]), Signal(found[who][1]), "as recorded") for who in ("active", "other")
        )
        return Sight(observation, other, float(found["seconds"]))

    def _sample(self, at: float) -> dict[str, Any]:
        earlier = [each for each in self.samples if each["at"] <= at]
        return earlier[-1] if earlier else self.samples[0]


OUTAGES: dict[str, Outage] = {
    "crash": Crash(math.inf),
    "hang": Hang(math.inf),
    "partition": CutOff(math.inf),
    "machine off": MachineOff(math.inf),
}
"""Real ones: each of them must be found."""


def year(draw: random.Random) -> list[Outage]:
    """What happens in a year to a server that is well. The rates are assumptions; docs/detection.md names them."""
    return [
        *(LostPackets(300.0, draw.uniform(0.01, 0.2)) for _ in range(6)),
        *(SlowAnswers(120.0, math.exp(draw.uniform(math.log(0.1), math.log(1.5)))) for _ in range(12)),
        *(ShortPartition(draw.expovariate(1 / 3)) for _ in range(12)),
        *(WatchdogCutOff(draw.expovariate(1 / 20)) for _ in range(12)),
    ]


def restarts(draw: random.Random) -> list[Outage]:
    """A year's restarts of the service that nobody announced: it is down, and comes back by itself."""
    return [Crash(draw.uniform(3, 30)) for _ in range(12)]
