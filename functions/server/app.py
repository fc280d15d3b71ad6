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
from collections.abc import Callable, Iterator
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
from msfailover.pair import FencedBy, PairState, Role, Server
from msfailover.questions import Question
from msfailover.request import Action as Verb
from msfailover.request import Order, order_in, role_in
from msfailover.runtime import host_documents, observability
from msfailover.runtime.authority import Authority
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Handler, log_of_server
from msfailover.runtime.settings import ServerSettings
from msfailover.verdict import Verdict, no, unknown, yes

logger = observability.logger_for("server")
Servers = Context[ServerSettings]

MARGIN_S = 15
"""Seconds a host's result may take beyond the time the host itself has: Run Command begins some seconds after it was
asked, and tells of the end some seconds later."""
KILL_S = 12
"""Seconds the stop document takes at most beyond the grace, to kill what did not stop."""
STOP_LASTS_S = 60
"""Seconds within which a best-effort stop may begin: SSM's delivery, and the wait for another order's end."""

STOP_CONFIRM_S = 8
"""Seconds to wait for the confirmation of a stop that is repeated each minute."""


class NotTheServersMachine(Exception):
    """The configured instance is not shown to be the server's machine; it was not switched off."""


class DatabaseAway(Exception):
    """The service did not start, and its host can't connect to the database: it may as soon as that is back."""


class ServiceDidNotStop(Exception):
    """The host did what it could, and the service still runs."""


def runs(context: Servers, role: Role) -> Verdict:
    """Does the service run, as its own host says? That it does not is believed of the server's own machine only."""
    power, host = _machine_and_host(context, role)
    if power.is_no:
        return no(f"The service of {role} does not run: {power.sentence}", off=True)
    outside = power.evidence.get("outside")
    if power.evidence.get("mismatch") or (host.is_no and not power.is_yes and not outside):
        return unknown(f"Whether the service of {role} runs is not known: {power.sentence}")
    return host


def check_standby(context: Servers, role: Role) -> Verdict:
    """Could the server be started? Its machine is on and its own, and its host answers at this moment."""
    power, host = _machine_and_host(context, role)
    if power.is_no or power.evidence.get("mismatch"):
        return no(f"{role} is not fit: {power.sentence}")
    if host.answer == "unknown":
        return unknown(f"{role} is not known to be fit: {host.sentence}")
    if trouble := str(host.evidence.get("write_error") or "")[:300]:
        return no(f"{role} is not fit: its host can't write what a start writes: {trouble}.", **host.evidence)
    ahead = _epoch_ahead(context, role, host)
    if ahead is not None:
        return no(f"{role} is not fit: {ahead.sentence}", **host.evidence)
    return yes(f"{role} is fit: its host answers. {host.sentence}", **host.evidence)


def _epoch_ahead(context: Servers, standby: Role, host: Verdict) -> Verdict | None:
    """Does a host remember an epoch that the pair has not come to? Of the active one too, where it is to be stopped."""
    state = _state(context)
    highest = state.lease.epoch if state.lease else state.epoch
    found = epochs.ahead(standby, host.evidence.get("epoch"), highest) if state.adopted else None
    if found is None and state.lease is not None and state.lease.action == Verb.SWITCHOVER:
        _, other = _machine_and_host(context, standby.other)
        found = epochs.ahead(standby.other, other.evidence.get("epoch"), highest)
    return found


def reaches(context: Servers, role: Role) -> Verdict:
    """Can the server's host connect to the database at this moment? A session that is only listed may be half dead.

    It is the host's own word: good for a notification, and no proof of anything.
    """
    host, port = context.settings.database_host, context.settings.database_port
    try:
        found = _status(context, role, Database=f"{host} {port}").get("database")
    except (run_command.CommandFailed, run_command.CommandUnfinished, ClientError, BotoCoreError) as error:
        return unknown(f"Whether {role} can connect to the database is not known: {error}")
    word = {"reachable": yes, "unreachable": no}.get(str(found), unknown)
    return word(f"{host}:{port} is {found} from the host of {role}.")


