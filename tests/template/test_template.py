"""The template gives every function what it needs to start, a role of its own, and somebody that calls it."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from typing import Any

import pytest
from msfailover.adapters import clients
from msfailover.decisions import slots
from msfailover.request import parse_request
from msfailover.runtime import settings
from msfailover.runtime.environment import BadSettings, read

from lab.testbed.cloud.template import expand
from tests.environments import OUTSIDE, OWN, PAIR, settings_in, start
from tests.template.deployment import ROOT, environment, functions, resources, template, value

FUNCTIONS = sorted(each.parent.name for each in (ROOT / "functions").glob("*/app.py"))
OF_THE_RUNTIME = {"POWERTOOLS_LOG_LEVEL"}


def settings_of(function: str) -> type[Any]:
    source = (ROOT / "functions" / function / "app.py").read_text()
    found = re.search(r"^(?:SETTINGS = |handler = .*)read\((\w+), os\.environ\)", source, re.MULTILINE)
    assert found, f"{function} does not read its settings when it starts"
    kind: type[Any] = getattr(settings, found[1])
    return kind


def test_every_function_with_code_is_deployed_and_every_deployed_function_has_code() -> None:
    assert sorted(functions()) == FUNCTIONS


def test_the_tests_know_a_complete_environment_of_every_function() -> None:
    assert sorted(OWN) == FUNCTIONS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_with_what_the_template_gives_it(function: str) -> None:
    app = start(function, {**OUTSIDE, **environment(function)})
    found = settings_in(app)
    assert isinstance(found, settings_of(function))
    assert found.pair.ms1.addresses == ("10.0.0.11", "2001:db8::11")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_variable_of_the_template_is_read_by_its_function(function: str) -> None:
    own = {each.metadata.get("variable") for each in fields(settings_of(function))}
    assert set(environment(function)) - set(PAIR) - OF_THE_RUNTIME <= own


@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_any_one_variable_that_has_no_default_a_function_does_not_start(function: str) -> None:
    env, kind = environment(function), settings_of(function)
    own = [each for each in fields(kind) if each.name != "pair" and each.default is MISSING]
    for variable in (*PAIR, *(each.metadata["variable"] for each in own)):
        with pytest.raises(BadSettings, match=f"{variable} is missing"):
            read(kind, {name: each for name, each in env.items() if name != variable})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_of_its_own(function: str) -> None:
    properties = functions()[function]
    assert "Role" not in properties, "the translator makes one for each function that names none"
    assert "Role" not in template()["Globals"]["Function"]


def statements(function: str) -> list[dict[str, Any]]:
    found = []
    for policy in functions()[function].get("Policies", []):
        chosen = policy.get("Fn::If", [None, policy])[1]
        found += chosen["Statement"]
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_role_may_do_anything_it_likes(function: str) -> None:
    for each in statements(function):
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        assert each["Effect"] == "Allow"
        assert not [action for action in actions if "*" in action]
        if each["Resource"] == "*":
            assert all(re.fullmatch(r"(ec2:Describe|ssm:Get)\w+|ssm:CancelCommand", action) for action in actions)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_may_call_the_functions_that_its_function_is_told_of_and_no_other(function: str) -> None:
    told = {name: each for name, each in environment(function).items() if name.endswith("_FUNCTION") and each}
    allowed = {
        value(resource).rsplit(":", 1)[-1]
        for each in statements(function)
        if each["Action"] == "lambda:InvokeFunction"
        for resource in (each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]])
    }
    assert allowed == set(told.values())


def test_only_what_reaches_hosts_and_database_sits_in_the_network() -> None:
    inside = {name for name, each in functions().items() if "VpcConfig" in each}
    assert inside == {"probe", "database_sessions"}
    assert statements("probe") == [], "what probes the servers calls no AWS API"


def test_the_second_probe_is_the_first_one_in_other_subnets() -> None:
    own = ("FunctionName", "Description", "LoggingConfig", "VpcConfig")
    first, second = (resources("AWS::Serverless::Function")[name] for name in ("ProbeFunction", "SecondProbeFunction"))
    assert {**first, **{name: second[name] for name in own}} == second
    assert second["VpcConfig"] == {**first["VpcConfig"], "SubnetIds": {"Ref": "SecondProbeSubnetIds"}}


def test_the_second_probe_may_be_asked_by_those_that_are_told_of_it_and_by_nobody_where_there_is_none() -> None:
    policy = template()["Resources"]["SecondProbePolicy"]
    told = {name for name in FUNCTIONS if "SECOND_PROBE_FUNCTION" in environment(name)}
    assert {each["Ref"] for each in policy["Properties"]["Roles"]} == {f"{name.title()}FunctionRole" for name in told}
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Fn::GetAtt": ["SecondProbeFunction", "Arn"]}
    of_the_second = [each for name, each in template()["Resources"].items() if name.startswith("SecondProbe")]
    assert {each["Condition"] for each in of_the_second} == {"HasSecondProbe"}


def test_two_probes_in_turn_fit_into_every_step_that_asks_them() -> None:
    both_s = 2 * clients.PROBE_LIMIT_S
    assert settings.MOST_WITH_TWO_PROBES_S * 2 < clients.PROBE_LIMIT_S, "a probe may wait twice for an answer"
    assert functions()["watch"]["Timeout"] >= read(settings.WatchSettings, environment("watch")).tick_s + both_s
    machine = json.loads((ROOT / "statemachine/failover.asl.json").read_text())
    for step in ("confirm_outage", "check_reachable", "check_serving", "verify_promotion"):
        found = [task for task in tasks(machine) if task["Arguments"]["Payload"].get("action") == step]
        assert found
        assert all(task["TimeoutSeconds"] > both_s for task in found)


def tasks(node: Any) -> list[dict[str, Any]]:
    """Every task of a state machine that calls a function."""
    if isinstance(node, list):
        return [task for each in node for task in tasks(each)]
    if not isinstance(node, dict):
        return []
    if node.get("Type") == "Task" and "Payload" in node.get("Arguments", {}):
        return [node]
    return [task for each in node.values() for task in tasks(each)]


def schedules() -> list[dict[str, Any]]:
    return [
        {"function": name, **event["Properties"]}
        for name, each in functions().items()
        for event in each.get("Events", {}).values()
        if event["Type"] == "ScheduleV2"
    ]


def test_the_watchdog_is_called_each_minute_and_a_late_call_is_not_made_up_for() -> None:
    (found,) = [each for each in schedules() if each["function"] == "watch"]
    assert found["ScheduleExpression"] == "rate(1 minute)"
    assert found["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    assert "Input" not in found or isinstance(json.loads(found["Input"]), dict)


def test_slots_are_kept_as_long_as_they_are_seeded_ahead_and_hidden_as_long_as_a_call_may_take() -> None:
    queue = resources("AWS::SQS::Queue")["Slots"]
    mapping = resources("AWS::Lambda::EventSourceMapping")["TakeSlots"]
    assert slots.AHEAD_S + 60 <= queue["MessageRetentionPeriod"] <= 600, "what is older is of no use to anybody"
    assert queue["VisibilityTimeout"] >= 6 * functions()["watch"]["Timeout"]
    assert queue["SqsManagedSseEnabled"] is True
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["Slots", "Arn"]}
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (1, {"MaximumConcurrency": 2})


def test_the_watchdog_writes_its_own_item_and_takes_from_its_own_queue_only() -> None:
    found = {each["Sid"]: each for each in statements("watch")}
    assert found["SeedAndTakeSlots"]["Resource"] == {"Fn::GetAtt": ["Slots", "Arn"]}
    keys = value(found["KeepWhatWasObserved"]["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"])
    assert keys == [f"{value({'Ref': 'PairName'})}#watch"]


def test_every_function_has_the_memory_that_the_page_shows_and_half_as_much_again_as_was_measured() -> None:
    page = (ROOT / "docs/benchmarks.md").read_text()
    rows = re.findall(r"^\| ([a-z_]+)[a-z ,]* \| (\d+) MiB \| (\d+) \|$", page, re.MULTILINE)
    usual = template()["Globals"]["Function"]["MemorySize"]
    assert {name: int(shown) for name, _, shown in rows} == {
        name: each.get("MemorySize", usual) for name, each in functions().items()
    }
    assert [name for name, resident, shown in rows if int(shown) < 1.5 * int(resident)] == []


def test_a_tick_of_the_watchdog_ends_before_its_time_is_over_and_no_sooner_than_the_next_begins() -> None:
    limit = functions()["watch"]["Timeout"]
    found = read(settings.WatchSettings, environment("watch"))
    assert 50 <= found.tick_s <= 60
    assert limit >= found.tick_s + functions()["probe"]["Timeout"]


def test_replication_is_called_at_its_interval_and_compares_everything_once_a_day() -> None:
    found = {
        value(each["ScheduleExpression"]): json.loads(each["Input"])
        for each in schedules()
        if each["function"] == "replicate"
    }
    assert found == {
        "rate(5 minutes)": {"action": "scheduled"},
        "cron(47 2 * * ? *)": {"action": "verify"},
        "cron(17 3 * * ? *)": {"action": "scheduled", "mode": "full"},
    }


def test_every_schedule_has_a_name_of_the_stack_so_that_two_pairs_do_not_clash() -> None:
    names = [each["Name"]["Fn::Sub"] for each in schedules()]
    assert all(name.startswith("${AWS::StackName}-") for name in names)
    assert len(set(names)) == len(names)


def test_nothing_of_game_days_exists_where_there_is_no_calendar() -> None:
    made = expand(ROOT / "template.yaml", {"GameDaySchedule": ""})["Resources"]
    ours = {name: each for name, each in made.items() if "GameDay" in name}
    assert len(ours) >= 8
    assert {each.get("Condition") for each in ours.values()} == {"HasGameDays"}
    assert template()["Conditions"]["HasGameDays"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "GameDaySchedule"}, ""]}]}
    assert template()["Parameters"]["GameDaySchedule"]["Default"] == ""


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [("", True), ("cron(0 3 1 * ? *)", True), ("cron(30 2 ? * SAT#2 *)", True), ("rate(30 days)", True),
     ("rate(5 minutes)", False), ("rate(1 hours)", False), ("cron()", False), ("0 3 1 * ? *", False),
     ("at(2026-10-01T03:00:00)", False)],
)  # fmt: skip
def test_a_calendar_is_a_cron_expression_or_a_rate_of_days(expression: str, allowed: bool) -> None:
    pattern = template()["Parameters"]["GameDaySchedule"]["AllowedPattern"]
    assert (re.fullmatch(pattern, expression) is not None) is allowed


def rule() -> dict[str, Any]:
    return resources("AWS::Events::Rule")["AlarmStartsFailover"]


def test_the_alarm_of_the_active_server_starts_the_failover_by_a_rule() -> None:
    pattern = value(rule()["EventPattern"])
    assert pattern["source"] == ["aws.cloudwatch"]
    assert pattern["detail-type"] == ["CloudWatch Alarm State Change"]
    assert pattern["resources"] == [value({"Fn::GetAtt": ["ActiveServerDownAlarm", "Arn"]})]
    assert pattern["detail"] == {"state": {"value": ["ALARM"]}}


def test_what_the_rule_makes_of_an_alarm_is_a_request_that_obeys_maintenance_and_mode() -> None:
    (target,) = rule()["Targets"]
    assert target["InputTransformer"]["InputPathsMap"] == {"alarm": "$.detail.alarmName"}
    text = target["InputTransformer"]["InputTemplate"].replace("<alarm>", "ms-failover-active-server-down")
    request = parse_request(json.loads(text))
    assert (request.action, request.target, request.automatic) == ("failover", None, True)
    assert request.reason == "alarm ms-failover-active-server-down"


ALARMS = resources("AWS::CloudWatch::Alarm")


def described(alarm: dict[str, Any]) -> str:
    said = alarm["AlarmDescription"]
    return str(said["Fn::Sub"] if isinstance(said, dict) else said)


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_notifies_operators_and_says_what_is_wrong(name: str) -> None:
    alarm = ALARMS[name]
    assert {"Ref": "Topic"} in alarm["AlarmActions"]
    said = described(alarm)
    happened, safe, what_next, where = said.splitlines()
    assert happened.startswith("In ALARM: "), "CloudWatch sends the same text when the alarm is over"
    assert happened.endswith(".")
    assert safe.startswith("Safe: ")
    assert what_next.startswith("Next: ")
    assert where.startswith("See docs/operate.md, ")
    assert len(said) <= 1024, "CloudWatch takes no more"
    assert alarm["TreatMissingData"] in ("breaching", "notBreaching", "ignore", "missing")


def test_silence_of_the_watchdog_is_an_alarm_of_its_own_and_starts_nothing() -> None:
    assert ALARMS["WatchdogSilentAlarm"]["TreatMissingData"] == "breaching"
    assert ALARMS["ActiveServerDownAlarm"]["TreatMissingData"] == "notBreaching"
    assert "WatchdogSilent" not in json.dumps(rule())


def test_the_record_outlives_the_stack() -> None:
    table = template()["Resources"]["PairTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("name", template()["Parameters"])
def test_every_parameter_is_described_and_grouped(name: str) -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sum(name in group["Parameters"] for group in groups) == 1
    assert template()["Parameters"][name]["Description"].endswith(".")


def test_only_the_function_that_logs_in_to_the_database_has_oracle_s_driver() -> None:
    functions = {
        name: each for name, each in template()["Resources"].items() if each["Type"].endswith("Serverless::Function")
    }
    own = {name: each["Properties"]["Layers"] for name, each in functions.items() if "Layers" in each["Properties"]}
    assert own == {
        "DatabaseSessionsFunction": [{"Fn::If": ["UsesOracle", {"Ref": "OracleLayer"}, {"Ref": "AWS::NoValue"}]}]
    }
    assert template()["Resources"]["OracleLayer"]["Condition"] == "UsesOracle"
    assert template()["Conditions"]["UsesOracle"] == {"Fn::Equals": [{"Ref": "DatabaseEngine"}, "oracle"]}


def test_the_template_can_be_read_at_one_sitting() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert len(text.splitlines()) <= 1_100
    assert max(map(len, text.splitlines())) <= 260, "lines longer than any description only look fewer"


def test_no_arn_names_a_partition_by_hand() -> None:
    """In aws-cn and aws-us-gov an ARN of `aws` is nobody's."""
    written = [ROOT / "template.yaml", ROOT / "observability.yaml", *(ROOT / "statemachine").glob("*.json")]
    written += [*(ROOT / "fragments").glob("*.yaml"), *(ROOT / "documents").glob("*.yaml")]
    texts = [path.read_text() for path in written]
    assert [line for text in texts for line in text.splitlines() if re.search(r"\barn:aws:", line)] == []


def test_a_message_that_nobody_deleted_is_seen_whenever_it_was_sent() -> None:
    """A queue at rest has no metrics for a while after it is used: what was sent then is never counted."""
    alarm = ALARMS["UndeliveredAlarm"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("ApproximateNumberOfMessagesVisible", "Maximum")
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["OKActions"]
