"""The parts of the benchmarks, in the order in which they are measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lab.testbed.state_files import BUILD


@dataclass(frozen=True)
class Part:
    """A part of the benchmarks.

    Args:
        name: what ONLY calls it; ONLY=takeover means every part whose name begins with takeover.
        about: what it measures, in a line.
        on_testbed: whether it needs a testbed's namespaces.
        measure: given the number of runs, returns sections of benchmarks.json.
    """

    name: str
    about: str
    on_testbed: bool
    measure: Callable[[int], dict[str, Any]]


def _takeover(scenario: str, runs: int) -> dict[str, Any]:
    from lab.benchmarks import results, takeover

    found = takeover.run(BUILD / "bench-testbed", runs, [scenario])
    return {"takeover": takeover.against_one_limit({**results.read().get("takeover", {}), **found})}


def _imports(_runs: int) -> dict[str, Any]:
    from lab.benchmarks import imports

    return imports.measure()


def _warm(_runs: int) -> dict[str, Any]:
    from lab.benchmarks import warm

    return warm.run()


def _soak(_runs: int) -> dict[str, Any]:
    from lab.benchmarks import soak

    return soak.run()


def _agents_testbed(_runs: int) -> dict[str, Any]:
    from lab.benchmarks import agents

    return agents.on_testbed()


def _agents_simulated(_runs: int) -> dict[str, Any]:
    from lab.benchmarks import agents

    return agents.simulated()


def _recordings(_runs: int) -> dict[str, Any]:
    from lab.benchmarks import recordings

    return recordings.run()


def _detection(_runs: int) -> dict[str, Any]:
    from lab.benchmarks import detection

    return detection.run()


def _cost(_runs: int) -> dict[str, Any]:
    from lab.benchmarks import cost

    return cost.run()


_ALL = (
    Part("functions-imports", "how long each function takes to start", False, _imports),
    Part("functions-warm", "what a warm call of each function takes, on the testbed", True, _warm),
    Part("soak", "an hour of the watchdog and the audit, on the testbed, without the pauses", True, _soak),
    Part("detection-recorded", "outages as the probe sees them, recorded on the testbed", True, _recordings),
    Part("detection-simulated", "time to detect and false alarms against settings, simulated", False, _detection),
    Part("agents-testbed", "200 agents coming back, on the testbed", True, _agents_testbed),
    Part("agents-simulated", "up to 100,000 agents coming back, simulated", False, _agents_simulated),
    Part("cost", "what pairs cost a month, from the template's schedules", False, _cost),
    Part("takeover-crash", "takeovers after a crash, on the testbed", True, partial(_takeover, "crash")),
    Part("takeover-hang", "takeovers after a hang, on the testbed", True, partial(_takeover, "hang")),
    Part("takeover-partition", "takeovers after a partition, on the testbed", True, partial(_takeover, "partition")),
)
PARTS = {part.name: part for part in _ALL}


def chosen(only: Sequence[str]) -> list[Part]:
    """The parts that ONLY names, or all.

    Raises:
        ValueError: a name that is no part's and begins none.
    """
    for name in only:
        if not any(_is(part, name) for part in _ALL):
            raise ValueError(f"There is no part {name!r} of the benchmarks; there are {', '.join(PARTS)}.")
    return [part for part in _ALL if not only or any(_is(part, name) for name in only)]


def _is(part: Part, name: str) -> bool:
    return part.name == name or part.name.startswith(f"{name}-")
