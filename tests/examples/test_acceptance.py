"""From an empty account to an accepted demo pair, on the local cloud: five commands, and no value found by hand.

In the place of `sam deploy` the template goes to the local cloud as it stands (lab/testbed/demo_pair.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from failoverctl.acceptance import NAMES, network_cut
from failoverctl.acceptance.driver_on_aws import STOPPED_TAG, DriverOnAws
from failoverctl.acceptance.place import TAG, find_place
from failoverctl.acceptance.story import Story
from failoverctl.acceptance.undoing import Undoing
from failoverctl.account import Account, find_stack
from failoverctl.errors import Exit
from lab.testbed.accept import deployed
from lab.testbed.demo_pair import STACK, DemoPair

pytestmark = pytest.mark.testbed(layout="demo")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoPair]:
    with pytest.MonkeyPatch.context() as patch, DemoPair(tmp_path_factory.mktemp("demo")) as found:
        patch.setattr(DriverOnAws, "patience", 4.0)
        deployed(found)
        yield found


def accept(
    pair: DemoPair, output: Path, capsys: pytest.CaptureFixture[str], *only: str
) -> tuple[Exit, dict[str, Any], str]:
    """Run the fifth command; its exit code, what it said to programs, and what it said to people meanwhile."""
    capsys.readouterr()
    chosen = "".join(f" --only {each}" for each in only)
    code = pair.type(f"acceptance --stack {STACK} --yes --json --output {output}{chosen}")
    said = capsys.readouterr()
    return Exit(code), json.loads(said.out or "{}"), said.err


def driver_of(pair: DemoPair) -> DriverOnAws:
    account = Account(None, None, pair.cloud.endpoint)
    return DriverOnAws(find_place(account, find_stack(account, STACK)), Undoing())


def left_behind(pair: DemoPair) -> list[str]:
    """What bears acceptance's mark in the account, or stands otherwise on the hosts than at rest."""
    ec2, driver = pair.cloud.client("ec2"), driver_of(pair)
    found = [str(acl["NetworkAclId"]) for acl in ec2.describe_network_acls()["NetworkAcls"] if acl.get("Tags")]
    found += [str(each) for each in driver.rules() if each.get("Description") == TAG]
    for group in ec2.describe_instances()["Reservations"]:
        for each in group["Instances"]:
            found += [tag["Key"] for tag in each["Tags"] if tag["Key"] == STOPPED_TAG]
            found += [] if each["State"]["Name"] == "running" else [f"{each['InstanceId']} {each['State']['Name']}"]
    for role in ("ms1", "ms2"):
        state = driver.run(role, "systemctl is-enabled ssh-mgmt-server || true").strip()
        found += [] if state == "disabled" else [f"{role} {state}"]
    return found


def admitted_beside(pair: DemoPair) -> list[str]:
    """The rules of the database's own groups that admit a server."""
    (database,) = pair.cloud.client("rds").describe_db_instances()["DBInstances"]
    assert pair.stack is not None
    groups = [each["VpcSecurityGroupId"] for each in database["VpcSecurityGroups"]]
    own = [each for each in groups if each != pair.stack.outputs["AccessGroupId"]]
    assert len(groups) == len(own) + 1, "the access group is attached"
    found = pair.cloud.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": own}])
    return [str(each["SecurityGroupRuleId"]) for each in found["SecurityGroupRules"] if not each["IsEgress"]]


@pytest.mark.timeout(600)
def test_five_commands_lead_from_an_empty_account_to_an_accepted_pair(
    pair: DemoPair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, said = accept(pair, tmp_path, capsys)
    assert {each["name"]: each["answer"] for each in found["scenarios"]} == dict.fromkeys(NAMES, "yes"), said
    assert (code, found["answer"], found["left"]) == (Exit.DONE, "yes", [])
    assert left_behind(pair) == []
    assert admitted_beside(pair) == [], "the access group alone decides"
    for name in NAMES:
        report = json.loads((tmp_path / name / "report.json").read_text())
        assert report["ok"]
        assert "<svg" in (tmp_path / name / "report.html").read_text()
        assert report["writes"]["ms1"] + report["writes"]["ms2"] > 0
    assert {each["answer"] for each in found["untried"]} == {"unknown"}, "this is not AWS"
    page = (tmp_path / "acceptance.html").read_text()
    assert all(f'href="{name}/report.html"' in page for name in NAMES)


def test_it_judges_by_the_rows_that_the_database_has(pair: DemoPair) -> None:
    """Read by a server's login over Run Command, or from beside the database: the same rows."""
    driver = driver_of(pair)
    from failoverctl.acceptance.journal_there import JournalThere

    after = pair.hosts.journal.rows()[-200].id
    active = max(pair.hosts.journal.by_server().values(), key=lambda each: each.last).server
    there = JournalThere(driver.run).rows(active, after)
    here = pair.hosts.journal.rows(after)[: len(there)]
    assert [(each.id, each.server) for each in there] == [(each.id, each.server) for each in here]
    assert [each.at for each in there] == pytest.approx([each.at for each in here], abs=1e-5)


def test_ctrl_c_in_the_middle_takes_back_what_was_caused(
    pair: DemoPair, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = list[str]()

    def interrupted(*_: object) -> str:
        cut.extend(left_behind_without_hosts(pair)[:1])  # no script reaches the one that is cut off
        raise KeyboardInterrupt

    monkeypatch.setattr(Story, "await_outcome", interrupted)
    code, _, said = accept(pair, tmp_path, capsys, "partition")
    assert code == Exit.INTERRUPTED
    assert cut and cut[0].startswith("acl-"), "there was something to take back"
    assert "Taking back: " in said
    assert left_behind(pair) == []
    (line,) = json.loads((tmp_path / "acceptance.json").read_text())["scenarios"]
    assert (line["name"], line["answer"], line["sentence"]) == ("partition", "unknown", "It was interrupted.")


def test_what_a_killed_run_left_is_put_in_order_by_the_next_one(
    pair: DemoPair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    driver = driver_of(pair)
    driver.await_online("ms1")
    (standby,) = {"ms1", "ms2"} - {max(pair.hosts.journal.by_server().values(), key=lambda each: each.last).server}
    driver.grant(standby)
    driver.power_off(standby)
    other = driver.place.servers[standby]
    network_cut.cut(driver.place, other, network_cut.prepare(driver.place, other))
    assert len(left_behind_without_hosts(pair)) >= 3
    code, found, said = accept(pair, tmp_path, capsys, "switchover")
    assert "An interrupted acceptance left" in said
    assert (code, found["answer"]) == (Exit.DONE, "yes"), said
    assert left_behind(pair) == []


def left_behind_without_hosts(pair: DemoPair) -> list[str]:
    ec2, driver = pair.cloud.client("ec2"), driver_of(pair)
    found = [str(acl["NetworkAclId"]) for acl in ec2.describe_network_acls()["NetworkAcls"] if acl.get("Tags")]
    found += [str(each) for each in driver.rules() if each.get("Description") == TAG]
    tags = [tag["Key"] for g in ec2.describe_instances()["Reservations"] for i in g["Instances"] for tag in i["Tags"]]
    return [*found, *(each for each in tags if each == STOPPED_TAG)]