def _machine_and_host(context: Servers, role: Role) -> tuple[Verdict, Verdict]:
    """Is the machine on, and does the service run, as its own host says? Asked side by side."""
    with context.threads(max_workers=1) as threads:
        power = threads.submit(is_on, context, role)
        try:
            status = _status(context, role)
        except clients.Throttled:  # no word about the host: whoever asks tries the whole step again
            raise
        except (run_command.CommandFailed, run_command.CommandUnfinished, ClientError, BotoCoreError) as error:
            return power.result(), unknown(f"Whether the service of {role} runs is not known: {error}")
        service = str(status.get("service"))
        word = {"running": yes, "stopped": no}.get(service, unknown)
        return power.result(), word(f"The service of {role} is {service}.", **status)


def ask_source_to_stop(context: Servers, order: Order) -> Verdict:
    """Order the old server to stop, and wait for nothing: it may be dead (I5). No proof of anything."""
    fence.demand_change(_state(context), order.role, order.epoch)
    command = _send_stop(context, order, STOP_LASTS_S)
    return unknown(f"{order.role} was asked to stop (command {command}); whether it does is not waited for.")


def stop_source(context: Servers, order: Order) -> Verdict:
    """Stop the server cleanly and wait for it. Its host stays the source of the replication, for the last copy.

    Raises:
        NoReceipt: no change away from this server is under way.
        SourceLost: it was lost meanwhile, and nobody is left to wait for.
        ServiceDidNotStop, CommandFailed, CommandUnfinished: it was not seen to stop.
    """
    fence.demand_change(_state(context), order.role, order.epoch)
    return _stop_and_wait(context, order, partial(_whether_lost, context, order.role))


def stop_again(context: Servers, order: Order) -> Verdict:
    """Order a server to stop that the record says must be out, never the active one, and read whether it has.

    The order is not taken back when no answer comes in time: it is wanted for as long as the record says so, and an
    order of a later epoch outranks it on the host.

    Returns:
        yes when its host says that the service is stopped; *unknown* while it does not answer.

    Raises:
        NotToBeKeptOut: the record does not say that this server must be out, in that epoch.
        CommandFailed: its host says that it could not.
    """
    audit.demand_out(_state(context), order.role, order.epoch)
    command = _send_stop(context, order, STOP_LASTS_S)
    try:
        status = run_command.result(context.clients.ssm(), _server(context, order.role), command, STOP_CONFIRM_S)
    except run_command.CommandUnfinished as error:
        return unknown(f"{order.role} was told to stop, and has not said yet that it did: {error}")
    word = yes if status.get("service") == "stopped" else no
    return word(f"The service of {order.role} is {status.get('service')}.", **status)


def _stop_and_wait(context: Servers, order: Order, whether_lost: Callable[[], Verdict]) -> Verdict:
    server, ssm = _server(context, order.role), context.clients.ssm()
    lasts_s = context.settings.stop_grace_s + KILL_S + MARGIN_S
    command = _send_stop(context, order, lasts_s, keep_role=True)
    with _taken_back(context, server, command):
        status = run_command.result_while_there(ssm, server, command, lasts_s, whether_lost)
    if status.get("service") != "stopped":
        raise ServiceDidNotStop(f"The service of {server.role} was told to stop, but is {status.get('service')}.")
    return yes(f"The service of {server.role} has stopped.", **status)


def _whether_lost(context: Servers, role: Role) -> Verdict:
    """Is there nobody to wait for? A host that the probe does not see, but that answers Run Command now, is there.

    It is asked before the probe, and its answer is read after it: no second is waited for on top of the probe's own.
    """
    asked = best_effort.result_of(lambda: _send_status(context, role), "", "a sign of life of the host", logger)
    lost = fallback.whether_lost(role, partial(_put, context))
    silent = bool(asked) and lost.evidence.get("silent") is True
    if silent and run_command.has_answered(context.clients.ssm(), _server(context, role), asked):
        return no(f"{role} is there: the functions in the network do not see it, but its host answers.")
    return lost


