"""One end of a byte stream between two processes of a simulated world.

What an owner sends stands in its own queue until the machine takes it (slices of files are read at that moment, as
`sendfile` does), is under way for a while, lies in the other machine's buffer until its owner reads, and frees the window
then. An end sees the end of the stream behind the last byte, or a reset in front of them.
"""

from __future__ import annotations

import errno
import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ottla.core.model.parts import Part
from ottla.world.doors import Address, FileSlice, Session

if TYPE_CHECKING:
    from ottla.sim.network.fabric import Fabric
    from ottla.sim.process import Process

log = logging.getLogger("ottla.world")


class SimConnection:
    """The Connection door. `other` is the far end, None before it is known."""

    def __init__(
        self, fabric: Fabric, process: Process, session: Session, local: Address, peer: Address
    ) -> None:
        self.local = local
        self.peer = peer
        self.unsent = 0
        self.other: SimConnection | None = None
        self.process = process
        self._fabric = fabric
        self._session = session
        self._chance = fabric.chance
        self._queue: deque[memoryview | FileSlice] = deque()
        self._position = 0
        self._under_way = 0  # bytes that left here and were not read there
        self._before: list[bytes | None] = []  # what was sent before the far end was accepted
        self._held_back: list[bytes | None] = []  # what a cut link did not let in; None: the end
        self._arrives = 0  # when the last piece arrives: the next one comes no earlier
        self._inbox = bytearray()
        self._ended = False  # no more bytes will come in
        self._reading = False
        self._asked = False  # a call to `_readable` is on its way
        self._writing = False
        self._closing = False
        self._gone = False
        fabric.connections[self] = None
        process.ended.append(self._process_ended)

    def __repr__(self) -> str:
        return f"{self.local}>{self.peer}"

    def start(self) -> None:
        """Begin to read, and hand the connection to its session."""
        self.resume()
        self._session.opened(self)

    def take_up(self) -> None:
        """The far end is there: what was sent before goes to it."""
        before, self._before = self._before, []
        for data in before:
            self._emit(data)

    def forget(self) -> None:
        """It never came to be."""
        self._gone = True
        self._fabric.connections.pop(self, None)

    # -- reading

    def pause(self) -> None:
        self._reading = False

    def resume(self) -> None:
        if not self._reading and not self._closing and not self._gone:
            self._reading = True
            self._look()

    def _look(self) -> None:
        if self._reading and not self._asked and (self._inbox or self._ended):
            self._asked = True
            self.process.call_soon(self._readable)

    def _readable(self) -> None:
        self._asked = False
        if not self._reading or self._gone:
            return
        if not self._inbox:
            self._end(None)
            return
        buffer = self._session.buffer()
        count = min(len(buffer), len(self._inbox))
        buffer[:count] = self._inbox[:count]
        del self._inbox[:count]
        if self.other is not None:
            self.other.window_freed(count)
        self._fabric.note(self.process.name, f"read {self} {count}")
        try:
            self._session.filled(count)
        except Exception:
            log.exception("the session of %s failed; closing the connection", self.peer)
            self._end(None)
        self._look()

    def arrived(self, data: bytes | None) -> None:
        """A piece (None: the end) comes in from the link."""
        if self._gone:
            return
        if self._fabric.is_cut(self.local.host, self.peer.host):
            self._held_back.append(data)
            return
        if data is None:
            self._ended = True
        else:
            self._inbox += data
        self._look()

    def arrive_late(self) -> None:
        """The link is whole again."""
        held, self._held_back = self._held_back, []
        for data in held:
            self.arrived(data)

    def reset(self, _: object = None) -> None:
        """The stream breaks: what was under way is lost."""
        if not self._gone and not self._fabric.is_cut(self.local.host, self.peer.host):
            self.process.call_soon(
                self._end, ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
            )

    # -- writing

    def send(self, parts: Sequence[Part]) -> None:
        if self._gone or self._closing:
            for part in parts:
                if isinstance(part, FileSlice):
                    part.release()
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

    def _write(self, *, first: bool) -> None:
        """Hand over what the window takes."""
        room = self._fabric.weather.window_bytes - self._under_way
        try:
            while self._queue and room > 0:
                data = self._take(min(room, 1 + self._chance.below(self._fabric.weather.chunk_bytes)))
                room -= len(data)
                self._under_way += len(data)
                self._emit(data)
        except OSError as error:
            self._end(error)
            return
        if self._queue:
            self._writing = True
            return
        was_writing, self._writing = self._writing, False
        if self._closing:
            self._end(None)
        elif was_writing and not first:
            self._session.drained()

    def _take(self, limit: int) -> bytes:
        """The next bytes of the queue, all from one part. Raises OSError when a file cannot be read."""
        head = self._queue[0]
        size = head.size if isinstance(head, FileSlice) else head.nbytes
        count = min(limit, size - self._position)
        if isinstance(head, FileSlice):
            data = head.file.read(count, head.position + self._position)
            if not data:
                raise OSError(f"{head.file.path} ended before position {head.position + size} was sent")
        else:
            data = bytes(head[self._position : self._position + count])
        self._position += len(data)
        self.unsent -= len(data)
        if self._position == size:
            self._position = 0
            self._queue.popleft()
            if isinstance(head, FileSlice):
                head.release()
        return data

    def _emit(self, data: bytes | None) -> None:
        other, schedule = self.other, self._fabric.schedule
        if other is None:
            self._before.append(data)  # it stands in the queue of the port
            return
        self._arrives = max(self._arrives, schedule.micros + self._fabric.weather.micros(self._chance))
        schedule.after(self._arrives - schedule.micros, other.arrived, data)

    def window_freed(self, count: int) -> None:
        """The far end has read: the news takes its time."""
        self._fabric.schedule.after(self._fabric.weather.micros(self._chance), self._freed, count)

    def _freed(self, count: int) -> None:
        self._under_way -= count
        if self._writing and not self._gone:
            self.process.call_soon(self._writable)

    def _writable(self) -> None:
        if self._writing and not self._gone:
            self._write(first=False)

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
        self._leave()
        if not isinstance(error, ConnectionResetError):
            self._say_goodbye()
        self.process.call_soon(self._session.closed, error)

    def _leave(self) -> None:
        self._gone = True
        self._reading = self._writing = False
        for part in self._queue:
            if isinstance(part, FileSlice):
                part.release()
        self._queue.clear()
        self.unsent = 0
        self._fabric.connections.pop(self, None)

    def _say_goodbye(self) -> None:
        """What the machine does with a closed socket: bytes that nobody read here break the stream at once."""
        if self._inbox and self.other is not None:
            self._fabric.schedule.after(self._fabric.weather.micros(self._chance), self.other.reset)
        else:
            self._emit(None)

    def _process_ended(self) -> None:
        """The machine closes what a dead process left open."""
        if not self._gone:
            self._gone = True
            self._queue.clear()
            self._fabric.connections.pop(self, None)
            self._say_goodbye()

    def vanish(self) -> None:
        """The machine has lost its power: nobody says goodbye. Should the far end send, once the machine is back,
        it will hear that nobody knows it."""
        if not self._gone:
            self._gone = True
            self._queue.clear()
            self._fabric.connections.pop(self, None)
            if self.other is not None and self._chance.often(0.5):
                delay = self._chance.below(5_000_000)
                self._fabric.schedule.after(delay, self.other.reset)
