"""All hosts of the testbed, brought up together: what the rest of the testbed holds in its hand."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lab.testbed.hosts import addresses
from lab.testbed.hosts.addresses import ADDRESS_OF, MORE, SERVICE_NAME, WRITER_NAME, ZONE, Place
from lab.testbed.hosts.certificates import Authority
from lab.testbed.hosts.database import APPLICATION, NAME, Database, Journal, Passwords
from lab.testbed.hosts.database_firewall import AccessGroup
from lab.testbed.hosts.fleet import Fleet
from lab.testbed.hosts.host import Host, HostError
from lab.testbed.hosts.host_files import MACHINE, PLACE_ONLY
from lab.testbed.hosts.mariadb import MariaDB
from lab.testbed.hosts.name_server import NameServer
from lab.testbed.hosts.network import Network, command
from lab.testbed.hosts.pooler import Pooler
from lab.testbed.hosts.postgresql import PostgreSQL
from lab.testbed.hosts.reader import Reader
from lab.testbed.hosts.resolver import Resolver
from lab.testbed.hosts.server_host import DatabaseAccess, ServerHost

# Twice the largest import that is run ( MB, and its copy on the standby), and room for the database.
_FILES_MOST = "1600m"
_SERVED = ([SERVICE_NAME, f"ms1.{ZONE}", f"ms2.{ZONE}"], [addresses.MS1, addresses.MS2])
"""What the servers' certificate is good for."""
_PLACES = ("vpc", "vpc2")
"""Where functions in the network run: nothing else does."""
_ENGINES: dict[str, type[Database]] = {kind.engine: kind for kind in (PostgreSQL, MariaDB)}


class Instances:
    """The pair's hosts by instance id. Implements `lab.testbed.host_interfaces.Machines`."""

    def __init__(self, servers: Mapping[str, ServerHost]) -> None:
        self._servers = servers
        self._by_id: dict[str, ServerHost] = {}

    def enroll(self, roles: Mapping[str, str]) -> None:
        """Tell which instance id is which server ({"i-…": "ms1", …}); their SSM agents start.

        A server that was another instance is that no more.
        """
        for instance_id, role in roles.items():
            self._by_id = {each: host for each, host in self._by_id.items() if host is not self._servers[role]}
            self._by_id[instance_id] = self._servers[role]
            self._servers[role].enroll(instance_id)

    def power_off(self, instance_id: str) -> None:
        """Cut the power; return when no process of the host is left. Does nothing to a host that is off."""
        self._find(instance_id).power_off()

    def power_on(self, instance_id: str) -> None:
        """Boot: sshd, the SSM agent, and the server if its autostart is on. Does nothing to a host that is on."""
        self._find(instance_id).power_on()

    def is_on(self, instance_id: str) -> bool:
        return self._find(instance_id).host.is_on

    def _find(self, instance_id: str) -> ServerHost:
        try:
            return self._by_id[instance_id]
        except KeyError:
            raise HostError(f"no host is instance {instance_id}; known: {', '.join(self._by_id) or 'none'}") from None


class FunctionPlaces:
    """Where functions run: beside the database's network, or outside. Implements `host_interfaces.Places`."""

    def __init__(self, vpc: Host, elsewhere: Host) -> None:
        self._vpc, self._elsewhere = vpc, elsewhere

    def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], *, in_vpc: bool, stdout: int, stderr: int, network: str = ""
    ) -> subprocess.Popen[bytes]:
        """Start a function's process; the process returned is the function's own, leader of a session of its own.

        In the VPC it has its subnet's host's address and files (its resolver above all); outside, the testbed's own.
        """
        host = self._elsewhere if network == addresses.SECOND_FUNCTIONS_SUBNET else self._vpc
        enter = ["nsenter", "-t", str(host.pid), "-n", "-m", f"--wdns={Path.cwd()}", "--"] if in_vpc else []
        return subprocess.Popen(
            [*enter, *argv], env=dict(env), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            start_new_session=True,
        )  # fmt: skip


