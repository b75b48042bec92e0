"""A port that stays ours while the broker behind it is down, so that clients find it again where it was."""

from __future__ import annotations

import socket
import sys
from typing import Final

LOOPBACK: Final = "127.0.0.1"
SHARES_BOUND_PORTS: Final = sys.platform == "linux"
"""Linux lets a second socket bind a port that the first holds without listening (both with SO_REUSEADDR). Who connects to
it meanwhile is refused, and nobody is given the port by chance."""


class ReservedPort:
    """A free port of loopback, or the one asked for; `number`. Raises OSError when that one is taken."""

    def __init__(self, number: int = 0) -> None:
        self._socket = socket.socket()
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((LOOPBACK, number))
            self.number: int = self._socket.getsockname()[1]
        except OSError:
            self._socket.close()
            raise
        if not SHARES_BOUND_PORTS:
            self._socket.close()

    def release(self) -> None:
        self._socket.close()
