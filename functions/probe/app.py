"""`probe`: probes the servers from inside their network. Calls no AWS API.

Actions: probe (both servers at once, raw signals), hold (does a connection to the active server end before the next
probe is due?), confirm_outage (is the active one really down? more than one probe), check_serving (does a server's
administration interface answer?), check_reachable (does anything of its host come back?), check_refusing (does nothing
listen on its ports?), name (where does the DNS record point?), certificate (is it good, and until when?).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from msfailover.adapters import admin_interface
from msfailover.adapters.held_connection import HeldConnection
from msfailover.decisions.detection import Diagnosis, Observation, confirmed, diagnose
from msfailover.observations import Signal
from msfailover.pair import Role, Server
from msfailover.request import BadRequest, role_in
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Event, Handler, log_when_debugging, without_request
from msfailover.runtime.settings import ProbeSettings
from msfailover.verdict import Answer, Verdict, no, unknown, yes

logger = observability.logger_for("probe")

BETWEEN_PROBES_S = 0.3
"""Seconds from the beginning of one probe to the beginning of the next, when an outage is confirmed."""
FRESH_SHARE = 0.4
"""The share of its usual time a server has to answer a probe that only repeats what was seen this moment."""
HOLD_AT_MOST_S = 20
SILENCE = (Signal.SILENT, Signal.UNREACHABLE)
Probing = Context[ProbeSettings]
Ask = Callable[[Probing, Server, float], admin_interface.Sighting]


def probe(context: Probing) -> dict[str, Any]:
    """What both servers' ports say, raw."""
    found = probe_both(context, context.settings.timeout_s)
    answer: dict[str, Any] = {role.value: _as_json(observation) for role, observation in found.items()}
    return {**answer, "evidence": {"cut_off": not any(each.host_is_there for each in found.values())}}


def probe_both(context: Probing, timeout_s: float) -> dict[Role, Observation]:
    """Probe both ports of both servers, all at once: four questions take as long as the slowest."""
    pair = context.settings.pair
    with context.threads(max_workers=4) as threads:
        admin = {role: threads.submit(_admin, context, pair.server(role), timeout_s) for role in Role}
        ports = {role: threads.submit(_port, context, pair.server(role), timeout_s) for role in Role}
        return {
            role: Observation(admin[role].result().signal, ports[role].result().signal, admin[role].result().sentence)
            for role in Role
        }


def hold(context: Probing, asked: tuple[Role, float]) -> dict[str, Any]:
    """Does the connection end that is held to a server's management port, where agents keep theirs too?"""
    (role, seconds), settings = asked, context.settings
    to = (settings.pair.server(role).address, settings.management_port, settings.timeout_s)
    return {"ended": context.once(("held", role), lambda: HeldConnection(*to)).ends_within(seconds)}


def confirm_outage(context: Probing, asked: tuple[Role, bool]) -> Verdict:
    """Is the active server down? Yes only if every probe says so; one answer is enough for a no.

    Args:
        asked: the server, and whether whoever asks has counted its failures up to this moment, with the whole time
            for each answer. Then one short probe is enough: it is there for a server that came back in between.
            Otherwise two probes are taken, the second of them begun before the first has to end.
    """
    (active, fresh), timeout_s = asked, context.settings.timeout_s
    if fresh:
        found = [_diagnosed(context, active, timeout_s * FRESH_SHARE)]
    else:
        with context.threads(max_workers=2) as threads:
            first = threads.submit(_diagnosed, context, active, timeout_s)
            context.clock.sleep(BETWEEN_PROBES_S)
            found = [threads.submit(_diagnosed, context, active, timeout_s).result(), first.result()]
    outage = confirmed(found)
    return outage.having(cut_off=outage.answer is Answer.UNKNOWN)


def _diagnosed(context: Probing, active: Role, timeout_s: float) -> Diagnosis:
    found = probe_both(context, timeout_s)
    return diagnose(active, found[active], found[active.other])


def check_serving(context: Probing, role: Role) -> Verdict:
    """Does the server's administration interface answer? Unknown where nothing at all comes back to here."""
    server, other = context.settings.pair.server(role), context.settings.pair.other(role)
    seen = _admin(context, server, context.settings.timeout_s)
    sentence = f"The administration interface of {server.role}: {seen.sentence}."
    if seen.signal is Signal.ANSWERS:
        return yes(sentence)
    if seen.signal in SILENCE and _all_silent(context, (_port, server), (_admin, other), (_port, other)):
        return unknown(f"{sentence} Neither server's host answers: it may be this probe that is cut off.", cut_off=True)
    return no(sentence)


