"""The incidents that are played on the stage, each a module named for what happens, with the outcome it must have."""

from __future__ import annotations

from local.scenarios.scenario import Scenario


def all_scenarios() -> dict[str, Scenario]:
    """Every scenario by its name, in the order people should meet them."""
    from local.scenarios import crash, hang

    return {each.name: each for each in (crash.SCENARIO, hang.SCENARIO)}


__all__ = ["Scenario", "all_scenarios"]
