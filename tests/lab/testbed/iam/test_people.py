"""A viewer and an operator at a real testbed, each with a role's own keys and nothing but the template's policies.

Every command of failoverctl that is for a deployed pair is run, in process; each call is held against the policies,
with resource and condition.
"""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from collections.abc import Iterator

import pytest

from failoverctl import program
from failoverctl.account import Account
from failoverctl.errors import Exit
from failoverctl.parser import make_parser
from lab.testbed.cloud.account import ACCOUNT, REGION
from lab.testbed.iam.policies import Call, Statement, decide
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.game_days import calendar
from lab.testbed.testbed import STACK, Testbed

pytestmark = pytest.mark.testbed

SEES = {
    "status": "status --json",
    "watch": "watch --json --for 1s --every 5",
    "history": "history --json",
    "explain": "explain --json",
    "report": "report --json --output /dev/null",
    "whatif": "whatif --json --since 1h",
    "readiness": "readiness --json",
    "cost": "cost --json",
}
ACTS = {
    "failover": "failover --reason drill --yes --dry-run",
    "switchover": "switchover --reason drill --yes --dry-run",
    "force": f"force --reason drill --by Ann --pair {STACK} --dry-run",
    "resume": "resume --reason drill --yes --dry-run",
    "adopt": "adopt --reason drill --yes",
    "acknowledge": "acknowledge --yes",
    "maintenance": "maintenance on --for 45s --yes",
    "mode": "mode automatic --yes",
    "may-update": "may-update --yes",
    "prepare": "prepare",
    "undo-prepare": "undo-prepare --yes",
    "attach": "attach",
    "replicate": "replicate",
    "verify-replication": "verify-replication",
}
NO_ACT = {"attach": "it only reads", "acknowledge": "here nothing is outstanding, so nothing is called"}
NOT_SEEN = {"pricing:GetProducts"}
"""`cost` asks AWS's public price list, which the local cloud has none of: tests/failoverctl/test_price_list.py does."""
ALONE = {"init", "list", "web", "acceptance", "completion", "man", "help"}
"""Which are about no one pair, or a demo only: what they need is in docs/deploy.md and docs/acceptance.md."""


