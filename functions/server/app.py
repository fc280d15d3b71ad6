"""`server`: one server's host and machine, through SSM Run Command and EC2.

Actions that read: runs (does its service run?), reaches (can its host connect to the database?), check_standby (could
it be started?), rights (may we order what a failover orders? tried dry), power (is the machine on?), machine (is the
instance the server's machine, and could it be switched off?).
Actions that act: ask_source_to_stop (best effort, waits for nothing), stop_source (cleanly, waits), start_server
(demands the other one's fence receipt), restart_source (in place, before anything was touched), power_off; stop_again
(a server that the record says must be out, as often as it takes).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from msfailover.adapters import best_effort, clients, ec2_power, permission_checks, run_command, security_groups
from msfailover.adapters.pair_table import PairTable
from msfailover.adapters.probes import Probes
from msfailover.decisions import audit, epochs, fallback, fence, machine
from msfailover.demands import demand_yes
from msfailover.observations import Machine
from msfailover.pair import FencedBy, PairState, Server
from msfailover.questions import Question
from msfailover.request import Action, BadRequest, epoch_in, role_in
from msfailover.runtime import observability
from msfailover.runtime.authority import Authority
from msfailover.runtime.environment import read
from msfailover.runtime.settings import ServerSettings
from msfailover.verdict import Verdict, no, unknown, yes

SETTINGS = read(ServerSettings, os.environ)
logger = observability.logger_for("server")

MARGIN_S = 15
"""Seconds a host's result may take beyond the time the host itself has: Run Command begins some seconds after it was
asked, and tells of the end some seconds later."""
KILL_S = 12
"""Seconds the stop document takes at most beyond the grace, to kill what did not stop."""
STOP_LASTS_S = 60
"""Seconds within which a best-effort stop may begin: SSM's delivery, and the wait for another order's end."""

ACTIONS = ("runs", "reaches", "check_standby", "rights", "power", "machine", "ask_source_to_stop",
           "stop_source", "start_server", "restart_source", "power_off", "stop_again")  # fmt: skip

STOP_CONFIRM_S = 8
"""Seconds to wait for the confirmation of a stop that is repeated each minute."""


class NotTheServersMachine(Exception):
    """The configured instance is not shown to be the server's machine; it was not switched off."""


class DatabaseAway(Exception):
    """The service did not start, and its host can't connect to the database: it may as soon as that is back."""


class ServiceDidNotStop(Exception):
    """The host did what it could, and the service still runs."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observability.begin(logger, event)
    action, server = str(event.get("action")), SETTINGS.pair.server(role_in(event))
    if action not in ACTIONS:
        raise BadRequest(f"action is {action[:40]!r}, but one of {', '.join(ACTIONS)} is needed.")
    verdict = READS[action](server) if action in READS else ACTS[action](server, epoch_in(event))
    logger.info(verdict.sentence, extra={"asked": action, "server": server.role, "answer": verdict.answer})
    return demand_yes(event, verdict.to_json())


def runs(server: Server) -> Verdict:
    """Does the service run, as its own host says? That it does not is believed of the server's own machine only."""
    power, host = _machine_and_host(server)
    if power.is_no:
        return no(f"The service of {server.role} does not run: {power.sentence}", off=True)
    outside = power.evidence.get("outside")
    if power.evidence.get("mismatch") or (host.is_no and not power.is_yes and not outside):
        return unknown(f"Whether the service of {server.role} runs is not known: {power.sentence}")
    return host


def check_standby(server: Server) -> Verdict:
    """Could the server be started? Its machine is on and its own, and its host answers at this moment."""
    power, host = _machine_and_host(server)
    if power.is_no or power.evidence.get("mismatch"):
        return no(f"{server.role} is not fit: {power.sentence}")
    if host.answer == "unknown":
        return unknown(f"{server.role} is not known to be fit: {host.sentence}")
    if trouble := str(host.evidence.get("write_error") or "")[:300]:
        return no(f"{server.role} is not fit: its host can't write what a start writes: {trouble}.", **host.evidence)
    ahead = _epoch_ahead(server, host)
    if ahead is not None:
        return no(f"{server.role} is not fit: {ahead.sentence}", **host.evidence)
    return yes(f"{server.role} is fit: its host answers. {host.sentence}", **host.evidence)


