"""`probe`: probes the servers from inside their network. Calls no AWS API.

Actions: probe (both servers at once, raw signals), hold (does a connection to the active server end before the next
probe is due?), confirm_outage (is the active one really down? more than one probe), check_serving (does a server's
administration interface answer?), check_reachable (does anything of its host come back?), check_refusing (does nothing
listen on its ports?), name (where does the DNS record point?), certificate (is it good, and until when?).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from msfailover.adapters import admin_interface
from msfailover.adapters.held_connection import HeldConnection
from msfailover.decisions.detection import Diagnosis, Observation, confirmed, diagnose
from msfailover.observations import Signal
from msfailover.pair import Role, Server
from msfailover.request import BadRequest, role_in
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.settings import ProbeSettings
from msfailover.verdict import Answer, Verdict, no, unknown, yes

SETTINGS = read(ProbeSettings, os.environ)
logger = observability.logger_for("probe")

BETWEEN_PROBES_S = 0.3
"""Seconds from the beginning of one probe to the beginning of the next, when an outage is confirmed."""
FRESH_SHARE = 0.4
"""The share of its usual time a server has to answer a probe that only repeats what was seen this moment."""
HOLD_AT_MOST_S = 20
SILENCE = (Signal.SILENT, Signal.UNREACHABLE)
Ask = Callable[[Server, float], admin_interface.Sighting]


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observability.begin(logger, event)
    action = event.get("action")
    answer: dict[str, Any]
    if action == "probe":
        found = probe_both()
        answer = {role.value: _as_json(observation) for role, observation in found.items()}
        answer["evidence"] = {"cut_off": not any(each.host_is_there for each in found.values())}
    elif action == "hold":
        answer = {"ended": _held(role_in(event)).ends_within(_seconds_in(event))}
    elif action == "confirm_outage":
        answer = confirm_outage(role_in(event), event.get("fresh") is True).to_json()
    elif action == "check_serving":
        answer = check_serving(SETTINGS.pair.server(role_in(event))).to_json()
    elif action == "check_reachable":
        answer = check_reachable(SETTINGS.pair.server(role_in(event))).to_json()
    elif action == "check_refusing":
        answer = check_refusing(SETTINGS.pair.server(role_in(event))).to_json()
    elif action == "name":
        answer = name().to_json()
    elif action == "certificate":
        answer = certificate(SETTINGS.pair.server(role_in(event))).to_json()
    else:
        known = "probe, hold, confirm_outage, check_serving, check_reachable, check_refusing, name, certificate"
        raise BadRequest(f"action is {str(action)[:40]!r}, but one of {known} is needed.")
    logger.debug("answered", extra={"asked": action, "answer": answer})
    return answer


def probe_both(timeout_s: float = SETTINGS.timeout_s) -> dict[Role, Observation]:
    """Probe both ports of both servers, all at once: four questions take as long as the slowest."""
    with ThreadPoolExecutor(max_workers=4) as threads:
        admin = {role: threads.submit(_admin, SETTINGS.pair.server(role), timeout_s) for role in Role}
        ports = {role: threads.submit(_port, SETTINGS.pair.server(role), timeout_s) for role in Role}
        return {
            role: Observation(admin[role].result().signal, ports[role].result().signal, admin[role].result().sentence)
            for role in Role
        }


def confirm_outage(active: Role, fresh: bool = False) -> Verdict:
    """Is the active server down? Yes only if every probe says so; one answer is enough for a no.

    Args:
        active: the server.
        fresh: whoever asks has counted its failures up to this moment, with the whole time for each answer. Then one
            short probe is enough: it is there for a server that came back in between. Otherwise two probes are taken,
            the second of them begun before the first has to end.
    """
    if fresh:
        found = [_diagnosed(active, SETTINGS.timeout_s * FRESH_SHARE)]
    else:
        with ThreadPoolExecutor(max_workers=2) as threads:
            first = threads.submit(_diagnosed, active, SETTINGS.timeout_s)
            time.sleep(BETWEEN_PROBES_S)
            found = [threads.submit(_diagnosed, active, SETTINGS.timeout_s).result(), first.result()]
    outage = confirmed(found)
    return outage.having(cut_off=outage.answer is Answer.UNKNOWN)


def _diagnosed(active: Role, timeout_s: float) -> Diagnosis:
    found = probe_both(timeout_s)
    return diagnose(active, found[active], found[active.other])


def check_serving(server: Server) -> Verdict:
    """Does the server's administration interface answer? Unknown where nothing at all comes back to here."""
    seen = _admin(server, SETTINGS.timeout_s)
    sentence = f"The administration interface of {server.role}: {seen.sentence}."
    if seen.signal is Signal.ANSWERS:
        return yes(sentence)
    other = SETTINGS.pair.server(server.role.other)
    if seen.signal in SILENCE and _all_silent((_port, server), (_admin, other), (_port, other)):
        return unknown(f"{sentence} Neither server's host answers: it may be this probe that is cut off.", cut_off=True)
    return no(sentence)


