"""A readiness check is shown as one of before where what is seen now says otherwise."""

from __future__ import annotations

import time

import pytest

from tests.failoverctl.conftest import Run
from tests.failoverctl.region import Region

STANDBY_RUNS = {"ms2": {"admin": "answers", "port": "answers", "sentence": "it answers with status 200"}}
STANDBY_IS_OFF = {"ms2": {"admin": "silent", "port": "silent", "sentence": "nothing answers"}}


@pytest.mark.parametrize(
    ("check", "answer", "seen"),
    [
        ("standby is stopped", "yes", STANDBY_RUNS),
        ("standby is stopped", "no", {}),
        ("standby is fit", "yes", STANDBY_IS_OFF),
        ("active server serves", "no", {}),
    ],
)
def test_readiness_that_is_seen_not_to_hold_any_more_is_outdated_and_asked_anew(
    ctl: Run, region: Region, check: str, answer: str, seen: dict[str, object]
) -> None:
    region.functions["probe", "probe"] = {**region.functions["probe", "probe"], **seen}
    checks = [{"name": check, "answer": answer, "sentence": "So it was."}]
    region.items["readiness"] |= {"answer": answer, "checks": checks, "at": time.time() - 60}
    said = ctl("status")
    assert "outdated: checked before what" in said.flat
    assert ("readiness", {"action": "check"}) in region.invoked
    region.invoked.clear()
    region.items["readiness"]["at"] = time.time()
    assert "outdated: checked before what" in ctl("status").flat
    assert region.invoked.count(("readiness", {"action": "check"})) == 0, "one that was made just now is enough"


def test_what_readiness_could_not_find_out_is_not_contradicted_by_ports_that_refuse(ctl: Run, region: Region) -> None:
    """Every process of the standby's host stands still, and its kernel refuses as that of one at rest."""
    checks = [{"name": "standby is stopped", "answer": "unknown", "sentence": "Its host does not answer."}]
    ready = {"answer": "no", "sentence": "Not ready: standby is stopped (unknown).", "checks": checks}
    region.items["readiness"] |= {**ready, "at": time.time() - 60}
    said = ctl("status")
    assert "outdated" not in said.flat
    assert "Not ready: standby is stopped (unknown)." in said.flat
    assert said.code == 1


def test_readiness_that_agrees_with_what_is_seen_stands(ctl: Run, region: Region) -> None:
    names = ("active server serves", "standby is fit", "standby is stopped", "access as it should be")
    checks = [{"name": name, "answer": "yes", "sentence": "It is so."} for name in (*names, "record as expected")]
    region.items["readiness"] |= {"checks": checks, "at": time.time() - 600}
    said = ctl("status")
    assert (said.code, "outdated" in said.out) == (0, False)


def test_a_name_that_leads_elsewhere_is_shown_with_where_it_is_to_lead(ctl: Run, region: Region) -> None:
    away = {"answer": "no", "sentence": "It points to 10.0.0.99.", "evidence": {"values": ["10.0.0.99"]}}
    region.functions["dns", "ms1"] = away
    checks = [{"name": "record as expected", "answer": "yes", "sentence": "It points to 10.0.0.11."}]
    region.items["readiness"] |= {"checks": checks}
    said = ctl("status").flat
    assert "next in Route 53: set ms.corp.example back to 10.0.0.11 docs/operate.md, name-elsewhere" in said
    assert "ms.corp.example → 10.0.0.99" in said
    assert "outdated: checked before the name changed" in said


def test_a_rule_that_lets_the_standby_in_is_shown_with_what_takes_it_away(ctl: Run, region: Region) -> None:
    rule = {"rule": "sgr-0b5 of sg-0c1 (10.0.0.0/24, tcp 1024-65535)", "group": "sg-0c1"}
    allowed = {"answer": "yes", "sentence": "ms2 can get in to the database by rule sgr-0b5.", "evidence": rule}
    region.functions["database-access", "ms2"] = allowed
    first = ctl("status", "--json").json()["problems"][0]
    assert first["command"] == (
        "aws ec2 revoke-security-group-ingress --group-id sg-0c1 --security-group-rule-ids sgr-0b5"
    )
    assert (first["verb"], first["see"]) == ("", "split-brain-risk")
    region.functions["database-access", "ms2"] = {**allowed, "evidence": {}}
    assert ctl("status", "--json").json()["problems"][0]["verb"] == "readiness"
