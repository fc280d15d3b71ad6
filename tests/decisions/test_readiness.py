"""Each check of readiness: what makes it yes, no and unknown, its sentence, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest
from msfailover.decisions import epochs
from msfailover.decisions.readiness import Check, judge, summary
from msfailover.pair import PairState, Role
from msfailover.questions import of_readiness
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.samples import NOW, lease, state

READS = {
    *("check_reachable", "runs", "check_standby", "rights", "machine", "foreign", "could_cut"),
    *("status", "check_serving", "certificate", "name"),
}
AT = "10.0.0.30"


def host(role: Role, /, **seen: Any) -> Verdict:
    """What a host tells of itself; its clock is ours but for `clock_off`."""
    is_active = role is Role.MS1
    about = {
        "service": "running" if is_active else "stopped",
        "autostart": "off",
        "version": "6.6.9-1",
        "role": "active" if is_active else "standby",
        "epoch": 1,
        "write_error": "",
        "clock": NOW + seen.pop("clock_off", 0.4),
        "answered_at": NOW,
    }
    return yes(f"{role} answers.", **{**about, **seen})


def answers(**changed: Verdict) -> dict[str, Verdict]:
    """Answers of a pair that is well, ms1 active; names as in `questions`, blanks as underscores."""
    found = {name: yes(f"{name}: well.") for name in of_readiness(Role.MS1)}
    for name in ("standby access", "owner's groups, active", "owner's groups, standby", "standby sessions"):
        found[name] = no(f"{name}: none.", guarded=[AT], database_addresses=[AT])
    found["active access"] = yes("active access: open.", guarded=[AT])
    found["active sessions"] = yes("active sessions: some.", database_addresses=[AT])
    found["network"] = yes("ms1 could be cut off.", guarded=[AT])
    found["active host"], found["standby host"] = host(Role.MS1), host(Role.MS2)
    found["certificate"] = yes("It is good until 2027.", days_left=300)
    found["record"] = yes("It points to 10.0.0.11.", values=["10.0.0.11"])
    found["resolved"] = yes("It resolves to 10.0.0.11.", addresses=["10.0.0.11"])
    where = {"guarded": [AT], "database_addresses": [AT]}
    more = {name.replace("_", " "): each for name, each in changed.items()}
    return found | {name: each.having(**{**where, **each.evidence}) for name, each in more.items()}


def checks(
    found: dict[str, Verdict], record: PairState | None = None, people: Verdict | None = None
) -> dict[str, Check]:
    judged = judge(Role.MS1, record or state(), found, people or yes("1 confirmed subscription."))
    return {each.name: each for each in judged}


def bad(found: dict[str, Verdict], **more: Any) -> dict[str, Answer]:
    """The checks that are not yes, by name."""
    return {name: each.verdict.answer for name, each in checks(found, **more).items() if not each.verdict.is_yes}


def test_only_what_reads_is_asked_for_and_every_function_of_the_workflow_is_kept_warm() -> None:
    asked = of_readiness(Role.MS1).values()
    assert {each.action for each in asked} <= READS
    assert {each.function for each in asked} == {"server", "probe", "access", "sessions", "dns", "replicate", "watch"}


@pytest.mark.parametrize("active", list(Role))
def test_both_servers_rights_are_tried_whoever_is_active(active: Role) -> None:
    asked = of_readiness(active)
    rights = {each.server for each in asked.values() if (each.function, each.action) == ("server", "rights")}
    assert rights == set(Role)
    assert (asked["active host"].server, asked["standby host"].server) == (active, active.other)


def test_a_pair_that_is_well_is_ready() -> None:
    found = checks(answers())
    assert bad(answers()) == {}
    assert summary(list(found.values())) == yes(f"Ready: a failover would go ahead; all {len(found)} checks say yes.")
    assert all(each.to_json()["remedy"] == "" for each in found.values())


def test_a_pair_in_an_epoch_above_which_no_change_begins_is_not_ready() -> None:
    for epoch, named in ((epochs.LAST_TO_REST_IN, False), (epochs.LAST_TO_REST_IN + 1, True)):
        hosts = {"active_host": host(Role.MS1, epoch=epoch), "standby_host": host(Role.MS2, epoch=epoch)}
        found = bad(answers(**hosts), record=state(epoch=epoch, path_seen_epoch=epoch, second_probe_epoch=epoch))
        assert ("hosts know their roles" in found) is named


def test_a_server_outside_ec2_keeps_the_pair_ready_and_its_power_unseen_is_said() -> None:
    found = checks(answers(machine_ms2=unknown("ms2 is no EC2 instance.", outside=True)))["machines as configured"]
    assert found.verdict.is_yes
    assert "ms2 is no EC2 instance." in found.verdict.sentence


CASES: list[tuple[str, dict[str, Verdict], Answer, str]] = [
    ("hosts can be written", {"active_host": host(Role.MS1, write_error="disk full below /x")}, Answer.NO, "/x"),
    ("hosts can be written", {"standby_host": host(Role.MS2, write_error=None)}, Answer.UNKNOWN, "ms2"),
    ("active server serves", {"active_answers": no("It hangs.")}, Answer.NO, "It hangs."),
    ("active server serves", {"active_answers": unknown("Not asked.")}, Answer.UNKNOWN, "Not asked."),
    ("machines as configured", {"machine_ms1": no("eni-9 has its address.")}, Answer.NO, "eni-9 has its address."),
    ("machines as configured", {"machine_ms2": unknown("EC2 is silent.")}, Answer.UNKNOWN, "EC2 is silent."),
    (
        "machines as configured",
        {"standby_access": no("ms2 can't get in.", unconfigured=["10.0.3.16/28"])},
        Answer.NO,
        "EC2 knows 10.0.3.16/28 of ms2",
    ),
    ("standby is stopped", {"standby_host": host(Role.MS2, service="running")}, Answer.NO, "is running"),
    ("standby is stopped", {"standby_host": host(Role.MS2, service="unknown")}, Answer.UNKNOWN, "is unknown"),
    ("versions equal", {"standby_host": host(Role.MS2, version="6.7.0-1")}, Answer.NO, "ms2 has 6.7.0-1"),
    ("versions equal", {"standby_host": host(Role.MS2, version="unknown")}, Answer.UNKNOWN, "Not both"),
    ("autostart off", {"active_host": host(Role.MS1, autostart="on")}, Answer.NO, "ms1: on, ms2: off"),
    ("autostart off", {"standby_host": host(Role.MS2, autostart="on")}, Answer.NO, "ms1: off, ms2: on"),
    ("autostart off", {"standby_host": host(Role.MS2, autostart="unknown")}, Answer.UNKNOWN, "ms2: unknown"),
    ("hosts know their roles", {"standby_host": host(Role.MS2, role="active")}, Answer.NO, "ms2 says active"),
    ("hosts know their roles", {"active_host": host(Role.MS1, epoch=7)}, Answer.NO, "ms1 says active, epoch 7"),
    ("hosts know their roles", {"standby_host": host(Role.MS2, role="unknown")}, Answer.UNKNOWN, "ms2 says unknown"),
    ("clocks agree", {"standby_host": host(Role.MS2, clock_off=-30)}, Answer.NO, "ms2 -30.0 s; 10 s are allowed"),
    ("clocks agree", {"active_host": host(Role.MS1, clock_off=12)}, Answer.NO, "ms1 +12.0 s"),
    ("clocks agree", {"active_host": host(Role.MS1, clock=None)}, Answer.UNKNOWN, "ms1 did not say its clock."),
    ("standby's copy fresh", {"files": no("It is a week old.")}, Answer.NO, "It is a week old."),
    ("standby's copy fresh", {"files": unknown("No whole set yet.")}, Answer.UNKNOWN, "No whole set yet."),
    ("access as it should be", {"active_access": no("ms1 can't get in.")}, Answer.NO, "ms1 can't get in."),
    ("access as it should be", {"standby_access": yes("ms2 can get in.")}, Answer.NO, "ms2 can get in."),
    ("access as it should be", {"standby_access": unknown("EC2 is silent.")}, Answer.UNKNOWN, "EC2 is silent."),
    (
        "access as it should be",
        {"standby_access": no("Revoked.", network={"answer": "no", "sentence": "ms2 is not cut off."})},
        Answer.NO,
        "ms2 is not cut off.",
    ),
    (
        "access as it should be",
        {"owner's_groups,_active": yes("sg-1 allows ms1."), "network": unknown("There is no ACL.")},
        Answer.NO,
        "sg-1 allows ms1.",
    ),
    (
        "access as it should be",
        {"owner's_groups,_standby": yes("sg-1 allows ms2."), "network": unknown("There is no ACL.")},
        Answer.NO,
        "sg-1 allows ms2.",
    ),
    ("sessions as they should be", {"active_sessions": no("ms1 has none.")}, Answer.NO, "ms1 has none."),
    ("sessions as they should be", {"standby_sessions": yes("ms2 has 1.")}, Answer.NO, "ms2 has 1."),
    ("sessions as they should be", {"standby_sessions": unknown("Hidden.")}, Answer.UNKNOWN, "Hidden."),
    ("database rights", {"database_rights": no("It may not see.")}, Answer.NO, "It may not see."),
    ("database rights", {"database_rights": unknown("It is silent.")}, Answer.UNKNOWN, "It is silent."),
    ("certificate", {"certificate": no("It has expired.")}, Answer.NO, "It has expired."),
    ("certificate", {"certificate": unknown("Nobody answers.")}, Answer.UNKNOWN, "Nobody answers."),
    ("certificate", {"certificate": yes("Good until Monday.", days_left=3)}, Answer.NO, "That is in 3 days."),
    ("permissions", {"right_to_the_access_group": no("Denied.")}, Answer.NO, "Denied."),
    ("permissions", {"right_to_the_name": no("Denied.")}, Answer.NO, "Denied."),
    ("permissions", {"right_to_ms1": no("Denied.")}, Answer.NO, "Denied."),
    ("permissions", {"right_to_ms2": unknown("Throttled.")}, Answer.UNKNOWN, "Throttled."),
    ("permissions", {"right_to_replicate": no("Denied.")}, Answer.NO, "Denied."),
    ("permissions", {"right_to_start_a_failover": no("Denied.")}, Answer.NO, "Denied."),
    ("name resolves", {"resolved": no("It does not resolve.")}, Answer.NO, "It does not resolve."),
    ("name resolves", {"resolved": unknown("No server answers.")}, Answer.UNKNOWN, "No server answers."),
    ("name resolves", {"resolved": yes("To another.", addresses=["10.0.0.99"])}, Answer.NO, "To another."),
]


@pytest.mark.parametrize(("name", "changed", "answer", "words"), CASES)
def test_each_check_alone_says_what_is_wrong_and_what_to_do(
    name: str, changed: dict[str, Verdict], answer: Answer, words: str
) -> None:
    found = answers(**changed)
    assert bad(found) == {name: answer}
    told = checks(found)[name].to_json()
    assert words in told["sentence"]
    assert told["answer"] == answer.value
    assert len(told["remedy"]) > 10
    verdict = summary(list(checks(found).values()))
    assert verdict.answer is answer
    assert verdict.sentence == f"Not ready: {name} ({answer})."


def test_a_record_that_was_edited_is_named_and_where_it_leads_too() -> None:
    found = answers(record=no("It points to 10.0.0.99.", values=["10.0.0.99"]))
    assert bad(found) == {"record as expected": Answer.NO, "name resolves": Answer.NO}


def test_a_record_with_another_ttl_is_named_alone() -> None:
    found = answers(record=no("It has a TTL of 3600 s.", values=["10.0.0.11"]))
    assert bad(found) == {"record as expected": Answer.NO}


def test_a_standby_whose_host_is_gone_leaves_unknown_what_only_it_could_tell() -> None:
    assert bad(answers(standby_host=no("ms2 is not fit: it is stopped."))) == {
        "standby is fit": Answer.NO,
        "standby is stopped": Answer.UNKNOWN,
        "versions equal": Answer.UNKNOWN,
        "autostart off": Answer.UNKNOWN,
        "hosts know their roles": Answer.UNKNOWN,
        "clocks agree": Answer.UNKNOWN,
        "hosts can be written": Answer.UNKNOWN,
    }


def test_a_change_under_way_or_halted_is_not_ready_and_says_why() -> None:
    record = state(lease=lease(), halted="ms2 did not start.")
    assert bad(answers(), record=record) == {"nothing under way": Answer.NO}
    sentence = checks(answers(), record=record)["nothing under way"].verdict.sentence
    assert sentence == "failover to ms2 holds the lease: ms2 did not start."


@pytest.mark.parametrize(("people", "answer"), [(no("0 subscriptions."), Answer.NO), (unknown("?"), Answer.UNKNOWN)])
def test_a_topic_with_nobody_behind_it_is_not_ready(people: Verdict, answer: Answer) -> None:
    assert bad(answers(), people=people) == {"notifications": answer}


def test_one_no_among_unknowns_makes_the_whole_a_no() -> None:
    found = answers(database_rights=unknown("Silent."), files=no("Old."))
    assert summary(list(checks(found).values())).answer is Answer.NO


SILENT = unknown("SSM does not know ms2 (i-2).")


def test_a_host_that_is_off_is_one_cause_and_what_it_can_t_tell_follows_from_that() -> None:
    found = judge(Role.MS1, state(), answers(standby_host=SILENT), yes("1 confirmed subscription."))
    assert found[0].name == "standby is fit"
    following = {each.name for each in found if each.because == "standby is fit"}
    assert following == {
        "standby is stopped", "versions equal", "autostart off", "hosts know their roles", "hosts can be written",
        "clocks agree",
    }  # fmt: skip
    assert summary(found).sentence == "Not ready: standby is fit (unknown); 6 more follow from that."
    assert [each.to_json()["remedy"] for each in found if each.because] == [""] * 6
    assert "Start the machine of ms2" in found[0].to_json()["remedy"]


def test_a_permission_that_can_t_be_tried_on_a_host_that_is_off_is_not_to_be_mended_in_the_stack() -> None:
    off = answers(standby_host=SILENT, right_to_ms2=unknown("ssm:SendCommand to ms2: InvalidInstanceId."))
    found = {each.name: each for each in judge(Role.MS1, state(), off, yes("1 confirmed subscription."))}
    assert found["permissions"].because == "standby is fit"
    denied = answers(standby_host=SILENT, right_to_ms2=no("ssm:SendCommand to ms2 is denied."))
    found = {each.name: each for each in judge(Role.MS1, state(), denied, yes("1 confirmed subscription."))}
    assert found["permissions"].because == ""


def test_an_active_server_that_does_not_serve_is_the_cause_of_its_missing_sessions() -> None:
    gone = answers(active_answers=no("The connection is refused."), active_sessions=no("ms1 has no session."))
    found = {each.name: each for each in judge(Role.MS1, state(), gone, yes("1 confirmed subscription."))}
    assert found["sessions as they should be"].because == "active server serves"


def test_a_standby_whose_disk_is_full_is_told_to_make_room_and_not_to_be_started() -> None:
    full = no("ms2 is not fit: disk full.", **{**host(Role.MS2).evidence, "write_error": "disk full"})
    found = judge(Role.MS1, state(), answers(standby_host=full), yes("1 confirmed subscription."))
    assert (found[0].name, found[0].remedy) == (
        "hosts can be written", "Make room on the host that is named, or mount it to be written.",
    )  # fmt: skip
    assert {each.name for each in found if each.because} == {"standby is fit"}


def test_a_certificate_that_is_not_accepted_is_the_cause_of_a_server_that_seems_not_to_serve() -> None:
    expired = answers(active_answers=no("Not accepted."), certificate=no("The certificate is not accepted: expired."))
    found = judge(Role.MS1, state(), expired, yes("1 confirmed subscription."))
    assert found[0].name == "certificate"
    assert {each.name for each in found if each.because == "certificate"} == {"active server serves"}
    gone = answers(active_answers=no("Refused."), certificate=unknown("It can't be seen."))
    assert judge(Role.MS1, state(), gone, yes("1 confirmed subscription."))[0].name == "active server serves"


@pytest.mark.parametrize("about", ["sessions", "access"])
def test_a_standby_that_can_get_in_or_is_in_never_goes_with_anything_else(about: str) -> None:
    wrong = answers(
        active_answers=no("The connection is refused."),
        active_sessions=no("none"),
        **{f"standby_{about}": yes("It can.")},
    )
    for record in (state(), state(lease=lease(), halted="ms2 did not start.")):
        found = judge(Role.MS1, record, wrong, yes("1 confirmed subscription."))
        (check,) = [each for each in found if each.name.startswith(f"{about}")]
        assert check.because == ""
        assert check.to_json()["remedy"].startswith("See docs/operate.md, split-brain-risk")


def test_what_was_seen_to_be_wrong_does_not_follow_from_a_silence() -> None:
    wrong = answers(standby_host=SILENT, active_host=host(Role.MS1, autostart="on"))
    found = {each.name: each for each in judge(Role.MS1, state(), wrong, yes("1 confirmed subscription."))}
    assert found["autostart off"].because == ""
    assert found["autostart off"].verdict.is_no


def test_a_change_that_waits_is_the_cause_of_what_is_not_at_rest() -> None:
    waiting = answers(active_answers=no("The connection is refused."), record=no("It points to nothing."))
    found = judge(Role.MS1, state(lease=lease(), halted="ms2 did not start."), waiting, yes("1 confirmed."))
    assert found[0].name == "nothing under way"
    assert {each.name for each in found if each.because} >= {"active server serves", "record as expected"}


def test_which_proofs_would_serve_is_said_and_why_not_the_others() -> None:
    found = answers(network=unknown("There is no ACL."), machine_ms1=unknown("EC2 is silent."))
    told = checks(found)["a fence can be proven"].verdict
    assert told == yes("By network: unknown, There is no ACL. By database: yes. By power: unknown, EC2 is silent.")


def test_an_owners_rule_does_not_keep_a_pair_from_being_ready_that_the_network_would_fence() -> None:
    assert bad(answers(**{"owner's_groups,_active": yes("sg-1 allows ms1.")})) == {}


def test_a_standby_that_the_network_cuts_off_may_be_allowed_by_an_owners_rule() -> None:
    cut = {"answer": "yes", "sentence": "ms2 is cut off."}
    assert bad(answers(standby_access=yes("sg-1 allows ms2.", network=cut))) == {}


def test_a_path_that_was_not_seen_leaves_power_alone_and_that_is_said() -> None:
    unseen = state(path_seen_epoch=-1, path_seen_by="")
    told = checks(answers(), unseen)["a fence can be proven"].verdict
    assert told.is_yes
    assert "No session of the active server has been seen" in told.sentence
    assert told.sentence.endswith("Only the machine's power would do, which takes minutes.")


def test_a_database_elsewhere_is_not_ready_by_group_or_network() -> None:
    found = answers(active_sessions=yes("Some.", database_addresses=["10.0.0.40"]))
    told = checks(found)["a fence can be proven"].verdict
    assert told.sentence.count("10.0.0.40") == 2


def test_a_pair_that_no_proof_would_serve_is_not_ready() -> None:
    unseen = state(path_seen_epoch=-1, path_seen_by="")
    found = answers(right_to_ms1=no("Denied."))
    assert checks(found, unseen)["a fence can be proven"].verdict.answer is Answer.UNKNOWN
