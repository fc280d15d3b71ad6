"""A local cloud with the sample stack, for every test of this directory that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.testbed.cloud.cloud import Cloud, Ports
from lab.testbed.cloud.deploy import Stack
from lab.testbed.cloud.owner import Addresses, Owner
from tests.lab.testbed.cloud import fakes

SAMPLE = Path(__file__).parent / "sample" / "template.yaml"


@dataclass
class Sky:
    """The cloud, what is in it, and the fakes around it."""

    cloud: Cloud
    owner: Owner
    stack: Stack
    machines: fakes.Machines
    firewall: fakes.Firewall
    names: fakes.Names
    places: fakes.Places


@pytest.fixture(scope="package")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sky]:
    machines, firewall, names, places = fakes.Machines(), fakes.Firewall(), fakes.Names(), fakes.Places()
    cloud = Cloud(
        machines,
        firewall,
        names,
        places,
        tmp_path_factory.mktemp("cloud"),
        addresses=Addresses(conductor="127.0.0.1"),
        ports=Ports(0, 0),
        listen_on="127.0.0.1",
    )
    with cloud:
        cloud.permissions.exempt = ("sample-",)  # test_permissions.py has roles of its own
        owner = cloud.furnish()
        stack = cloud.deploy(SAMPLE, "sample", {"Subnets": owner.functions_subnet_id, "VpcId": owner.vpc_id})
        yield Sky(cloud, owner, stack, machines, firewall, names, places)
    assert all(process.poll() is not None for process in places.processes)
