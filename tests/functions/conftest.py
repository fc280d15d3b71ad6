"""An AWS of memory for the functions' tests: moto in process, and fakes at the wire for what moto has no answers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from unittest import mock

import pytest
from moto import mock_aws
from msfailover.adapters import clients

from tests.environments import OUTSIDE, complete, start
from tests.functions.answers import Answers
from tests.functions.hosts import Hosts
from tests.functions.network import Network
from tests.functions.record import Record
from tests.functions.wire import Wire
from tests.functions.zone import Zone

Start = Callable[..., ModuleType]


@pytest.fixture(scope="module")
def cloud() -> Iterator[None]:
    """moto, for a whole module: what a test makes has names of its own, so none sees another's."""
    with mock.patch.dict("os.environ", OUTSIDE), mock_aws():
        yield


@pytest.fixture
def run() -> Start:
    """Starts a function in its complete environment, but for what is said otherwise: `run("pair", FENCE_READS="2")`."""

    def begin(function: str, **env: str) -> ModuleType:
        return start(function, {**complete(function), **env})

    return begin


@pytest.fixture
def record(cloud: None) -> Record:
    """The record of a pair that has not been adopted."""
    return Record(clients.dynamodb())


@pytest.fixture
def network(cloud: None) -> Network:
    """Two instances, a database, and the groups in front of it."""
    return Network(clients.ec2())


@pytest.fixture
def zone(cloud: None, monkeypatch: pytest.MonkeyPatch) -> Zone:
    """A hosted zone that takes a batch whole or not at all."""
    return Zone(clients.route53(), monkeypatch)


@pytest.fixture
def answers(cloud: None) -> Iterator[Answers]:
    """The other functions of the stack: they answer what a test has them answer."""
    with Answers(clients.functions()) as made, Wire(clients.probes(), "lambda", {"Invoke": made.invoke}):
        yield made


@pytest.fixture
def hosts(cloud: None) -> Iterator[Hosts]:
    """The hosts behind SSM Run Command."""
    with Hosts(clients.ssm()) as made:
        yield made
