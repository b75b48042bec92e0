"""Snappy as Kafka's clients write it: the xerial framing, which is the framing of the Java library `snappy-java`.

    82 53 4e 41 50 50 59 00   version i32   oldest reader i32   then chunks: length i32, raw snappy

Data without that header are one raw snappy block (librdkafka's way). A header may also stand where a chunk's length
is expected: somebody joined two streams.
"""

from __future__ import annotations

import struct
from typing import Final

import cramjam

CHUNK_SIZE: Final = 32 * 1024
"""Bytes of data in one chunk, as snappy-java writes them by default."""

_MAGIC: Final = b"\x82SNAPPY\x00"
_HEADER: Final = _MAGIC + struct.pack(">ii", 1, 1)
_LENGTH = struct.Struct(">i")
_MOST_EXPANSION: Final = 22
"""A byte of a block stands for no more bytes than this: a copy of 64 takes three."""
(_MAGIC_AS_LENGTH,) = _LENGTH.unpack_from(_MAGIC)


def compress(data: bytes | bytearray | memoryview) -> bytes:
    """`data` in xerial framing."""
    view = memoryview(data)
    parts = [_HEADER]
    for start in range(0, len(view), CHUNK_SIZE):
        chunk = bytes(cramjam.snappy.compress_raw(view[start : start + CHUNK_SIZE]))
        parts.append(_LENGTH.pack(len(chunk)))
        parts.append(chunk)
    return b"".join(parts)


def decompress(data: bytes | memoryview, limit: int) -> bytes:
    """The bytes of a xerial stream or of a raw block. Stops with ValueError before it exceeds `limit` bytes.

    Raises EOFError for a stream cut short and `cramjam.DecompressionError` for damaged blocks.
    """
    view = memoryview(data)
    if bytes(view[: len(_MAGIC)]) != _MAGIC:
        return _block(view, limit)
    position = len(_HEADER)
    out: list[bytes] = []
    room = limit
    while position < len(view):
        if len(view) - position < 4:
            raise EOFError("the snappy stream ends inside a length")
        (length,) = _LENGTH.unpack_from(view, position)
        if length == _MAGIC_AS_LENGTH:
            position += len(_HEADER)
            continue
        position += 4
        if not 0 <= length <= len(view) - position:
            raise EOFError("the snappy stream ends inside a chunk")
        block = _block(view[position : position + length], room)
        out.append(block)
        room -= len(block)
        position += length
    return b"".join(out)


def _block(block: memoryview, limit: int) -> bytes:
    """One raw block; its claimed size is looked at before anything is allocated."""
    if not len(block):
        return b""
    size: int = cramjam.snappy.decompress_raw_len(block)
    if size > limit:
        raise ValueError(f"a block of {size} bytes, {limit} are allowed")
    if size > len(block) * _MOST_EXPANSION:
        raise ValueError(f"a block of {len(block)} bytes that claims to hold {size}")
    return bytes(cramjam.snappy.decompress_raw(block))
