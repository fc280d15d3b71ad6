"""Could we fail over right now? Each check by name, with what to do about a no. Unknown is not ready."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msfailover.decisions import database_path, epochs
from msfailover.decisions.audit import seen_of
from msfailover.decisions.proof_options import ProofOptions, evaluate
from msfailover.pair import PairState, Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes

CLOCKS_MAY_DIFFER_S = 10.0
CERTIFICATE_LEAST_DAYS = 14


@dataclass(frozen=True)
class Check:
    """One check: its name, its answer (yes is good), and what to do where it is not yes.

    Args:
        because: the check that it is not yes because of; mending that one mends this one.
    """

    name: str
    verdict: Verdict
    remedy: str
    because: str = ""

    def to_json(self) -> dict[str, Any]:
        remedy = "" if self.verdict.is_yes or self.because else self.remedy
        return {
            "name": self.name,
            "answer": self.verdict.answer.value,
            "sentence": self.verdict.sentence,
            "remedy": remedy,
            **({"because": self.because} if self.because else {}),
        }


def judge(
    active: Role, state: PairState, answers: Mapping[str, Verdict], people: Verdict, vouched: bool = False
) -> list[Check]:
    """Make the checks of the answers.

    Args:
        active: the active server.
        state: the pair's record as read now.
        answers: to `questions.of_readiness(active)`, each with `answered_at` (seconds since 1970) in its evidence.
        people: is anybody notified?
        vouched: whether the owner says that the path to the database is a direct one.
    """
    ahead = _ahead(active, state, answers, vouched)
    standby = active.other
    hosts = {active: answers["active host"], standby: answers["standby host"]}
    checks = [
        Check("nothing under way", _at_rest(state), "Wait for the change to end, or `failoverctl resume`."),
        Check(
            "active server serves",
            answers["active answers"],
            f"If it is really down, the watchdog acts; else look at the service of {active}.",
        ),
        Check(
            "standby is fit",
            _fit(hosts[standby], answers["standby seen"]),
            f"Start the machine of {standby}, or restart it where it is on and hangs; look at its SSM agent.",
        ),
        Check(
            "machines as configured",
            _machines(active, answers),
            "See docs/deploy.md, machines: update the stack's instance ids and addresses, or lift what is named.",
        ),
        Check("standby is stopped", _stopped(standby, hosts[standby]), f"Stop the service of {standby} on its host."),
        Check("versions equal", _versions(hosts), "Install the same package version on both hosts."),
        Check("autostart off", _autostart(hosts), "`systemctl disable` the service on the host that is named."),
        Check(
            "hosts know their roles",
            _roles(active, state, hosts),
            "Find out who wrote /var/lib/ms-failover/epoch; see docs/operate.md.",
        ),
        Check(
            "hosts can be written", _writable(hosts), "Make room on the host that is named, or mount it to be written."
        ),
        Check("clocks agree", _clocks(hosts), "Let both hosts follow a time server (chrony)."),
        Check("standby's copy fresh", answers["files"], "See docs/operate.md, replication-stale."),
        Check(
            "access as it should be",
            _access(active, state, answers, ahead, vouched),
            "See docs/operate.md, split-brain-risk; the owner's groups must allow neither server.",
        ),
        Check(
            "a fence can be proven",
            ahead.in_words(),
            "See docs/safety.md, the three proofs: at least one has to serve.",
        ),
        Check("sessions as they should be", _sessions(active, answers), "See docs/operate.md, split-brain-risk."),
        Check("database rights", answers["database rights"], "Grant the monitoring role what docs/databases.md lists."),
        Check(
            "record as expected", answers["record"], "Find out who edited the record; `failoverctl switchover` sets it."
        ),
        Check(
            "name resolves", _resolves(answers["record"], answers["resolved"]), "Look at the zone and its name servers."
        ),
        Check("certificate", _certificate(answers["certificate"]), "Renew it on the active server; it is replicated."),
        Check("permissions", _rights(answers), "Update the stack; look for a policy that denies it."),
        Check("notifications", people, "Subscribe somebody to the stack's topic and confirm the subscription."),
    ]
    if "both probes" in answers:
        remedy = "Let both servers answer to the second probe's subnets as to the first one's; see docs/deploy.md."
        checks.append(Check("both probes", answers["both probes"], remedy))
    # That the standby can get in, or is in, never goes with anything else.
    alone = {
        check
        for check, others in (
            ("access as it should be", ("standby access", "owner's groups, active", "owner's groups, standby")),
            ("sessions as they should be", ("standby sessions",)),
        )
        if not all(answers[each].is_no for each in others)
    }
    return _rooted(checks, active, hosts, alone)


def summary(checks: Sequence[Check]) -> Verdict:
    """Ready, or what keeps us from it. One unknown is enough not to be ready."""
    bad = [each for each in checks if not each.verdict.is_yes]
    if not bad:
        return yes(f"Ready: a failover would go ahead; all {len(checks)} checks say yes.")
    roots = [each for each in bad if not each.because]
    names = ", ".join(f"{each.name} ({each.verdict.answer})" for each in roots)
    follow = len(bad) - len(roots)
    more = f"; {follow} more {'follows' if follow == 1 else 'follow'} from that" if follow else ""
    word = no if any(each.verdict.is_no for each in bad) else unknown
    return word(f"Not ready: {names}{more}.")


_TOLD_BY_HOSTS = (
    "standby is stopped", "versions equal", "autostart off", "hosts know their roles", "hosts can be written",
    "clocks agree", "permissions", "both probes",
)  # fmt: skip
"""Checks of what both hosts tell, or are tried on: of one that is silent they can know nothing."""
_OF_A_SERVER_THAT_SERVES = ("certificate", "sessions as they should be")
_OF_A_PAIR_AT_REST = (
    "active server serves", "hosts know their roles", "standby's copy fresh",
    "access as it should be", "sessions as they should be", "record as expected", "name resolves",
)  # fmt: skip
"""What is as it should be only while no change is under way."""


def _rooted(
    checks: Sequence[Check], active: Role, hosts: Mapping[Role, Verdict], alone: Collection[str]
) -> list[Check]:
    """The checks, with those that are not yes only because of another one saying so; causes come first.

    A host that is off makes six checks unknown, whose remedies would all mislead. What was seen to be wrong keeps its
    own remedy: only what is not known follows from silence.
    """
    by_name = {each.name: each for each in checks}
    because: dict[str, str] = {}
    if not by_name["nothing under way"].verdict.is_yes:
        because |= dict.fromkeys(_OF_A_PAIR_AT_REST, "nothing under way")
    for role, root in ((active, "active server serves"), (active.other, "standby is fit")):
        if "service" not in hosts[role].evidence and not by_name[root].verdict.is_yes:
            silent = [
                name for name in _TOLD_BY_HOSTS if name in by_name and by_name[name].verdict.answer is Answer.UNKNOWN
            ]
            because |= dict.fromkeys(silent, because.get(root, root))
    if hosts[active.other].evidence.get("write_error"):
        because["standby is fit"] = "hosts can be written"
    serves, certificate = by_name["active server serves"], by_name["certificate"].verdict
    if not serves.verdict.is_yes:
        # One that shakes hands with a certificate that is not accepted is there, and is not down.
        refused = certificate.is_no and "days_left" not in certificate.evidence
        root = because.get(serves.name, "certificate" if refused else serves.name)
        because |= (
            dict.fromkeys(("active server serves", "sessions as they should be"), root)
            if refused
            else (dict.fromkeys(_OF_A_SERVER_THAT_SERVES, root))
        )
    because = {name: root for name, root in because.items() if name not in alone}
    found = [
        replace(each, because=because[each.name]) if each.name in because and not each.verdict.is_yes else each
        for each in checks
    ]
    causes = {each.because for each in found}
    return sorted(found, key=lambda each: each.name not in causes)


def _at_rest(state: PairState) -> Verdict:
    if state.lease is None:
        return yes("No change of the pair is under way.")
    why = f": {state.halted}" if state.halted else ""
    return no(f"{state.lease.action} to {state.lease.target} holds the lease{why}")


def _machines(active: Role, answers: Mapping[str, Verdict]) -> Verdict:
    """Each instance is its server's machine, with no address that is configured nowhere, and power could prove a fence.

    Outside EC2 there is nothing to be seen.
    """
    for role in Role:
        more = answers["active access" if role is active else "standby access"].evidence.get("unconfigured")
        if isinstance(more, list) and more:
            return no(
                f"EC2 knows {', '.join(map(str, more[:5]))} of {role}, which is configured nowhere: a proof counts"
                " sessions from there, but the audit does not see them as its, and nothing ends them."
            )
    found = [answers[f"machine {role}"] for role in Role]
    bad = [each for each in found if not each.is_yes and not each.evidence.get("outside")]
    if not bad:
        return yes(" ".join(each.sentence for each in found))
    word = no if any(each.is_no for each in bad) else unknown
    return word(" ".join(each.sentence for each in bad))


def _fit(host: Verdict, seen: Verdict) -> Verdict:
    """Its host answers Run Command, and can be reached by the path that a promotion is verified by."""
    return host if not host.is_yes or seen.is_yes else seen


def _stopped(standby: Role, host: Verdict) -> Verdict:
    service = str(host.evidence.get("service", "unknown"))
    word = {"stopped": yes, "running": no}.get(service, unknown)
    return word(f"The service of {standby} is {service}.")


def _versions(hosts: Mapping[Role, Verdict]) -> Verdict:
    versions = {role: str(host.evidence.get("version", "unknown")) for role, host in hosts.items()}
    told = ", ".join(f"{role} has {version}" for role, version in sorted(versions.items()))
    if "unknown" in versions.values():
        return unknown(f"Not both versions are known: {told}.")
    return (yes if len(set(versions.values())) == 1 else no)(f"{told}.")


def _autostart(hosts: Mapping[Role, Verdict]) -> Verdict:
    found = {role: str(host.evidence.get("autostart", "unknown")) for role, host in hosts.items()}
    told = ", ".join(f"{role}: {setting}" for role, setting in sorted(found.items()))
    word = no if "on" in found.values() else unknown if set(found.values()) != {"off"} else yes
    return word(f"Autostart of the service: {told}.")


def _writable(hosts: Mapping[Role, Verdict]) -> Verdict:
    """Where a start and a replication write: tried by each host, by writing."""
    found = {role: host.evidence.get("write_error") for role, host in hosts.items()}
    silent = [role for role, trouble in sorted(found.items()) if not isinstance(trouble, str)]
    bad = ", ".join(f"{role}: {trouble}" for role, trouble in sorted(found.items()) if trouble)
    if bad:
        return no(f"Can't be written: {bad}.")
    if silent:
        return unknown(f"Whether {' and '.join(silent)} can be written is not known.")
    return yes("Both hosts wrote a file where a start and a copy write.")


def _roles(active: Role, state: PairState, hosts: Mapping[Role, Verdict]) -> Verdict:
    found = {
        role: (str(host.evidence.get("role", "unknown")), host.evidence.get("epoch")) for role, host in hosts.items()
    }
    told = ", ".join(f"{role} says {role_there}, epoch {epoch}" for role, (role_there, epoch) in sorted(found.items()))
    ahead = [epochs.ahead(role, epoch, state.epoch) for role, (_, epoch) in sorted(found.items())]
    for each in (*ahead, epochs.used_up(state.epoch)):
        if each is not None:
            return no(f"{told}; {each.sentence}")
    if found[active] == ("active", state.epoch) and found[active.other][0] == "standby":
        return yes(f"{told}.")
    word = unknown if "unknown" in {each for each, _ in found.values()} else no
    return word(f"{told}; the record says {active} is active in epoch {state.epoch}.")


def _clocks(hosts: Mapping[Role, Verdict]) -> Verdict:
    """Each host's clock against ours when its answer came; an answer takes a second or two, which is allowed for."""
    off: dict[Role, float] = {}
    for role, host in hosts.items():
        clock, ours = host.evidence.get("clock"), host.evidence.get("answered_at")
        if not isinstance(clock, int | float) or not isinstance(ours, int | float):
            return unknown(f"{role} did not say its clock.")
        off[role] = clock - ours
    told = ", ".join(f"{role} {seconds:+.1f} s" for role, seconds in sorted(off.items()))
    good = all(abs(seconds) <= CLOCKS_MAY_DIFFER_S for seconds in off.values())
    return (yes if good else no)(f"Against this function's clock: {told}; {CLOCKS_MAY_DIFFER_S:g} s are allowed.")


