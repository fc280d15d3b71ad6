"""The settings of each function: one frozen dataclass each, read from its environment at start."""

from __future__ import annotations

from dataclasses import dataclass

from msfailover.database import DatabaseSettings
from msfailover.pair import Pair, Role
from msfailover.runtime.environment import (
    BadSettings,
    anything,
    arn,
    choice,
    flag,
    function_name,
    host_name,
    host_names,
    listed,
    number,
    optional_addresses,
    port,
    setting,
    text,
    whole,
)

_table = text(r"[A-Za-z0-9_.-]{3,255}", "a table's name")
_document = text(r"[A-Za-z0-9_.:/-]{3,200}", "an SSM document's name")
_command = text(r"[A-Za-z0-9@._/:= -]{0,200}", "a command without quotes or other characters special to a shell")
"""Empty means systemctl with the service's name."""

_group = text(r"sg-[0-9a-f]{8,17}", "a security group's id")
_engine = choice("postgresql", "mysql", "oracle")

SECOND_PORTS = {"postgresql": (), "mysql": (33060, 33062), "oracle": (1521, 2484)}
"""What an engine may listen on beside its own port, by its own defaults: MySQL's X protocol and its administrative
interface, Oracle's ports without and with TLS."""


def _ports(value: str) -> tuple[int, ...]:
    return () if value == "none" else listed(port, "ports")(value)


_acl = text(r"acl-[0-9a-f]{8,17}", "a network ACL's id")
_subnet = text(r"subnet-[0-9a-f]{8,17}", "a subnet's id")
_path = text(r"/[A-Za-z0-9@._/+-]{0,200}", "an absolute path")


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """What the two functions have in common that ask all the others: by which name each is called."""

    pair: Pair
    table: str = setting("TABLE_NAME", _table)
    probe_function: str = setting("PROBE_FUNCTION", function_name)
    second_probe: str = setting("SECOND_PROBE_FUNCTION", function_name, "")
    server_function: str = setting("SERVER_FUNCTION", function_name)
    access_function: str = setting("DATABASE_ACCESS_FUNCTION", function_name)
    sessions_function: str = setting("DATABASE_SESSIONS_FUNCTION", function_name)
    dns_function: str = setting("DNS_FUNCTION", function_name)
    replicate_function: str = setting("REPLICATE_FUNCTION", function_name)
    path_is_direct: bool = setting("DATABASE_PATH_IS_DIRECT", flag, False)

    def function(self, word: str) -> str:
        """The function that a question's word for it means; raises `AttributeError` where it means none."""
        return str(getattr(self, f"{word}_function"))


@dataclass(frozen=True, kw_only=True)
class PairSettings(_Asking):
    """`pair`: the record, the lease, and the proofs it gathers from the functions that can see."""

    machine: str = setting("STATE_MACHINE_ARN", arn)
    network_acls: tuple[str, ...] = setting("DATABASE_NETWORK_ACL_IDS", listed(_acl, "network ACLs' ids"), ())
    fence_reads: int = setting("FENCE_READS", whole(2, 10, "a number of reads"), 3)
    restart_first: bool = setting("RESTART_FIRST", flag, False)
    oldest_copy_s: float = setting("OLDEST_COPY_SECONDS", number(0, 604800, "seconds"), 0.0)
    history_days: int = setting("HISTORY_DAYS", whole(0, 36500, "a number of days"), 0)
    stack: str = setting("STACK_NAME", text(r"[A-Za-z0-9-]{0,128}", "a stack's name"), "")
    own_function: str = setting("PAIR_FUNCTION", function_name)

    @property
    def vouched(self) -> bool | None:
        """Whether the owner says that the way to the database is direct; None where there are no network ACLs."""
        return self.path_is_direct if self.network_acls else None


