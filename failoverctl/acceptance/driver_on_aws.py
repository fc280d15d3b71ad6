"""What a scenario does to a pair on AWS, by AWS's own means, and how each of it is taken back.

Implements `scenarios.Driver` and `story.Workflow`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from failoverctl import actions
from failoverctl.acceptance import network_cut
from failoverctl.acceptance.journal_there import LOGIN
from failoverctl.acceptance.place import TAG, Place, Server
from failoverctl.acceptance.polling import wait_for
from failoverctl.acceptance.run_script import ScriptFailed, run_script
from failoverctl.acceptance.undoing import Undo, Undoing
from failoverctl.errors import CommandError, plainly
from failoverctl.report.course import Step
from failoverctl.steps import read_steps

STOPPED_WITHIN_S = 300.0
ONLINE_WITHIN_S = 600.0
POLL_EVERY_S = 1.0
STOPPED_TAG = f"{TAG}-stopped"


class DriverOnAws:
    """The pair's servers and its workflow.

    Args:
        place: the pair.
        undoing: takes note of what is to be taken back.
    """

    patience = 10.0
    """Orders to a host and rules take seconds to be in effect, and a schedule begins within its minute."""

    def __init__(self, place: Place, undoing: Undoing) -> None:
        self.place = place
        self._undoing = undoing
        self._cuts: dict[str, Undo] = {}
        self._ended: dict[str, tuple[Step, ...]] = {}

    # ---- faults ----------------------------------------------------------------------------------------------------

    def kill(self, server: str) -> float:
        return self._struck(server, f"systemctl kill -s KILL {self.place.service}")

    def hang(self, server: str) -> float:
        # To the main process only: its psql, which writes on, would die of it.
        def signal(name: str) -> str:
            return f"systemctl kill -s {name} --kill-whom=main {self.place.service}"

        self._undoing.note(
            f"{server}'s hung interface",
            lambda: self._try_on(server, signal("USR2")),
            f"systemctl restart {self.place.service} on {server}, or stop it there if it is the standby",
        )
        return self._struck(server, signal("USR1"))

    def cut_off(self, server: str) -> float:
        found = self.place.servers[server]
        self._cuts[server] = self._undoing.note(
            f"{server}'s cut", lambda: network_cut.heal(self.place), network_cut.by_hand(found)
        )
        acl = network_cut.prepare(self.place, found)
        at = time.time()
        network_cut.cut(self.place, found, acl)
        return at

    def reconnect(self, server: str) -> None:
        self._undoing.now(self._cuts.pop(server))
        self.await_online(server)

    def enable_autostart(self, server: str) -> None:
        command = f"systemctl disable {self.place.service}"
        self._undoing.note(f"{server}'s autostart", lambda: self.run(server, command), f"{command} on {server}")
        self.run(server, f"systemctl enable {self.place.service}")

    def power_off(self, server: str) -> float:
        found = self.place.servers[server]
        self._undoing.note(
            f"{server}'s stop",
            lambda: self.power_on(server),
            f"aws ec2 start-instances --instance-ids {found.instance}",
        )
        ec2 = self.place.account.client("ec2")
        with plainly(f"stop {server}"):
            ec2.create_tags(Resources=[found.instance], Tags=[{"Key": STOPPED_TAG, "Value": self.place.stack.pair}])
            at = time.time()
            ec2.stop_instances(InstanceIds=[found.instance])
        return at

    def power_on(self, server: str) -> None:
        """Start its instance where it was stopped, and wait until its agent is there. Can be called again."""
        found = self.place.servers[server]
        ec2 = self.place.account.client("ec2")
        wait_for(
            f"{server} is stopped or running",
            lambda: self.state(found) in ("stopped", "running"),
            STOPPED_WITHIN_S,
            POLL_EVERY_S,
        )
        with plainly(f"start {server}"):
            ec2.start_instances(InstanceIds=[found.instance])
            ec2.delete_tags(Resources=[found.instance], Tags=[{"Key": STOPPED_TAG}])
        self.await_online(server)

    def reboot(self, server: str) -> float:
        at = time.time()
        with plainly(f"reboot {server}"):
            self.place.account.client("ec2").reboot_instances(InstanceIds=[self.place.servers[server].instance])
        return at

    def grant(self, server: str) -> float:
        """Have the access group allow a server, as somebody may do by hand."""
        permission = self._rule_of(server)
        ec2, group = self.place.account.client("ec2"), self.place.stack.group
        self._undoing.note(
            f"the rule for {server}",
            lambda: self.revoke(server),
            f"failoverctl readiness names it; aws ec2 revoke-security-group-ingress --group-id {group}"
            f" --protocol tcp --port {self.port} --cidr {self.place.servers[server].addresses[0]}/32",
        )
        at = time.time()
        with plainly("put a rule into the access group"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
        return at

    def start_service(self, server: str) -> None:
        command = f"systemctl stop {self.place.service}"
        self._undoing.note(f"{server}'s service", lambda: self.run(server, command), f"{command} on {server}")
        self.run(server, f"systemctl start {self.place.service}")

    def revoke(self, server: str) -> None:
        """Take back acceptance's own rule, where it is still there."""
        ec2, group = self.place.account.client("ec2"), self.place.stack.group
        for each in self.rules():
            if each.get("Description") == TAG and self.allows(each, server):
                with plainly("take a rule out of the access group"):
                    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[each["SecurityGroupRuleId"]])

    def tried(self, server: str) -> tuple[bool, str]:
        """Whether the server's own login is kept out, from its own host."""
        said = self.run(server, f"{LOGIN}\npsql --no-psqlrc -c 'SELECT 1' >/dev/null 2>&1 && echo in || echo out")
        if said.strip() == "out":
            return True, f"From {server}'s host its login does not reach the database."
        return False, f"From {server}'s host its login reaches the database."

    # ---- the access group ------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        return int(self.place.stack.parameters["DatabasePort"])

    def rules(self) -> list[dict[str, Any]]:
        """The inbound rules of the access group."""
        ec2 = self.place.account.client("ec2")
        with plainly("read the access group"):
            pages = ec2.get_paginator("describe_security_group_rules").paginate(
                Filters=[{"Name": "group-id", "Values": [self.place.stack.group]}]
            )
            return [each for page in pages for each in page["SecurityGroupRules"] if not each["IsEgress"]]

    def allows(self, rule: Mapping[str, Any], server: str) -> bool:
        """Whether a rule is for an address of a server."""
        own = {f"{each}/{128 if ':' in each else 32}" for each in self.place.servers[server].addresses}
        return rule.get("CidrIpv4", rule.get("CidrIpv6")) in own

    def _rule_of(self, server: str) -> dict[str, Any]:
        source = {"CidrIp": f"{self.place.servers[server].addresses[0]}/32", "Description": TAG}
        return {"IpProtocol": "tcp", "FromPort": self.port, "ToPort": self.port, "IpRanges": [source]}

    # ---- hosts -----------------------------------------------------------------------------------------------------

    def run(self, server: str, script: str) -> str:
        """Run a script on a server. Raises ScriptFailed or CommandError."""
        return run_script(self.place.account, self.place.servers[server].instance, script)

    def _try_on(self, server: str, script: str) -> None:
        with suppress(ScriptFailed):  # there may be no process any more, which is as good
            self.run(server, script)

    def _struck(self, server: str, command: str) -> float:
        """Run a command that breaks something, and return when, by the host's own clock, which AWS keeps."""
        return float(self.run(server, f"date +%s.%N\n{command}").split()[0])

    def state(self, server: Server) -> str:
        with plainly("see an instance's state"):
            answer = self.place.account.client("ec2").describe_instances(InstanceIds=[server.instance])
        return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])

    def await_online(self, server: str) -> None:
        """Wait until a server's agent answers a script: that it was online a minute ago is no answer."""
        instance = self.place.servers[server].instance

        def answers() -> bool:
            try:
                return run_script(self.place.account, instance, "echo here", 10).strip() == "here"
            except (ScriptFailed, CommandError):
                return False

        wait_for(f"the agent of {server} answers", answers, ONLINE_WITHIN_S, POLL_EVERY_S)

    # ---- the workflow ----------------------------------------------------------------------------------------------

    def start(self, request: Mapping[str, Any]) -> str:
        return actions.start(self.place.account, self.place.stack, request)

    def executions(self) -> list[dict[str, Any]]:
        """The latest hundred, oldest first."""
        with plainly("list the executions"):
            answer = self.place.account.client("stepfunctions").list_executions(
                stateMachineArn=self.place.stack.machine, maxResults=100
            )
        return sorted(answer["executions"], key=lambda each: each["startDate"])

    def outcome(self, execution: str, deadline_s: float) -> str:
        """Wait for an execution's end and return its outcome. Raises NotSo where it does not end by the deadline."""
        found = wait_for(f"the end of {execution}", lambda: self._outcome_of(execution), deadline_s, POLL_EVERY_S)
        return str(found)

    def _outcome_of(self, execution: str) -> str:
        with plainly("read the execution"):
            answer = self.place.account.client("stepfunctions").describe_execution(executionArn=execution)
        outcome, _, _ = actions.outcome_of(answer)
        return "" if outcome == "running" else outcome

    def steps(self, execution: str) -> tuple[Step, ...]:
        """The steps of an execution; an ended one is asked for once."""
        if execution not in self._ended:
            name = execution.rpartition(":")[2]
            read = read_steps(self.place.account, execution)
            steps = tuple(Step.of(each, name) for each in read)
            if not self._outcome_of(execution):
                return steps
            self._ended[execution] = steps
        return self._ended[execution]
