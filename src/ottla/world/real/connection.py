"""One plain TCP stream on a non-blocking socket and the loop's readiness calls.

Not a transport: the session lends its own buffer for every read, a reply of many parts leaves in one `sendmsg`, and
stretches of files go from the page cache to the socket by `sendfile` without passing through Python. To a peer on
this machine they are copied instead: no network card is there to read the pages, and the peer's kernel takes twice
as long to gather them one by one as it takes to copy what lies in one piece (4.5 GB/s against 2.4 on two cores, with
two thirds of the processor time of both ends). A turn of the loop reads once and writes a bounded amount for each connection, so no
connection holds up the others.
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
"""Written by one connection in one turn of the loop, at most, when no other connection had requests."""

SHARED_TURN_BYTES: Final = 256 << 10
"""The same while others have requests: a tenth of a millisecond."""

SHARED_TURNS: Final = 64
"""For so many turns after a request of somebody else's."""

JOIN_BYTES: Final = 32 << 10
"""Slices up to this size are read and joined into the write when warm: one call instead of two."""

COPY_BYTES: Final = 512 << 10
"""Copied at a time to a peer on this machine: large enough for few calls, small enough to be gone at once."""

_IOV_MAX: Final = 512
_MORE: Final = getattr(socket, "MSG_MORE", 0)
_SENDFILE: Final = hasattr(os, "sendfile") and sys.platform != "win32"

_Queued: TypeAlias = "memoryview | FileSlice"


class Traffic:
    """What the connections of one loop share and know of each other."""

    __slots__ = ("copy", "reads")

    def __init__(self) -> None:
        self.copy = bytearray(COPY_BYTES)
        """What is on its way from a file to a socket, within one call. Fresh memory for each would cost as much again."""
        self.reads = 0
        """How often bytes have come in, on any of them."""


class SocketConnection:
    """The Connection door on a connected, non-blocking socket."""

    __slots__ = (
        "_closing",
        "_gone",
        "_loop",
        "_near",
        "_position",
        "_queue",
        "_reading",
        "_reads_seen",
        "_session",
        "_shared_turns",
        "_socket",
        "_traffic",
        "_writing",
        "local",
        "peer",
        "unsent",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, session: Session, traffic: Traffic
    ) -> None:
        self._loop = loop
        self._traffic = traffic
        self._reads_seen = 0
        self._shared_turns = 0
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
        self._near = self.peer.host == self.local.host

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
        self._traffic.reads += 1
        self._reads_seen += 1
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
        budget = self._budget()
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

    def _budget(self) -> int:
        """How many bytes this turn may write."""
        reads = self._traffic.reads
        if reads != self._reads_seen:  # which counts our own, too
            self._reads_seen = reads
            self._shared_turns = SHARED_TURNS
        elif self._shared_turns:
            self._shared_turns -= 1
        return SHARED_TURN_BYTES if self._shared_turns else TURN_BYTES

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
        if descriptor is None:
            sent = self._socket.send(head.file.read(min(size, COPY_BYTES), position))
        elif _SENDFILE and not self._near:
            sent = os.sendfile(self._socket.fileno(), descriptor(), position, size)
        else:
            copy = memoryview(self._traffic.copy)[: min(size, COPY_BYTES)]
            count = os.preadv(descriptor(), [copy], position)
            sent = self._socket.send(copy[:count]) if count else 0
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
