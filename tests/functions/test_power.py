"""A server's power: stopped and terminated are off, everything else is not, and not found is not known."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from msfailover.adapters import aws, power
from msfailover.adapters.power import NoPowerSwitch
from msfailover.pair import Role, Server
from msfailover.verdict import Answer

from tests.functions.network import Network
from tests.functions.wire import Failure, Wire

OUTSIDE = Server(Role.MS1, "mi-0123456789abcdef0", ("192.0.2.11",))
MS1 = Server(Role.MS1, "i-00000000000000a01", ("10.0.0.11",))


def described(*states: str) -> Wire:
    instances = [{"InstanceId": MS1.instance_id, "State": {"Name": state}} for state in states]
    answer = {"Reservations": [{"Instances": instances}] if instances else []}
    return Wire(aws.ec2(), "ec2", {"DescribeInstances": lambda _: answer})


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        ("pending", Answer.YES),
        ("running", Answer.YES),
        ("shutting-down", Answer.YES),
        ("stopping", Answer.YES),
        ("stopped", Answer.NO),
        ("terminated", Answer.NO),
    ],
)
def test_only_stopped_and_terminated_are_off(cloud: None, state: str, answer: Answer) -> None:
    with described(state):
        verdict = power.is_on(aws.ec2(), MS1)
    assert verdict.answer is answer
    assert verdict.sentence == f"the instance of ms1 (i-00000000000000a01) is {state}."
    assert verdict.evidence == {"state": state}


def test_an_instance_that_ec2_does_not_list_is_not_known_to_be_off(cloud: None) -> None:
    with described():
        verdict = power.is_on(aws.ec2(), MS1)
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.sentence == "EC2 does not know ms1 (i-00000000000000a01)."


def test_an_instance_that_ec2_does_not_find_is_not_known_to_be_off(cloud: None) -> None:
    verdict = power.is_on(aws.ec2(), MS1)
    assert verdict.answer is Answer.UNKNOWN
    assert "InvalidInstanceID.NotFound" in verdict.sentence


def test_an_ec2_that_does_not_answer_knows_nothing(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(**_: Any) -> Any:
        raise ConnectTimeoutError(endpoint_url="ec2")

    monkeypatch.setattr(aws.ec2(), "describe_instances", silent)
    assert power.is_on(aws.ec2(), MS1).answer is Answer.UNKNOWN


def test_a_managed_instance_has_no_power_that_could_be_seen_or_switched(cloud: None) -> None:
    verdict = power.is_on(aws.ec2(), OUTSIDE)
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.sentence == ("ms1 (mi-0123456789abcdef0) is no EC2 instance; its power can't be seen from here.")
    with pytest.raises(NoPowerSwitch, match="is no EC2 instance: switch it off by hand"):
        power.switch_off(aws.ec2(), OUTSIDE)


def test_a_machine_is_switched_off_by_force_and_twice_is_once(network: Network) -> None:
    server = Server(Role.MS1, network.ms1, (network.ms1_address,))
    assert power.is_on(network.ec2, server).is_yes
    calls: list[dict[str, Any]] = []
    network.ec2.meta.events.register(
        "provide-client-params.ec2.StopInstances", lambda params, **_: calls.append(params)
    )
    power.switch_off(network.ec2, server)
    power.switch_off(network.ec2, server)
    assert calls == [{"InstanceIds": [network.ms1], "Force": True}] * 2
    assert power.is_on(network.ec2, server).is_no


def test_an_order_that_ec2_turns_down_is_not_taken_for_given(cloud: None) -> None:
    def denied(_: Any) -> Any:
        raise Failure("UnauthorizedOperation")

    with Wire(aws.ec2(), "ec2", {"StopInstances": denied}), pytest.raises(Exception, match="UnauthorizedOperation"):
        power.switch_off(aws.ec2(), MS1)
