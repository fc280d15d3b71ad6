#!/usr/bin/python3
"""Stand-in for the Management Server on a demo pair: an HTTPS page, a TLS port for agents, and a journal in PostgreSQL.

Nothing but Python's own library and `psql`. Like the real one it keeps one database connection, writes through it all
the time and connects again for ever; that it stops writing is the failover's business, not its own.
"""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADMIN_PORT, AGENT_PORT = int(os.environ.get("ADMIN_PORT", "443")), int(os.environ.get("AGENT_PORT", "17235"))
CERTIFICATE = os.environ.get("CERTIFICATE", "/etc/opt/ssh-mgmt/server/server.pem")
WRITE_EVERY_S = RECONNECT_AFTER_S = 0.2
NAME = socket.gethostname().partition(".")[0]
# One line, one answer: the next row is written when this one is there. A queue of rows would go in later.
INSERT = f"INSERT INTO journal (server, at) VALUES ('{NAME}', clock_timestamp()) RETURNING id;\n"  # noqa: S608


def log(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


class Admin(BaseHTTPRequestHandler):
    """The page that the probe asks for. USR1 hangs it while all else goes on, USR2 ends the hang."""

    timeout = 10
    hung = False

    def do_GET(self) -> None:
        while Admin.hung:
            time.sleep(0.5)
        found = self.path.partition("?")[0] in ("/", "/login")
        page = f"<!doctype html><title>Management Server</title><p>{NAME}\n".encode() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """A line for each probe would be most of the log."""


class Agent(socketserver.StreamRequestHandler):
    """Says who is here, then gives back every line."""

    def handle(self) -> None:
        self.wfile.write(f'{{"server": "{NAME}"}}\n'.encode())
        for line in self.rfile:
            self.wfile.write(line)


class Agents(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def serve(server: socketserver.TCPServer) -> None:
    """Serve with TLS; the handshake is each connection's own, so that a silent client holds nobody up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def write_for_ever() -> None:
    """Keep one connection, which is psql's, and make another one whenever it ends."""
    command = ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
    while True:
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as psql:
            assert psql.stdin and psql.stdout
            try:
                psql.stdin.write(INSERT)
                while psql.stdout.readline():
                    time.sleep(WRITE_EVERY_S)
                    psql.stdin.write(INSERT)
            except OSError:
                pass
            psql.kill()
        log("the database connection ended")
        time.sleep(RECONNECT_AFTER_S)


def hang(number: int, _: object) -> None:
    Admin.hung = number == signal.SIGUSR1


def main() -> None:
    signal.signal(signal.SIGUSR1, hang)
    signal.signal(signal.SIGUSR2, hang)
    serve(ThreadingHTTPServer(("", ADMIN_PORT), Admin))
    serve(Agents(("", AGENT_PORT), Agent))
    log("serving")
    write_for_ever()


if __name__ == "__main__":
    main()
