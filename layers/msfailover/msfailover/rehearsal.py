"""What would an execution do now, and why? Judged from answers of everything that reads; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msfailover.admission import Plan
from msfailover.adoption import Survey, who_is_active
from msfailover.history import Outcome
from msfailover.pair import Role
from msfailover.request import Action
from msfailover.verdict import Answer, Verdict


@dataclass(frozen=True)
class Question:
    """A question to a function of the stack: `function` is a word for it, not its name; `more` goes with it."""

    function: str
    action: str
    server: Role | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        server = {"server": self.server.value} if self.server else {}
        return {"action": self.action, **server, **self.more}


def questions(plan: Plan) -> dict[str, Question]:
    """What has to be asked to rehearse a plan, by a name for each."""
    source, target = plan.source, plan.target
    asked = {
        "door": Question("access", "rights", target),
        f"owners {source}": Question("access", "foreign", source),
        "sessions": Question("sessions", "rights"),
        "name": Question("dns", "rights"),
    }
    if plan.survey:
        for role in Role:  # which of the two is to be out is not known yet
            asked |= {f"owners {role}": Question("access", "foreign", role)}
            asked |= {f"runs {role}": Question("server", "runs", role)}
            asked |= {f"sessions {role}": Question("sessions", "status", role)}
        return asked
    asked["standby"] = Question("server", "fit", target)
    if plan.confirm:
        asked["outage"] = Question("probe", "confirm", source)
    if plan.graceful:
        asked["active host"] = Question("server", "runs", source)
        asked["files"] = Question("replicate", "rights")
    if plan.may_power_off:
        asked["power"] = Question("server", "rights", source)
        asked["machine"] = Question("server", "machine", source)
    return asked


def rehearse(
    plan: Plan, answers: Mapping[str, Verdict], named: Role | None = None, restart_first: bool = False
) -> tuple[Outcome, str]:
    """Judge how the plan would end.

    Args:
        plan: as admitted.
        answers: to `questions(plan)`.
        named: the server that an adoption named.
        restart_first: whether a failover first tries to restart the service in place.

    Returns:
        the outcome, and why in one sentence.
    """
    if plan.survey:
        return _adoption(answers, named)
    stopped = Outcome.HALTED if plan.action is Action.RESUME else Outcome.BLOCKED
    outage = answers.get("outage")
    if outage is not None and not outage.is_yes:
        return (Outcome.STOOD_DOWN if outage.is_no else stopped), outage.sentence
    for name in ("standby", "files"):
        if name in answers and not answers[name].is_yes:
            return stopped, answers[name].sentence
    host = answers.get("active host")
    if host is not None and host.answer is Answer.UNKNOWN:  # stopped already is as good as running
        return stopped, f"{plan.source} could not be stopped cleanly, nor its files carried: {host.sentence}"
    doubt = _fence_doubt(answers, plan.source)
    power = next((answers[each] for each in ("machine", "power") if each in answers and not answers[each].is_yes), None)
    power = power or answers.get("power")
    by = "by the database: its door shut, its sessions ended"
    if doubt is not None:
        if power is None or not power.is_yes:
            bad_end = Outcome.ROLLED_BACK if plan.graceful else Outcome.HALTED
            why = f" By power neither: {power.sentence}" if power is not None else ""
            return bad_end, f"The fence of {plan.source} could not be proven: {doubt.sentence}{why}"
        by = f"by power, since the database can't: {doubt.sentence}"
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


def _fence_doubt(answers: Mapping[str, Verdict], fenced: Role) -> Verdict | None:
    """What keeps the database from proving the fence of a server; None where nothing does."""
    for name in ("door", "sessions"):
        if not answers[name].is_yes:
            return answers[name]
    owners = answers[f"owners {fenced}"]
    return None if owners.is_no else owners


def _adoption(answers: Mapping[str, Verdict], named: Role | None) -> tuple[Outcome, str]:
    surveys = {role: Survey(answers[f"runs {role}"], answers[f"sessions {role}"]) for role in Role}
    verdict, active = who_is_active(surveys[Role.MS1], surveys[Role.MS2], named)
    if active is None:
        return Outcome.REFUSED, verdict.sentence
    doubt = _fence_doubt(answers, active.other)
    if doubt is not None:
        return Outcome.HALTED, f"{verdict.sentence} The fence of {active.other} could not be proven: {doubt.sentence}"
    return Outcome.PROMOTED, f"{verdict.sentence} It would be taken into care as the active server."
