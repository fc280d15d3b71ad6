"""The real functions in one process, and what stands at their boundaries in place of AWS, the network and the database.

Only boundaries are replaced: the clients, the database's engine, the sockets, the name servers, the clock. No decision.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from lab.simulation import machine
from lab.simulation.clients import EC2, SSM, Route53, StepFunctions
from lab.simulation.clients_data import DynamoDB, client_error
from lab.simulation.clock import AtOnce, Clock
from lab.simulation.engine import Engine
from lab.simulation.faults import Kind
from lab.simulation.hosts import ACCESS_GROUP, PORT
from lab.simulation.invocations import HeldUp
from lab.simulation.schedule import Schedule
from lab.simulation.subnet_borders import ACLS, SUBNETS
from lab.simulation.world import PAIR, World
from lab.testbed.cloud.patching import Patches

ROOT = Path(os.environ.get("SIMULATION_ROOT") or Path(__file__).resolve().parents[2])
NAMES = ("pair", "server", "database_access", "database_sessions", "dns", "probe", "watch", "replicate", "audit")
PROBES = ("probe", "second_probe")
"""Two functions of one code."""
SUBSTITUTIONS = {
    "Partition": "aws",
    "PairName": PAIR,
    "TopicArn": "arn:aws:sns:eu-west-1:123456789012:simulation",
    # The template's limits are for minutes of waiting; here a few turns say the same.
    "FenceAttempts": "3",
    "PowerAttempts": "5",
    "PowerPauseSeconds": "5",
    "StartTaskSeconds": "630",
}
ENVIRONMENT = {
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "PAIR_NAME": PAIR,
    "MS1_INSTANCE_ID": "i-00000000000000001",
    "MS1_ADDRESSES": "10.77.0.11,10.77.1.11",
    "MS1_HOST_NAMES": "ms1",
    "MS2_INSTANCE_ID": "i-00000000000000002",
    "MS2_ADDRESSES": "10.77.0.12,10.77.1.12",
    "MS2_HOST_NAMES": "ms2",
    "TABLE_NAME": "simulation",
    **{f"{name.upper()}_FUNCTION": name for name in NAMES},
    "SECOND_PROBE_FUNCTION": "second_probe",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:simulation",
    "STATE_MACHINE_ARN": f"{machine.ARN}:stateMachine:failover",
    "SLOT_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/simulation-slots",
    "STATUS_DOCUMENT": "simulation-status",
    "START_DOCUMENT": "simulation-start",
    "STOP_DOCUMENT": "simulation-stop",
    "REPLICATE_DOCUMENT": "simulation-replicate",
    "VERIFY_DOCUMENT": "simulation-verify-replication",
    "START_LIMIT_SECONDS": "20",
    "STATUS_LIMIT_SECONDS": "8",
    "ACCESS_GROUP_ID": ACCESS_GROUP,
    "FUNCTIONS_GROUP_ID": "sg-00000000f00000004",
    "DATABASE_PORT": str(PORT),
    "DATABASE_OTHER_PORTS": "5433",
    "DATABASE_ENGINE": "postgresql",
    "DATABASE_HOST": "database",
    "DATABASE_NAME": "ms",
    "DATABASE_IAM_USER": "watcher",
    "HOSTED_ZONE_ID": "Z0000000000000",
    "RECORD_NAME": "ms.corp.example",
    "RECORD_TTL_SECONDS": "5",
    "ADMIN_TLS_NAME": "ms.corp.example",
    "ADMIN_CA_FILE": "/nowhere/ca.pem",
    "RESOLVERS": "10.77.0.53",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
}


class Current:
    """The world of the schedule under way, and its clients; exchanged with each schedule."""

    world: World
    clients: Mapping[str, Any]
    handlers: Mapping[str, Callable[[Any, Any], dict[str, Any]]]


WAITING = re.compile(r'"IntervalSeconds": 1, "MaxAttempts": [0-9]{2},')
"""A retry that waits for a server, second by second; here, too, a few turns say the same."""


def definition() -> str:
    """The state machine with what the template would put in."""
    text = (ROOT / "statemachine" / "failover.asl.json").read_text()
    text = WAITING.sub('"IntervalSeconds": 1, "MaxAttempts": 2,', text)
    return re.sub(r"\$\{([A-Za-z0-9]+)\}", lambda found: _substitution(found[1]), text)


def _substitution(name: str) -> str:
    if name in SUBSTITUTIONS:
        return SUBSTITUTIONS[name]
    if name.endswith("Function"):
        return re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Function")).lower()
    return "3" if name.endswith("Attempts") else "60"


def functions() -> dict[str, ModuleType]:
    """The functions' own modules, imported once with the environment that the template would give them."""
    from importlib import import_module

    os.environ.update(ENVIRONMENT)
    return {name: import_module(f"functions.{name}.app") for name in NAMES}


