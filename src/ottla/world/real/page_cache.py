"""What of a file the page cache holds: cachestat(2), one call for a stretch of any length.

The kernel counts pages without reading any in. Linux has it since 6.5; an older one, and a container whose filter does
not know it, say so at the first call. A file system that lies on another (overlayfs) counts none, for the pages are the
other's. In all these cases the caller has to find out by other means.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from typing import Final

_NUMBER: Final = 451
_MACHINES: Final = frozenset({"x86_64", "aarch64", "riscv64", "ppc64le", "s390x", "loongarch64"})
"""Where the call has that number and takes its arguments in registers of 64 bits."""

_Range: Final = ctypes.c_uint64 * 2
"""Offset and length in bytes."""
_Counts: Final = ctypes.c_uint64 * 5
"""Pages cached, dirty, under writeback, evicted, recently evicted."""


def _find() -> Callable[..., int] | None:
    if sys.platform != "linux" or os.uname().machine not in _MACHINES:
        return None
    # The call is short: it keeps the interpreter's lock.
    syscall: Callable[..., int] = ctypes.PyDLL(None, use_errno=True).syscall
    syscall(_NUMBER, -1, _Range(), _Counts(), 0)
    return syscall if ctypes.get_errno() == errno.EBADF else None


_syscall = _find()


def holds(descriptor: int, size: int, at: int) -> bool | None:
    """Whether all of `size` bytes from `at` on are in the page cache; None when the kernel does not tell, or
    counts none at all."""
    if _syscall is None or size <= 0:
        return None
    counts = _Counts()
    if _syscall(_NUMBER, descriptor, _Range(at, size), counts, 0) or not counts[0]:
        return None
    page = os.sysconf("SC_PAGE_SIZE")
    return bool(counts[0] > (at + size - 1) // page - at // page)
