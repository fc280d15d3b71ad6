"""samconfig.toml as init writes it: a comment each, what a person wrote is kept, and drift is said."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from failoverctl.discovery import parameters, samconfig
from failoverctl.discovery.facts import ACCESS_GROUP
from failoverctl.discovery.parameters import Missing, Value
from failoverctl.discovery.reader import READS
from failoverctl.initializing import STACK
from tests.failoverctl.discovery.conftest import Init
from tests.failoverctl.discovery.made_up import MadeUp
from tests.failoverctl.pages import ROOT
from tests.template.deployment import resources

VALUES = [Value("Ms1InstanceId", "i-1", "running"), Value("Ms1Addresses", "10.0.0.1,2001:db8::1", "its addresses")]
MISSING = [Missing("AdminTlsName", "no API tells it", "openssl s_client", needed=True)]
THEIRS = """\
# Ours, since 2024.
version = 0.1

[default.global.parameters]
stack_name = "pair-a" # the first one

[default.deploy.parameters]
capabilities = "CAPABILITY_NAMED_IAM" # because
parameter_overrides = "RecordTtlSeconds=\\"60\\" SoftwarePaths=\\"/a /b\\" Ms1InstanceId=\\"i-9\\"" # by hand
s3_bucket = "artefacts"

[other.deploy.parameters]
parameter_overrides = ["A=1", 'B="2 3"'] # theirs
"""


def template() -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        """YAML with CloudFormation's tags."""

    Loader.add_multi_constructor("!", lambda loader, _, node: None)
    found: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader)
    return dict(found["Parameters"])


def test_every_parameter_of_the_template_is_found_asked_for_or_a_choice() -> None:
    tables = [*parameters.FOUND, *parameters.ASK, *parameters.CHOICES]
    assert sorted(tables) == sorted(template()), "each in exactly one table"
    assert set(parameters.HOW) | {"DatabaseResourceId"} == set(parameters.FOUND)
    assert set(parameters.MANDATORY) == {name for name, each in template().items() if "Default" not in each}
    assert len(parameters.MANDATORY) == 11


def test_the_access_group_is_known_by_the_description_that_the_template_gives_it() -> None:
    described = str(resources("AWS::EC2::SecurityGroup")["AccessGroup"]["GroupDescription"])
    assert ACCESS_GROUP in described


def test_what_is_found_fits_the_template_s_patterns(account: MadeUp, init: Init) -> None:
    account.rds_database()
    found = init().parameters
    about = template()
    for name, value in found.items():
        pattern = about[name].get("AllowedPattern")
        for part in parameters.parts(name, value) if about[name]["Type"].startswith(("Comma", "List")) else [value]:
            assert pattern is None or re.fullmatch(pattern, part), name
        assert value in about[name].get("AllowedValues", [value])


def test_a_new_file_has_every_parameter_with_its_reason_and_what_was_not_found() -> None:
    text = samconfig.written("", "default", VALUES, MISSING, {"stack_name": "pair", "region": "eu-central-1"})
    assert '"Ms1Addresses=10.0.0.1,2001:db8::1", # its addresses\n' in text
    assert "# AdminTlsName not found: no API tells it: openssl s_client\n" in text
    assert samconfig.overrides(text, "default") == {each.name: each.value for each in VALUES}
    section = tomllib.loads(text)["default"]["deploy"]["parameters"]
    assert (section["stack_name"], section["region"], section["resolve_s3"]) == ("pair", "eu-central-1", True)
    assert section["capabilities"] == samconfig.CAPABILITIES


def test_a_second_run_that_finds_the_same_changes_no_byte() -> None:
    text = samconfig.written("", "default", VALUES, MISSING, {"stack_name": "pair"})
    assert samconfig.written(text, "default", VALUES, MISSING, {"stack_name": "other"}) == text


def test_what_was_not_found_and_then_is_leaves_no_old_comment() -> None:
    text = samconfig.written("", "default", VALUES, MISSING, {})
    more = [*VALUES, Value("AdminTlsName", "ms.corp.example", "as given")]
    text = samconfig.written(text, "default", more, [], {})
    assert "not found" not in text
    assert samconfig.overrides(text, "default")["AdminTlsName"] == "ms.corp.example"


def test_what_a_person_wrote_is_kept() -> None:
    text = samconfig.written(THEIRS, "default", VALUES, MISSING, {"stack_name": "another", "region": "eu-central-1"})
    assert samconfig.overrides(text, "default") == {
        "RecordTtlSeconds": "60", "SoftwarePaths": "/a /b", "Ms1InstanceId": "i-9", "Ms1Addresses": VALUES[1].value,
    }  # fmt: skip
    for line in THEIRS.splitlines():
        assert line in text or line.startswith("parameter_overrides"), line
    assert "] # by hand\n" in text
    section = tomllib.loads(text)["default"]["deploy"]["parameters"]
    assert "stack_name" not in section, "the environment's global section has one"
    assert "resolve_s3" not in section, "sam takes no bucket beside it"


