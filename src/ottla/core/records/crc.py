"""CRC-32C (Castagnoli), the checksum of record batches and of producer snapshots (RFC 3720, appendix B.4).

The implementation is picked once, at import: `crc32c` and `awscrt` take any buffer, so a view over a network buffer
is summed where it lies; `google_crc32c`, which is always installed, takes only bytes and costs a copy of a view.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

Buffer: TypeAlias = "bytes | bytearray | memoryview"


def _pick() -> Callable[[Buffer, int], int]:
    for module, name in (("crc32c", "crc32c"), ("awscrt.checksums", "crc32c")):
        try:
            found: Callable[[Buffer, int], int] = getattr(import_module(module), name)
        except ImportError:
            continue
        return found
    import google_crc32c

    extend = google_crc32c.extend

    def over_bytes(data: Buffer, crc: int = 0) -> int:
        value: int = extend(crc, data if type(data) is bytes else bytes(data))
        return value

    return over_bytes


_crc32c = _pick()


def crc32c(data: Buffer, crc: int = 0) -> int:
    """The CRC-32C of `data`, continuing from `crc`: `crc32c(b, crc32c(a)) == crc32c(a + b)`."""
    return _crc32c(data, crc)