MOST_WITH_TWO_PROBES_S = 3.0
"""The most that a server may be given to answer, where two probes are asked in turn (`clients.PROBE_LIMIT_S`)."""


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """`watch`: how often to probe, how many failures make an outage, and whether to start the failover itself."""

    pair: Pair
    table: str = setting("TABLE_NAME", _table)
    probe_function: str = setting("PROBE_FUNCTION", function_name)
    second_probe: str = setting("SECOND_PROBE_FUNCTION", function_name, "")
    sessions_function: str = setting("DATABASE_SESSIONS_FUNCTION", function_name)
    server_function: str = setting("SERVER_FUNCTION", function_name)
    pair_function: str = setting("PAIR_FUNCTION", function_name)
    topic: str = setting("TOPIC_ARN", arn)
    machine: str = setting("STATE_MACHINE_ARN", arn)
    queue: str = setting(
        "SLOT_QUEUE_URL", text(r"https?://[A-Za-z0-9.:-]{1,253}/[0-9]{12}/[A-Za-z0-9_-]{1,80}", "a URL")
    )
    interval_s: float = setting("PROBE_INTERVAL_SECONDS", number(0.2, 30, "seconds"), 5.0)
    threshold: int = setting("FAILURE_THRESHOLD", whole(1, 20, "a number of failures"), 4)
    starts: bool = setting("WATCH_STARTS_FAILOVER", flag, True)
    oldest_copy_s: float = setting("OLDEST_COPY_SECONDS", number(0, 604800, "seconds"), 0.0)
    holds_connection: bool = setting("WATCH_HOLDS_CONNECTION", flag, False)
    timeout_s: float = setting("PROBE_TIMEOUT_SECONDS", number(0.1, 20, "seconds"), 2.0)
    tick_s: float = setting("TICK_SECONDS", number(5, 300, "seconds"), 60.0)

    def __post_init__(self) -> None:
        if self.second_probe and self.timeout_s > MOST_WITH_TWO_PROBES_S:
            raise BadSettings(
                f"WatchSettings can't be read, nothing was done: PROBE_TIMEOUT_SECONDS is {self.timeout_s:g}, but with"
                f" SECOND_PROBE_FUNCTION at most {MOST_WITH_TWO_PROBES_S:g} is needed: each probe is waited for 8 s."
            )


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    """`audit`: who can see for it, and whether it acts on what it sees."""

    pair: Pair
    table: str = setting("TABLE_NAME", _table)
    access_function: str = setting("DATABASE_ACCESS_FUNCTION", function_name)
    sessions_function: str = setting("DATABASE_SESSIONS_FUNCTION", function_name)
    dns_function: str = setting("DNS_FUNCTION", function_name)
    pair_function: str = setting("PAIR_FUNCTION", function_name)
    path_is_direct: bool = setting("DATABASE_PATH_IS_DIRECT", flag, False)
    probe_function: str = setting("PROBE_FUNCTION", function_name)
    second_probe: str = setting("SECOND_PROBE_FUNCTION", function_name, "")
    server_function: str = setting("SERVER_FUNCTION", function_name)
    acts: bool = setting("AUDIT_ACTS", flag, True)
    signing_key: str = setting("HISTORY_SIGNING_KEY", arn, "")
    stack: str = setting("STACK_NAME", text(r"[A-Za-z0-9-]{0,128}", "a stack's name"), "")


@dataclass(frozen=True, kw_only=True)
class ProbeSettings:
    """`probe`: where the servers answer, and what counts as an answer."""

    pair: Pair
    admin_port: int = setting("ADMIN_PORT", port, 443)
    admin_path: str = setting("ADMIN_PATH", text(r"/[A-Za-z0-9_./?=&%~-]{0,200}", "a path beginning with /"), "/")
    admin_expected_text: str = setting("ADMIN_EXPECTED_TEXT", text(r"[A-Za-z0-9 .,:=()/_-]{0,200}", "a plain text"), "")
    admin_name: str = setting("ADMIN_TLS_NAME", host_name)
    admin_ca: str = setting("ADMIN_CA_FILE", _path)
    management_port: int = setting("MANAGEMENT_PORT", port, 17235)
    timeout_s: float = setting("PROBE_TIMEOUT_SECONDS", number(0.1, 20, "seconds"), 2.0)
    record_name: str = setting("RECORD_NAME", host_name)
    resolvers: tuple[str, ...] = setting("RESOLVERS", optional_addresses, ())


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """`server`: the documents that act on a host, and how long they may take."""

    pair: Pair
    table: str = setting("TABLE_NAME", _table)
    probe_function: str = setting("PROBE_FUNCTION", function_name)
    second_probe: str = setting("SECOND_PROBE_FUNCTION", function_name, "")
    status_document: str = setting("STATUS_DOCUMENT", _document)
    start_document: str = setting("START_DOCUMENT", _document)
    stop_document: str = setting("STOP_DOCUMENT", _document)
    database_host: str = setting("DATABASE_HOST", host_name)
    database_port: int = setting("DATABASE_PORT", port)
    service: str = setting("SERVICE_NAME", text(r"[A-Za-z0-9@._-]{1,64}", "a service's name"), "ssh-mgmt-server")
    start_command: str = setting("START_COMMAND", _command, "")
    stop_command: str = setting("STOP_COMMAND", _command, "")
    status_command: str = setting("STATUS_COMMAND", _command, "")
    package: str = setting("PACKAGE_NAME", text(r"[A-Za-z0-9+._-]{1,64}", "a package's name"), "ssh-mgmt-server")
    status_limit_s: int = setting("STATUS_LIMIT_SECONDS", whole(2, 60, "seconds"), 20)
    start_limit_s: int = setting("START_LIMIT_SECONDS", whole(5, 600, "seconds"), 60)
    stop_grace_s: int = setting("STOP_GRACE_SECONDS", whole(1, 300, "seconds"), 20)