def test_a_value_gives_way_only_where_that_is_asked_for() -> None:
    text = samconfig.written(THEIRS, "default", VALUES, [], {}, update=True)
    assert samconfig.overrides(text, "default")["Ms1InstanceId"] == "i-1"
    assert samconfig.overrides(text, "default")["SoftwarePaths"] == "/a /b"


def test_another_environment_is_left_alone() -> None:
    text = samconfig.written(THEIRS, "other", VALUES, [], {})
    assert tomllib.loads(text)["default"] == tomllib.loads(THEIRS)["default"]
    assert samconfig.overrides(text, "other") == {"A": "1", "B": "2 3", **{each.name: each.value for each in VALUES}}


@pytest.mark.parametrize(
    "text",
    [
        "version = ",
        "default = 1",
        "[default.deploy.parameters]\nparameter_overrides = 3",
        '[default.deploy.parameters]\nparameter_overrides = ["file://parameters.yaml"]',
    ],
)
def test_a_file_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(samconfig.NotWritable):
        samconfig.written(text, "default", VALUES, [], {})


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(value=TEXTS.filter(bool), why=TEXTS)
def test_any_text_comes_back_as_it_was(value: str, why: str) -> None:
    text = samconfig.written(THEIRS, "default", [Value("DatabaseName", value, why)], MISSING, {})
    assert samconfig.overrides(text, "default")["DatabaseName"] == value


# ---- the command -----------------------------------------------------------------------------------------------------


def test_init_only_reads(account: MadeUp, init: Init) -> None:
    machine = account.ec2_database()
    account.rds_database()
    account.rds.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="tectia")
    account.hosted_zone("corp.example", private=False)
    account.called.clear()
    for database in ("tectia", "copy", "nowhere", f"{machine}:5432"):
        init(database, "--secret", "ms-failover/monitor")
        init.again("--check")
        init.file.unlink()
    init()
    called = set(account.called)
    assert len(called) > 15
    assert [each for each in called if not each.partition(":")[2].startswith(READS)] == []
    page = (ROOT / "docs/deploy.md").read_text()
    documented = set(re.findall(r'"([a-z0-9]+:(?:Describe|List|Get)[A-Za-z]+)"', page))
    prefixes = {"GetManagedPrefixListEntries": "ec2"}
    assert {each for each in called if each not in documented} == set()
    assert {each for each in documented if each not in called} <= {f"ec2:{name}" for name in prefixes} | {
        "rds:DescribeDBProxyTargets", "rds:DescribeDBSubnetGroups", "rds:DescribeOptionGroups",
    }  # fmt: skip


def test_a_second_run_needs_no_options_and_says_what_has_drifted(account: MadeUp, init: Init) -> None:
    account.rds_database()
    assert init().code == 0
    before = init.file.read_text()
    quiet = init.again()
    assert (quiet.code, quiet.json["drift"], quiet.json["added"]) == (0, [], [])
    assert init.file.read_text() == before
    account.replace_address("ms2", "10.0.2.77")
    drifted = {"name": "Ms2Addresses", "was": "10.0.2.10", "now": "10.0.2.10,10.0.2.77"}
    for options in (["--check"], []):
        found = init.again(*options)
        assert (found.code, found.json["drift"]) == (1, [drifted])
        assert init.file.read_text() == before
    found = init.again("--update")
    assert found.code == 0
    assert samconfig.overrides(init.file.read_text(), "default")["Ms2Addresses"] == "10.0.2.10,10.0.2.77"


def test_a_check_without_a_file_writes_none(account: MadeUp, init: Init) -> None:
    account.rds_database()
    init("tectia", "--check")
    assert not init.file.exists()


def test_what_may_not_be_read_is_said_and_is_not_taken_for_well(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.denied.add("DescribeNetworkAcls")
    found = init()
    assert (found.code, found.needed) == (1, [])
    (unread,) = found.json["unread"]
    assert "DescribeNetworkAcls" in unread
    assert "DatabaseNetworkAclIds" not in found.parameters


def test_the_screen_ends_with_what_is_to_be_done_next(account: MadeUp, init: Init) -> None:
    account.rds_database()
    init(tls="")
    code, out, _ = init.plain()
    assert code == 1
    assert "Needed, and not found\n  AdminTlsName" in out
    assert out.rstrip().endswith("see what needs you above, then run this again.")
    code, out, _ = init.plain("--admin-tls-name", "ms.corp.example")
    assert (code, out.rstrip().splitlines()[-1]) == (0, "Next: sam deploy")


def test_options_and_file_that_contradict_each_other_are_refused(account: MadeUp, init: Init) -> None:
    account.rds_database()
    init()
    assert f'stack_name = "{STACK}"' in init.file.read_text()
    for line in (["--stack", "another"], ["--region", "us-east-1"], ["--iam-user", "ms_failover"]):
        assert init.plain(*line)[0] == 2
    init.file.unlink()
    code, _, error = init.plain("--ms1", account.servers["ms1"])
    assert code == 2
    assert error.startswith("Give --ms2, --database, --record")
    init.file.write_text("version = ")
    assert init.plain()[0] == 2