def check_reachable(server: Server) -> Verdict:
    """Does anything of the server's host come back to here, where a promotion will be verified from?

    A refusal is a sign of life: the host is there, and nothing listens. Silence is unknown, not no (I3).
    """
    if not _all_silent((_admin, server), (_port, server)):
        return yes(f"{server.role} can be reached from the functions in the network.")
    # Not side by side: the answer of a server that is there is not to wait for one that is not.
    other = SETTINGS.pair.server(server.role.other)
    return unknown(
        f"Nothing of {server.role} comes back to the functions in the network: no answer within"
        f" {SETTINGS.timeout_s:g} s.",
        silent=True,
        cut_off=_all_silent((_admin, other), (_port, other)),
    )


def check_refusing(server: Server) -> Verdict:
    """Does nothing listen on the server's two ports? Only two refusals say so; silence says nothing."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        asked = [threads.submit(ask, server, SETTINGS.timeout_s) for ask in (_admin, _port)]
        signals = [each.result().signal for each in asked]
    sentence = f"The ports of {server.role}: {' and '.join(signals)}."
    if all(each is Signal.REFUSED for each in signals):
        return yes(sentence)
    return unknown(sentence) if all(each in SILENCE for each in signals) else no(sentence)


def _all_silent(*asked: tuple[Ask, Server]) -> bool:
    """Whether nothing comes back from any of these ports, asked side by side."""
    with ThreadPoolExecutor(max_workers=len(asked)) as threads:
        signals = [threads.submit(ask, server, SETTINGS.timeout_s) for ask, server in asked]
        return all(each.result().signal in SILENCE for each in signals)


def name() -> Verdict:
    """Where does the name point, as its name servers say?"""
    from msfailover.adapters import dns_resolver  # dnspython takes 90 ms to import; a probe does without it

    record_type = SETTINGS.pair.ms1.record_type  # both servers' first addresses are of one family (environment.py)
    return dns_resolver.resolve(SETTINGS.record_name, record_type, SETTINGS.resolvers, SETTINGS.timeout_s)


def certificate(server: Server) -> Verdict:
    """Is the administration interface's certificate good, and until when? `days_left` in the evidence."""
    return admin_interface.certificate(
        server.address, SETTINGS.admin_port, SETTINGS.admin_name, SETTINGS.admin_ca, SETTINGS.timeout_s
    )


def _admin(server: Server, timeout_s: float) -> admin_interface.Sighting:
    return admin_interface.ask_admin(
        server.address,
        SETTINGS.admin_port,
        SETTINGS.admin_path,
        SETTINGS.admin_name,
        SETTINGS.admin_ca,
        timeout_s,
        SETTINGS.admin_expected_text,
    )


def _port(server: Server, timeout_s: float) -> admin_interface.Sighting:
    return admin_interface.ask_port(server.address, SETTINGS.management_port, timeout_s)


@cache
def _held(role: Role) -> HeldConnection:
    """The connection that is held to a server's management port, where agents keep theirs too."""
    return HeldConnection(SETTINGS.pair.server(role).address, SETTINGS.management_port, SETTINGS.timeout_s)


def _seconds_in(event: Mapping[str, Any]) -> float:
    seconds = event.get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= HOLD_AT_MOST_S:
        raise BadRequest(f"seconds is {str(seconds)[:20]!r}, but a number up to {HOLD_AT_MOST_S} is needed.")
    return float(seconds)


def _as_json(observation: Observation) -> dict[str, str]:
    return {"admin": observation.admin.value, "port": observation.port.value, "sentence": observation.sentence}