class Hosts:
    """Every host of the testbed, up while the context lasts.

    To be used inside the testbed's outer namespaces only (see Network.up). `work_dir` takes the hosts' files
    (work_dir/hosts, seen inside the namespaces only, gone with the context) and logs (work_dir/logs, which stay).
    """

    def __init__(
        self,
        work_dir: Path,
        *,
        agents: int = 20,
        passwords: Passwords | None = None,
        preseeded: bool = False,
        autostart: Iterable[str] = ("ms1",),
        agents_come: bool = True,
        engine: str = PostgreSQL.engine,
        caching: bool = False,
        by_name: bool = False,
    ) -> None:
        """`engine`: "postgresql" or "mysql" (MariaDB). `preseeded`: ms2 has ms1's configuration from the start.
        `autostart`: servers that start with their host. `agents_come`: not only at `agents.start()`. `caching`: a
        caching resolver answers them all, in place of the name server itself. `by_name`: the servers find the database
        by its writer's name, not by an address.
        """
        self.work_dir = work_dir.resolve()
        self.passwords = passwords or Passwords(secrets.token_urlsafe(18), secrets.token_urlsafe(18))
        self._preseeded = preseeded
        self._by_name = by_name
        self._autostart = frozenset(autostart)
        self._agents_come = agents_come
        self._network = Network()
        self._hosts = {
            name: Host(Place(name, address), self._network, self.work_dir, PLACE_ONLY if name in _PLACES else MACHINE)
            for name, address in {**ADDRESS_OF, **MORE}.items()
        }
        self.servers = {role: ServerHost(self._hosts[role]) for role in ("ms1", "ms2")}
        self._authority = authority = Authority()
        self.ca_pem = authority.pem
        self._ms_certificate = authority.issue(*_SERVED)
        at = ("database", *MORE)
        self._database_certificate = authority.issue(
            [*(f"{name}.{ZONE}" for name in at), WRITER_NAME], [self._hosts[name].place.address for name in at]
        )
        self.database = _ENGINES[engine](self._hosts["database"], self._database_certificate, self.passwords)
        self.machines = Instances(self.servers)
        self.firewall = AccessGroup(self._hosts["database"])
        self.names = NameServer(self._hosts["names"])
        self.resolver = Resolver(self._hosts["names"]) if caching else None
        self._resolver_address = addresses.RESOLVER if caching else addresses.NAMES
        self.places = FunctionPlaces(*(self._hosts[name] for name in _PLACES))
        self.agents = Fleet(self._hosts["agents"], self._ms_certificate.certificate, agents)

    @property
    def _files(self) -> Path:
        return self.work_dir / "hosts"

    @property
    def journal(self) -> Journal:
        return self.database.journal

    def ms(self, role: str) -> ServerHost:
        """A server of the pair, "ms1" or "ms2"."""
        return self.servers[role]

    def host(self, name: str) -> Host:
        """Any host: ms1, ms2, vpc, database, agents, names; and those that are off until wanted: database2,
        pooler, vpc2."""
        return self._hosts[name]

    def __enter__(self) -> Hosts:
        try:
            self._up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cut the power of every host, and leave the network as it was found. Can be called again."""
        for host in self._hosts.values():
            with contextlib.suppress(Exception):
                host.power_off()
            with contextlib.suppress(Exception):
                host.reconnect()
        if (files := self._files).is_mount():
            subprocess.run(["umount", "--lazy", str(files)], check=False, capture_output=True)

    def kill_ms(self, role: str) -> None:
        """Kill a server's process (scenario crash)."""
        self.ms(role).kill()

    def move_database(self) -> None:
        """Have the database at its address in the other zone's subnet, and its writer's name lead there."""
        host = self._hosts["database"]
        # In this order: with the first address of a network the kernel takes away all others of it.
        host.run(["ip", "addr", "del", f"{addresses.DATABASE}/{addresses.PREFIX}", "dev", "eth0"])
        host.run(["ip", "addr", "add", f"{addresses.DATABASE_ELSEWHERE}/{addresses.PREFIX}", "dev", "eth0"])
        for name in ("vpc", "ms1", "ms2"):
            self._hosts[name].files.lead_writer_to(addresses.DATABASE_ELSEWHERE)

    def hang_admin(self, role: str) -> None:
        """Hang a server's administration interface while it goes on writing (scenario hang)."""
        self.ms(role).hang_admin()

    def change_certificate(self, role: str, *, expired: bool) -> None:
        """Give a server a certificate that has run out, or its own again; one that runs is started again for it."""
        now = datetime.datetime.now(datetime.UTC)
        own = self._ms_certificate
        shown = self._authority.issue(*_SERVED, until=now - datetime.timedelta(minutes=1)) if expired else own
        server = self.ms(role)
        server.configure(shown, self._database_access())
        if server.is_running():
            server.stop()
            server.start()

    def import_package(self, files: int, bytes_each: int, role: str = "ms1") -> list[Path]:
        """Import managed software on a server; see ServerHost.import_package."""
        return self.ms(role).import_package(files, bytes_each)

    def start_pooler(self, on: str) -> Pooler:
        """Put a pooler in front of the database, on the database's own host or on one of its own ("pooler")."""
        assert isinstance(self.database, PostgreSQL)
        pooler = Pooler(self._wanted(on), self.database, self._database_certificate, self.passwords)
        pooler.start()
        return pooler

    def start_reader(self) -> Reader:
        """Give the database a read-only standby in a host of its own; returns when it follows."""
        assert isinstance(self.database, PostgreSQL)
        reader = Reader(self._wanted("database2"), self._database_certificate, self.passwords, self.database)
        reader.start()
        return reader

    def lead_servers_to(self, host: str, port: int) -> None:
        """Have the servers reach their database elsewhere; one that runs is started again for it."""
        access = replace(self._database_access(), host=host, port=port)
        for server in self.servers.values():
            if not server.is_configured():
                continue
            server.configure(self._ms_certificate, access)
            if server.is_running():
                server.stop()
                server.start()

    def _wanted(self, name: str) -> Host:
        """A host, made and switched on where it is not yet on."""
        host = self._hosts[name]
        if not host.is_on:
            host.files.create()
            host.power_on()
        return host

    def _up(self) -> None:
        self._network.up()
        logs = self.work_dir / "logs"
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True, exist_ok=True)  # the cloud, starting beside us, keeps its logs there too
        self._files.mkdir(exist_ok=True)
        # In memory: fast, gone with the namespaces, and no key or password of the testbed ever is on a disk.
        command(["mount", "-t", "tmpfs", "-o", f"mode=0700,size={_FILES_MOST}", "hosts", str(self._files)])
        steps = {name: getattr(self, f"_up_{name}") for name in ("database", "names", "agents", "vpc")}
        steps |= {role: self._pair_member(role) for role in self.servers}
        with concurrent.futures.ThreadPoolExecutor(len(steps)) as pool:
            for done in concurrent.futures.as_completed([pool.submit(step) for step in steps.values()]):
                done.result()

    def _up_database(self) -> None:
        host = self._hosts["database"]
        host.files.create(self._resolver_address)
        host.power_on()
        # Closed before there is anything to reach: what connects later is known to the filter from its first packet.
        self.firewall.apply([])
        self.database.start()

    def _up_names(self) -> None:
        host = self._hosts["names"]
        host.files.create(self._resolver_address)
        host.power_on()
        self.names.start(ZONE)
        if self.resolver is not None:
            self.resolver.start()

    def _up_agents(self) -> None:
        host = self._hosts["agents"]
        host.files.create(self._resolver_address)
        host.power_on()
        if self._agents_come:
            self.agents.start()

    def _up_vpc(self) -> None:
        # In two zones, as the database: a function may stand in either.
        for name in _PLACES if self._by_name else _PLACES[:1]:
            host = self._hosts[name]
            host.files.create(self._resolver_address)
            host.power_on()

    def _pair_member(self, role: str) -> Callable[[], None]:
        def up() -> None:
            server = self.servers[role]
            server.host.files.create(self._resolver_address)
            server.install(autostart=role in self._autostart)
            if role == "ms1" or self._preseeded:
                server.configure(self._ms_certificate, self._database_access())
            server.power_on()

        return up

    def _database_access(self) -> DatabaseAccess:
        return DatabaseAccess(
            engine=self.database.engine,
            host=WRITER_NAME if self._by_name else addresses.DATABASE,
            port=self.database.port,
            name=NAME,
            user=APPLICATION,
            password=self.passwords.application,
            authority=self.ca_pem,
        )
