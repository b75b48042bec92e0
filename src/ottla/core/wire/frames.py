"""Frames: an int32 size, then that many bytes; the envelope of every request and response.

`FrameReader` is the receiving end, without a socket: ask for a `buffer()` to receive into, tell how much was
`filled`, get the frames that are complete. A size is judged the moment it is there, before anything is set aside for
it; the buffer grows with the bytes that have come, never with what a peer announces. Frames come out as `bytes` of
their own, so a view of one may live as long as it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from ottla.core.model.parts import Part, size_of

SIZE: Final = Struct(">i")
SIZE_BYTES: Final = 4
FIRST_BYTES: Final = 16 * 1024
"""The buffer of a connection at rest."""
PATIENCE: Final = 64
"""Receptions without a large frame after which a buffer that grew for one is given back."""


class FrameError(ValueError):
    """Bytes that cannot be a frame; the connection has to go, for nobody knows where the next one begins.

    `frames` are the whole frames that came before them: they may still be answered.
    """

    def __init__(self, reason: str, frames: list[bytes]) -> None:
        super().__init__(reason)
        self.frames = frames


class FrameReader:
    """Cuts a byte stream into frames of at most `max_bytes`.

    `max_bytes` may be changed between calls (it grows when a peer has authenticated).
    """

    __slots__ = ("_buffer", "_end", "_idle", "_start", "_view", "max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._buffer = bytearray(FIRST_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._idle = 0

    @property
    def pending(self) -> int:
        """Bytes received that do not make a frame yet."""
        return self._end - self._start

    @property
    def grown(self) -> bool:
        """Whether the buffer is larger than that of a connection at rest."""
        return len(self._buffer) > FIRST_BYTES

    def buffer(self) -> memoryview:
        """Where the next bytes go. Never empty."""
        return self._view[self._end :]

    def filled(self, count: int) -> list[bytes]:
        """`count` bytes came into the last `buffer()`: the frames now complete, without their sizes.

        Raises FrameError for a size that is negative or above `max_bytes`.
        """
        self._end += count
        start, end = self._start, self._end
        frames: list[bytes] = []
        needed = SIZE_BYTES
        while end - start >= SIZE_BYTES:
            (size,) = SIZE.unpack_from(self._buffer, start)
            if not 0 <= size <= self.max_bytes:
                raise FrameError(self._refusal(size), frames)
            needed = SIZE_BYTES + size
            if end - start < needed:
                break
            frames.append(bytes(self._view[start + SIZE_BYTES : start + needed]))
            start += needed
            needed = SIZE_BYTES
        self._start = start
        self._make_room(needed)
        return frames

    def _refusal(self, size: int) -> str:
        if size < 0:
            return f"a frame of {size} bytes cannot be"
        return f"a frame of {size} bytes is larger than the {self.max_bytes} allowed"

    def rest(self) -> None:
        """Give back what the buffer grew by, unless a frame is under way: for a connection gone quiet."""
        if self._end == self._start and len(self._buffer) > FIRST_BYTES:
            self._idle = 0
            self._replace(FIRST_BYTES)

    def discard(self) -> None:
        """Let go of the buffer and what is in it: nothing more will come. The reader is of no more use."""
        self._buffer, self._view = bytearray(), memoryview(b"")
        self._start = self._end = 0

    def _make_room(self, needed: int) -> None:
        """Have space behind what is pending: move it to the front, or double the buffer once a frame fills it."""
        pending = self._end - self._start
        capacity = len(self._buffer)
        if pending == 0:
            self._idle = 0 if self._end > capacity // 4 else self._idle + 1
            self._start = self._end = 0
            if self._idle > PATIENCE:
                self.rest()
        elif needed > capacity:
            if self._end == capacity:
                self._replace(min(2 * capacity, needed), pending)
        elif self._start + needed > capacity:
            self._buffer[:pending] = self._buffer[self._start : self._end]
            self._start, self._end = 0, pending

    def _replace(self, size: int, pending: int = 0) -> None:
        fresh = bytearray(size)
        fresh[:pending] = self._view[self._start : self._start + pending]
        self._buffer, self._view = fresh, memoryview(fresh)
        self._start, self._end = 0, pending


def frame(parts: Sequence[Part]) -> list[Part]:
    """`parts` with their size in front, ready to send. Raises OverflowError above 2 GiB."""
    size = sum(map(size_of, parts))
    if size > 0x7FFF_FFFF:
        raise OverflowError(f"a frame of {size} bytes is larger than its size field can say")
    first, *rest = parts
    if isinstance(first, bytes):
        return [SIZE.pack(size) + first, *rest]
    return [SIZE.pack(size), first, *rest]
