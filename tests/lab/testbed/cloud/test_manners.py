"""AWS's manners: each dial does what the table says, with a seed, and only from `begin` on."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msfailover.adapters import ec2_power
from msfailover.pair import Role, Server

from lab.testbed.cloud.commands import Commands, Invocation
from lab.testbed.cloud.manners.dials import Manners, turning
from lab.testbed.cloud.manners.front import Front
from lab.testbed.cloud.manners.table import MANNERS, as_markdown, latency_of
from lab.testbed.cloud.schedules import Due, Schedules
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import eventually

PAGE = Path(__file__).resolve().parents[4] / "docs" / "clouds.md"
DOCUMENT = {"mainSteps": [{"name": "do", "inputs": {"timeoutSeconds": "1"}}]}


def begun(**turned: float | tuple[float, float]) -> Manners:
    """An ideal cloud with single dials turned; dots are written as double underscores, hyphens as single ones."""
    manners = Manners()
    for name, value in turned.items():
        manners.turn(name.replace("__", ".").replace("_", "-"), value)
    manners.begin()
    return manners


# ---- the dials


def test_the_same_seed_draws_the_same_and_another_dial_does_not_matter() -> None:
    one, other, third = Manners("aws", 7), Manners("aws", 7), Manners("aws", 8)
    for manners in (one, other, third):
        manners.begin()
    other.draw("lambda.cold")
    drawn = [one.draw("route53.pending") for _ in range(5)]
    assert drawn == [other.draw("route53.pending") for _ in range(5)]
    assert drawn != [third.draw("route53.pending") for _ in range(5)]
    assert all(5 <= each <= 60 for each in drawn)


def test_nothing_is_drawn_before_it_begins_and_nothing_ever_in_an_ideal_cloud() -> None:
    aws, ideal = Manners("aws"), Manners()
    ideal.begin()
    for manners in (aws, ideal):
        assert [manners.draw(name) for name in MANNERS] == [0.0] * len(MANNERS)
        assert not any(manners.happens(name) for name in MANNERS)


def test_a_dial_can_be_turned_alone_and_one_that_there_is_not_is_refused() -> None:
    manners = begun(command__starts=3)
    assert (manners.draw("command.starts"), manners.draw("ec2.stale")) == (3.0, 0.0)
    with pytest.raises(KeyError, match=r"no manner 'command\.begins'"):
        manners.turn("command.begins", 1)
    with pytest.raises(ValueError, match="There is no cloud 'azure'; there are ideal, aws"):
        Manners("azure")


def test_a_dial_is_turned_on_the_command_line() -> None:
    assert turning("route53.pending=5..8") == ("route53.pending", (5.0, 8.0))
    assert turning("command.lost=1") == ("command.lost", 1.0)
    for wrong in ("command.begins=1", "command.lost", "command.lost=much"):
        with pytest.raises(ValueError, match=r"turns nothing|could not convert"):
            turning(wrong)


def test_milliseconds_are_drawn_as_seconds() -> None:
    assert begun(states__transition=50).draw("states.transition") == 0.05


def test_the_page_shows_the_table_as_it_is() -> None:
    assert as_markdown() in PAGE.read_text()


def test_every_manner_says_where_its_figure_comes_from() -> None:
    assert [each.name for each in MANNERS.values() if len(each.source) < 10] == []


@pytest.mark.parametrize(
    ("service", "operation", "dial"),
    [
        ("ec2", "DescribeInstances", "latency.ec2.Describe*"),
        ("ec2", "StopInstances", "latency.ec2.*"),
        ("route53", "GetChange", "latency.route53.*"),
        ("s3", "GetObject", None),
    ],
)
def test_a_call_takes_the_latency_of_the_first_pattern_that_fits(
    service: str, operation: str, dial: str | None
) -> None:
    assert latency_of(service, operation) == dial


# ---- before the APIs


class Behind:
    """An API that answers with how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.calls += 1
        start("200 OK", [])
        return [str(self.calls).encode()]


def ask(front: Front, action: str, *, service: str = "ec2", key: str = "ASIAROLE", target: str = "") -> tuple[str, str]:
    """Status and body of a call."""
    body = f"Action={action}&Version=1".encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={key}/20261126/eu-central-1/{service}/aws4_request, Signed",
        "HTTP_X_AMZ_TARGET": target,
    }
    told: list[str] = []
    answer = b"".join(front(environ, lambda status, _headers: told.append(status)))
    return told[0], answer.decode()


