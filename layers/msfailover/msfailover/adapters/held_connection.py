"""A connection to a server over which nothing is said: its end says at once that there is something to probe for.

Between two probes nothing is known of a server. When its process dies, its host ends what the process had connected.
That is all a held connection tells, and it proves nothing: a server may end whom it does not know, and a host without
power or network ends nobody. So it only brings a probe forward.
"""

from __future__ import annotations

import contextlib
import socket
import time


class HeldConnection:
    """One connection, made when it is first waited on and again after it has ended.

    Args:
        address, port: where the server listens.
        connect_within_s: seconds for connecting.
    """

    def __init__(self, address: str, port: int, connect_within_s: float) -> None:
        self._where, self._connect_within_s = (address, port), connect_within_s
        self._connection: socket.socket | None = None

    def ends_within(self, seconds: float) -> bool:
        """Wait for the other side to end the connection.

        Args:
            seconds: how long at most, the connecting included.

        Returns:
            True as soon as it has ended, or was refused. False when the time is over, and at once when a connection
            can't be made for another reason: that is for a probe to find out.
        """
        end = time.monotonic() + seconds
        try:
            if self._connection is None:
                self._connection = socket.create_connection(self._where, min(self._connect_within_s, seconds))
            return self._ends_by(self._connection, end)
        except TimeoutError:
            return False
        except (ConnectionRefusedError, ConnectionResetError):
            self.close()
            return True
        except OSError:
            self.close()
            return False

    def _ends_by(self, connection: socket.socket, end: float) -> bool:
        while (left := end - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(4096):  # what it may have to say is not for us
                self.close()
                return True
        return False

    def close(self) -> None:
        """Let go of the connection; the next wait makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()
