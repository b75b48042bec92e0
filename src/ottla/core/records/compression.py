"""The five codecs of record batches: none, gzip, snappy, lz4, zstd.

What Kafka's own clients write and read decides the framing: gzip is plain gzip; snappy is the xerial framing (a
16-byte header, then chunks each behind its length), though bare snappy is understood too, as librdkafka sends it;
lz4 is the LZ4 frame with independent blocks; zstd is the plain frame. gzip, lz4 and zstd may come as several
frames in a row.

Nothing is decompressed without a bound: every decoder works piece by piece, is given the largest size it may reach
and stops there, whatever the data claim about themselves (100 MB of zeros are 3 kB of zstd).
"""

from __future__ import annotations

import sys
import zlib
from enum import IntEnum
from typing import Final

import cramjam

from ottla.core.records import lz4, snappy
from ottla.core.records.errors import CompressionError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class Codec(IntEnum):
    """The values are the low three attribute bits of a batch; the names in lower case are `compression.type`'s."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4

    @classmethod
    def named(cls, name: str) -> Codec:
        """From "none" (or "uncompressed", the topic setting's word), "gzip", "snappy", "lz4", "zstd"."""
        return cls.NONE if name == "uncompressed" else cls[name.upper()]


GZIP_DEFAULT_LEVEL: Final = -1
LZ4_DEFAULT_LEVEL: Final = lz4.DEFAULT_LEVEL
ZSTD_DEFAULT_LEVEL: Final = 3

DECOMPRESSED_LIMIT: Final = 64 * 1024 * 1024
"""What one batch may decompress to unless its reader says otherwise, in bytes."""

_GZIP_WINDOW: Final = 31
_ZSTD_WINDOW_LOG: Final = 27
"""The window that zstd's strongest level uses, and the most that zstd decoders take unasked: 128 MiB."""
_PIECE: Final = 1024 * 1024
_FIRST_STEP: Final = 512
_LAST_STEP: Final = 64 * 1024
"""Input is handed over in growing steps: the libraries copy what they leave of it, and a stream may be made of
thousands of members that take a few bytes each."""


def compress(codec: Codec, data: bytes | bytearray | memoryview, level: int | None = None) -> bytes:
    """`data` in `codec`'s framing. `level` None is Kafka's default of that codec; snappy has none."""
    if codec == Codec.NONE:
        return bytes(data)
    if codec == Codec.GZIP:
        packer = zlib.compressobj(GZIP_DEFAULT_LEVEL if level is None else level, zlib.DEFLATED, _GZIP_WINDOW)
        return packer.compress(data) + packer.flush()
    if codec == Codec.SNAPPY:
        return snappy.compress(data)
    if codec == Codec.LZ4:
        return lz4.compress(data, LZ4_DEFAULT_LEVEL if level is None else level)
    return zstd.compress(data, ZSTD_DEFAULT_LEVEL if level is None else level)


def decompress(codec: Codec, data: bytes | memoryview, limit: int = DECOMPRESSED_LIMIT) -> bytes:
    """What `compress` was given. Raises CompressionError for damaged data and beyond `limit` bytes."""
    try:
        if codec == Codec.NONE:
            out = bytes(data)
        elif codec == Codec.GZIP:
            out = _gunzip(data, limit)
        elif codec == Codec.SNAPPY:
            out = snappy.decompress(data, limit)
        elif codec == Codec.LZ4:
            out = lz4.decompress(data, limit)
        else:
            out = _unzstd(data, limit)
    except (
        zlib.error,
        zstd.ZstdError,
        cramjam.DecompressionError,
        EOFError,
        ValueError,
        MemoryError,
    ) as error:
        raise CompressionError(f"Failed to decompress {codec.name.lower()} records: {error}") from error
    if len(out) > limit:
        raise CompressionError(f"The records decompress to more than {limit} bytes")
    return out


def _gunzip(data: bytes | memoryview, limit: int) -> bytes:
    view = memoryview(data)
    out: list[bytes] = []
    room = limit + 1
    position = 0
    while position < len(view) and room > 0:
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        step = _FIRST_STEP
        while not unpacker.eof and room > 0:
            chunk = view[position : position + step]
            piece = unpacker.decompress(chunk, min(room, _PIECE))
            position += len(chunk) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
            if not piece and not chunk and not unpacker.eof:
                raise EOFError("the gzip stream ends too soon")
            out.append(piece)
            room -= len(piece)
            step = min(2 * step, _LAST_STEP)
    return b"".join(out)


def _unzstd(data: bytes | memoryview, limit: int) -> bytes:
    view = memoryview(data)
    out: list[bytes] = []
    room = limit + 1
    position = 0
    options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
    while position < len(view) and room > 0:
        unpacker = zstd.ZstdDecompressor(options=options)
        step = _FIRST_STEP
        while not unpacker.eof and room > 0:
            chunk = view[position : position + step] if unpacker.needs_input else b""
            piece = unpacker.decompress(chunk, min(room, _PIECE))
            position += len(chunk)
            if not piece and not chunk and not unpacker.eof:
                raise EOFError("the zstd frame ends too soon")
            out.append(piece)
            room -= len(piece)
            step = min(2 * step, _LAST_STEP)
        if unpacker.eof:
            position -= len(unpacker.unused_data)
    return b"".join(out)
