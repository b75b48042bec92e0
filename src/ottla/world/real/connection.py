"""One plain TCP stream on a non-blocking socket and the loop's readiness calls.

Not a transport: the session lends its own buffer for every read, a reply of many parts leaves in one `sendmsg`, and
stretches of files go from the page cache to the socket by `sendfile` without passing through Python. A turn of the
loop reads once and writes a bounded amount for each connection, so no connection holds up the others.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Sequence
from typing import Final, TypeAlias

from ottla.core.model.parts import Part
from ottla.world.doors import Address, FileSlice, Session

log = logging.getLogger("ottla.world")

TURN_BYTES: Final = 4 << 20
"""Written by one connection in one turn of the loop, at most."""

JOIN_BYTES: Final = 32 << 10
"""Slices up to this size are read and joined into the write when warm: one call instead of two."""

_IOV_MAX: Final = 512
_MORE: Final = getattr(socket, "MSG_MORE", 0)
_SENDFILE: Final = hasattr(os, "sendfile") and sys.platform != "win32"

_Queued: TypeAlias = "memoryview | FileSlice"


class SocketConnection:
    """The Connection door on a connected, non-blocking socket."""

    __slots__ = (
        "_closing",
        "_gone",
        "_loop",
        "_position",
        "_queue",
        "_reading",
        "_session",
        "_socket",
        "_writing",
        "local",
        "peer",
        "unsent",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, session: Session) -> None:
        self._loop = loop
        self._socket = sock
        self._session = session
        self._queue: deque[_Queued] = deque()
        self._position = 0  # bytes of the first queued part that have left
        self._reading = False
        self._writing = False
        self._closing = False
        self._gone = False
        self.unsent = 0
        self.peer = _address(sock.getpeername())
        self.local = _address(sock.getsockname())

    def start(self) -> None:
        """Begin to read, and hand the connection to its session, which may pause it at once."""
        self.resume()
        self._session.opened(self)

    # -- reading

    def pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        if not self._reading and not self._closing and not self._gone:
            self._reading = True
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        if not self._reading:
            return
        try:
            count = self._socket.recv_into(self._session.buffer())
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        if not count:
            self._end(None)
            return
        try:
            self._session.filled(count)
        except Exception:
            log.exception("the session of %s failed; closing the connection", self.peer)
            self._end(None)

    # -- writing

    def send(self, parts: Sequence[Part]) -> None:
        if self._gone or self._closing:
            for part in parts:
                if isinstance(part, FileSlice):
                    part.release()
            return
        if not self._queue and len(parts) == 1 and isinstance(parts[0], bytes):
            self._send_one(parts[0])
            return
        for part in parts:
            if isinstance(part, FileSlice):
                self.unsent += part.size
                self._queue.append(part)
            elif len(part):  # type: ignore[arg-type]
                view = memoryview(part)  # type: ignore[arg-type]
                self.unsent += view.nbytes
                self._queue.append(view)
        if not self._writing:
            self._write(first=True)

    def _send_one(self, data: bytes) -> None:
        """The short reply to a short request: the kernel nearly always takes it whole."""
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._end(error)
            return
        if sent < len(data):
            self._queue.append(memoryview(data)[sent:])
            self.unsent = len(data) - sent
            self._want_writes()

    def _writable(self) -> None:
        if self._writing:
            self._write(first=False)

    def _write(self, *, first: bool) -> None:
        budget = TURN_BYTES
        try:
            while self._queue and budget > 0:
                budget -= self._write_some(budget)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._end(error)
            return
        if self._queue:
            self._want_writes()
            return
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket.fileno())
        if self._closing:
            self._end(None)
        elif not first:
            self._session.drained()

    def _write_some(self, limit: int) -> int:
        """One call into the kernel. Returns what it took; raises BlockingIOError when it takes nothing."""
        head = self._queue[0]
        if isinstance(head, FileSlice):
            if head.size - self._position > JOIN_BYTES or not self._join_head(head):
                return self._send_file(head, limit)
            head = self._queue[0]
            assert isinstance(head, memoryview)
        if len(self._queue) == 1:
            sent = self._socket.send(head[self._position :])
        else:
            views, more = self._gather(head)
            sent = self._socket.sendmsg(views, (), _MORE if more else 0)
        self._took(sent)
        return sent

    def _gather(self, head: memoryview) -> tuple[list[memoryview], bool]:
        """The run of bytes at the front of the queue, and whether a slice of a file follows it."""
        views = [head[self._position :]]
        for index in range(1, len(self._queue)):
            part = self._queue[index]
            if isinstance(part, FileSlice):
                data = part.file.read_warm(part.size, part.position) if part.size <= JOIN_BYTES else None
                if data is None or len(data) != part.size:
                    return views, True
                part.release()
                self._queue[index] = part = memoryview(data)
            views.append(part)
            if len(views) == _IOV_MAX:
                break
        return views, False

    def _join_head(self, head: FileSlice) -> bool:
        data = head.file.read_warm(head.size, head.position)
        if data is None or len(data) != head.size:
            return False
        head.release()
        self._queue[0] = memoryview(data)
        return True

    def _send_file(self, head: FileSlice, limit: int) -> int:
        position = head.position + self._position
        size = min(head.size - self._position, limit)
        descriptor = getattr(head.file, "fileno", None)
        if _SENDFILE and descriptor is not None:
            sent = os.sendfile(self._socket.fileno(), descriptor(), position, size)
        else:
            sent = self._socket.send(head.file.read(min(size, 256 << 10), position))
        if sent == 0:
            raise OSError(f"{head.file.path} ended before position {position + size} was sent")
        self._took(sent)
        return sent

    def _took(self, sent: int) -> None:
        self.unsent -= sent
        while sent:
            head = self._queue[0]
            size = head.size if isinstance(head, FileSlice) else head.nbytes
            left = size - self._position
            if sent < left:
                self._position += sent
                return
            sent -= left
            self._position = 0
            self._queue.popleft()
            if isinstance(head, FileSlice):
                head.release()

    def _want_writes(self) -> None:
        if not self._writing:
            self._writing = True
            self._loop.add_writer(self._socket.fileno(), self._writable)

    # -- the end

    def close(self) -> None:
        if self._closing or self._gone:
            return
        self.pause()
        self._closing = True
        if not self._queue:
            self._end(None)

    def abort(self) -> None:
        self._end(None)

    def _end(self, error: OSError | None) -> None:
        if self._gone:
            return
        self.pause()
        self._gone = True
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket.fileno())
        for part in self._queue:
            if isinstance(part, FileSlice):
                part.release()
        self._queue.clear()
        self.unsent = 0
        self._socket.close()
        # Later, so that a session is never told of the end from inside its own call.
        self._loop.call_soon(self._session.closed, error)


def _address(name: tuple[str, int] | tuple[str, int, int, int] | str) -> Address:
    if isinstance(name, str):
        return Address(name, 0)
    host = name[0]
    if host.startswith("::ffff:") and "." in host:  # an IPv4 peer on a dual-stack socket
        host = host[7:]
    return Address(host, name[1])
