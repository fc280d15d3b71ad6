"""What would an execution do now, and why? Judged from answers of everything that reads; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping

from msfailover.decisions import database_path, epochs
from msfailover.decisions.admission import Plan
from msfailover.decisions.adoption import Survey, who_is_active
from msfailover.decisions.proof_options import ProofOptions, evaluate
from msfailover.history import Outcome
from msfailover.pair import FencedBy, Role
from msfailover.questions import Question
from msfailover.request import Action
from msfailover.verdict import Answer, Verdict, no, yes


def questions(plan: Plan) -> dict[str, Question]:
    """What has to be asked for the dry run of a plan, by a name for each."""
    source, target = plan.source, plan.target
    asked = {
        "access": Question("access", "rights", target),
        f"owners {source}": Question("access", "foreign", source),
        f"network {source}": Question("access", "could_cut", source),
        "addresses": Question("sessions", "addresses", source),
        "sessions": Question("sessions", "rights"),
        "name": Question("dns", "rights"),
    }
    if plan.survey:
        for role in Role:  # which of the two is to be out is not known yet
            asked |= {f"owners {role}": Question("access", "foreign", role)}
            asked |= {f"network {role}": Question("access", "could_cut", role)}
            asked |= {f"runs {role}": Question("server", "runs", role)}
            asked |= {f"sessions {role}": Question("sessions", "status", role)}
            asked |= {f"seen {role}": Question("probe", "check_reachable", role)}
        return asked
    asked["standby seen"] = Question("probe", "check_reachable", target)
    asked["standby"] = Question("server", "check_standby", target)
    if plan.confirm:
        asked["outage"] = Question("probe", "confirm_outage", source)
    if plan.graceful:
        asked["active host"] = Question("server", "runs", source)
        asked["files"] = Question("replicate", "rights")
    if plan.may_power_off:
        asked["power"] = Question("server", "rights", source)
        asked["machine"] = Question("server", "machine", source)
    return asked


def predict(
    plan: Plan,
    answers: Mapping[str, Verdict],
    direct: Verdict,
    believed: Verdict,
    named: Role | None = None,
    restart_first: bool = False,
) -> tuple[Outcome, str]:
    """Judge how the plan would end.

    Args:
        plan: as admitted.
        answers: to `questions(plan)`.
        direct, believed: is the path a direct one, and has the list been seen to work (decisions/database_path.py)?
        named: the server that an adoption named.
        restart_first: whether a failover first tries to restart the service in place.

    Returns:
        the outcome, and why in one sentence.
    """
    if plan.survey:
        return _adoption(plan, answers, direct, named)
    stopped = Outcome.HALTED if plan.action is Action.RESUME else Outcome.BLOCKED
    outage = answers.get("outage")
    if outage is not None and not outage.is_yes:
        return (Outcome.STOOD_DOWN if outage.is_no else stopped), outage.sentence
    for name in ("standby seen", "standby", "files"):
        if name in answers and not answers[name].is_yes:
            return stopped, answers[name].sentence
    host = answers.get("active host")
    refuses = epochs.ahead(plan.source, host.evidence.get("epoch"), plan.epoch - 1) if host is not None else None
    if refuses is not None:
        return stopped, refuses.sentence
    if host is not None and host.answer is Answer.UNKNOWN:  # stopped already is as good as running
        return stopped, f"{plan.source} could not be stopped cleanly, nor its files carried: {host.sentence}"
    ahead = _options(plan, answers, direct, believed)
    if ahead.first is None:
        bad_end = Outcome.ROLLED_BACK if plan.graceful else Outcome.HALTED
        return bad_end, f"The fence of {plan.source} could not be proven. {ahead.in_words().sentence}"
    by = {
        FencedBy.NETWORK: "by the network: no packet of it reaches the database",
        FencedBy.DATABASE: "by the database: its access revoked, its sessions ended",
        FencedBy.POWER: f"by power, since the database can't: {ahead.database.sentence}",
    }[ahead.first]
    if not answers["name"].is_yes:
        return (Outcome.ROLLED_BACK if plan.graceful else Outcome.HALTED), answers["name"].sentence
    first = f"{outage.sentence} " if outage is not None else ""
    if restart_first and plan.action is Action.FAILOVER:
        first += (
            f"The service of {plan.source} would be restarted in place, where that is safe; if that does not help: "
        )
    how = "stopped cleanly, its last files carried, then fenced" if plan.graceful else "fenced"
    return Outcome.PROMOTED, (
        f"{first}{plan.source} would be {how} ({by}), and {plan.target} started, in epoch {plan.epoch}."
    )


def _options(
    plan: Plan, answers: Mapping[str, Verdict], direct: Verdict, believed: Verdict, fenced: Role | None = None
) -> ProofOptions:
    fenced = fenced or plan.source
    names = {"cut": f"network {fenced}", "rights": "access", "owners": f"owners {fenced}", "list": "sessions"}
    names["addresses"] = "addresses"
    if plan.may_power_off:
        names |= {"machine": "machine", "power": "power"}
    return evaluate(answers, names, direct, believed)


def _adoption(plan: Plan, answers: Mapping[str, Verdict], direct: Verdict, named: Role | None) -> tuple[Outcome, str]:
    surveys = {role: Survey(answers[f"runs {role}"], answers[f"sessions {role}"]) for role in Role}
    verdict, active = who_is_active(surveys[Role.MS1], surveys[Role.MS2], named)
    if active is None:
        return Outcome.REFUSED, verdict.sentence
    # The survey itself shows whether the list, and the path, are to be relied on.
    seen = database_path.seen_by(surveys[active].sessions)
    believed = yes("It has.") if seen else no(surveys[active].sessions.sentence)
    direct = yes("It is.") if seen == database_path.BY_ADDRESS else direct
    ahead = _options(plan, answers, direct, believed, active.other)
    off = surveys[active.other].runs.evidence.get("off") is True  # never switched off by it, but off already
    if ahead.first is None and not off:
        told = ahead.in_words().sentence
        return Outcome.HALTED, f"{verdict.sentence} The fence of {active.other} could not be proven. {told}"
    if trouble := surveys[active].runs.evidence.get("write_error"):
        return Outcome.HALTED, f"{verdict.sentence} Its host can't write what a start writes: {trouble}."
    if not answers["name"].is_yes:
        return Outcome.HALTED, f"{verdict.sentence} {answers['name'].sentence}"
    seen_from = answers[f"seen {active}"]
    if not seen_from.is_yes:
        return Outcome.HALTED, f"{verdict.sentence} It could not be verified that it serves. {seen_from.sentence}"
    return Outcome.PROMOTED, f"{verdict.sentence} It would be adopted as the active server."
