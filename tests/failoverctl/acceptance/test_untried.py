"""The list of what was untried is that of docs/deploy.md, and nothing on it is seen where AWS was not asked."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from moto import mock_aws

from failoverctl.acceptance import untried
from failoverctl.acceptance.untried import KNOWN, Evidence
from failoverctl.report.course import Step
from tests.failoverctl.acceptance.made_place import made_place
from tests.failoverctl.pages import ROOT

STEPS = (Step("UpdateRecord", 10.0, 12.5), Step("RevokeAccess", 5.0, 5.5), Step("UpdateRecord", 90.0, 91.0))


def test_it_lists_what_the_page_calls_untried() -> None:
    page = (ROOT / "docs/deploy.md").read_text().partition("## What could not be tried without an account")[2]
    rows = re.findall(r"^\| (.+?) \| .+ \|$", page, re.MULTILINE)
    assert rows[0] == "not tried"
    assert list(KNOWN) == rows[1:]


def test_durations_count_where_aws_was_asked_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "how long Route 53 and a security group take to change"
    with mock_aws():
        place = made_place(monkeypatch)
        found = {each.name: each for each in untried.untried(Evidence(place, STEPS, time.time()))}
        assert found[name].answer == "yes"
        assert found[name].sentence == (
            "UpdateRecord took 1.0 to 2.5 s in 2 changes; RevokeAccess took 0.5 to 0.5 s in 1 changes."
        )
        assert found["cold starts in a VPC"].answer == "unknown"
        here = replace(place, account=type(place.account)(None, "eu-central-1", "http://127.0.0.1:5000"))
        assert not here.on_aws
        found = {each.name: each for each in untried.untried(Evidence(here, STEPS, time.time()))}
        assert found[name].answer == "unknown"
        assert found[name].sentence.startswith("This is not AWS")
        none = {each.name: each for each in untried.untried(Evidence(place, (), time.time()))}
        assert none[name].answer == "unknown"
