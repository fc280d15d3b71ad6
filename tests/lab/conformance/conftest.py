"""Tests marked `testbed` run inside namespaces of their own, like everywhere."""

from __future__ import annotations

from tests.lab.testbed.hosts.inside import (
    pytest_configure,
    pytest_runtest_logreport,
    pytest_runtest_protocol,
)

__all__ = ["pytest_configure", "pytest_runtest_logreport", "pytest_runtest_protocol"]