def install(patches: Patches, clock: Clock) -> dict[str, ModuleType]:
    """Put the world of memory at the functions' boundaries."""
    found = functions()
    from msfailover.adapters import (
        admin_interface,
        clients,
        database_host,
        dns_resolver,
        lambda_invoke,
        network_acls,
        run_command,
        security_groups,
    )
    from msfailover.decisions import promotion
    from msfailover.runtime import authority, polling

    for service in [name for name, made in vars(clients).items() if _makes_a_client(made, clients)]:
        patches.put(clients, service, lambda service=service: Current.clients[service], why="AWS is in memory")
    for module in (authority, polling, run_command):
        patches.put(module, "time", clock, why="time is virtual")
    for module in (lambda_invoke, network_acls, promotion, security_groups):
        patches.put(module, "ThreadPoolExecutor", AtOnce, why="threads would make every run another one")
    patches.put(database_host, "addresses", lambda *_: Current.world.leads_to, why="no network")
    patches.put(admin_interface, "ask_admin", lambda address, *_: _signal("admin", address), why="no network")
    patches.put(admin_interface, "ask_port", lambda address, *_: _signal("port", address), why="no network")
    patches.put(dns_resolver, "resolve", _resolve, why="no network")
    patches.put(found["watch"], "_publish", lambda *_: None, why="nobody reads the metrics here")
    patches.put(found["audit"], "publish", lambda *_: None, why="nobody reads the metrics here")
    patches.put(found["audit"], "announce", lambda *_: None, why="the judge makes the events of the history itself")
    patches.put(found["replicate"], "_publish", lambda *_: None, why="nobody reads the metrics here")
    machine.install(patches, clock)
    return found


def _makes_a_client(made: Any, module: ModuleType) -> bool:
    """Whether it is a maker of clients: it takes no argument, unlike what judges an error or repeats a call."""
    own = inspect.isfunction(made) and made.__module__ == module.__name__ and not made.__name__.startswith("_")
    return own and not inspect.signature(made).parameters


def begin_anew(found: Mapping[str, ModuleType], schedule: Schedule) -> None:
    """Forget what the functions remember from call to call, and set what a stack's owner may choose."""
    acls, subnets = ((), ()) if schedule.network == "none" else (ACLS, SUBNETS)
    vouched = schedule.network == "local-pooler"
    chosen: dict[str, Mapping[str, Any]] = {
        "audit": {"path_is_direct": vouched},
        "database_access": {"network_acls": acls, "subnets": subnets},
        "pair": {"restart_first": schedule.restart == "yes", "network_acls": acls, "path_is_direct": vouched},
    }
    Current.handlers = {name: _within(each.handler, chosen.get(name, {})) for name, each in found.items()}


def _within(handler: Any, chosen: Mapping[str, Any]) -> Any:
    """The function's handler in a context of this schedule: what its owner has chosen, virtual time, no threads,
    sessions of memory."""
    settings, memory = replace(handler.context.settings, **chosen), {"engine": Current.clients["engine"]}
    return handler.within(settings=settings, clock=Current.world.clock, threads=AtOnce, memory=memory)


def clients_for(world: World, judge: Any, executions: Any, start: Any) -> dict[str, Any]:
    """The clients of one world."""
    return {
        "dynamodb": DynamoDB(world, judge),
        **dict.fromkeys(("ec2", "ec2_once"), EC2(world, judge)),
        "ssm": SSM(world, judge),
        **dict.fromkeys(("route53", "route53_once"), Route53(world, judge)),
        "stepfunctions": StepFunctions(world, executions, start),
        **dict.fromkeys(("functions", "probes"), Lambda(world, "ask")),
        "engine": Engine(world, judge),
        "sns": Topic(world, "sns"),
    }