def test_a_read_after_a_write_gives_the_older_answer_for_a_while() -> None:
    front = Front(Behind(), begun(ec2__stale=0.3))
    before = ask(front, "DescribeInstances")
    ask(front, "StopInstances")
    assert ask(front, "DescribeInstances") == before
    eventually(lambda: ask(front, "DescribeInstances") != before, 5)


def test_a_burst_of_throttling_outlasts_the_attempts_of_the_sdk_and_ends() -> None:
    behind = Behind()
    front = Front(behind, begun(throttle__share=1, throttle__burst=0.3))
    assert ask(front, "DescribeInstances")[0].startswith("503")
    assert ask(front, "", service="dynamodb", target="DynamoDB_20120810.GetItem")[0].startswith("400")
    assert behind.calls == 0
    eventually(lambda: ask(front, "DescribeInstances")[0] == "200 OK", 5)
    assert front.throttled["ec2.DescribeInstances"] >= 1


def test_who_watches_the_testbed_meets_no_manners() -> None:
    front = Front(Behind(), begun(throttle__share=1, throttle__burst=60))
    assert ask(front, "DescribeInstances", key="test")[0] == "200 OK"


# ---- the parts behind


@pytest.fixture
def turned(sky: Sky) -> Iterator[Manners]:
    """The dials of the cloud that is up, to be turned; all back at 0 afterwards."""
    sky.cloud.manners.begin()
    yield sky.cloud.manners
    for name in MANNERS:
        sky.cloud.manners.turn(name, 0)


def test_name_servers_follow_only_when_the_change_is_no_longer_pending(sky: Sky, turned: Manners) -> None:
    turned.turn("route53.pending", 0.5)
    client, zone = sky.cloud.client("route53"), sky.owner.zone_id
    record = {"Name": "slow.corp.example", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "10.0.0.9"}]}
    batch: Any = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    change = client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]["Id"]
    assert client.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"
    assert "10.0.0.9" not in str(sky.names.zones.get("corp.example", ()))
    listed = client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert any(each["Name"] == "slow.corp.example." for each in listed), "what is PENDING is listed all the same"
    eventually(lambda: client.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC", 10)
    assert "10.0.0.9" in str(sky.names.zones["corp.example"])


def test_a_machine_that_hangs_stays_in_stopping(sky: Sky, turned: Manners) -> None:
    turned.turn("ec2.hangs", 1)
    client = sky.cloud.client("ec2")
    image = client.describe_images()["Images"][0]["ImageId"]
    made = client.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    client.stop_instances(InstanceIds=[made])
    time.sleep(0.3)
    described = client.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]
    assert described["State"]["Name"] == "stopping"
    assert made not in sky.machines.off


def launched(sky: Sky) -> Server:
    """A machine of a server's, running."""
    client = sky.cloud.client("ec2")
    image = client.describe_images()["Images"][0]["ImageId"]
    made = client.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    return Server(Role.MS1, made, ("10.77.0.11",))


def test_a_machine_that_is_protected_is_not_stopped_and_ec2_says_so_before(sky: Sky, turned: Manners) -> None:
    client, server = sky.cloud.client("ec2"), launched(sky)
    assert ec2_power.is_stop_protected(client, server) is False
    turned.turn("ec2.stop-protected", 1)
    assert ec2_power.is_stop_protected(client, server) is True
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2_power.switch_off(client, server)
    assert state_of(client, server) == "running"
    turned.turn("ec2.stop-protected", 0)
    client.modify_instance_attribute(InstanceId=server.instance_id, DisableApiStop={"Value": True})
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2_power.switch_off(client, server)


def test_a_type_that_can_not_skip_the_shutdown_refuses_that_and_is_stopped_without_it(
    sky: Sky, turned: Manners
) -> None:
    turned.turn("ec2.skip-refused", 1)
    client, server = sky.cloud.client("ec2"), launched(sky)
    with pytest.raises(ClientError, match="UnsupportedOperation"):
        client.stop_instances(InstanceIds=[server.instance_id], Force=True, SkipOsShutdown=True)
    assert state_of(client, server) == "running"
    ec2_power.switch_off(client, server)
    eventually(lambda: state_of(client, server) == "stopped", 5)


def test_what_holds_for_one_machine_holds_for_it_each_time_and_for_a_share_of_all() -> None:
    manners = begun(ec2__skip_refused=0.5)
    machines = [f"i-{number}" for number in range(200)]
    held = [manners.holds_for("ec2.skip-refused", each) for each in machines]
    assert held == [manners.holds_for("ec2.skip-refused", each) for each in machines]
    assert 60 < sum(held) < 140


