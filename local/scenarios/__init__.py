"""The incidents that are played on the stage, each a module named for what happens, with the outcome it must have."""

from __future__ import annotations

from local.scenarios.scenario import Scenario


def all_scenarios() -> dict[str, Scenario]:
    """Every scenario by its name, in the order people should meet them."""
    from local.scenarios import (
        alarm,
        broad_rule,
        crash,
        database_down,
        disk_full,
        duplicate,
        failback,
        halfway,
        hang,
        importing,
        intruder,
        late_login,
        late_wake,
        level,
        lost_result,
        maintenance,
        partition,
        readiness,
        reboot,
        rollback,
        second_failover,
        shadow,
        silent_connection,
        source_empty,
        standby_down,
        standby_full,
        start_fails,
        start_first_restart,
        switchover,
        throttled,
        torn,
        transient,
        upgrade,
        watchdog_dies,
        wrong_way,
        zone_lost,
        zone_lost_for_good,
    )

    # fmt: off
    modules = (crash, hang, partition, reboot, transient, level, alarm, duplicate, halfway, database_down, broad_rule,
               silent_connection, standby_down, standby_full, start_fails, switchover, failback, rollback, maintenance,
               shadow, second_failover, start_first_restart, readiness, watchdog_dies, importing, torn, source_empty,
               disk_full, upgrade, wrong_way, intruder, late_login, zone_lost, zone_lost_for_good,
               late_wake, throttled, lost_result)
    # fmt: on
    return {each.SCENARIO.name: each.SCENARIO for each in modules}


__all__ = ["Scenario", "all_scenarios"]