class People:
    """A testbed with a role for each of the two."""

    def __init__(self, testbed: Testbed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.testbed, self._monkeypatch = testbed, monkeypatch
        assert testbed.stack is not None
        made = testbed.stack.outputs
        policies = {"viewer": ["ViewerPolicyArn"], "operator": ["ViewerPolicyArn", "OperatorPolicyArn"]}
        self.keys = {who: self._role(who, [made[name] for name in names]) for who, names in policies.items()}

    def _role(self, who: str, policies: list[str]) -> dict[str, str]:
        iam = self.testbed.cloud.client("iam")
        arn = iam.create_role(RoleName=who, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        for each in policies:
            iam.attach_role_policy(RoleName=who, PolicyArn=each)
        return self.testbed.cloud.credentials_of(arn)

    def run(self, who: str, line: str) -> tuple[Exit, str]:
        """Run a command line with somebody's keys; its exit code and what it said."""
        keys, endpoint = self.keys[who], self.testbed.cloud.endpoint

        class Theirs(Account):
            def __init__(self, profile: str | None, region: str | None, _endpoint: str | None) -> None:
                super().__init__(profile, region, endpoint)
                self._session.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

        said = io.StringIO()
        self._monkeypatch.setattr(program, "Account", Theirs)
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = program.main([*shlex.split(line), "--stack", STACK, "--region", REGION])
        return Exit(code), said.getvalue()

    def refused(self, who: str) -> list[str]:
        return [each.sentence for each in self.testbed.cloud.permissions.seen if each.role == who and not each.allowed]

    def statements(self, who: str) -> tuple[Statement, ...]:
        return self.testbed.cloud.permissions.statements(who)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    directory = tmp_path_factory.mktemp("people")
    with pytest.MonkeyPatch.context() as patch, Testbed(directory, agents=1, parameters=calendar(60)) as testbed:
        testbed.prepare_hosts()
        testbed.adopt()
        testbed.import_software(2, 1_000)
        wait_for("a complete set on ms2", lambda: testbed.freshness().get("as_of"), 30)
        yield People(testbed, patch)


def test_every_command_is_one_that_sees_or_one_that_acts() -> None:
    parser = make_parser()
    (known,) = [each.choices for each in parser._actions if isinstance(each.choices, dict)]
    assert set(known) == set(SEES) | set(ACTS) | ALONE


@pytest.mark.parametrize("command", SEES)
def test_a_viewer_sees_all_there_is(people: People, command: str) -> None:
    code, said = people.run("viewer", SEES[command])
    assert code in (Exit.DONE, Exit.NOT_WELL), said
    assert '"error"' not in said
    assert "may not" not in said


def test_a_viewer_s_status_is_the_operator_s(people: People) -> None:
    seen = {who: json.loads(people.run(who, "status --json")[1]) for who in ("viewer", "operator")}
    for part in ("access", "sessions"):
        answers = {who: [each[part]["answer"] for each in found["servers"].values()] for who, found in seen.items()}
        assert answers["viewer"] == answers["operator"] == ["yes", "no"]
    assert seen["viewer"]["name"]["points_to"] == "ms1"


@pytest.mark.parametrize("command", [each for each in ACTS if each not in NO_ACT])
def test_a_viewer_is_refused_each_act(people: People, command: str) -> None:
    before = people.testbed.record()
    code, said = people.run("viewer", ACTS[command])
    assert code not in (Exit.DONE, Exit.NOT_WELL), said
    assert "may not" in " ".join(said.split()) or "not authorized" in " ".join(said.split()), said
    assert people.testbed.record() == before


@pytest.mark.parametrize("command", [*SEES, *ACTS])
def test_an_operator_is_refused_nothing(people: People, command: str) -> None:
    people.run("operator", {**SEES, **ACTS}[command])
    assert people.refused("operator") == []


@pytest.mark.parametrize("function", ["pair", "replicate", "dns", "database-access", "database-sessions", "server"])
def test_a_viewer_may_call_no_function_that_acts(people: People, function: str) -> None:
    call = Call("lambda:InvokeFunction", (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-{function}",))
    assert not decide(people.statements("viewer"), call).allowed


def test_neither_may_do_what_the_functions_do(people: People) -> None:
    testbed = people.testbed
    table = testbed.cloud.client("dynamodb").list_tables()["TableNames"][0]
    ours = {
        "ec2:StopInstances": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{testbed.instances['ms1']}",
        "ec2:AuthorizeSecurityGroupIngress": f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{testbed.access_group}",
        "dynamodb:PutItem": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}",
        "route53:ChangeResourceRecordSets": f"arn:aws:route53:::hostedzone/{testbed.owner.zone_id}",
        "secretsmanager:GetSecretValue": testbed.owner.secret_arn,
        "lambda:InvokeFunction": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-server",
    }
    for who in ("viewer", "operator"):
        for action, resource in ours.items():
            context = {"dynamodb:LeadingKeys": (STACK,)} if action.startswith("dynamodb") else {}
            assert not decide(people.statements(who), Call(action, (resource,), context)).allowed


def test_another_pair_is_neither_s_business(people: People) -> None:
    for action, resource in (
        ("states:StartExecution", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:other-failover"),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:other-pair"),
        ("cloudformation:DescribeStacks", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/other/id"),
    ):
        assert not decide(people.statements("operator"), Call(action, (resource,))).allowed


def test_nothing_is_allowed_that_no_command_needs(people: People) -> None:
    """Runs last: the commands above are what the policies are for."""
    seen = [each.call for each in people.testbed.cloud.permissions.seen if each.role in ("viewer", "operator")]
    superfluous = [
        (action, resource)
        for statement in people.statements("operator")
        for action in statement.actions
        for resource in statement.resources
        if ":managed-instance/" not in resource and action not in NOT_SEEN
        if not any(
            call.action == action
            and not decide(
                [less for each in people.statements("operator") for less in each.without(action, resource)], call
            ).allowed
            for call in seen
        )
    ]
    assert superfluous == []
