"""docs/deploy.md shows what init prints, and has a row for each mandatory value."""

from __future__ import annotations

import re

from failoverctl.discovery import parameters
from tests.failoverctl.discovery.conftest import Init
from tests.failoverctl.discovery.made_up import RECORD, MadeUp
from tests.failoverctl.pages import ROOT

PAGE = (ROOT / "docs/deploy.md").read_text()


def stable(text: str) -> str:
    """A text with the ids that every account has of its own written as one."""
    text = re.sub(r"\b(i|sg|sgr|subnet|vpc|acl)-[0-9a-f]{8,17}\b", r"\1-ID", text)
    text = re.sub(r"(HostedZoneId +)\S+|(ms-failover/monitor)-\w+", r"\1\2", text)
    return re.sub(r"^\S*samconfig.toml", "samconfig.toml", text, flags=re.MULTILINE).strip()


def test_the_page_shows_what_init_prints(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.admit(account.groups["database"], 5432, cidr="10.0.0.0/16")
    account.ec2.modify_instance_attribute(InstanceId=account.servers["ms1"], DisableApiStop={"Value": True})
    which = ["--ms1", account.servers["ms1"], "--ms2", account.servers["ms2"], "--database", "tectia"]
    code, out, _ = init.plain(*which, "--record", RECORD, "--admin-tls-name", RECORD)
    shown = re.findall(r"^```text\n(Found\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert code == 0
    assert [stable(each) for each in shown] == [stable(out)]


def test_every_mandatory_value_has_the_command_that_finds_it() -> None:
    rows = dict(re.findall(r"^\| `([A-Za-z0-9]+)` \| .+ \| `(.+)` \|$", PAGE.replace("\\|", "¦"), re.MULTILINE))
    rows = {name: command.replace("¦", "|") for name, command in rows.items()}
    assert {name: rows.get(name) for name in parameters.MANDATORY} == {
        name: parameters.HOW[name] for name in parameters.MANDATORY
    }
