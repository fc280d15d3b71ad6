"""`python -m lab.testbed replay FILE`: a recorded change once more, and where its path differs."""

from __future__ import annotations

import json
from pathlib import Path

from failoverctl.acceptance.report.publish import RECORD
from failoverctl.acceptance.report.record import Run
from failoverctl.report.change import PastChange
from lab.testbed.cloud.manners.dials import Manners
from lab.testbed.replay.compare import Comparison, compare
from lab.testbed.replay.derive import scenario_of
from lab.testbed.run_scenario import run

RESULT = "replay.json"


def replay(change: PastChange, output: Path, cloud: str, seed: int) -> Comparison:
    """Run it on a testbed of its own, and compare.

    Args:
        output: takes the replay's own report, and what was compared.
        cloud: "ideal" or "aws".
        seed: of what AWS's manners draw.

    Raises:
        CannotReplay: the testbed has no scenario of that kind.
        TestbedError: the replay did not get as far as an outcome.
    """
    scenario = scenario_of(change)
    (output / RESULT).unlink(missing_ok=True)
    report = run(scenario, output / "testbed", output, manners=Manners(cloud, seed))
    ran = Run.load(output / RECORD)
    last = ran.steps[-1].execution if ran.steps else ""
    steps = [each for each in ran.steps if each.execution == last]
    ended = next((each.result for each in reversed(steps) if each.result), "")
    found = compare(change, steps, report["outcome"], ended)
    kept = {"execution": change.execution, "differs": list(found.differs), "notes": list(found.notes)}
    (output / RESULT).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return found


def in_words(change: PastChange, found: Comparison) -> str:
    """What came of it, for people."""
    same = f"The replay of {change.name} takes the same path, and ends as it did: {change.outcome}."
    head = f"The replay of {change.name} takes another path:" if found.differs else same
    lines = [head, *(f"  {each}" for each in found.differs)]
    lines += ["Noted, and no other path:", *(f"  {each}" for each in found.notes)] if found.notes else []
    return "\n".join(lines)
