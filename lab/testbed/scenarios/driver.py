"""The testbed's hosts as a scenario's driver: what happens in a scenario is written down once, for AWS, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.hosts.server_host import SERVICE
from lab.testbed.polling import wait_for
from lab.testbed.testbed import Testbed


class TestbedDriver:
    """Implements `failoverctl.acceptance.scenarios.Driver`."""

    def __init__(self, testbed: Testbed) -> None:
        self._testbed = testbed
        self._hosts = testbed.hosts

    def kill(self, server: str) -> None:
        self._hosts.kill_ms(server)

    def hang(self, server: str) -> None:
        self._hosts.hang_admin(server)

    def cut_off(self, server: str) -> None:
        self._hosts.ms(server).host.cut([DATABASE])

    def reconnect(self, server: str) -> None:
        self._hosts.ms(server).host.reconnect()

    def enable_autostart(self, server: str) -> None:
        self._hosts.ms(server).host.run(["systemctl", "enable", SERVICE])

    def power_off(self, server: str) -> None:
        """EC2 sees a running instance all the time, and the order to stop finds nobody, or the host when it is back."""
        self._hosts.ms(server).power_off()

    def power_on(self, server: str) -> None:
        self._hosts.ms(server).power_on()

    def tried(self, server: str) -> tuple[bool, str]:
        log = self._hosts.ms(server).host.files.path("/var/log/ssh-mgmt-server.log")
        wait_for(f"{server}'s server tries the database", lambda: _refused(log.read_text(errors="replace")), 15)
        return True, _refused(log.read_text(errors="replace"))

    def start(self, request: Mapping[str, Any]) -> str:
        return self._testbed.start(request)

    def outcome(self, execution: str, deadline_s: float) -> str:
        return self._testbed.outcome(execution, deadline_s)


def _refused(log: str) -> str:
    """What the server said last of the database since it was started last, or that it was stopped before it got so far;
    empty while it has not tried."""
    lines = log.splitlines()
    starts = [number for number, line in enumerate(lines) if "started, lock" in line]
    if len(starts) < 2:  # the first start was before the outage
        return ""
    return next(
        (line for line in reversed(lines[starts[-1] :]) if " database" in line or line.endswith(" stopped")), ""
    )
