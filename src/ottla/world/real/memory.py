"""How this process takes memory from the system, and gives it back.

glibc learns from large blocks that come and go to keep them in its heap, where a hole is never given back. A node that
served one burst of large requests would stay that large for good. Here large blocks are always taken from the system
and go back to it; everything smaller is served from the heap, as fast as ever.
"""

from __future__ import annotations

import ctypes
from typing import Final

LARGE_BYTES: Final = 2 << 20
"""Just above a full request of a producer with default settings."""
SPARE_BYTES: Final = 64 << 20
"""Free memory at the end of the heap that is kept for the next requests: less, and a node under load of half-megabyte
requests gives pages back only to fault them in again."""

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


def keep_large_blocks_apart() -> bool:
    """Tell the allocator. Returns False where the C library has no such choice (musl, macOS, Windows)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGE_BYTES)) and bool(mallopt(_TRIM_THRESHOLD, SPARE_BYTES))