def _ahead(active: Role, state: PairState, answers: Mapping[str, Verdict], vouched: bool) -> ProofOptions:
    names = {
        "cut": "network",
        "rights": "right to the access group",
        "owners": "owner's groups, active",
        "list": "database rights",
        "addresses": "active sessions",
        "machine": f"machine {active}",
        "power": f"right to {active}",
    }
    return evaluate(answers, names, database_path.is_direct(state, vouched), database_path.list_is_believed(state))


def _access(
    active: Role, state: PairState, answers: Mapping[str, Verdict], ahead: ProofOptions, vouched: bool
) -> Verdict:
    """The access group is for the active server alone. An owner's rule matters only where the network would not stand
    before it; and where there are network ACLs, they deny the standby already."""
    standby = seen_of(state, answers["standby access"], answers["standby sessions"], vouched)
    opened = seen_of(state, answers["active access"], answers["active sessions"], vouched)
    found = [(opened.access, Answer.YES), *((each, Answer.NO) for each in (standby.access,) if not standby.is_cut)]
    if standby.network is not None:
        found.append((standby.network, Answer.YES))
    if not ahead.network.is_yes:
        found += [(answers[f"owner's groups, {each}"], Answer.NO) for each in ("active", "standby")]
    return _as_wanted("The access group allows {active} and nobody else of the pair.", active, found)


