"""Run tests inside the testbed's outer namespaces, each as it stands, and bring their reports out.

A test marked `testbed` needs a network of its own. The hooks below, a plugin that tests/conftest.py names, run the
marked tests of a module in one pytest of its own inside `unshare`, and replay its reports here, so that selecting,
timing and failing look the same as ever. `@pytest.mark.testbed(outside=True)` is for those that make their own,
`layout="demo"` for a module whose testbed is a demo pair.

Where the namespaces can't be made the tests fail and say why: a skipped fence proves nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[4]
MODULE_DEADLINE_S = int(os.environ.get("MODULE_DEADLINE_S", "900"))
_REPORTS = "MS_FAILOVER_TEST_REPORTS"

# setpriv: should the test run be killed, the kernel takes the namespaces with it.
OUTER = (
    "setpriv", "--pdeathsig", "KILL", "--",
    "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc", "--",
)  # fmt: skip


def start_inside(argv: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a program inside new outer namespaces; killing the process returned ends everything in them."""
    return subprocess.Popen(
        [*OUTER, *argv], cwd=PROJECT, env={**os.environ, **(env or {})}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def is_inside() -> bool:
    return _REPORTS in os.environ


def runs_inside(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("testbed")
    return marker is not None and not marker.kwargs.get("outside", False)


_Reports = dict[str, list[pytest.TestReport]]
_done = pytest.StashKey[dict[Path, tuple[_Reports, str]]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Outside: the first test of a module waits for all of them; no limit of its own may come before the module's."""
    for item in items:
        if not is_inside() and runs_inside(item):
            item.add_marker(pytest.mark.timeout(MODULE_DEADLINE_S + 60), append=False)  # the first one counts


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Outside: take a marked test's reports from the run of its module inside."""
    if is_inside() or not runs_inside(item):
        return None
    done = item.session.stash.setdefault(_done, {})
    if item.path not in done:
        wanted = [other for other in item.session.items if other.path == item.path and runs_inside(other)]
        done[item.path] = _run_module(item.config, wanted)
    reports, output = done[item.path]
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in to_the_end(item, reports.get(item.nodeid, []), output):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # What a test before this one set up, for its module or package, ends here where the next one has no use for it.
    item.session._setupstate.teardown_exact(nextitem)
    return True


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Inside: hand every report out."""
    if not is_inside() or _config is None:
        return
    data = _config.hook.pytest_report_to_serializable(config=_config, report=report)
    with Path(os.environ[_REPORTS]).open("a") as file:
        file.write(json.dumps(data) + "\n")


_config: pytest.Config | None = None


def pytest_configure(config: pytest.Config) -> None:
    global _config
    _config = config


def _run_module(config: pytest.Config, items: Sequence[pytest.Item]) -> tuple[_Reports, str]:
    """Run these tests inside; returns their reports by test, and what the run wrote."""
    base = Path(config.rootpath)
    file = base / "build" / "test-reports" / f"{os.getpid()}-{items[0].path.stem}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(item.nodeid for item in items)]
    marker = items[0].get_closest_marker("testbed")
    layout = (
        {"MS_FAILOVER_TESTBED_LAYOUT": str(marker.kwargs["layout"])} if marker and "layout" in marker.kwargs else {}
    )
    process = start_inside(argv, {_REPORTS: str(file), **layout})
    try:
        output, _ = process.communicate(timeout=MODULE_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        output = process.communicate()[0] + f"\nno end after {MODULE_DEADLINE_S} s"
    found: _Reports = {}
    for line in file.read_text().splitlines():
        report = config.hook.pytest_report_from_serializable(config=config, data=json.loads(line))
        found.setdefault(report.nodeid, []).append(report)
    file.unlink()
    return found, output


def _layout_of(item: pytest.Item) -> dict[str, str]:
    marker = item.get_closest_marker("testbed")
    return {"MS_FAILOVER_TESTBED_LAYOUT": str(marker.kwargs["layout"])} if marker and "layout" in marker.kwargs else {}


def to_the_end(item: pytest.Item, reports: Sequence[pytest.TestReport], output: str) -> list[pytest.TestReport]:
    """A test's reports. Without that of its last phase it has failed: its module was ended in the middle of it."""
    if any(report.when == "teardown" for report in reports):
        return list(reports)
    return [*reports, _no_report(item, output)]


def _no_report(item: pytest.Item, output: str) -> pytest.TestReport:
    words = f"the test did not come to its end inside the namespaces; the run there wrote:\n{output[-6000:]}"
    return pytest.TestReport(
        nodeid=item.nodeid, location=item.location, keywords={}, outcome="failed", longrepr=words, when="call"
    )