def start_server(context: Servers, order: Order) -> Verdict:
    """Start the server's service.

    Raises:
        NoReceipt: the other server's fence is not proven in this epoch, or was by power, and its machine is on again.
        DatabaseAway: it did not start, and its host can't connect to the database at this moment; worth trying again.
        CommandFailed, CommandUnfinished: it was not seen to start.
    """
    receipt = fence.demand_receipt(_state(context), order.role, order.epoch)
    if receipt.by is FencedBy.POWER:
        power = is_on(context, order.role.other)
        security_groups.demand_read(power)
        fence.demand_off(receipt, power)
        fence.demand_receipt(_state(context), order.role, order.epoch)  # EC2 takes its time to tell of a machine
    try:
        return _start_and_wait(context, order)
    except run_command.CommandFailed as error:
        way = reaches(context, order.role)
        if way.is_no:
            raise DatabaseAway(f"{error} {way.sentence}") from error
        raise


def restart_source(context: Servers, order: Order) -> Verdict:
    """Restart the active server's service in place, in the epoch that is; for a failover that has touched nothing yet.

    Raises:
        NoReceipt: it is not the active server, or the failover away from it has gone further already.
        SourceLost, ServiceDidNotStop, CommandFailed, CommandUnfinished: it was not seen to stop, or to start again.
    """
    before = replace(order, epoch=fence.demand_untouched(_state(context), order.role, order.epoch))
    # An outage goes on: a host that only Run Command sees is not waited for any longer than one that nobody sees.
    _stop_and_wait(context, before, lambda: fallback.whether_lost(order.role, partial(_put, context)))
    # Stopping takes its time, and the workflow may have continued without it: nobody is started on an old permission.
    fence.demand_untouched(_state(context), order.role, order.epoch)
    return _start_and_wait(context, before)


def _start_and_wait(context: Servers, order: Order) -> Verdict:
    settings, server, ssm = context.settings, _server(context, order.role), context.clients.ssm()
    lasts_s = settings.start_limit_s + MARGIN_S
    parameters = host_documents.for_start(settings, order.epoch, context.clock.time() + lasts_s)
    command = run_command.send(ssm, server, settings.start_document, parameters)
    with _taken_back(context, server, command):
        status = run_command.result(ssm, server, command, lasts_s)
    return yes(f"The service of {server.role} runs.", **status)


def _put(context: Servers, question: Question) -> Verdict:
    """Ask whether a server is there: the probe, or EC2."""
    if question.function == "probe" or question.server is None:
        probes = Probes(context.settings.probe_function, context.settings.second_probe, partial(_state, context))
        return probes.ask_verdict(question.payload())
    return is_on(context, question.server)


@contextmanager
def _taken_back(context: Servers, server: Server, command: str) -> Iterator[None]:
    """An order whose result is not waited for any longer is taken back, as far as it can be."""
    try:
        yield
    except (run_command.CommandUnfinished, run_command.SourceLost):
        try:
            run_command.cancel(context.clients.ssm(), server, command)
        except (ClientError, BotoCoreError) as error:  # its epoch and its time still bound it
            logger.warning("the order could not be cancelled", extra={"command": command, "why": str(error)[:300]})
        raise


def _machine(context: Servers, server: Server) -> Machine | Verdict:
    """The server's machine as EC2 shows it; or, where it shows none, what can be said of it."""
    if (outside := machine.outside_ec2(server)) is not None:
        return outside
    try:
        return ec2_power.see(context.clients.ec2(), server)
    except ec2_power.MachineUnseen as error:
        return error.verdict


def is_on(context: Servers, role: Role) -> Verdict:
    """Is the server's machine on? Of another machine nothing is said (machine.py)."""
    server = _server(context, role)
    seen = _machine(context, server)
    if isinstance(seen, Verdict):
        return seen
    terminated = seen.instance is not None and seen.instance.state == "terminated"
    return machine.is_on(server, seen, owned_before=terminated and _owned_before(context, server))


def _owned_before(context: Servers, server: Server) -> bool:
    table = PairTable.of(context)
    return machine.was_owner(server, table.read(), table.machines())