def _sessions(active: Role, answers: Mapping[str, Verdict]) -> Verdict:
    return _as_wanted(
        "{active} has its sessions on the database, and the other server none.",
        active,
        ((answers["active sessions"], Answer.YES), (answers["standby sessions"], Answer.NO)),
    )


def _as_wanted(good: str, active: Role, found: Sequence[tuple[Verdict, Answer]]) -> Verdict:
    wrong = [each for each, wanted in found if each.answer is not wanted]
    if not wrong:
        return yes(good.format(active=active))
    word = no if any(each.answer is not Answer.UNKNOWN for each in wrong) else unknown
    return word(" ".join(each.sentence for each in wrong))


def _resolves(record: Verdict, resolved: Verdict) -> Verdict:
    if not resolved.is_yes:
        return resolved
    wanted, found = set(record.evidence.get("values", ())), set(resolved.evidence.get("addresses", ()))
    return (yes if wanted and wanted == found else no)(f"Asked of the name servers: {resolved.sentence}")


def _certificate(found: Verdict) -> Verdict:
    days = found.evidence.get("days_left")
    if not found.is_yes or not isinstance(days, int | float):
        return found
    return found if days >= CERTIFICATE_LEAST_DAYS else no(f"{found.sentence} That is in {days:.0f} days.")


def _rights(answers: Mapping[str, Verdict]) -> Verdict:
    rights = [each for name, each in answers.items() if name.startswith("right to")]
    return _as_wanted(
        "Every call that a failover makes was tried dry, and allowed.",
        Role.MS1,
        [(each, Answer.YES) for each in rights],
    )
