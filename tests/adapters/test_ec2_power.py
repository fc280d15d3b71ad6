"""EC2: what it shows of a server's machine, and switching that off, the guest's shutdown skipped where that can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ParamValidationError
from msfailover.adapters import clients, ec2_power
from msfailover.adapters.ec2_power import MachineUnseen, NoPowerSwitch
from msfailover.decisions import machine
from msfailover.observations import Instance
from msfailover.pair import Role, Server

from tests.functions.conftest import Start
from tests.functions.network import Network
from tests.functions.record import Record
from tests.functions.wire import Failure, Wire
from tests.samples import lease, state

OUTSIDE = Server(Role.MS1, "mi-0123456789abcdef0", ("192.0.2.11",))
MS1 = Server(Role.MS1, "i-00000000000000a01", ("10.0.0.11", "fd00::11"))
DOCUMENTS = {f"{name}_DOCUMENT": f"ms-failover-{name.lower()}" for name in ("STATUS", "START", "STOP")}


def on(network: Network) -> Server:
    return Server(Role.MS1, network.ms1, (network.ms1_address, network.ms1_second))


def test_what_ec2_shows_of_a_machine_is_read_whole(cloud: None) -> None:
    interface = {
        "NetworkInterfaceId": "eni-00000000000000001",
        "Attachment": {"InstanceId": MS1.instance_id},
        "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.11"}, {"PrivateIpAddress": "10.0.0.111"}],
        "Ipv6Addresses": [{"Ipv6Address": "fd00::11"}],
    }
    instance = {
        "InstanceId": MS1.instance_id,
        "State": {"Name": "running"},
        "NetworkInterfaces": [interface],
        "Tags": [{"Key": "aws:autoscaling:groupName", "Value": "fleet"}],
        "InstanceLifecycle": "spot",
        "RootDeviceType": "instance-store",
    }
    asked: list[Any] = []

    def interfaces(call: Mapping[str, Any]) -> dict[str, Any]:
        asked.append((call["Filters"][0]["Name"], call["Filters"][0]["Values"]))
        return {"NetworkInterfaces": [interface]}

    answers = {
        "DescribeInstances": lambda _: {"Reservations": [{"Instances": [instance]}]},
        "DescribeNetworkInterfaces": interfaces,
    }
    with Wire(clients.ec2(), "ec2", answers):
        seen = ec2_power.see(clients.ec2(), replace(MS1, addresses=("10.0.0.11", "FD00:0::11")))
    assert asked == [("addresses.private-ip-address", ["10.0.0.11"]), ("ipv6-addresses.ipv6-address", ["fd00::11"])]
    assert seen.instance == Instance(
        MS1.instance_id,
        "running",
        ("10.0.0.11", "10.0.0.111", "fd00::11"),
        auto_scaling="fleet",
        spot=True,
        root_device="instance-store",
    )
    assert machine.owns(MS1, seen).is_yes


def test_a_running_machine_owns_its_addresses_and_a_stopped_one_too(network: Network) -> None:
    for order in (None, ec2_power.switch_off):
        if order is not None:
            order(network.ec2, on(network))
        seen = ec2_power.see(network.ec2, on(network))
        assert machine.owns(on(network), seen).is_yes
        assert machine.is_on(on(network), seen, owned_before=False).is_no is (order is not None)


def test_an_address_that_another_machine_has_is_seen_to_be_its(network: Network) -> None:
    server = Server(Role.MS1, network.ms1, (network.ms1_address, network.ms2_address))
    verdict = machine.owns(server, ec2_power.see(network.ec2, server))
    assert verdict.is_no
    assert f"{network.ms2_address} is held by eni-" in verdict.sentence
    assert f"of {network.ms2}" in verdict.sentence


def test_an_instance_that_ec2_does_not_find_is_not_seen(cloud: None) -> None:
    with pytest.raises(MachineUnseen, match=r"InvalidInstanceID\.NotFound"):
        ec2_power.see(clients.ec2(), MS1)


def test_an_ec2_that_does_not_answer_shows_nothing(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(**_: Any) -> Any:
        raise ConnectTimeoutError(endpoint_url="ec2")

    monkeypatch.setattr(clients.ec2(), "describe_instances", silent)
    with pytest.raises(MachineUnseen, match="EC2 does not say the state of ms1"):
        ec2_power.see(clients.ec2(), MS1)


def test_stop_protection_is_seen(network: Network) -> None:
    assert ec2_power.is_stop_protected(network.ec2, on(network)) is False
    network.ec2.modify_instance_attribute(InstanceId=network.ms1, DisableApiStop={"Value": True})
    assert ec2_power.is_stop_protected(network.ec2, on(network)) is True


def test_a_managed_instance_cannot_be_switched_off_from_here(cloud: None) -> None:
    with pytest.raises(NoPowerSwitch, match="is no EC2 instance: switch it off by hand"):
        ec2_power.switch_off(clients.ec2(), OUTSIDE)


def noted_in(calls: list[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def answer(call: Mapping[str, Any]) -> dict[str, Any]:
        calls.append(call)
        return {}

    return answer


SKIPS = {"InstanceIds": [MS1.instance_id], "Force": True, "SkipOsShutdown": True}
FORCES = {"InstanceIds": [MS1.instance_id], "Force": True}


def test_a_machine_is_switched_off_without_the_guests_shutdown_and_twice_is_once(cloud: None) -> None:
    calls: list[Mapping[str, Any]] = []
    with Wire(clients.ec2(), "ec2", {"StopInstances": noted_in(calls)}):
        ec2_power.switch_off(clients.ec2(), MS1)
        ec2_power.switch_off(clients.ec2(), MS1)
    assert calls == [SKIPS, SKIPS]


@pytest.mark.parametrize("code", ["UnsupportedOperation", "InvalidParameterCombination"])
def test_where_ec2_cannot_skip_the_guests_shutdown_it_is_forced(cloud: None, code: str) -> None:
    calls: list[Mapping[str, Any]] = []

    def older_type(call: Mapping[str, Any]) -> dict[str, Any]:
        calls.append(call)
        if "SkipOsShutdown" in call:
            raise Failure(code)
        return {}

    with Wire(clients.ec2(), "ec2", {"StopInstances": older_type}):
        ec2_power.switch_off(clients.ec2(), MS1)
    assert calls == [SKIPS, FORCES]


def test_where_boto3_does_not_know_how_to_skip_it_it_is_forced(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def older_boto3(**call: Any) -> dict[str, Any]:
        calls.append(call)
        if "SkipOsShutdown" in call:
            raise ParamValidationError(report="Unknown parameter in input")
        return {}

    monkeypatch.setattr(clients.ec2(), "stop_instances", older_boto3)
    ec2_power.switch_off(clients.ec2(), MS1)
    assert calls == [SKIPS, FORCES]


def test_an_order_that_ec2_turns_down_is_not_taken_for_given(cloud: None) -> None:
    def denied(_: Any) -> Any:
        raise Failure("UnauthorizedOperation")

    with Wire(clients.ec2(), "ec2", {"StopInstances": denied}), pytest.raises(Exception, match="UnauthorizedOperation"):
        ec2_power.switch_off(clients.ec2(), MS1)


# ---- the function that asks


@pytest.fixture
def server(run: Start, record: Record, network: Network) -> ModuleType:
    record.put(state(lease=lease()))
    env = {**network.env(), "MS1_ADDRESSES": f"{network.ms1_address},{network.ms1_second}"}
    return run("server", TABLE_NAME=record.name, **env, **DOCUMENTS)


def replace_ms1(network: Network) -> str:
    """Terminate the instance of ms1, and let another one run on with its address. Returns the other one's id."""
    network.ec2.terminate_instances(InstanceIds=[network.ms1])
    return network.instance(network.ms1_address, network.ms1_group)


