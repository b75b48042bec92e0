"""What a message on its way out is made of: bytes, and slices of files that nobody has read.

Core never opens a file. A fetch answer names the bytes it wants sent as a `Slice`; whoever owns the socket decides
how they get there (sendfile, pread, through TLS).
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable


@runtime_checkable
class Slice(Protocol):
    """A stretch of a file: its length is all that core needs to know."""

    @property
    def size(self) -> int: ...


Part: TypeAlias = "bytes | memoryview | Slice"


def size_of(part: Part) -> int:
    """Bytes that `part` will occupy on the wire."""
    if isinstance(part, bytes):
        return len(part)
    if isinstance(part, memoryview):
        return part.nbytes
    return part.size
