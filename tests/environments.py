"""The environment of each function, complete and well-formed, as a deployment of the template would give it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any
from unittest import mock

PAIR = {
    "PAIR_NAME": "management-server",
    "MS1_INSTANCE_ID": "i-00000000000000a01",
    "MS1_ADDRESSES": "10.0.0.11",
    "MS1_HOST_NAMES": "ms1",
    "MS2_INSTANCE_ID": "i-00000000000000a02",
    "MS2_ADDRESSES": "10.0.0.12",
    "MS2_HOST_NAMES": "ms2",
}

_TABLE = {"TABLE_NAME": "pair-table"}

OWN: Mapping[str, Mapping[str, str]] = {
    "audit": {
        **_TABLE,
        "PROBE_FUNCTION": "ms-failover-probe",
        "SERVER_FUNCTION": "ms-failover-server",
        "DATABASE_ACCESS_FUNCTION": "ms-failover-database-access",
        "DATABASE_SESSIONS_FUNCTION": "ms-failover-database-sessions",
        "DNS_FUNCTION": "ms-failover-dns",
        "PAIR_FUNCTION": "ms-failover-pair",
    },
    "database_access": {
        **_TABLE,
        "ACCESS_GROUP_ID": "sg-0123456789abcdef0",
        "FUNCTIONS_GROUP_ID": "sg-0123456789abcdef1",
        "DATABASE_ENGINE": "postgresql",
        "DATABASE_PORT": "5432",
        "ACCESS_SETTLES_SECONDS": "0",
    },
    "database_sessions": {
        "DATABASE_ENGINE": "postgresql",
        "DATABASE_HOST": "database.corp.example",
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": "tectia",
        "DATABASE_SECRET": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:monitor-AbCdEf",
    },
    "dns": {
        **_TABLE,
        "HOSTED_ZONE_ID": "Z0123456789ABCDEFGHIJ",
        "RECORD_NAME": "ms.corp.example",
        "RECORD_TTL_SECONDS": "5",
    },
    "game_day": {
        **_TABLE,
        "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:ms-failover",
        "READINESS_FUNCTION": "ms-failover-readiness",
        "PAIR_FUNCTION": "ms-failover-pair",
        "STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:ms-failover-failover",
        "STACK_NAME": "ms-failover",
    },
    "pair": {
        **_TABLE,
        "PROBE_FUNCTION": "ms-failover-probe",
        "SERVER_FUNCTION": "ms-failover-server",
        "DATABASE_ACCESS_FUNCTION": "ms-failover-database-access",
        "DATABASE_SESSIONS_FUNCTION": "ms-failover-database-sessions",
        "DNS_FUNCTION": "ms-failover-dns",
        "REPLICATE_FUNCTION": "ms-failover-replicate",
        "PAIR_FUNCTION": "ms-failover-pair",
        "STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:ms-failover-failover",
    },
    "probe": {
        "ADMIN_PORT": "443",
        "ADMIN_TLS_NAME": "ms.corp.example",
        "ADMIN_CA_FILE": "/opt/python/certificates/admin-ca.pem",
        "MANAGEMENT_PORT": "17235",
        "PROBE_TIMEOUT_SECONDS": "0.5",
        "RECORD_NAME": "ms.corp.example",
        "RESOLVERS": "127.0.0.1",
    },
    "server": {
        **_TABLE,
        "PROBE_FUNCTION": "ms-failover-probe",
        "STATUS_DOCUMENT": "ms-failover-status",
        "START_DOCUMENT": "ms-failover-start",
        "STOP_DOCUMENT": "ms-failover-stop",
        "DATABASE_HOST": "database.corp.example",
        "DATABASE_PORT": "5432",
    },
    "readiness": {
        **_TABLE,
        "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:ms-failover",
        "PROBE_FUNCTION": "ms-failover-probe",
        "SERVER_FUNCTION": "ms-failover-server",
        "DATABASE_ACCESS_FUNCTION": "ms-failover-database-access",
        "DATABASE_SESSIONS_FUNCTION": "ms-failover-database-sessions",
        "DNS_FUNCTION": "ms-failover-dns",
        "REPLICATE_FUNCTION": "ms-failover-replicate",
        "PAIR_FUNCTION": "ms-failover-pair",
        "WATCH_FUNCTION": "ms-failover-watch",
    },
    "replicate": {
        **_TABLE,
        "PROBE_FUNCTION": "ms-failover-probe",
        "SERVER_FUNCTION": "ms-failover-server",
        "REPLICATE_DOCUMENT": "ms-failover-replicate",
        "VERIFY_DOCUMENT": "ms-failover-verify-replication",
    },
    "watch": {
        **_TABLE,
        "PROBE_FUNCTION": "ms-failover-probe",
        "DATABASE_SESSIONS_FUNCTION": "ms-failover-database-sessions",
        "SERVER_FUNCTION": "ms-failover-server",
        "PAIR_FUNCTION": "ms-failover-pair",
        "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:ms-failover",
        "STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:ms-failover-failover",
        "SLOT_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/ms-failover-slots",
        "PROBE_INTERVAL_SECONDS": "0.2",
        "FAILURE_THRESHOLD": "3",
        "TICK_SECONDS": "5",
    },
}
"""What each function needs beside the pair's own variables."""

OUTSIDE = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "PATH": os.environ.get("PATH", ""),
}
"""What the runtime gives every function; credentials that are good for nothing, should a call ever get out."""


def complete(function: str) -> dict[str, str]:
    """The whole environment of a function."""
    return {**OUTSIDE, **PAIR, **OWN[function]}


def start(function: str, env: Mapping[str, str]) -> ModuleType:
    """Start a function in this environment and no other: its module anew, its settings read, nothing remembered.

    The module is left out of `sys.modules`, so that whoever imports it next starts it in an environment of their own.

    Raises:
        BadSettings: as the function does when it starts.
    """
    name = f"functions.{function}.app"
    before = sys.modules.pop(name, None)
    try:
        with mock.patch.dict(os.environ, env, clear=True):
            return importlib.import_module(name)
    finally:
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before


def settings_in(app: ModuleType) -> Any:
    """The settings that a function has read at its start."""
    return app.handler.context.settings
