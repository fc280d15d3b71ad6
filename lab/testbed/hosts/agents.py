"""Stand-ins for Management Agents: many in one process, run as a program in a host of their own.

    agents.py SETTINGS    (the fields of Settings as JSON)

Each keeps one TLS connection to the Management Server, found by name. The name is asked of the resolver that
/etc/resolv.conf gives at every attempt; nothing is cached, so a moved record is seen at the next attempt after the
name server serves it. (A caching resolver in between would add up to the record's TTL.) The server's certificate is
pinned: it must be exactly the one given, whatever the name. A heartbeat goes out each second and must come back
within three. On loss an agent tries again after randomised, growing intervals, for ever.

Standard output gets one JSON line per event:
    {"agent": 3, "event": "connected", "server": "ms1", "at": 1790000000.1, "attempts": 2}
    {"agent": 3, "event": "lost", "server": "ms1", "at": 1790000009.4, "why": "ConnectionResetError"}
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from dataclasses import dataclass

import dns.asyncresolver

FAULTS = (OSError, EOFError, ValueError, dns.exception.DNSException, asyncio.LimitOverrunError)


@dataclass(frozen=True)
class Settings:
    """How many, where to, how patient. Times in seconds."""

    count: int
    name: str
    port: int
    certificate: str
    heartbeat_s: float = 1.0
    echo_within_s: float = 3.0
    connect_within_s: float = 5.0
    backoff_base_s: float = 0.5
    backoff_factor: float = 1.6
    backoff_cap_s: float = 10.0

    def pause(self, attempt: int, draw: random.Random) -> float:
        """How long to wait before this attempt (the first is 0) since the connection was lost: full jitter."""
        # An agent tries for ever: the power must stay a number that a float can hold.
        growing = min(self.backoff_cap_s, self.backoff_base_s * self.backoff_factor ** min(attempt, 100))
        return draw.uniform(0.1, 1.0) * growing


class Agent:
    """One agent: connect, keep the connection alive, connect again."""

    def __init__(self, number: int, settings: Settings, pinned: ssl.SSLContext) -> None:
        self._number = number
        self._settings = settings
        self._pinned = pinned
        self._draw = random.Random()
        self._attempts = 0

    async def live(self) -> None:
        while True:
            await asyncio.sleep(self._settings.pause(self._attempts, self._draw))
            self._attempts += 1
            try:
                reader, writer = await asyncio.wait_for(self._connect(), self._settings.connect_within_s)
            except FAULTS:
                continue
            try:
                await self._stay(reader, writer)
            finally:
                writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        resolver = dns.asyncresolver.Resolver()
        resolver.lifetime = 2.0
        answer = await resolver.resolve(self._settings.name + ".", "A")
        address = self._draw.choice([str(record) for record in answer])
        return await asyncio.open_connection(address, self._settings.port, ssl=self._pinned, server_hostname="")

    async def _stay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say hello, then keep up the heartbeat until it fails."""
        server: str | None = None
        why = "the server closed the connection"
        try:
            greeting = await asyncio.wait_for(reader.readline(), self._settings.echo_within_s)
            server = str(json.loads(greeting)["server"])
            self._tell("connected", server=server, attempts=self._attempts)
            self._attempts = 0
            beat = 0
            while True:
                beat += 1
                line = f"{self._number} {beat}\n".encode()
                writer.write(line)
                echo = await asyncio.wait_for(reader.readline(), self._settings.echo_within_s)
                if echo != line or not await self._quiet(reader):
                    break
        except (*FAULTS, KeyError) as error:
            why = type(error).__name__
        if server is not None:
            self._tell("lost", server=server, why=why)

    async def _quiet(self, reader: asyncio.StreamReader) -> bool:
        """Rest until the next heartbeat is due; false as soon as the server says or does anything, such as leave."""
        try:
            await asyncio.wait_for(reader.readline(), self._settings.heartbeat_s)
        except TimeoutError:
            return True
        return False

    def _tell(self, event: str, **more: object) -> None:
        line = {"agent": self._number, "event": event, "at": round(time.time(), 4), **more}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def pin(certificate: str) -> ssl.SSLContext:
    """Trust this one certificate, and for any name: that is what pinning is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return context


async def main(settings: Settings) -> None:
    pinned = pin(settings.certificate)
    await asyncio.gather(*(Agent(number, settings, pinned).live() for number in range(1, settings.count + 1)))


if __name__ == "__main__":
    asyncio.run(main(Settings(**json.loads(sys.argv[1]))))
