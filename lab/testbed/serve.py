"""The testbed that `make testbed` keeps up: brought to rest, accepting faults, showing its notifications."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from msfailover.text import clean, clean_lines

from lab.testbed.cloud.account import REGION, backend
from lab.testbed.fault_injection import listen
from lab.testbed.polling import wait_for
from lab.testbed.state_files import TESTBED_FILE
from lab.testbed.testbed import STACK, Testbed

_BANNER = """\
The testbed is up and the pair is adopted: ms1 is active. In another terminal:
  make ctl ARGS=status         how the pair is; bin/failoverctl status --testbed is the same
  make failover                kills the active server, asks for a failover and follows it
  make fault DO="hang active"  breaks something and lets the watchdog find it
  make invoke FUNCTION=probe EVENT=events/probe.json
Notifications are shown here. Ctrl-C ends it."""


def keep_up(testbed: Testbed) -> None:
    """Adopt the pair, bring it to rest, and stay until interrupted.

    Raises:
        TestbedError: the pair could not be brought to rest.
    """
    testbed.prepare_hosts()
    testbed.adopt()
    testbed.import_software(20, 20_000)
    wait_for("a whole set of files on ms2", lambda: testbed.freshness().get("as_of"), 30)
    testbed.invoke("readiness", {"action": "check"})
    listen(testbed)
    about = {"endpoint": testbed.cloud.endpoint, "region": REGION, "machine": testbed.machine, "stack": STACK}
    TESTBED_FILE.write_text(json.dumps(about))
    try:
        print(_BANNER, flush=True)
        shown = len(list(_told()))
        while True:
            time.sleep(0.5)
            messages = list(_told())
            for subject, body in messages[shown:]:
                print(f"\n{time.strftime('%H:%M:%S')} notification: {clean(subject)}\n{clean_lines(body)}", flush=True)
            shown = len(messages)
    finally:
        TESTBED_FILE.unlink(missing_ok=True)


def _told() -> Iterator[tuple[str, str]]:
    """Subject and text of every message to people so far, oldest first; an alarm's is its description."""
    for topic in list(backend("sns").topics.values()):
        for _, message, subject, *_ in list(topic.sent_notifications):
            yield _of_alarm(message) or (str(subject), message)


def _of_alarm(message: str) -> tuple[str, str] | None:
    try:
        alarm = json.loads(message)
        return f"alarm {alarm['AlarmName']}: {alarm['NewStateValue']}", str(alarm["AlarmDescription"])
    except (ValueError, KeyError, TypeError):
        return None
