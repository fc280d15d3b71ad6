"""A test that did not come to its end inside the namespaces never looks like one that passed."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import pytest

from tests.lab.testbed.hosts.inside import PROJECT, to_the_end


def report(item: pytest.Item, when: Literal["setup", "call", "teardown"]) -> pytest.TestReport:
    return pytest.TestReport(item.nodeid, item.location, {}, outcome="passed", longrepr=None, when=when)


@pytest.mark.parametrize("phases", [(), ("setup",), ("setup", "call")])
def test_a_test_whose_module_was_ended_in_the_middle_of_it_has_failed(
    request: pytest.FixtureRequest, phases: tuple[Literal["setup", "call"], ...]
) -> None:
    *_, last = to_the_end(request.node, [report(request.node, when) for when in phases], "no end after 240 s")
    assert last.outcome == "failed"
    assert "no end after 240 s" in str(last.longrepr)


def test_a_test_with_all_its_phases_is_what_its_reports_say(request: pytest.FixtureRequest) -> None:
    reports = [report(request.node, "setup"), report(request.node, "call"), report(request.node, "teardown")]
    assert to_the_end(request.node, reports, "") == reports


def test_a_module_inside_outlives_the_limit_of_a_single_test() -> None:
    """Its first test waits for all of them outside, where half a second is over before any host is up."""
    one = "tests/lab/testbed/hosts/test_peers.py"
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--timeout=0.5", one]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
