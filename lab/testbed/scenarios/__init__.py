"""The scenarios that run on the testbed, with the outcome each must have; modules are named for what happens."""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario


def all_scenarios() -> dict[str, Scenario]:
    """Every scenario by its name, in the order people should meet them."""
    from lab.testbed.scenarios import (
        access_elsewhere,
        active_without_database,
        alarm,
        broad_rule,
        copy_too_old,
        crash,
        cut_oracle,
        cut_pooler,
        database_down,
        database_standby,
        disk_full,
        duplicate,
        failback,
        game_day,
        game_day_away,
        game_day_not_begun,
        halfway,
        hang,
        import_then_crash,
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
        replaced_instance,
        rollback,
        second_failover,
        second_port,
        shadow,
        silent_connection,
        source_dies_in_last_copy,
        source_empty,
        standby_behind_pooler,
        standby_down,
        standby_full,
        standby_unreachable,
        start_fails,
        start_first_restart,
        start_without_database,
        switchover,
        third_host_pooler,
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
               silent_connection, cut_pooler, cut_oracle, second_port, third_host_pooler, standby_behind_pooler,
               access_elsewhere,
               database_standby, replaced_instance, standby_down, standby_full, standby_unreachable,
               active_without_database, start_fails, start_without_database, switchover, failback, rollback,
               source_dies_in_last_copy, maintenance, shadow, second_failover, copy_too_old, start_first_restart,
               readiness, watchdog_dies, importing, import_then_crash, torn, source_empty, disk_full, upgrade,
               wrong_way, intruder, late_login, zone_lost, zone_lost_for_good, late_wake, throttled, lost_result,
               game_day, game_day_not_begun)
    # fmt: on
    found = [*(each.SCENARIO for each in modules), *game_day_away.SCENARIOS]
    return {each.name: each for each in found}


__all__ = ["Scenario", "all_scenarios"]
