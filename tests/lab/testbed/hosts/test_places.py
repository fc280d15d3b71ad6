"""Where functions run: beside the database's network, or outside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.testbed.hosts.addresses import CLOUD, SECOND_FUNCTIONS_SUBNET, VPC, VPC_ELSEWHERE
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed

SAY = """
import os, socket, sys
from pathlib import Path
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
    it.connect((sys.argv[1], 9))
    print(it.getsockname()[0], os.getcwd(), os.environ["ONLY"], len(os.environ) < 4)
print(Path("/etc/resolv.conf").read_text().split()[1], Path(sys.argv[2]).read_text())
"""


@pytest.mark.testbed
@pytest.mark.parametrize(("in_vpc", "address"), [(True, VPC), (False, CLOUD)])
def test_a_function_has_its_place_s_address_and_sees_the_machine_s_files(
    testbed: Testbed, tmp_path: Path, in_vpc: bool, address: str
) -> None:
    code = tmp_path / "code"
    code.write_text("code")
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = testbed.hosts.places.spawn(
            [sys.executable, "-c", SAY, "10.77.0.30", str(code)],
            {"ONLY": "this"}, in_vpc=in_vpc, stdout=file.fileno(), stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.wait(timeout=10) == 0, out.read_text()
    first, second = out.read_text().splitlines()
    assert first == f"{address} {Path.cwd()} this True"
    resolver, content = second.split()
    assert (resolver == "10.77.0.53") is in_vpc
    assert content == "code"


@pytest.mark.testbed
def test_a_function_in_a_subnet_of_the_other_zone_has_an_address_there(testbed: Testbed, tmp_path: Path) -> None:
    elsewhere, out = testbed.hosts.host("vpc2"), tmp_path / "out"
    elsewhere.files.create()
    elsewhere.power_on()
    with out.open("wb") as file:
        process = testbed.hosts.places.spawn(
            [sys.executable, "-c", SAY, "10.77.0.30", __file__],
            {"ONLY": "this"}, in_vpc=True, network=SECOND_FUNCTIONS_SUBNET, stdout=file.fileno(),
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.wait(timeout=10) == 0, out.read_text()
    assert out.read_text().startswith(f"{VPC_ELSEWHERE} ")


@pytest.mark.testbed
def test_killing_a_function_s_process_kills_the_function(testbed: Testbed) -> None:
    def running() -> bool:
        return subprocess.run(["pgrep", "-fx", "sleep 3457"], check=False, capture_output=True).returncode == 0

    with Path(os.devnull).open("wb") as nothing:
        process = testbed.hosts.places.spawn(
            ["sleep", "3457"], {}, in_vpc=True, stdout=nothing.fileno(), stderr=nothing.fileno()
        )
        wait_until("the function runs", running, deadline_s=5)
        process.kill()
        process.wait(timeout=5)
    assert not running()
