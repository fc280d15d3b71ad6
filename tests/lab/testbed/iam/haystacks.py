"""The secrets of the testbed, and every place where people could come across one."""

from __future__ import annotations

import json
import re

from lab.testbed.cloud.account import backend
from tests.lab.testbed.iam.session import ROTATED, Session

_LINE = re.compile(r"[A-Za-z0-9+/=]{40,}")


def planted(session: Session) -> dict[str, tuple[str, ...]]:
    """Every secret by a name for it: passwords, the roles' own keys, and the lines of each private key on the hosts."""
    hosts = session.testbed.hosts
    secrets: dict[str, tuple[str, ...]] = {
        "monitor's password": (hosts.passwords.monitor,),
        "application's password": (hosts.passwords.application,),
        "rotated password": (ROTATED,),
    }
    for role in session.roles:
        arn = backend("iam").get_role(role).arn
        keys = session.testbed.cloud.credentials_of(arn)
        secrets[f"keys of {role}"] = (keys["SecretAccessKey"], keys["SessionToken"])
    for name in ("ms1", "ms2"):
        root = hosts.ms(name).host.files.root
        for path in root.rglob("*"):
            if path.is_file() and path.stat().st_size < 20_000 and b"PRIVATE KEY" in (content := path.read_bytes()):
                lines = _LINE.findall(content.decode(errors="replace"))
                # The first line of an OpenSSH key holds its format only, which all of them share.
                secrets[f"{name} /{path.relative_to(root)}"] = tuple(lines[1:] or lines)
    return secrets


def haystacks(session: Session) -> dict[str, str]:
    """What is logged, counted, kept, shown and sent, each place as one text."""
    testbed, client = session.testbed, session.testbed.cloud.client
    histories = [
        client("stepfunctions").get_execution_history(
            executionArn=each["executionArn"], maxResults=1000, includeExecutionData=True
        )["events"]
        for each in testbed.executions()
    ]
    functions = client("lambda").list_functions()["Functions"]
    assert testbed.stack is not None
    (table,) = testbed.stack.of_type("AWS::DynamoDB::Table").values()
    topics = backend("sns").topics.values()
    return {
        "logs": "\n".join(
            path.read_text(errors="replace") for path in (testbed.directory / "logs").glob("testbed-*.log")
        ),
        "metrics": "\n".join(
            f"{each.namespace} {each.name} {[(one.name, one.value) for one in each.dimensions]}"
            for each in backend("cloudwatch").metric_data
        ),
        "execution histories": json.dumps(histories, default=str),
        "command results": "\n".join(
            f"{each.parameters} {each.stdout} {each.stderr}" for each in testbed.cloud.ssm.commands.all()
        ),
        "records": json.dumps(client("dynamodb").scan(TableName=table)["Items"], default=str),
        "messages": "\n".join(str(each) for topic in topics for each in topic.sent_notifications),
        "environments": json.dumps([each["Environment"]["Variables"] for each in functions]),
    }