def asked(server: ModuleType, action: str) -> dict[str, Any]:
    answer: dict[str, Any] = server.handler({"action": action, "server": "ms1", "epoch": lease().epoch}, None)
    return answer


def test_a_replaced_machine_is_not_taken_for_one_that_is_off(server: ModuleType, network: Network) -> None:
    other = replace_ms1(network)
    for action in ("power", "machine"):
        answer = asked(server, action)
        assert answer["answer"] != ("no" if action == "power" else "yes")
        assert other in answer["sentence"]


def test_a_replaced_machine_is_not_switched_off(server: ModuleType, network: Network) -> None:
    calls: list[Any] = []
    replace_ms1(network)
    with (
        Wire(network.ec2, "ec2", {"StopInstances": noted_in(calls)}),
        pytest.raises(server.NotTheServersMachine, match="was not switched off"),
    ):
        asked(server, "power_off")
    assert calls == []


def test_a_terminated_machine_is_off_if_the_record_remembers_it_as_the_servers(
    server: ModuleType, network: Network, record: Record
) -> None:
    network.ec2.terminate_instances(InstanceIds=[network.ms1])
    assert asked(server, "power")["answer"] == "unknown"
    kept = machine.remembered(on(network), state(), 1000.0)
    record.table.put_machines({"ms1": kept})
    assert asked(server, "power")["answer"] == "no"


def test_the_right_machine_is_said_to_be_so_and_can_be_switched_off(server: ModuleType, network: Network) -> None:
    answer = asked(server, "machine")
    assert (answer["answer"], answer["evidence"]) == ("yes", {"owns": True})
    network.ec2.modify_instance_attribute(InstanceId=network.ms1, DisableApiStop={"Value": True})
    answer = asked(server, "machine")
    assert (answer["answer"], answer["evidence"]) == ("no", {"owns": True})
    assert "protected from being stopped" in answer["sentence"]


def host_says(server: ModuleType, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_status", lambda *_: {"service": service})


@pytest.mark.parametrize("service", ["running", "stopped"])
def test_what_a_host_says_that_is_not_the_servers_is_not_believed(
    server: ModuleType, network: Network, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    host_says(server, service, monkeypatch)
    for action, answer in (("runs", "yes" if service == "running" else "no"), ("check_standby", "yes")):
        assert asked(server, action)["answer"] == answer
    replace_ms1(network)
    assert asked(server, "runs")["answer"] == "unknown"
    assert asked(server, "check_standby")["answer"] == "no"


def test_that_a_service_is_stopped_is_believed_only_of_a_machine_that_ec2_shows(
    server: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(**_: Any) -> Any:
        raise ConnectTimeoutError(endpoint_url="ec2")

    monkeypatch.setattr(clients.ec2(), "describe_instances", silent)
    host_says(server, "stopped", monkeypatch)
    assert (asked(server, "runs")["answer"], asked(server, "check_standby")["answer"]) == ("unknown", "yes")
    host_says(server, "running", monkeypatch)
    assert asked(server, "runs")["answer"] == "yes"


def test_outside_ec2_the_host_is_believed_and_power_proves_nothing(
    run: Start, record: Record, monkeypatch: pytest.MonkeyPatch, cloud: None
) -> None:
    outside = run("server", TABLE_NAME=record.name, MS1_INSTANCE_ID=OUTSIDE.instance_id, **DOCUMENTS)
    host_says(outside, "stopped", monkeypatch)
    found = {action: asked(outside, action)["answer"] for action in ("runs", "check_standby", "power", "machine")}
    assert found == {"runs": "no", "check_standby": "yes", "power": "unknown", "machine": "unknown"}
