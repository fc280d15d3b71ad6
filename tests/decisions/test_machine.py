"""An instance is the server's machine only if it owns every address, and nobody else holds one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msfailover.decisions import machine
from msfailover.observations import Holder, Instance, Machine
from msfailover.pair import Role, Server
from msfailover.verdict import Answer

from tests.samples import state

MS1 = Server(Role.MS1, "i-00000000000000a01", ("10.0.0.11", "fd00::11"))
OUTSIDE = Server(Role.MS1, "mi-0123456789abcdef0", ("192.0.2.11",))
OWN = Instance(MS1.instance_id, "running", ("10.0.0.11", "fd00:0:0::11", "10.0.0.111"), stop_protected=False)
HELD = tuple(Holder(address, "eni-1", MS1.instance_id) for address in MS1.addresses)
STRANGER = Holder("10.0.0.11", "eni-9", "i-00000000000000b09")
GONE = Instance(MS1.instance_id, "terminated")


def power(instance: Instance | None, *holders: Holder, before: bool = False) -> tuple[Answer, str]:
    verdict = machine.is_on(MS1, Machine(instance, holders), owned_before=before)
    return verdict.answer, verdict.sentence


@pytest.mark.parametrize(
    ("now", "answer"),
    [
        ("pending", Answer.YES),
        ("running", Answer.YES),
        ("shutting-down", Answer.YES),
        ("stopping", Answer.YES),
        ("stopped", Answer.NO),
    ],
)
def test_of_the_right_machine_only_stopped_is_off(now: str, answer: Answer) -> None:
    assert power(replace(OWN, state=now), *HELD) == (
        answer,
        f"the instance of ms1 (i-00000000000000a01) is {now}, and owns every configured address.",
    )


@pytest.mark.parametrize("now", ["running", "stopped"])
@pytest.mark.parametrize(
    ("instance", "holders", "words"),
    [
        (OWN, (*HELD, STRANGER), "10.0.0.11 is held by eni-9 of i-00000000000000b09"),
        (OWN, (*HELD, Holder("10.0.0.11", "eni-9")), "10.0.0.11 is held by eni-9."),
        (replace(OWN, addresses=("10.0.0.11",)), HELD[:1], "does not own fd00::11"),
        (replace(OWN, addresses=()), (), "does not own 10.0.0.11, fd00::11"),
        (OWN, HELD[:1], "EC2 contradicts itself on who holds fd00::11"),
    ],
)
def test_of_another_machine_nothing_is_said(
    now: str, instance: Instance, holders: tuple[Holder, ...], words: str
) -> None:
    answer, sentence = power(replace(instance, state=now), *holders)
    assert answer is Answer.UNKNOWN
    assert f"is {now}, but that proves nothing" in sentence
    assert words in sentence


def test_a_machine_that_was_replaced_under_its_address_proves_nothing_by_being_terminated() -> None:
    answer, sentence = power(GONE, STRANGER, before=True)
    assert answer is Answer.UNKNOWN
    assert "is terminated, but 10.0.0.11 of ms1 is held by eni-9 of i-00000000000000b09" in sentence


def test_a_terminated_machine_is_off_only_if_it_was_seen_to_be_the_servers_before() -> None:
    assert power(GONE)[0] is Answer.UNKNOWN
    assert "was not seen to be the machine of ms1 in this epoch before" in power(GONE)[1]
    assert power(GONE, before=True)[0] is Answer.NO


def test_what_was_seen_counts_for_this_instance_these_addresses_and_this_epoch_only() -> None:
    kept = {"ms1": machine.remembered(MS1, state(), 1000.0)}
    assert machine.was_owner(MS1, state(), kept)
    assert not machine.was_owner(MS1, replace(state(), epoch=state().epoch + 1), kept)
    assert not machine.was_owner(replace(MS1, instance_id="i-00000000000000b09"), state(), kept)
    assert not machine.was_owner(replace(MS1, addresses=("10.0.0.11",)), state(), kept)
    assert not machine.was_owner(replace(MS1, role=Role.MS2), state(), kept)
    assert not machine.was_owner(MS1, state(), {"ms1": "yes"})


def test_an_instance_that_ec2_does_not_list_is_not_known() -> None:
    assert power(None) == (Answer.UNKNOWN, "EC2 does not know ms1 (i-00000000000000a01).")
    assert machine.owns(MS1, Machine(None)).answer is Answer.UNKNOWN


def test_a_managed_instance_outside_ec2_has_no_power_that_could_be_seen() -> None:
    verdict = machine.outside_ec2(OUTSIDE)
    assert verdict is not None
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.sentence == "ms1 (mi-0123456789abcdef0) is no EC2 instance; its power can't be seen from here."
    assert machine.outside_ec2(MS1) is None


@pytest.mark.parametrize(
    ("instance", "answer", "words"),
    [
        (OWN, Answer.YES, "can be switched off"),
        (replace(OWN, stop_protected=None), Answer.UNKNOWN, "protected from being stopped is not known"),
        (replace(OWN, stop_protected=True), Answer.NO, "protected from being stopped (DisableApiStop)"),
        (replace(OWN, auto_scaling="fleet"), Answer.NO, "Auto Scaling group fleet, which replaces what is stopped"),
        (replace(OWN, spot=True), Answer.NO, "is a Spot instance"),
        (replace(OWN, root_device="instance-store"), Answer.NO, "root on an instance store"),
    ],
)
def test_what_stands_against_switching_a_machine_off_is_named(instance: Instance, answer: Answer, words: str) -> None:
    verdict = machine.can_be_switched_off(MS1, instance)
    assert verdict.answer is answer
    assert words in verdict.sentence