def _epoch_ahead(standby: Server, host: Verdict) -> Verdict | None:
    """Does a host remember an epoch that the pair has not come to? Of the active one too, where it is to be stopped."""
    state = _state()
    highest = state.lease.epoch if state.lease else state.epoch
    found = epochs.ahead(standby.role, host.evidence.get("epoch"), highest) if state.adopted else None
    if found is None and state.lease is not None and state.lease.action == Action.SWITCHOVER:
        _, other = _machine_and_host(SETTINGS.pair.other(standby.role))
        found = epochs.ahead(standby.role.other, other.evidence.get("epoch"), highest)
    return found


def reaches(server: Server) -> Verdict:
    """Can the server's host connect to the database at this moment? A session that is only listed may be half dead.

    It is the host's own word: good for a notification, and no proof of anything.
    """
    where = f"{SETTINGS.database_host}:{SETTINGS.database_port}"
    try:
        found = _status(server, Database=f"{SETTINGS.database_host} {SETTINGS.database_port}").get("database")
    except (run_command.CommandFailed, run_command.CommandUnfinished, ClientError, BotoCoreError) as error:
        return unknown(f"Whether {server.role} can connect to the database is not known: {error}")
    word = {"reachable": yes, "unreachable": no}.get(str(found), unknown)
    return word(f"{where} is {found} from the host of {server.role}.")