class Lambda:
    """Invokes the functions there and then; `way` is "task" for the workflow's calls, "ask" for their own."""

    def __init__(self, world: World, way: str) -> None:
        self._world, self._way = world, way

    def invoke(
        self,
        *,
        FunctionName: str,  # noqa: N803
        Payload: bytes,  # noqa: N803
        InvocationType: str = "RequestResponse",  # noqa: N803
    ) -> dict[str, Any]:
        event = json.loads(Payload)
        place = f"{self._way}:{FunctionName}.{event.get('action')}"
        if InvocationType == "Event":
            return self._send(FunctionName, event, place)
        kinds: list[Kind] = []

        def failure(kind: Kind) -> Exception:
            kinds.append(kind)
            return _lambda_failure(kind, self._way)

        try:
            return self._world.gate.call(place, lambda: self._invoke(FunctionName, event), failure)
        except _FunctionBroke:
            return _answer({"errorType": "Broken", "errorMessage": f"{kinds[-1]} by the schedule"}, "Unhandled")

    def _invoke(self, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Only the workflow gives up what is held up: a function that asks another one is held up with it."""
        if self._way != "task":
            return self._run(name, event)
        try:
            return self._world.gate.invoke(lambda: self._run(name, event))
        except HeldUp:
            raise machine.TimedOut from None

    def _send(self, name: str, event: Mapping[str, Any], place: str) -> dict[str, Any]:
        def failure(kind: Kind) -> Exception:
            return _lambda_failure(kind, "ask")

        taken = {"StatusCode": 202, "Payload": io.BytesIO()}
        self._world.gate.send(place, partial(self._run, name, event), failure)
        return taken

    def _run(self, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
        self._world.note(f"{name} {event.get('action')} {event.get('server', '')}".rstrip())
        if name == "probe" and self._world.probe == "failing":
            return _answer({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"}, "Unhandled")
        before = self._world.asked_probe
        self._world.asked_probe = name if name in PROBES else before
        try:
            answer = Current.handlers["probe" if name in PROBES else name](event, None)
        except Exception as error:
            self._world.note(f"  {name} raises {type(error).__name__}: {str(error)[:160]}")
            return _answer({"errorType": type(error).__name__, "errorMessage": str(error)}, "Unhandled")
        finally:
            self._world.asked_probe = before  # another branch may have asked the other probe meanwhile
        if "answer" in answer:
            self._world.note(f"  {name}: {answer['answer']}: {answer['sentence'][:160]}")
        return _answer(answer, None)


class _FunctionBroke(Exception):
    """Becomes an answer with an error in it, as a function's own exception does."""


def _lambda_failure(kind: Kind, way: str) -> Exception:
    if kind is Kind.TIMEOUT:
        return machine.TimedOut() if way == "task" else client_error("ServiceException", "no answer", "Invoke")
    if kind is Kind.BROKEN:
        return _FunctionBroke()
    code = "TooManyRequestsException" if kind is Kind.THROTTLE else "ServiceException"
    return client_error(code, f"{kind} by the schedule", "Invoke")


def _answer(body: Any, error: str | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(body).encode())}
    return {**answer, "FunctionError": error} if error else answer


class Topic:
    """SNS."""

    def __init__(self, world: World, way: str) -> None:
        self._world, self._way = world, way

    def publish(self, *, Message: str, **_: Any) -> Any:  # noqa: N803
        def publish() -> Any:
            self._world.notified.append((self._world.running[-1] if self._world.running else "", Message))
            return {"MessageId": "1"}

        def failure(kind: Kind) -> Exception:
            of_the_machine = kind is Kind.TIMEOUT and self._way.startswith("task:")
            return machine.TimedOut() if of_the_machine else client_error("InternalError", "no", "Publish")

        return self._world.gate.call(f"{self._way}.publish", publish, failure)


def _signal(what: str, address: str) -> Any:
    from msfailover.adapters.admin_interface import Sighting
    from msfailover.observations import Signal

    world = Current.world

    def seen() -> Sighting:
        host = next(host for host in world.hosts.values() if address in host.addresses)
        if not host.reachable or host.frozen or not host.probed or world.is_hidden_from_probe(host):
            world.clock.advance(2)
            return Sighting(Signal.SILENT, "no answer within 2 s", 2.0)
        if not host.runs:
            return Sighting(Signal.REFUSED, "the connection is refused", 0.0)
        if not host.answers:
            world.clock.advance(2)
            return Sighting(Signal.SILENT, "no answer within 2 s", 2.0)
        return Sighting(Signal.ANSWERS, "it answers", 0.0)

    struck = world.gate.come_to(f"probe.{what}")
    world.probes.append(bool(struck))
    return Sighting(Signal.SILENT, "no answer within 2 s", 2.0) if struck else seen()


def _resolve(name: str, *_: Any) -> Any:
    from msfailover.verdict import unknown, yes

    if Current.world.gate.come_to("probe.name"):
        return unknown(f"The name servers do not say where {name} points: Timeout")
    found = list(Current.world.name["values"])
    return yes(f"{name} points to {', '.join(found)}.", addresses=found)
