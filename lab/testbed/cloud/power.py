"""EC2 instances: stopping, starting and terminating take their time and happen to real hosts."""

from __future__ import annotations

import copy
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from moto.ec2.exceptions import EC2ClientError, OperationDisableApiStopNotPermitted
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.responses.instances import InstanceResponse

from lab.testbed.cloud import interfaces
from lab.testbed.cloud.account import arn
from lab.testbed.cloud.events import Bus
from lab.testbed.cloud.patching import Patches
from lab.testbed.host_interfaces import Machines

STATE_CHANGED = "EC2 Instance State-change Notification"
_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


class IncorrectInstanceStateError(EC2ClientError):  # type: ignore[misc]
    """What was asked for can't be done in the state that the instance is in."""

    def __init__(self, instance_id: str, what: str) -> None:
        super().__init__(
            "IncorrectInstanceState", f"The instance '{instance_id}' is not in a state from which it can be {what}."
        )


class SkipUnsupportedError(EC2ClientError):  # type: ignore[misc]
    """The instance's type can't skip the guest's shutdown."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            "UnsupportedOperation", f"The instance '{instance_id}' is of a type that does not support SkipOsShutdown."
        )


class Power:
    """Joins moto's instances to `machines`.

    `stopping_s` says how long an instance is `stopping`, as while it shuts down (infinite: for ever), `rebooting_s` how
    long a host is away that is rebooted; `is_protected`
    whether EC2 refuses to stop one, beside those whose attribute says so; `refuses_skip` whether its type can't skip
    the guest's shutdown; `on_off` hears of each instance whose power is gone.
    """

    def __init__(self, machines: Machines, bus: Bus, on_off: Callable[[str], None]) -> None:
        self._machines = machines
        self._bus = bus
        self._on_off = on_off
        self._changing = threading.Lock()
        self.stopping_s: Callable[[], float] = lambda: 0.0
        self.rebooting_s: Callable[[], float] = lambda: 1.0
        self.is_protected: Callable[[str], bool] = lambda _: False
        self.refuses_skip: Callable[[str], bool] = lambda _: False

    def install(self, patches: Patches) -> None:
        interfaces.install(patches)
        why = "moto changes the state at once, and there is no machine behind it"
        self._moto_terminate = InstanceBackend.terminate_instances
        patches.put(InstanceBackend, "stop_instances", lambda ec2, ids, *_, **__: self._stop(ec2, ids), why=why)
        patches.put(InstanceBackend, "start_instances", lambda ec2, ids, *_, **__: self._start(ec2, ids), why=why)
        patches.put(InstanceBackend, "reboot_instances", lambda ec2, ids: self._reboot(ec2, ids), why=why)
        skip = self._refused_skip(InstanceResponse.stop_instances)
        patches.put(InstanceResponse, "stop_instances", skip, why="moto skips nothing and refuses nothing")
        told = self._told_protection(InstanceBackend.describe_instance_attribute)
        patches.put(InstanceBackend, "describe_instance_attribute", told, why="a dial protects, too")
        patches.put(
            InstanceBackend, "terminate_instances", lambda ec2, ids, *_, **__: self._terminate(ec2, ids), why=why
        )

    def _stop(self, ec2: Any, instance_ids: Sequence[str]) -> list[tuple[Any, Any]]:
        instances = ec2.get_multi_instances_by_id(instance_ids)
        for instance in instances:
            if self._protected(instance):
                raise OperationDisableApiStopNotPermitted(instance.id)
            if instance.state not in ("running", "stopping", "stopped"):
                raise IncorrectInstanceStateError(instance.id, "stopped")
        return [self._move(each, ("running",), "stopping", self._off_to_stopped) for each in instances]

    def _protected(self, instance: Any) -> bool:
        return bool(instance.disable_api_stop) or self.is_protected(instance.id)

    def _refused_skip(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def stop(request: Any) -> Any:
            skips = str(request._get_param("SkipOsShutdown")).lower() == "true"
            refused = [each for each in request._get_param("InstanceIds", []) if skips and self.refuses_skip(each)]
            if refused:
                raise SkipUnsupportedError(refused[0])
            return original(request)

        return stop

    def _told_protection(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def attribute(ec2: Any, instance_id: str, name: str) -> tuple[Any, Any]:
            instance, value = original(ec2, instance_id, name)
            return instance, self._protected(instance) if name == "disableApiStop" else value

        return attribute

    def _start(self, ec2: Any, instance_ids: Sequence[str]) -> list[tuple[Any, Any]]:
        instances = ec2.get_multi_instances_by_id(instance_ids)
        for instance in instances:
            if instance.state not in ("stopped", "running", "pending"):
                raise IncorrectInstanceStateError(instance.id, "started")
        return [self._move(each, ("stopped",), "pending", self._on) for each in instances]

    def _reboot(self, ec2: Any, instance_ids: Sequence[str]) -> list[Any]:
        """EC2 answers at once and shows `running` all the time; the host is away meanwhile."""
        instances = ec2.get_multi_instances_by_id(instance_ids)
        for instance in instances:
            if instance.state != "running":
                raise IncorrectInstanceStateError(instance.id, "rebooted")
        for instance in instances:
            threading.Thread(
                target=self._finish, args=(instance, self._off_and_on), name="ec2-reboot", daemon=True
            ).start()
        return list(instances)

    def _off_and_on(self, instance: Any) -> None:
        self._off(instance)
        time.sleep(self.rebooting_s())
        self._machines.power_on(instance.id)

    def _terminate(self, ec2: Any, instance_ids: Sequence[str]) -> list[tuple[Any, Any]]:
        instances = ec2.get_multi_instances_by_id(instance_ids)
        live = ("pending", "running", "stopping", "stopped")
        return [self._move(each, live, "shutting-down", self._off_to_terminated) for each in instances]

    def _move(self, instance: Any, sources: Sequence[str], state: str, then: Callable[[Any], None]) -> tuple[Any, Any]:
        """Go to `state` if in one of `sources`, and do the rest in the background; otherwise nothing is to be done."""
        with self._changing:
            previous = copy.copy(instance._state)
            if instance.state not in sources:
                return instance, previous
            self._set(instance, state)
        threading.Thread(target=self._finish, args=(instance, then), name=f"ec2-{state}", daemon=True).start()
        return instance, previous

    def _finish(self, instance: Any, then: Callable[[Any], None]) -> None:
        try:
            then(instance)
        except Exception as error:
            # The state stays where it was, as with an instance that hangs in `stopping`; it proves nothing.
            print(f"{instance.id} stays {instance.state}: {type(error).__name__}: {error}", file=sys.stderr)

    def _off_to_stopped(self, instance: Any) -> None:
        lasts_s = self.stopping_s()
        if math.isinf(lasts_s):
            return  # its host runs on, or is gone with its zone: nobody outside can tell
        time.sleep(lasts_s)
        self._off(instance)
        with self._changing:
            if instance.state == "stopping":
                instance.stop()
        self._announce(instance)

    def _off_to_terminated(self, instance: Any) -> None:
        self._off(instance)
        with self._changing:
            interfaces.release(instance)
            instance.terminate()
        self._announce(instance)

    def _off(self, instance: Any) -> None:
        self._machines.power_off(instance.id)
        self._on_off(instance.id)

    def _on(self, instance: Any) -> None:
        self._machines.power_on(instance.id)
        with self._changing:
            if instance.state == "pending":
                instance.start()
        self._announce(instance)

    def _set(self, instance: Any, state: str) -> None:
        instance._state.name, instance._state.code = state, _CODES[state]
        self._announce(instance)

    def _announce(self, instance: Any) -> None:
        detail = {"instance-id": instance.id, "state": instance.state}
        self._bus.emit("aws.ec2", STATE_CHANGED, detail, [arn("ec2", f"instance/{instance.id}")])
