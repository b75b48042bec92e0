"""One client connection: frames in, requests one at a time, replies in order.

As in Kafka, the next request of a connection starts when the reply to the one before has been handed to the kernel;
a long poll holds up what comes behind it. Meanwhile a bounded amount is read ahead, so that a client which pipelines
keeps the node busy and a client which floods meets TCP's back-pressure. A request without a reply (acks=0) just
makes room for the next.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from typing import TYPE_CHECKING, Final

from ottla.broker.context import Caller, CloseConnection
from ottla.broker.later import Later
from ottla.broker.router import Pending
from ottla.core.model.parts import Part, size_of
from ottla.core.wire.frames import FrameError, FrameReader
from ottla.world.doors import Connection, Timer

if TYPE_CHECKING:
    from ottla.broker.listener import BrokerListener

READ_AHEAD_BYTES: Final = 1 << 20
READ_AHEAD_FRAMES: Final = 128
REQUESTS_A_TURN: Final = 32
"""One connection may run so many requests before the others have their turn."""
NO_VIEW: Final = memoryview(b"")
JOINED_REPLY_BYTES: Final = 256 << 10
"""Replies of one turn leave together up to this size."""


class RequestSession:
    """See the module. Implements `world.doors.Session`."""

    __slots__ = (
        "_ahead",
        "_broken",
        "_clock",
        "_connection",
        "_first",
        "_frames",
        "_grown",
        "_held",
        "_hurry",
        "_listener",
        "_memory",
        "_partial",
        "_paused",
        "_pending",
        "_reader",
        "_router",
        "_scheduled",
        "_view",
        "caller",
        "last_active",
        "open",
    )

    def __init__(self, listener: BrokerListener) -> None:
        self._listener = listener
        self._router = listener.router
        self._memory = listener.memory
        self._clock = listener.clock
        self._reader = FrameReader(listener.frame_bytes_max)
        self._frames: deque[bytes] = deque()
        self._ahead = 0  # bytes in _frames
        self._held = 0  # bytes of ours in the node-wide count
        self._partial = 0  # bytes of a frame that is still arriving
        self._paused = False
        self._scheduled = False
        self._pending: Pending | None = None
        self._first = True
        self._hurry: Timer | None = None  # runs while we are read on over the limit of memory
        self._grown = False  # the listener knows that our buffer is larger than at rest
        self._broken: str | None = None  # why nothing behind the frames at hand can be read
        self._view = NO_VIEW
        self._connection: Connection = None  # type: ignore[assignment]  # set by `opened`, before anything else
        self.caller: Caller = None  # type: ignore[assignment]
        self.last_active = 0
        self.open = False

    # -- what the door calls

    def opened(self, connection: Connection) -> None:
        self._connection = connection
        self.open = True
        self.last_active = self._clock.now()
        listener = self._listener
        self.caller = Caller(
            listener.name, listener.role, listener.security_protocol, connection.peer, connection.local
        )
        listener.joined(self)
        if not listener.serving:
            self._paused = True
            connection.pause()

    def begin(self) -> None:
        """The node is ready: read what the client has sent meanwhile."""
        self._resume()

    def buffer(self) -> memoryview:
        self._view = self._reader.buffer()
        return self._view

    def filled(self, count: int) -> None:
        self.last_active = self._clock.now()
        start = bytes(self._view[:4]) if self._first else b""
        self._view = NO_VIEW  # the reader may only grow or reuse what nobody looks at
        try:
            frames = self._reader.filled(count)
        except FrameError as error:
            self._broken = foreign_protocol(start) or str(error)
            self._paused = True
            self._connection.pause()
            frames = error.frames
        self._first = False
        self._held += count
        self._memory.taken += count
        self._partial += count
        if self._reader.grown and not self._grown:
            self._grown = True
            self._listener.grown(self)
        if not frames and self._broken is None:
            if self._memory.exhausted:
                self._consider_pausing()
            return
        for frame in frames:
            self._partial -= len(frame) + 4
            self._ahead += len(frame)
        if self._hurry is not None:
            self._hurry_no_more()
        self._frames.extend(frames)
        if self._pending is None and not self._scheduled and not self._connection.unsent:
            self._run()
        self._consider_pausing()

    def drained(self) -> None:
        if self._pending is None and not self._scheduled:
            self._run()

    def closed(self, error: OSError | None) -> None:
        self.open = False
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.abandon()
        self._frames.clear()
        self._view = NO_VIEW
        self._reader.discard()  # whoever still refers to us must not keep megabytes alive
        self._memory.forget(self._resume)
        self._memory.give_back(self._held)
        self._held = 0
        if self._hurry is not None:
            self._hurry_no_more()
        self._listener.left(self)
        self.caller.gone()

    # -- requests

    @property
    def busy(self) -> bool:
        """A request is under way, or a reply on its way out."""
        return self._pending is not None or bool(self._frames) or self._connection.unsent > 0

    def _run(self) -> None:
        """Run the requests at hand until one has to wait, the socket is full, or the turn is used up."""
        self._scheduled = False
        replies: list[Part] = []
        size = 0
        whole = True  # nothing but bytes among the replies
        freed = 0
        left = REQUESTS_A_TURN
        try:
            while self._frames and left and self.open:
                left -= 1
                frame = self._frames.popleft()
                self._ahead -= len(frame)
                outcome = self._router.dispatch(self.caller, frame)
                if outcome is None:
                    freed += len(frame) + 4
                elif not isinstance(outcome, Pending):
                    freed += len(frame) + 4
                    if isinstance(outcome, bytes):
                        replies.append(outcome)
                        size += len(outcome)
                    else:
                        whole = False
                        replies += outcome
                        size += sum(map(size_of, outcome))
                    if size >= JOINED_REPLY_BYTES:
                        self._connection.send(replies)
                        replies = []
                        size = 0
                        whole = True
                        if self._connection.unsent:
                            break
                else:
                    self._hold(outcome, len(frame) + 4)
                    break
        except CloseConnection as refusal:
            self._send(replies, whole)
            self.refuse(str(refusal), kind=refusal.kind)
            return
        self._send(replies, whole)
        if freed:
            self._free(freed)
        if self._frames and not left and self._pending is None and not self._connection.unsent:
            self._scheduled = True
            self._clock.call_soon(self._next_turn)
        elif self._broken is not None:
            if not self._frames and self._pending is None:
                self.refuse(self._broken, kind="frame")
        elif self._paused:
            self._resume()

    def _next_turn(self) -> None:
        if self.open and self._pending is None:
            self._run()

    def _send(self, replies: list[Part], whole: bool) -> None:
        if len(replies) > 1 and whole:
            self._connection.send([b"".join(replies)])  # type: ignore[arg-type]
        elif replies:
            self._connection.send(replies)

    def _hold(self, pending: Pending, size: int) -> None:
        """The reply comes later: nothing else runs on this connection until then."""
        self._pending = pending
        pending.size = size
        pending.future.add_done_callback(self._arrived)

    def _arrived(self, future: Future[object] | Later[object]) -> None:
        pending = self._pending
        if pending is None or pending.future is not future:
            return  # the connection went away
        self._pending = None
        self.last_active = self._clock.now()
        try:
            reply = self._router.finish(pending)
        except CloseConnection as refusal:
            self.refuse(str(refusal), kind=refusal.kind)
            return
        if reply is not None:
            self._connection.send([reply] if isinstance(reply, bytes) else reply)
        self._free(pending.size)
        if not self._connection.unsent:
            self._run()

    # -- back-pressure

    def _free(self, count: int) -> None:
        self._held -= count
        self._memory.give_back(count)

    def _consider_pausing(self) -> None:
        if self._paused or not self.open:
            return
        if self._ahead >= READ_AHEAD_BYTES or len(self._frames) >= READ_AHEAD_FRAMES:
            self._paused = True
            self._connection.pause()
        elif self._memory.exhausted and not self._may_go_on():
            self._paused = True
            self._connection.pause()
            self._memory.wait(self._resume)

    def _resume(self) -> None:
        if (
            not self.open
            or not self._paused
            or self._broken is not None
            or self._ahead >= READ_AHEAD_BYTES // 2
        ):
            return
        if len(self._frames) >= READ_AHEAD_FRAMES // 2:
            return
        if self._memory.exhausted and not self._may_go_on():
            self._memory.wait(self._resume)
            return
        self._paused = False
        self._connection.resume()

    def _may_go_on(self) -> bool:
        """Whether we are read on although there is no room: for the rest of a request, and not for long."""
        if not self._partial or not self._memory.may_go_on(self):
            return False
        if self._hurry is None and self._memory.going_on is self:
            self._hurry = self._clock.call_at(self._clock.now() + self._memory.hurry_ms, self._too_slow)
        return True

    def _hurry_no_more(self) -> None:
        assert self._hurry is not None
        self._hurry.cancel()
        self._hurry = None
        self._memory.passed()

    def _too_slow(self) -> None:
        if not self._memory.exhausted:
            self._hurry_no_more()
            return
        reason = (
            f"its request was not whole after {self._memory.hurry_ms} ms, while others wait for room: "
            f"queued.max.request.bytes={self._memory.limit} is reached"
        )
        self._listener.refused(self, reason, "slow")
        self.abort()

    def rest(self) -> None:
        """Give back what a large request made of the buffer. The next large one makes it grow again."""
        self._reader.rest()
        self._grown = self._reader.grown

    @property
    def grown(self) -> bool:
        """Whether the buffer holds more memory than that of a connection at rest."""
        return self._grown

    # -- the end

    def refuse(self, reason: str, *, kind: str) -> None:
        """Close for a reason that the log should know."""
        self._listener.refused(self, reason, kind)
        self.close()

    def close(self) -> None:
        """Let the replies under way go out, then close."""
        self._frames.clear()
        self._ahead = 0
        self.open = False
        self._connection.close()

    def abort(self) -> None:
        self.open = False
        self._connection.abort()


def foreign_protocol(start: bytes) -> str | None:
    """What a connection speaks that does not speak Kafka, from its first four bytes; None when unknown."""
    if start[:3] in (b"GET", b"POS", b"HEA", b"PUT", b"OPT", b"PRI", b"DEL"):
        return "this is an HTTP request; the port speaks the Kafka protocol"
    if start[:2] == b"\x16\x03":
        return "this is a TLS handshake; the listener speaks plain text (set security.protocol=PLAINTEXT)"
    if start[:4] == b"SSH-":
        return "this is an SSH client; the port speaks the Kafka protocol"
    return None