def state_of(client: Any, server: Server) -> str:
    found = client.describe_instances(InstanceIds=[server.instance_id])["Reservations"][0]["Instances"][0]
    return str(found["State"]["Name"])


def test_a_rule_is_in_effect_a_moment_after_the_call(sky: Sky, turned: Manners) -> None:
    turned.turn("ec2.effect", 0.3)
    sky.cloud.client("ec2").authorize_security_group_ingress(
        GroupId=sky.owner.database_group_id, CidrIp="192.0.2.7/32", IpProtocol="tcp", FromPort=1, ToPort=1
    )
    assert not sky.firewall.allows("192.0.2.7/32")
    eventually(lambda: sky.firewall.allows("192.0.2.7/32"), 5)


def test_an_account_has_no_more_calls_at_once_than_its_limit(sky: Sky, turned: Manners) -> None:
    name = sky.stack.resources["Echo"]
    sky.cloud.functions.invoke_async(name, b'{"action": "sleep", "seconds": 1}')
    eventually(lambda: any(pool.busy for pool in sky.cloud.functions._pools.values()), 10)
    turned.turn("lambda.at-once", 1)
    with pytest.raises(Exception, match="Rate Exceeded"):
        sky.cloud.functions.invoke(name, b"{}")


class Recorder:
    """Takes what schedules deliver."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def deliver(self, origin: str, _arn: str, _payload: str) -> None:
        self.taken.append(origin)


def test_a_schedule_fires_late_and_twice_where_the_dials_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    schedules = Schedules(recorder, first_after_s=0)  # type: ignore[arg-type]
    monkeypatch.setattr(schedules, "_all", lambda: [Due("group/watch", "rate(1 minute)", (("arn", "{}"),))])
    schedules.firings = lambda: (0.2, 0.3)
    schedules.step(1000.0)
    assert recorder.taken == []
    eventually(lambda: recorder.taken == ["watch", "watch"], 5)


@pytest.fixture
def commands() -> Commands:
    return Commands(lambda _: None)


def send(commands: Commands) -> Invocation:
    (made,) = commands.send("status", DOCUMENT, ["i-1"], {}, delivery_s=30)
    return made


def fetched(commands: Commands, wait_s: float = 5) -> Invocation | None:
    return commands.fetch("i-1", wait_s, lambda: True)


def test_a_command_reaches_its_agent_after_a_while(commands: Commands) -> None:
    commands.starts_after = lambda: 0.2
    sent = send(commands)
    assert fetched(commands, 0.01) is None
    assert fetched(commands) is sent


def test_a_command_can_be_run_twice_and_its_first_result_counts(commands: Commands) -> None:
    commands.runs_twice = lambda: True
    sent = send(commands)
    first, second = fetched(commands), fetched(commands)
    assert first is not None
    assert second is not None
    assert (first.command_id, second.command_id) == (sent.command_id, sent.command_id)
    assert commands.answer("i-1", sent.command_id, "Success", 0, "one", "")
    assert not commands.answer("i-1", sent.command_id, "Failed", 1, "two", "")
    assert (sent.status, sent.stdout) == ("Success", "one")


def test_a_result_can_be_late(commands: Commands) -> None:
    commands.result_after = lambda _: 0.2
    sent = send(commands)
    fetched(commands)
    commands.answer("i-1", sent.command_id, "Success", 0, "done", "")
    assert sent.status == "InProgress"
    eventually(lambda: sent.status == "Success", 5)


def test_a_result_can_be_lost_and_the_command_times_out(commands: Commands) -> None:
    commands.result_after = lambda _: float("inf")
    sent = send(commands)
    fetched(commands)
    commands.answer("i-1", sent.command_id, "Success", 0, "done", "")
    assert sent.status == "InProgress"
    commands.expire(time.time() + 3600)
    assert (sent.status, sent.stdout) == ("TimedOut", "")


def test_the_agent_ends_a_failures_words_with_a_line_of_its_own(commands: Commands) -> None:
    commands.adds_own_line = lambda: True
    sent = send(commands)
    fetched(commands)
    commands.answer("i-1", sent.command_id, "Failed", 3, "", "no room left\n")
    assert re.fullmatch(r"no room left\nfailed to run commands: exit status 3", sent.stderr)
