"""Before a scenario and after it: is the pair as it should be? What an earlier one left is put in order first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from msfailover.pair import PairState

from failoverctl.acceptance import network_cut
from failoverctl.acceptance.driver_on_aws import STOPPED_TAG, DriverOnAws
from failoverctl.acceptance.place import ROLES
from failoverctl.account import ask, ask_later, read_record
from failoverctl.errors import CommandError, Exit, plainly

READY_WITHIN_S = 600.0
POLL_EVERY_S = 5.0
ASKED_AGAIN_AT_MOST = 3
OF_A_PERSON = ("notifications",)
"""Checks of readiness that a demo is judged without: who runs an acceptance sits before it."""
BY = "acceptance"


class NotAtRest(Exception):
    """The pair did not become as it should be; the sentence says what is not."""


def clean_up(driver: DriverOnAws, say: Callable[[str], None]) -> None:
    """Take back what an interrupted acceptance left. Does nothing where there is nothing. Raises CommandError."""
    place = driver.place
    network_cut.heal(place)
    for server in ROLES:
        driver.revoke(server)
    for role in _stopped_by_one(driver):
        say(f"An interrupted acceptance left {role} stopped: it is started.")
        driver.power_on(role)


def settle(driver: DriverOnAws) -> None:
    """After a scenario: the standby's service stopped and autostart off on both, the last failover acknowledged.

    Raises:
        CommandError, ScriptFailed: it could not be done.
    """
    record = read_record(driver.place.account, driver.place.stack)
    service = driver.place.service
    for role in ROLES:
        driver.await_online(role)
        stop = "" if record.active == role else f"systemctl stop {service}; systemctl reset-failed {service} || true; "
        driver.run(role, f"{stop}systemctl disable {service}")
    acknowledge(driver, record)
    ask_for_copy(driver)


def acknowledge(driver: DriverOnAws, record: PairState) -> None:
    """Acknowledge the last automatic failover, where that is outstanding: here a person asked for it."""
    if not record.acknowledged:
        asked = {"action": "acknowledge", "epoch": record.epoch, "requested_by": BY}
        ask(driver.place.account, driver.place.stack, "pair", asked)


def objections(driver: DriverOnAws) -> list[str]:
    """What readiness objects to, asked now: a sentence for each check that is not yes, with what to do."""
    found = ask(driver.place.account, driver.place.stack, "readiness", {"action": "check"})
    return [_sentence(each) for each in _counted(driver, found["checks"]) if each["answer"] != "yes"]


def await_rest(driver: DriverOnAws) -> None:
    """Wait until readiness objects to nothing. Raises NotAtRest with what it objected to last."""
    end = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            said = objections(driver)
        except CommandError as error:
            said = [str(error)]
        if not said:
            return
        if time.monotonic() > end:
            raise NotAtRest(f"After {READY_WITHIN_S:g} s readiness still objects: {' '.join(said)}")
        if any(each.startswith("standby's copy fresh") for each in said):
            ask_for_copy(driver)  # again: one that met a host that was not back yet came to nothing
        time.sleep(POLL_EVERY_S)


def ask_for_copy(driver: DriverOnAws) -> None:
    """Have the standby's copy made now, best effort; a run that is under way is not begun again."""
    ask_later(driver.place.account, driver.place.stack, "replicate", {"action": "scheduled"})


def demand_ready(driver: DriverOnAws) -> None:
    """Raises CommandError where anything is in the way: what is broken already proves nothing when it is broken."""
    record = read_record(driver.place.account, driver.place.stack)
    said = objections(driver)
    for _ in range(ASKED_AGAIN_AT_MOST):
        if not said or any(_is_no(each) for each in said):
            break
        time.sleep(POLL_EVERY_S)  # what is not known may be a login under way; what is wrong stays so
        said = objections(driver)
    if record.mode != "automatic":
        said.append(f"mode: it is {record.mode}, so nothing fails over by itself: `failoverctl mode automatic`.")
    if record.maintenance_until > time.time():
        said.append("maintenance: automatic failovers are held: `failoverctl maintenance off`.")
    if said:
        listed = "\n".join(f"- {each}" for each in said)
        raise CommandError(
            f"Readiness objects, so nothing is tried:\n{listed}\nSee `failoverctl readiness`.", Exit.NOT_DONE
        )


def _is_no(objection: str) -> bool:
    return objection.partition(":")[0].endswith("(no)")


def _counted(driver: DriverOnAws, checks: Sequence[Any]) -> list[Any]:
    spared = OF_A_PERSON if driver.place.demo else ()
    return [each for each in checks if each["name"] not in spared]


def _sentence(check: Any) -> str:
    remedy = f" {check['remedy']}" if check.get("remedy") else ""
    return f"{check['name']} ({check['answer']}): {check['sentence']}{remedy}"


def _stopped_by_one(driver: DriverOnAws) -> list[str]:
    """The servers whose instances bear the tag of a stop of acceptance's own."""
    ids = {each.instance: role for role, each in driver.place.servers.items()}
    with plainly("see what an earlier acceptance left"):
        answer = driver.place.account.client("ec2").describe_instances(InstanceIds=list(ids))
    found = [each for group in answer["Reservations"] for each in group["Instances"]]
    return [ids[each["InstanceId"]] for each in found if any(t["Key"] == STOPPED_TAG for t in each.get("Tags", []))]