def check_reachable(context: Probing, role: Role) -> Verdict:
    """Does anything of the server's host come back to here, where a promotion will be verified from?

    A refusal is a sign of life: the host is there, and nothing listens. Silence is unknown, not no (I3).
    """
    server, other = context.settings.pair.server(role), context.settings.pair.other(role)
    if not _all_silent(context, (_admin, server), (_port, server)):
        return yes(f"{server.role} can be reached from the functions in the network.")
    # Not side by side: the answer of a server that is there is not to wait for one that is not.
    return unknown(
        f"Nothing of {server.role} comes back to the functions in the network: no answer within"
        f" {context.settings.timeout_s:g} s.",
        silent=True,
        cut_off=_all_silent(context, (_admin, other), (_port, other)),
    )


def check_refusing(context: Probing, role: Role) -> Verdict:
    """Does nothing listen on the server's two ports? Only two refusals say so; silence says nothing."""
    server, other = context.settings.pair.server(role), context.settings.pair.other(role)
    timeout_s = context.settings.timeout_s
    with context.threads(max_workers=2) as threads:
        asked = [threads.submit(ask, context, server, timeout_s) for ask in (_admin, _port)]
        signals = [each.result().signal for each in asked]
    sentence = f"The ports of {server.role}: {' and '.join(signals)}."
    if all(each is Signal.REFUSED for each in signals):
        return yes(sentence)
    if any(each not in SILENCE for each in signals):
        return no(sentence)
    return unknown(sentence, cut_off=_all_silent(context, (_admin, other), (_port, other)))


def _all_silent(context: Probing, *asked: tuple[Ask, Server]) -> bool:
    """Whether nothing comes back from any of these ports, asked side by side."""
    with context.threads(max_workers=len(asked)) as threads:
        signals = [threads.submit(ask, context, server, context.settings.timeout_s) for ask, server in asked]
        return all(each.result().signal in SILENCE for each in signals)


def name(context: Probing) -> Verdict:
    """Where does the name point, as its name servers say?"""
    from msfailover.adapters import dns_resolver  # dnspython takes 90 ms to import; a probe does without it

    settings = context.settings
    record_type = settings.pair.ms1.record_type  # both servers' first addresses are of one family (environment.py)
    return dns_resolver.resolve(settings.record_name, record_type, settings.resolvers, settings.timeout_s)


def certificate(context: Probing, role: Role) -> Verdict:
    """Is the administration interface's certificate good, and until when? `days_left` in the evidence."""
    settings, address = context.settings, context.settings.pair.server(role).address
    return admin_interface.certificate(
        address, settings.admin_port, settings.admin_name, settings.admin_ca, settings.timeout_s
    )


def _admin(context: Probing, server: Server, timeout_s: float) -> admin_interface.Sighting:
    settings = context.settings
    where = (server.address, settings.admin_port, settings.admin_path, settings.admin_name)
    return admin_interface.ask_admin(*where, settings.admin_ca, timeout_s, settings.admin_expected_text)


def _port(context: Probing, server: Server, timeout_s: float) -> admin_interface.Sighting:
    return admin_interface.ask_port(server.address, context.settings.management_port, timeout_s)


def _seconds_in(event: Event) -> float:
    seconds = event.get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= HOLD_AT_MOST_S:
        raise BadRequest(f"seconds is {str(seconds)[:20]!r}, but a number up to {HOLD_AT_MOST_S} is needed.")
    return float(seconds)


def _as_json(observation: Observation) -> dict[str, str]:
    return {"admin": observation.admin.value, "port": observation.port.value, "sentence": observation.sentence}


ACTIONS: dict[str, Action[ProbeSettings, Any]] = {
    "probe": without_request(probe),
    "hold": Action(lambda event: (role_in(event), _seconds_in(event)), hold),
    "confirm_outage": Action(lambda event: (role_in(event), event.get("fresh") is True), confirm_outage),
    "check_serving": Action(role_in, check_serving),
    "check_reachable": Action(role_in, check_reachable),
    "check_refusing": Action(role_in, check_refusing),
    "name": without_request(name),
    "certificate": Action(role_in, certificate),
}
handler = Handler(logger, ACTIONS, Context(read(ProbeSettings, os.environ)), log_when_debugging)