def own_machine(context: Servers, role: Role) -> Verdict:
    """Is the instance the server's machine, and could it be switched off? `owns` in the evidence answers the first."""
    server = _server(context, role)
    seen = _machine(context, server)
    if isinstance(seen, Verdict):
        return seen
    owner = machine.owns(server, seen)
    if not owner.is_yes or seen.instance is None:
        return owner
    instance = replace(seen.instance, stop_protected=ec2_power.is_stop_protected(context.clients.ec2(), server))
    switch = machine.can_be_switched_off(server, instance)
    return Verdict(switch.answer, f"{owner.sentence} {switch.sentence}", {"owns": True})


def power_off(context: Servers, order: Order) -> Verdict:
    """Order the old server's machine off; whether it is off is asked by `power`, not assumed from this.

    Raises:
        NoReceipt: no change away from this server is under way.
        NoPowerSwitch: it is not an EC2 instance.
        NotTheServersMachine: the instance is not shown to be the server's: to switch it off would prove nothing.
        MachineUnseen: EC2 does not say.
    """
    server = _server(context, order.role)
    may = Authority(partial(_state, context), lambda state: fence.demand_change(state, order.role, order.epoch))
    may()
    if machine.outside_ec2(server) is None:
        owner = machine.owns(server, ec2_power.see(context.clients.ec2(), server))
        if not owner.is_yes:
            raise NotTheServersMachine(f"{server.instance_id} was not switched off: {owner.sentence}")
    clients.with_leave(may, lambda: ec2_power.switch_off(context.clients.ec2_once(), server))
    return unknown(f"The machine of {server.role} was ordered off; that it is off remains to be seen.")


def _status(context: Servers, role: Role, **more: str) -> dict[str, Any]:
    ssm, sent = context.clients.ssm(), _send_status(context, role, **more)
    return run_command.result(ssm, _server(context, role), sent, context.settings.status_limit_s)


def _send_status(context: Servers, role: Role, **more: str) -> str:
    settings, server = context.settings, _server(context, role)
    parameters = host_documents.for_status(settings, **more)
    return run_command.send(context.clients.ssm(), server, settings.status_document, parameters)


def _send_stop(context: Servers, order: Order, lasts_s: float, *, keep_role: bool = False) -> str:
    settings, server = context.settings, _server(context, order.role)
    not_after = context.clock.time() + lasts_s
    parameters = host_documents.for_stop(settings, order.epoch, not_after, keep_role=keep_role)
    return run_command.send(context.clients.ssm(), server, settings.stop_document, parameters)


def rights(context: Servers, role: Role) -> Verdict:
    """May we order of this server what a failover orders? Tried dry: nothing is sent, nothing is switched off."""
    settings, server, ssm = context.settings, _server(context, role), context.clients.ssm()
    calls: dict[str, Callable[[], object]] = {
        f"ssm:SendCommand of {document} to {role}": partial(run_command.try_to_send, ssm, server, document)
        for document in (settings.status_document, settings.start_document, settings.stop_document)
    }
    if not server.instance_id.startswith("mi-"):
        calls[f"ec2:StopInstances of {role}"] = lambda: ec2_power.try_to_switch_off(context.clients.ec2(), server)
    return permission_checks.try_all(calls, "InvalidParameters", "DryRunOperation")


def _server(context: Servers, role: Role) -> Server:
    return context.settings.pair.server(role)


def _state(context: Servers) -> PairState:
    return PairTable.of(context).read()


ACTIONS: dict[str, Action[ServerSettings, Any]] = {
    "runs": Action(role_in, runs),
    "reaches": Action(role_in, reaches),
    "check_standby": Action(role_in, check_standby),
    "rights": Action(role_in, rights),
    "power": Action(role_in, is_on),
    "machine": Action(role_in, own_machine),
    "ask_source_to_stop": Action(order_in, ask_source_to_stop),
    "stop_source": Action(order_in, stop_source),
    "start_server": Action(order_in, start_server),
    "restart_source": Action(order_in, restart_source),
    "power_off": Action(order_in, power_off),
    "stop_again": Action(order_in, stop_again),
}
handler = Handler(logger, ACTIONS, Context(read(ServerSettings, os.environ), clients), log_of_server, finish=demand_yes)
