"""Deploys a SAM template on the local cloud, and fails where a part of it was not made."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.cloudformation.parsing import get_model_map

from lab.testbed.cloud import rules
from lab.testbed.cloud import template as templates
from lab.testbed.cloud.account import backend
from lab.testbed.cloud.functions import CODE_BUCKET


class DeployError(Exception):
    """The template was not, or not wholly, deployed; the message names the resource."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack: its outputs by name, and its resources' physical ids by logical id."""

    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    template: Mapping[str, Any]

    def of_type(self, kind: str) -> dict[str, str]:
        """Logical to physical ids of one type ("AWS::Lambda::Function")."""
        types = {name: resource["Type"] for name, resource in self.template["Resources"].items()}
        return {name: physical for name, physical in self.resources.items() if types.get(name) == kind}


def deploy(
    template_path: Path, stack_name: str, parameters: Mapping[str, str], client_of: Callable[[str], Any]
) -> Stack:
    """Expand the template and create the stack. Raises DeployError or TemplateError, naming what is wrong."""
    expanded = templates.expand(template_path, parameters)
    _refuse_unknown(expanded)
    check_parameters(expanded, parameters)
    _provide_code(expanded)
    warnings = _Warnings()
    logging.getLogger("moto").addHandler(warnings)
    cloudformation = client_of("cloudformation")
    try:
        # Not through the API: there, an error of the emulator's would be a page of HTML.
        values = {key: str(value) for key, value in parameters.items()}
        backend("cloudformation").create_stack(name=stack_name, template=json.dumps(expanded), parameters=values)
    except Exception as error:
        raise DeployError(f"{template_path.name} can't be deployed: {error}") from error
    finally:
        logging.getLogger("moto").removeHandler(warnings)
    if warnings.texts:
        raise DeployError(f"{template_path.name} was not wholly deployed: {'; '.join(warnings.texts)}")
    return _described(cloudformation, stack_name, expanded)


def _described(cloudformation: Any, stack_name: str, expanded: dict[str, Any]) -> Stack:
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise DeployError(f"the stack {stack_name} is {stack['StackStatus']}: {stack.get('StackStatusReason', '')}")
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    resources = {
        resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
        for page in pages
        for resource in page["StackResourceSummaries"]
    }
    missing = [
        f"{name} ({resource['Type']})"
        for name, resource in expanded["Resources"].items()
        if name not in resources and "Condition" not in resource
    ]
    if missing:
        raise DeployError(f"nothing made {', '.join(missing)}")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return Stack(stack_name, outputs, resources, expanded)


def _refuse_unknown(expanded: dict[str, Any]) -> None:
    known = get_model_map()
    strange = [
        f"{name} ({resource['Type']})"
        for name, resource in expanded["Resources"].items()
        if resource["Type"] not in known
    ]
    if strange:
        raise DeployError(f"nothing on this machine makes {', '.join(strange)}")


def check_parameters(expanded: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    """What CloudFormation checks before it makes anything, and moto does not. Raises DeployError with the reason."""
    declared = expanded.get("Parameters", {})
    unknown = sorted(set(parameters) - set(declared))
    if unknown:
        raise DeployError(f"the template has no parameter {', '.join(unknown)}; it has {', '.join(sorted(declared))}")
    absent = sorted(name for name, about in declared.items() if "Default" not in about and name not in parameters)
    if absent:
        raise DeployError(f"the template wants a value for {', '.join(absent)}")
    for name, value in parameters.items():
        _check_parameter(name, str(value), declared[name])
    broken = rules.broken(expanded, {name: str(value) for name, value in parameters.items()})
    if broken:
        raise DeployError(" ".join(broken))


def _check_parameter(name: str, value: str, about: Mapping[str, Any]) -> None:
    allowed = [str(each) for each in about.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise DeployError(f"the parameter {name} is {value!r}; allowed are {', '.join(allowed)}")
    pattern = about.get("AllowedPattern")
    each_value = value.split(",") if about.get("Type") == "CommaDelimitedList" else [value]
    if pattern and not all(re.fullmatch(pattern, each.strip()) for each in each_value):
        raise DeployError(f"the parameter {name} is {value!r}, which does not match {pattern}")
    if about.get("Type") == "Number":
        low, high = float(about.get("MinValue", "-inf")), float(about.get("MaxValue", "inf"))
        if not low <= float(value) <= high:
            raise DeployError(f"the parameter {name} is {value}; allowed is {low:g} to {high:g}")


def _provide_code(expanded: dict[str, Any]) -> None:
    """Give moto an object for every piece of code; it checks that it is there. What runs is the directory itself."""
    s3 = backend("s3")
    if CODE_BUCKET not in s3.buckets:
        s3.create_bucket(CODE_BUCKET, "eu-central-1")
    for resource in expanded["Resources"].values():
        properties = resource.get("Properties", {})
        place = properties.get("Code") or properties.get("Content") or {}
        if isinstance(place, dict) and place.get("S3Bucket") == CODE_BUCKET:
            s3.put_object(CODE_BUCKET, place["S3Key"], b"")


class _Warnings(logging.Handler):
    """What moto only mentions in its log when it leaves out a part of a template."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