def _machine_and_host(server: Server) -> tuple[Verdict, Verdict]:
    """Is the machine on, and does the service run, as its own host says? Asked side by side."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        power = threads.submit(is_on, server)
        try:
            status = _status(server)
        except clients.Throttled:  # no word about the host: whoever asks tries the whole step again
            raise
        except (run_command.CommandFailed, run_command.CommandUnfinished, ClientError, BotoCoreError) as error:
            return power.result(), unknown(f"Whether the service of {server.role} runs is not known: {error}")
        service = str(status.get("service"))
        word = {"running": yes, "stopped": no}.get(service, unknown)
        return power.result(), word(f"The service of {server.role} is {service}.", **status)


def ask_source_to_stop(server: Server, epoch: int) -> Verdict:
    """Order the old server to stop, and wait for nothing: it may be dead (I5). No proof of anything."""
    fence.demand_change(_state(), server.role, epoch)
    command = _send_stop(server, epoch, STOP_LASTS_S)
    return unknown(f"{server.role} was asked to stop (command {command}); whether it does is not waited for.")


def stop_source(server: Server, epoch: int) -> Verdict:
    """Stop the server cleanly and wait for it. Its host stays the source of the replication, for the last copy.

    Raises:
        NoReceipt: no change away from this server is under way.
        SourceLost: it was lost meanwhile, and nobody is left to wait for.
        ServiceDidNotStop, CommandFailed, CommandUnfinished: it was not seen to stop.
    """
    fence.demand_change(_state(), server.role, epoch)
    return _stop_and_wait(server, epoch, _whether_lost)


def stop_again(server: Server, epoch: int) -> Verdict:
    """Order a server to stop that the record says must be out, never the active one, and read whether it has.

    The order is not taken back when no answer comes in time: it is wanted for as long as the record says so, and an
    order of a later epoch outranks it on the host.

    Returns:
        yes when its host says that the service is stopped; *unknown* while it does not answer.

    Raises:
        NotToBeKeptOut: the record does not say that this server must be out, in that epoch.
        CommandFailed: its host says that it could not.
    """
    audit.demand_out(_state(), server.role, epoch)
    command = _send_stop(server, epoch, STOP_LASTS_S)
    try:
        status = run_command.result(clients.ssm(), server, command, STOP_CONFIRM_S)
    except run_command.CommandUnfinished as error:
        return unknown(f"{server.role} was told to stop, and has not said yet that it did: {error}")
    word = yes if status.get("service") == "stopped" else no
    return word(f"The service of {server.role} is {status.get('service')}.", **status)


def _stop_and_wait(server: Server, epoch: int, whether_lost: Callable[[Server], Verdict]) -> Verdict:
    lasts_s = SETTINGS.stop_grace_s + KILL_S + MARGIN_S
    command = _send_stop(server, epoch, lasts_s, keep_role=True)
    with _taken_back(server, command):
        lost = partial(whether_lost, server)
        status = run_command.result_while_there(clients.ssm(), server, command, lasts_s, lost)
    if status.get("service") != "stopped":
        raise ServiceDidNotStop(f"The service of {server.role} was told to stop, but is {status.get('service')}.")
    return yes(f"The service of {server.role} has stopped.", **status)


def _whether_lost(server: Server) -> Verdict:
    """Is there nobody to wait for? A host that the probe does not see, but that answers Run Command now, is there.

    It is asked before the probe, and its answer is read after it: no second is waited for on top of the probe's own.
    """
    asked = best_effort.result_of(lambda: _send_status(server), "", "a sign of life of the host", logger)
    lost = fallback.whether_lost(server.role, _put)
    if asked and lost.evidence.get("silent") is True and run_command.has_answered(clients.ssm(), server, asked):
        return no(f"{server.role} is there: the functions in the network do not see it, but its host answers.")
    return lost


def start_server(server: Server, epoch: int) -> Verdict:
    """Start the server's service.

    Raises:
        NoReceipt: the other server's fence is not proven in this epoch, or was by power, and its machine is on again.
        DatabaseAway: it did not start, and its host can't connect to the database at this moment; worth trying again.
        CommandFailed, CommandUnfinished: it was not seen to start.
    """
    receipt = fence.demand_receipt(_state(), server.role, epoch)
    if receipt.by is FencedBy.POWER:
        power = is_on(SETTINGS.pair.other(server.role))
        security_groups.demand_read(power)
        fence.demand_off(receipt, power)
        fence.demand_receipt(_state(), server.role, epoch)  # EC2 takes its time to tell of a machine
    try:
        return _start_and_wait(server, epoch)
    except run_command.CommandFailed as error:
        way = reaches(server)
        if way.is_no:
            raise DatabaseAway(f"{error} {way.sentence}") from error
        raise


def restart_source(server: Server, epoch: int) -> Verdict:
    """Restart the active server's service in place, in the epoch that is; for a failover that has touched nothing yet.

    Raises:
        NoReceipt: it is not the active server, or the failover away from it has gone further already.
        SourceLost, ServiceDidNotStop, CommandFailed, CommandUnfinished: it was not seen to stop, or to start again.
    """
    before = fence.demand_untouched(_state(), server.role, epoch)
    # An outage goes on: a host that only Run Command sees is not waited for any longer than one that nobody sees.
    _stop_and_wait(server, before, lambda each: fallback.whether_lost(each.role, _put))
    # Stopping takes its time, and the workflow may have continued without it: nobody is started on an old permission.
    fence.demand_untouched(_state(), server.role, epoch)
    return _start_and_wait(server, before)


def _start_and_wait(server: Server, epoch: int) -> Verdict:
    lasts_s = SETTINGS.start_limit_s + MARGIN_S
    parameters = {
        **_common(epoch, lasts_s),
        "StartCommand": SETTINGS.start_command,
        "LimitSeconds": str(SETTINGS.start_limit_s),
    }
    command = run_command.send(clients.ssm(), server, SETTINGS.start_document, parameters)
    with _taken_back(server, command):
        status = run_command.result(clients.ssm(), server, command, lasts_s)
    return yes(f"The service of {server.role} runs.", **status)


def _put(question: Question) -> Verdict:
    """Ask whether a server is there: the probe, or EC2."""
    if question.function == "probe" or question.server is None:
        return Probes(SETTINGS.probe_function, SETTINGS.second_probe, _state).ask_verdict(question.payload())
    return is_on(SETTINGS.pair.server(question.server))


@contextmanager
def _taken_back(server: Server, command: str) -> Iterator[None]:
    """An order whose result is not waited for any longer is taken back, as far as it can be."""
    try:
        yield
    except (run_command.CommandUnfinished, run_command.SourceLost):
        try:
            run_command.cancel(clients.ssm(), server, command)
        except (ClientError, BotoCoreError) as error:  # its epoch and its time still bound it
            logger.warning("the order could not be cancelled", extra={"command": command, "why": str(error)[:300]})
        raise


def _machine(server: Server) -> Machine | Verdict:
    """The server's machine as EC2 shows it; or, where it shows none, what can be said of it."""
    if (outside := machine.outside_ec2(server)) is not None:
        return outside
    try:
        return ec2_power.see(clients.ec2(), server)
    except ec2_power.MachineUnseen as error:
        return error.verdict


