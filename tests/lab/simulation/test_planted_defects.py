"""What is done wrong on purpose must be found: a simulation without planted defects proves nothing.

The schedules are those that `make simulation DEFECT=name` came upon. One that finds its defect no longer is out of
date, or the simulation has a hole: the same command says which.
"""

from __future__ import annotations

import pytest

from lab.simulation import defects
from lab.simulation.runner import Runner
from lab.simulation.schedule import Schedule

FOUND_BY = {
    "proof-assumed": ("I2", "broken@task:database_access.revoke_access#1"),
    "access-not-read": ("I2", "broken@task:database_access.revoke_access#1"),
    "sessions-not-read": ("I2", "ms1=hung error@database.terminate#1"),
    "one-read": ("I2", ""),
    "unknown-is-zero": ("I2", "ms1=zombie database=hidden"),
    "connections-uncounted": ("I2", "ms1=zombie database=silent"),
    "names-believed": ("I2", "ms1=zombie database=names"),
    "standby-believed": ("I2", "ms1=zombie database=standby"),
    "unreachable-is-zero": ("I2", "ms1=partitioned database=unseen"),
    "one-address": ("I2", "ms1=hung"),
    "owners-rules-unread": ("I2", "action=switchover by=erika ms1=healthy access=broad"),
    "prefix-lists-unread": ("I2", "access=prefix-list"),
    "stopping-is-proof": ("I2", "database-gone@state:Begin#1"),
    "any-instance-is-the-machine": ("I2", "ms1=replaced access=broad"),
    "any-receipt": ("I2", "again-late@task:server.start_server#1"),
    "outbound-ignored": ("I2", "network=acls ms1=hung access=broad error@ec2.create_network_acl_entry#3*2"),
    "order-ignored": ("I2", "network=allowed ms1=hung access=broad"),
    "one-subnet": ("I2", "network=uncovered ms1=hung access=broad"),
    "first-address-denied": ("I2", "network=acls ms1=hung"),
    "effect-not-awaited": ("I2", "network=acls ms1=hung"),
    "path-not-demanded": ("I2", "network=pooler ms1=hung"),
    "list-believed": ("I2", "network=pooler ms1=hung"),
    "object-not-checked": ("I2", "network=elsewhere ms1=hung"),
    "one-interface": ("I2", "network=two-interfaces ms1=hung"),
    "delegated-ignored": ("I2", "network=delegated ms1=hung access=broad"),
    "any-source-ignored": ("I2", "network=any-source ms1=hung access=broad"),
    "gateway-ignored": ("I2", "network=gateway ms1=hung access=broad"),
    "logins-show-the-way": ("I2", "network=watched-pooler ms1=hung"),
    "announced-is-seen": ("I2", "network=announced ms1=hung"),
    "moved-unnoticed": ("I2", "ms1=zombie database=moved"),
    "others-entries-taken": ("I1", "network=shared ms1=hung"),
    "hosts-word-is-enough": (
        "I2",
        "network=standby-pooler action=switchover by=erika ms1=healthy ms2=misreported",
    ),
    "power-not-read-again": ("I2", "ms1=hung access=broad boot@state:Promote#1"),
    "hidden-way-forgotten": ("I2", "network=standby-pooler action=switchover by=erika ms1=healthy"),
    "unseen-is-direct": ("I2", "action=switchover by=erika ms1=healthy ms2=start-hangs network=standby-pooler"),
    "one-port": ("I2", "ms1=hung access=second-port"),
    "way-kept": ("audit", "ms1=healthy network=acls"),
    "own-rule-missed": ("audit", "network=acls"),
    "entries-not-restored": ("audit", "network=acls"),
    "grant-not-settled": (
        "I2",
        "action=switchover by=erika network=acls ms1=healthy delayed@ec2.authorize_security_group_ingress#1"
        " error@task:dns.update_record#1*99",
    ),
    "grant-with-revoke": ("I2", ""),
    "access-for-both": ("I1", "error@task:database_access.revoke_access#1*99"),
    "grant-assumed": ("I1", "ms1=hung access=broad timeout@ec2.authorize_security_group_ingress#1"),
    "epoch-not-compared": ("I2", "restart=yes again-late@task:server.restart_source#1"),
    "foreign-execution": ("I4", "hand@state:Begin#1"),
    "conclude-unproven": ("I2", "hand@state:Fence#1"),
    "late-begin": ("I10", ""),
    "late-end": ("I4", "action=switchover by=erika ms1=healthy ms2=start-fails again-last@task:pair.end_sessions#1"),
    "late-acknowledgement": ("I7", ""),
    "late-setting": ("I7", ""),
    "late-readiness": ("I6", ""),
    "late-move": ("I4", "action=switchover by=erika ms1=healthy ms2=start-fails again-last@task:dns.update_record#1"),
    "orders-never-end": ("I4", "standby-freezes@state:StartServer#1 resume=back"),
    "epochs-unchecked": ("I4", "ms2=ahead"),
    "permission-kept": (
        "I2",
        "action=switchover by=erika ms1=healthy held-long@ec2.describe_security_group_rules#7",
    ),
    "lease-expires": ("I4", "ms1=zombie database=hidden alarm@state:WaitForPower#2"),
    "resume-unasked": ("I4", "resume@state:Admitted#1"),
    "resume-at-once": ("I1", "overtaken-back@ec2.authorize_security_group_ingress#1"),
    "halt-gives-lease-back": ("I1", "database-gone@state:Begin#1"),
    "turn-back-same-epoch": ("I4", "action=switchover by=erika ms1=healthy error@task:dns.update_record#1*99"),
    "writes-unconditional": ("I7", "alarm@dynamodb.put_item#1"),
    "conclude-once-only": ("I4", "lost@task:pair.conclude#1"),
    "ends-twice": ("I4", "action=force by=erika late@task:pair.conclude#1*9"),
    "head-not-carried": ("I4", ""),
    "outage-not-confirmed": ("I3", "ms1=healthy"),
    "standby-not-checked": ("I4", "ms2=dead"),
    "silence-is-life": ("I4", "ms2=unprobed"),
    "cut-off-is-down": ("I3", "ms1=healthy probe=blind"),
    "second-probe-believed": ("I3", "ms1=healthy probe=astray"),
    "mode-ignored": ("I7", "controls=manual"),
    "not-to-acknowledge": ("I7", ""),
    "audit-forgets-lease": ("I4", "audit@state:Commit#1"),
    "dry-run-takes-lease": ("I4", "dry_run=yes"),
    "verify-bypassed": ("I4", ""),
    "sessions-first": ("I4", "ms1=hung"),
    "waits-for-the-dead": ("I5", "ms1=partitioned by=alarm"),
    "failed-probe-is-down": ("I3", "ms1=healthy broken@task:pair.confirm_outage#1"),
    "name-may-fail": ("I4", "error@task:dns.update_record#1*99"),
    "power-alone": ("I5", "ms1=hangs database-gone@state:Begin#1 database-back@state:WaitForPower#2"),
    "unfenced-promotes": ("I2", "ms1=zombie database=hidden"),
}


def test_every_defect_is_here() -> None:
    assert set(FOUND_BY) == set(defects.ALL)
    assert len(defects.ALL) >= 15


def test_without_a_defect_nothing_is_found(runner: Runner) -> None:
    results = [runner.run(Schedule.parse(written)) for _, written in FOUND_BY.values()]
    assert [result.violation for result in results if result.violation] == []


@pytest.mark.parametrize("name", defects.ALL)
def test_the_defect_is_found(name: str) -> None:
    invariant, written = FOUND_BY[name]
    runner = Runner(defect=defects.ALL[name])
    try:
        assert runner.run(Schedule.parse(written)).invariant == invariant
    finally:
        runner.close()
