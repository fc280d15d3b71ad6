"""moto as a server in a thread: every API of the local cloud on one port."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import boto3
import werkzeug.serving
from botocore.config import Config
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

from lab.testbed.cloud.account import REGION


class _QuickHandler(MotoRequestHandler):  # type: ignore[misc]
    # HTTP/1.1 keeps connections open, and without Nagle the body does not wait for the acknowledgement of the headers:
    # together they take a call from some 45 ms to a few.
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Say nothing: a line for each request would bury the testbed's own output."""


class PortTakenError(Exception):
    """Another program listens where the cloud should."""


class MotoServer:
    """Serves moto on `host`:`port` (0 for any free port) between `start` and `stop`; `before` wraps the application."""

    def __init__(self, host: str, port: int, before: Callable[[Any], Any] = lambda application: application) -> None:
        self._before = before
        self._host = host
        self._port = port
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on, known once started."""
        return int(self._server.server_address[1]) if self._server is not None else self._port

    def start(self) -> None:
        """Listen. Raises PortTakenError, naming the port, when it can't."""
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        # Without Docker: functions run in processes that we start (functions.py).
        default_user_config["lambda"] = {"use_docker": False}
        # The interpreter reports every execution that fails; who asked for it knows.
        logging.getLogger("moto").addHandler(logging.NullHandler())
        application = DomainDispatcherApplication(create_backend_app)
        # moto lists its directories to find the service of each request: a quarter of a call's time.
        application.get_backend_for_host = lru_cache(maxsize=None)(application.get_backend_for_host)
        try:
            self._server = werkzeug.serving.make_server(
                self._host, self._port, self._before(application), threaded=True, request_handler=_QuickHandler
            )
        except (OSError, SystemExit) as error:  # werkzeug turns "address in use" into an exit
            raise PortTakenError(
                f"the local cloud cannot listen on {self._host}:{self._port}: {error}; stop what uses that port"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="cloud-api", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None
        for key in ("stepfunctions", "lambda"):
            with contextlib.suppress(KeyError):
                del default_user_config[key]


_MAKING = threading.Lock()


def client(service: str, endpoint: str, credentials: dict[str, str] | None = None) -> Any:
    """A boto3 client of the local cloud: no retries; nothing here loses a call, and errors should show at once."""
    keys = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
    with _MAKING:  # making clients is not thread-safe in boto3
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=Config(
                parameter_validation=True,
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=900,
                max_pool_connections=32,
                tcp_keepalive=True,
            ),
        )