def is_on(server: Server) -> Verdict:
    """Is the server's machine on? Of another machine nothing is said (machine.py)."""
    seen = _machine(server)
    if isinstance(seen, Verdict):
        return seen
    terminated = seen.instance is not None and seen.instance.state == "terminated"
    return machine.is_on(server, seen, owned_before=terminated and _owned_before(server))


def _owned_before(server: Server) -> bool:
    table = PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name)
    return machine.was_owner(server, table.read(), table.machines())


def own_machine(server: Server) -> Verdict:
    """Is the instance the server's machine, and could it be switched off? `owns` in the evidence answers the first."""
    seen = _machine(server)
    if isinstance(seen, Verdict):
        return seen
    owner = machine.owns(server, seen)
    if not owner.is_yes or seen.instance is None:
        return owner
    instance = replace(seen.instance, stop_protected=ec2_power.is_stop_protected(clients.ec2(), server))
    switch = machine.can_be_switched_off(server, instance)
    return Verdict(switch.answer, f"{owner.sentence} {switch.sentence}", {"owns": True})


def power_off(server: Server, epoch: int) -> Verdict:
    """Order the old server's machine off; whether it is off is asked by `power`, not assumed from this.

    Raises:
        NoReceipt: no change away from this server is under way.
        NoPowerSwitch: it is not an EC2 instance.
        NotTheServersMachine: the instance is not shown to be the server's: to switch it off would prove nothing.
        MachineUnseen: EC2 does not say.
    """
    may = Authority(_state, lambda state: fence.demand_change(state, server.role, epoch))
    may()
    if machine.outside_ec2(server) is None:
        owner = machine.owns(server, ec2_power.see(clients.ec2(), server))
        if not owner.is_yes:
            raise NotTheServersMachine(f"{server.instance_id} was not switched off: {owner.sentence}")
    clients.with_leave(may, lambda: ec2_power.switch_off(clients.ec2_once(), server))
    return unknown(f"The machine of {server.role} was ordered off; that it is off remains to be seen.")


def _status(server: Server, **more: str) -> dict[str, Any]:
    return run_command.result(clients.ssm(), server, _send_status(server, **more), SETTINGS.status_limit_s)


def _send_status(server: Server, **more: str) -> str:
    parameters = {
        **more,
        "Service": SETTINGS.service,
        "StatusCommand": SETTINGS.status_command,
        "Package": SETTINGS.package,
    }
    return run_command.send(clients.ssm(), server, SETTINGS.status_document, parameters)


def _send_stop(server: Server, epoch: int, lasts_s: float, *, keep_role: bool = False) -> str:
    parameters = {
        **_common(epoch, lasts_s),
        "KeepRole": "yes" if keep_role else "no",
        "StopCommand": SETTINGS.stop_command,
        "GraceSeconds": str(SETTINGS.stop_grace_s),
    }
    return run_command.send(clients.ssm(), server, SETTINGS.stop_document, parameters)


def rights(server: Server) -> Verdict:
    """May we order of this server what a failover orders? Tried dry: nothing is sent, nothing is switched off."""
    documents = (SETTINGS.status_document, SETTINGS.start_document, SETTINGS.stop_document)
    calls: dict[str, Callable[[], object]] = {
        f"ssm:SendCommand of {document} to {server.role}": partial(
            run_command.try_to_send, clients.ssm(), server, document
        )
        for document in documents
    }
    if not server.instance_id.startswith("mi-"):
        calls[f"ec2:StopInstances of {server.role}"] = lambda: ec2_power.try_to_switch_off(clients.ec2(), server)
    return permission_checks.try_all(calls, "InvalidParameters", "DryRunOperation")


def _common(epoch: int, lasts_s: float) -> dict[str, str]:
    """What every order carries: its epoch, and until when it may be carried out."""
    return {
        "Service": SETTINGS.service,
        "StatusCommand": SETTINGS.status_command,
        "Epoch": str(epoch),
        "NotAfter": str(int(time.time() + lasts_s)),
    }


# fmt: off
READS: dict[str, Callable[[Server], Verdict]] = {
    "runs": runs, "reaches": reaches, "check_standby": check_standby, "rights": rights, "power": is_on,
    "machine": own_machine,
}
ACTS: dict[str, Callable[[Server, int], Verdict]] = {
    each.__name__: each
    for each in (ask_source_to_stop, stop_source, start_server, restart_source, power_off, stop_again)
}
# fmt: on


def _state() -> PairState:
    return PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name).read()
