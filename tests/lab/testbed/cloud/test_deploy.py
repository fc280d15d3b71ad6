"""Deploying: names, references, conditions, and errors that name what was not made."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.testbed.cloud import resources, template
from lab.testbed.cloud.deploy import DeployError
from lab.testbed.cloud.template import TemplateError
from tests.lab.testbed.cloud.conftest import SAMPLE, Sky


def parameters(sky: Sky) -> dict[str, str]:
    return {"Subnets": sky.owner.functions_subnet_id, "VpcId": sky.owner.vpc_id}


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """The sample template with some texts replaced, beside its code."""

    def change(*texts: str) -> Path:
        shutil.copytree(SAMPLE.parent, tmp_path / "sample")
        path = tmp_path / "sample" / "template.yaml"
        text = path.read_text()
        for old, new in zip(texts[::2], texts[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        return path

    return change


def test_what_moto_does_not_make_is_there_and_referred_to(sky: Sky) -> None:
    alarms = sky.cloud.client("cloudwatch").describe_alarms(AlarmNames=[sky.stack.resources["Alarm"]])
    alarm = alarms["MetricAlarms"][0]
    assert alarm["AlarmArn"] == sky.stack.outputs["AlarmArn"]
    assert alarm["AlarmActions"] == [sky.stack.outputs["Topic"]]
    assert alarm["Period"] == 10
    rule = sky.cloud.client("events").describe_rule(Name=sky.stack.resources["AlarmRule"])
    assert sky.stack.outputs["AlarmArn"] in rule["EventPattern"]
    [target] = sky.cloud.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == sky.stack.outputs["MachineArn"]
    [name] = sky.stack.of_type("AWS::Scheduler::Schedule").values()
    schedule = sky.cloud.client("scheduler").get_schedule(Name=name)
    assert schedule["Target"]["Arn"].rsplit(":", 1)[-1] == sky.stack.outputs["Other"]
    described = sky.cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=sky.stack.outputs["MachineArn"]
    )
    assert "${" not in described["definition"]
    assert "ExtraTopic" not in sky.stack.resources


def test_a_resource_that_nothing_makes_is_named(sky: Sky, changed: Callable[..., Path]) -> None:
    path = changed("  ExtraTopic:\n", "  Lake: {Type: AWS::Nowhere::Lake}\n  ExtraTopic:\n")
    with pytest.raises(DeployError, match=r"Lake \(AWS::Nowhere::Lake\)"):
        sky.cloud.deploy(path, "lake", parameters(sky))


def test_a_property_that_the_api_does_not_know_is_named(sky: Sky, changed: Callable[..., Path]) -> None:
    path = changed("      Period: 10\n", "      Period: 10\n      Perod: 10\n")
    with pytest.raises(DeployError, match=r"(?s)Alarm \(AWS::CloudWatch::Alarm\).*Perod"):
        sky.cloud.deploy(path, "typo", parameters(sky))


def test_a_substitution_that_is_missing_is_named(sky: Sky, changed: Callable[..., Path]) -> None:
    path = changed("        Topic: !Ref Topic\n        Seconds", "        Seconds")
    with pytest.raises(DeployError, match="no substitution for Topic"):
        sky.cloud.deploy(path, "substitution", parameters(sky))


def test_code_that_is_not_there_is_named(sky: Sky, changed: Callable[..., Path]) -> None:
    with pytest.raises(TemplateError, match="Echo names ecco"):
        sky.cloud.deploy(changed("CodeUri: echo", "CodeUri: ecco"), "code", parameters(sky))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Nonsense": "1"}, "no parameter Nonsense"),
        ({"WithExtra": "perhaps"}, "allowed are yes, no"),
        ({"VpcId": None}, "wants a value for VpcId"),
    ],
)
def test_wrong_parameters_are_refused(sky: Sky, given: dict[str, str | None], words: str) -> None:
    values = {name: value for name, value in {**parameters(sky), **given}.items() if value is not None}
    with pytest.raises(DeployError, match=words):
        sky.cloud.deploy(SAMPLE, "wrong", values)


def test_short_intrinsics_dates_and_includes_are_read() -> None:
    read = template.load(SAMPLE)["Resources"]
    assert read["Machine"]["Properties"]["DefinitionSubstitutions"]["EchoArn"] == {"Fn::GetAtt": ["Echo", "Arn"]}
    assert read["RuleRole"]["Properties"]["AssumeRolePolicyDocument"]["Version"] == "2012-10-17"
    assert read["Document"]["Properties"]["Content"]["schemaVersion"] == "2.2"


def test_names_in_the_template_are_the_resources_names(sky: Sky, changed: Callable[..., Path]) -> None:
    path = changed(
        "    Properties:\n      DefinitionUri",
        "    Properties:\n      Name: my-machine\n      DefinitionUri",
        "Properties: {ScheduleExpression: rate(1 minute)",
        "Properties: {Name: my-tick, ScheduleExpression: rate(1 minute)",
    )
    stack = sky.cloud.deploy(path, "named", {**parameters(sky), "WithExtra": "yes"})
    try:
        assert stack.outputs["MachineArn"].endswith(":stateMachine:my-machine")
        assert "ExtraTopic" in stack.resources
        assert list(stack.of_type("AWS::Scheduler::Schedule").values()) == ["my-tick"]
    finally:
        for name in stack.of_type("AWS::Scheduler::Schedule").values():
            sky.cloud.client("scheduler").delete_schedule(Name=name)
        for name in stack.of_type("AWS::Events::Rule").values():
            sky.cloud.client("events").disable_rule(Name=name)
        sky.cloud.client("cloudwatch").delete_alarms(AlarmNames=list(stack.of_type("AWS::CloudWatch::Alarm").values()))


def test_a_definition_is_substituted_as_text() -> None:
    properties = {"DefinitionString": '{"a": "{% ${N} %}", "b": "${S}"}', "DefinitionSubstitutions": {"N": 3, "S": "x"}}
    assert resources.state_machine_definition(properties) == '{"a": "{% 3 %}", "b": "x"}'