@dataclass(frozen=True, kw_only=True)
class AccessSettings:
    """`database_access`: the stack's own group in front of the database, its network ACLs, and the ports behind them.

    Args:
        settle_s: how long EC2's answers may lag behind an order before it counts as failed.
        access_settles_s: how long EC2 may take until an order that it shows as done is in effect.
    """

    pair: Pair
    table: str = setting("TABLE_NAME", _table)
    access_group: str = setting("ACCESS_GROUP_ID", _group)
    functions_group: str = setting("FUNCTIONS_GROUP_ID", _group)
    engine: str = setting("DATABASE_ENGINE", _engine)
    database_port: int = setting("DATABASE_PORT", port)
    other_ports: tuple[int, ...] | None = setting("DATABASE_OTHER_PORTS", _ports, None)
    network_acls: tuple[str, ...] = setting("DATABASE_NETWORK_ACL_IDS", listed(_acl, "network ACLs' ids"), ())
    subnets: tuple[str, ...] = setting("DATABASE_SUBNET_IDS", listed(_subnet, "subnets' ids"), ())
    first_entry: int = setting("NETWORK_ACL_RULE_NUMBER", whole(1, 32000, "a rule number"), 10)
    settle_s: float = setting("DOOR_SETTLE_SECONDS", number(0.1, 20, "seconds"), 5.0)
    access_settles_s: float = setting("ACCESS_SETTLES_SECONDS", number(0, 8, "seconds"), 1.0)

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that the database may listen on, its own first."""
        others = SECOND_PORTS[self.engine] if self.other_ports is None else self.other_ports
        return tuple(dict.fromkeys((self.database_port, *others)))


@dataclass(frozen=True, kw_only=True)
class DnsSettings:
    """`dns`: the one record that agents go by."""

    pair: Pair
    table: str = setting("TABLE_NAME", _table)
    zone: str = setting("HOSTED_ZONE_ID", text(r"[A-Z0-9]{1,32}", "a hosted zone's id"))
    record_name: str = setting("RECORD_NAME", host_name)
    ttl_s: int = setting("RECORD_TTL_SECONDS", whole(1, 300, "seconds"), 30)


@dataclass(frozen=True, kw_only=True)
class ReadinessSettings(_Asking):
    """`readiness`: whom to ask whether a failover would go ahead now."""

    topic: str = setting("TOPIC_ARN", arn)
    pair_function: str = setting("PAIR_FUNCTION", function_name)
    watch_function: str = setting("WATCH_FUNCTION", function_name)


@dataclass(frozen=True, kw_only=True)
class GameDaySettings:
    """`game_day`: whom to ask, which workflow moves the pair, and how long the other server serves."""

    pair: Pair
    table: str = setting("TABLE_NAME", _table)
    topic: str = setting("TOPIC_ARN", arn)
    machine: str = setting("STATE_MACHINE_ARN", arn)
    readiness_function: str = setting("READINESS_FUNCTION", function_name)
    pair_function: str = setting("PAIR_FUNCTION", function_name)
    serves_s: float = setting("GAME_DAY_SERVES_SECONDS", number(5, 14400, "seconds"), 600.0)
    target_s: float = setting("RECOVERY_TARGET_SECONDS", number(5, 86400, "seconds"), 120.0)
    stack: str = setting("STACK_NAME", text(r"[A-Za-z0-9-]{0,128}", "a stack's name"), "")


@dataclass(frozen=True, kw_only=True)
class ReplicateSettings:
    """`replicate`: which document carries what, and how long a run may take."""

    pair: Pair
    table: str = setting("TABLE_NAME", _table)
    probe_function: str = setting("PROBE_FUNCTION", function_name)
    second_probe: str = setting("SECOND_PROBE_FUNCTION", function_name, "")
    server_function: str = setting("SERVER_FUNCTION", function_name)
    document: str = setting("REPLICATE_DOCUMENT", _document)
    verify_document: str = setting("VERIFY_DOCUMENT", _document)
    software: bool = setting("REPLICATE_SOFTWARE", flag, True)
    software_paths: str = setting(
        "SOFTWARE_PATHS", anything, "/var/opt/ssh-mgmt/server/cds /var/opt/ssh-mgmt/server/dists"
    )
    config_path: str = setting("CONFIG_PATH", _path, "/etc/opt/ssh-mgmt/server")
    limit_s: int = setting("REPLICATE_LIMIT_SECONDS", whole(10, 3600, "seconds"), 600)
    most_removed_percent: int = setting("REPLICATION_MOST_REMOVED_PERCENT", whole(0, 100, "percent"), 50)
    oldest_s: float = setting("REPLICATION_OLDEST_SECONDS", number(60, 604800, "seconds"), 86400.0)


@dataclass(frozen=True, kw_only=True)
class SessionsSettings(DatabaseSettings):
    """`database_sessions`: the database, and who we are there. Either a secret or an IAM user, not both."""

    pair: Pair
    engine: str = setting("DATABASE_ENGINE", _engine)
    host: str = setting("DATABASE_HOST", host_name)
    port: int = setting("DATABASE_PORT", port)
    database: str = setting("DATABASE_NAME", text(r"[A-Za-z0-9_.$-]{1,128}", "a database's name"))
    secret: str = setting("DATABASE_SECRET", arn, "")
    iam_user: str = setting("DATABASE_IAM_USER", text(r"[A-Za-z0-9_.-]{1,64}", "a database user's name"), "")
    ca_file: str = setting("DATABASE_CA_FILE", _path, "")
    tls: str = setting("DATABASE_TLS", choice("verify", "off"), "verify")
    kill_with: str = setting("DATABASE_KILL_WITH", choice("engine", "rds"), "engine")
    known_clients: tuple[str, ...] = setting("DATABASE_KNOWN_CLIENTS", host_names, ())
    late_login_s: float = setting("LATE_LOGIN_SECONDS", number(0, 8, "seconds"), 1.0)
    access_settles_s: float = setting("ACCESS_SETTLES_SECONDS", number(0, 8, "seconds"), 1.0)
    connect_timeout_s: float = setting("DATABASE_CONNECT_SECONDS", number(0.2, 10, "seconds"), 2.0)
    statement_timeout_s: float = setting("DATABASE_STATEMENT_SECONDS", number(0.2, 20, "seconds"), 3.0)

    def __post_init__(self) -> None:
        if bool(self.secret) == bool(self.iam_user):
            found = "both are" if self.secret else "neither is"
            raise BadSettings(
                f"SessionsSettings can't be read, nothing was done: of DATABASE_SECRET and DATABASE_IAM_USER {found}"
                " there, but exactly one is needed."
            )
        if self.iam_user and self.engine == "oracle":
            raise BadSettings(
                "SessionsSettings can't be read, nothing was done: DATABASE_IAM_USER is there, but oracle has no IAM"
                " authentication; DATABASE_SECRET is needed."
            )
        servers = {name.partition(".")[0] for role in Role for name in self.pair.server(role).host_names}
        both = [name for name in self.known_clients if name.partition(".")[0] in servers]
        if both:
            raise BadSettings(
                f"SessionsSettings can't be read, nothing was done: DATABASE_KNOWN_CLIENTS holds {', '.join(both)},"
                " but that is a name of one of the two servers."
            )
