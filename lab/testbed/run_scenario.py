"""Runs a scenario on a testbed: sets the pair up, strikes, follows, and judges by the journal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from failoverctl import terminal
from failoverctl.acceptance.report import journal
from failoverctl.acceptance.report.figures import Report
from failoverctl.acceptance.report.observed import assemble, permitted_by
from failoverctl.acceptance.report.publish import publish
from failoverctl.acceptance.report.record import AgentEvent, Replication
from lab.testbed import compare_copies
from lab.testbed.cloud.manners.dials import Manners, Value
from lab.testbed.polling import TestbedError, wait_for
from lab.testbed.report.commit import commit_here
from lab.testbed.report.live import watch
from lab.testbed.report.snapshot import Snapshot
from lab.testbed.report.verdict import verdict
from lab.testbed.scenarios import Scenario
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import ROLES, Testbed

IMPORTED_FILES = 60
IMPORTED_BYTES_EACH = 50_000

BEFORE_S = 2.0
"""Seconds of a healthy pair that are watched before the fault, so that the report shows what was lost."""


def run(
    scenario: Scenario,
    directory: Path,
    output: Path,
    console: Console | None = None,
    manners: Manners | None = None,
    turned: Mapping[str, Value] | None = None,
) -> Report:
    """Run one scenario on a testbed of its own and write its report to `output`.

    Args:
        manners: of the cloud; those that the scenario needs are turned on it. Ideal without.
        turned: single ones, over what the scenario turns.

    Raises:
        TestbedError: the testbed or the scenario did not get as far as an outcome.
    """
    console = console or terminal.console()
    began = time.time()
    console.print(f"{scenario.name}: {scenario.headline}", highlight=False)
    console.print(
        "The testbed is built: hosts, database, name server, cloud; the template is deployed …", highlight=False
    )
    manners = manners or Manners(scenario.cloud)
    for name, value in {**scenario.manners, **(turned or {})}.items():
        manners.turn(name, value)
    with Testbed(
        directory,
        agents=scenario.agents,
        parameters=scenario.parameters,
        manners=manners,
        multi_az=scenario.multi_az,
    ) as testbed:
        console.print(f"The testbed is up after {time.time() - began:.1f} s.", highlight=False)
        story = Story(testbed)
        with watch(lambda: _snapshot(testbed, scenario, story), console):
            scenario.arrange(testbed)
            prepare(testbed, story)
            testbed.manners.begin()
            _begin(story)
            scenario.run(testbed, story)
        report = conclude(testbed, scenario, story, output)
    verdict(report, console)
    console.print(f"\nThe whole of it: {output / 'report.html'}", highlight=False)
    return report


def prepare(testbed: Testbed, story: Story) -> None:
    """Adopt the pair and wait until everybody is where they belong."""
    story.begins("the hosts are prepared, and the pair is adopted")
    testbed.prepare_hosts()
    testbed.adopt()
    story.note("the pair is adopted: ms1 is active, epoch 1")
    story.await_agents("ms1")
    wait_for("ms1 writes", lambda: testbed.hosts.journal.by_server().get("ms1"), 10)
    story.doing = "ms1 imports software; replication carries it to ms2"
    testbed.import_software(IMPORTED_FILES, IMPORTED_BYTES_EACH)
    wait_for("a complete set on ms2", lambda: testbed.freshness().get("as_of"), 30)
    story.replication = compare_copies.compare(testbed.hosts.ms("ms1"), testbed.hosts.ms("ms2"))
    story.note(f"ms2 holds {story.replication.files} files of ms1, identical: {story.replication.identical}")


def _begin(story: Story) -> None:
    story.begins("all is well: ms1 writes, the agents are with it")
    story.watch_on(BEFORE_S)


def conclude(testbed: Testbed, scenario: Scenario, story: Story, output: Path) -> Report:
    """Gather what was observed, let the journal judge it, and write the report."""
    executions = testbed.executions()
    story.settle_changes(permitted_by(executions, testbed.steps))
    if wrong := testbed.cloud.bus.faults:
        raise TestbedError(f"an event is not as its schema says: {wrong[0]}")
    record = testbed.record()
    observed = assemble(
        scenario,
        story,
        executions,
        testbed.steps,
        agents=tuple(_agent_events(testbed)),
        access=testbed.firewall.seen,
        name=testbed.names.seen,
        epoch=int(record["epoch"]) if record else None,
        receipt=_plain(record.get("receipt")),
        replication=_aged(testbed, story),
        commit=commit_here(),
    )
    with closing(testbed.hosts.database.connect()) as connection:
        judgement = journal.judge(connection, observed)
        observed = replace(observed, rows=journal.rows(connection, story.t0))
    return publish(observed, judgement, output)


def _aged(testbed: Testbed, story: Story) -> Replication | None:
    """The copy as it was compared, and how old it was when a server of this story was promoted with it."""
    found = story.replication
    for line in testbed.history():
        if found is not None and line.get("execution") in story.executions and line.get("files_as_of"):
            return replace(found, age_s=float(line["ended_at"]) - float(line["files_as_of"]))
    return found


def _snapshot(testbed: Testbed, scenario: Scenario, story: Story) -> Snapshot:
    access, name = testbed.firewall.seen, testbed.names.seen
    counts = testbed.hosts.agents.counts()
    executions = testbed.executions()
    writes = testbed.hosts.journal.by_server()
    return Snapshot(
        at=time.time(),
        scenario=scenario.name,
        headline=scenario.headline,
        started_at=story.t0,
        doing=story.doing,
        failure_at=story.failure_at,
        steps=testbed.steps(executions[-1]["executionArn"]) if executions else (),
        access=access[-1].servers if access else None,
        name=name[-1].server if name else None,
        address=name[-1].address if name else "",
        agents={**{role: counts[role] for role in ROLES}, None: counts["none"]},
        written={server: each.count for server, each in writes.items()},
        log=story.events,
    )


def _agent_events(testbed: Testbed) -> list[AgentEvent]:
    return [
        AgentEvent(str(each.agent), each.server if each.event == "connected" else None, each.at)
        for each in testbed.hosts.agents.events()
    ]


def _plain(value: Any) -> Any:
    """DynamoDB's numbers as JSON's."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, str | bool):
        return value
    return int(value) if value == int(value) else float(value)
