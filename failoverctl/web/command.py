"""The command `web`: listens on loopback, prints the address, and serves until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
import webbrowser

from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit
from failoverctl.web.reader import Reader
from failoverctl.web.safety import Keys
from failoverctl.web.server import PageServer

ADDRESS = "127.0.0.1"
_WAITING_AT_MOST = 64


def listen(arguments: argparse.Namespace) -> None:
    """Listen on loopback, and keep the socket as `arguments.listener`. Raises CommandError where the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, arguments.port))
        listener.listen(_WAITING_AT_MOST)
    except OSError as error:
        listener.close()
        raise CommandError(
            f"Port {arguments.port} of {ADDRESS} can't be used: {error.strerror}. Give another --port, or none.",
            Exit.USAGE,
        ) from error
    arguments.listener = listener


def web(context: CommandContext) -> Exit:
    """Serve the page until Ctrl-C, which ends it with the program's own sentence."""
    context.account.demand_login()  # else the page would be all there is to say so
    with contextlib.closing(make_server(context)) as server:
        _say(context, server)
        if not context.arguments.no_browser:
            _open(f"{server.address}#token={server.keys.once}")
        server.serve_forever()
    return Exit.DONE


def make_server(context: CommandContext) -> PageServer:
    """The server of the page, listening, with its reader started; whoever asks for it closes it."""
    reader = Reader(context, context.arguments.every)
    return PageServer(context, context.arguments.listener, reader, Keys())


def _say(context: CommandContext, server: PageServer) -> None:
    address = f"{server.address}#token={server.keys.token}"
    actions = context.arguments.allow_actions
    how = (
        "Actions are allowed, each with the pair's name typed: whoever has this address can move the pair."
        if actions
        else "It only reads; --allow-actions allows acting from it."
    )
    sentence = f"The page: {address}\n{how}\nIt is served to this machine alone, until Ctrl-C."
    context.show({"url": address, "allow_actions": actions}, sentence)
    sys.stdout.flush()


def _open(address: str) -> None:
    """Show the address in a browser, best effort; a browser of the terminal itself would take the terminal."""
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        with contextlib.suppress(OSError, webbrowser.Error):
            webbrowser.open(address)
