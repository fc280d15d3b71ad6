"""The other emulator: its process, on loopback only, and clients of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lab.testbed.polling import wait_for

REGION = "eu-central-1"
PROGRAM = Path(__file__).with_name("missing_interfaces.py")


class Emulator:
    """A running emulator; `client("s3")` speaks to it."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"

    def client(self, service: str) -> Any:
        limits = Config(connect_timeout=2, read_timeout=60, retries={"total_max_attempts": 1})
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint, config=limits)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            self.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError):
            return False
        return True


@contextmanager
def running(python: Path, directory: Path) -> Iterator[Emulator]:
    """Keep the emulator up while the context lasts.

    Args:
        python: that of its virtual environment.
        directory: takes its state and its log.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    # What functions need is this environment's: they run in processes of the emulator's own Python.
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "STATE_DIR": str(directory / "state"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "SFN_WAIT_SCALE": "0.02",  # the workflow's pauses, not its limits
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    with (directory / "emulator.log").open("wb") as log:
        process = subprocess.Popen([python, PROGRAM], env=environment, stdout=log, stderr=log, cwd=directory)
        emulator = Emulator(port)
        try:
            wait_for(f"an answer of the emulator; its log is {log.name}", emulator.answers, 30)
            yield emulator
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
