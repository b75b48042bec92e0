"""The LZ4 frame format, as far as Kafka speaks it.

Kafka's reader takes only frames whose blocks are independent, without a dictionary; the frames that general lz4
bindings write by default have linked blocks, which every Java client refuses. So the frame is written here, around
the block functions of the C library: a magic number, a descriptor, blocks each behind its length (the top bit says
"stored as it is"), an end mark.

Checksums of content and blocks are allowed and passed over, because the batch's CRC covers the same bytes.

Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
"""

from __future__ import annotations

import struct
from typing import Final

import cramjam

DEFAULT_LEVEL: Final = 9
"""The level that in Kafka means "the fast compressor"; every other one from 1 to 17 is the high-compression one."""

_MAGIC: Final = 0x184D2204
_VERSION: Final = 0x40
_VERSION_MASK: Final = 0xC0
_INDEPENDENT: Final = 0x20
_BLOCK_CHECKSUM: Final = 0x10
_CONTENT_SIZE: Final = 0x08
_CONTENT_CHECKSUM: Final = 0x04
_RESERVED: Final = 0x03
_STORED: Final = 0x80000000

_BLOCK_SIZES: Final = {4: 64 * 1024, 5: 256 * 1024, 6: 1024 * 1024, 7: 4 * 1024 * 1024}
_WRITTEN_BLOCK: Final = 64 * 1024
_MOST_EXPANSION: Final = 255
"""A byte of a block stands for no more bytes than this: the length that one byte can add to a match."""
_STRONGEST: Final = 12
_LENGTH = struct.Struct("<I")
_HEAD: Final = _LENGTH.pack(_MAGIC) + bytes((_VERSION | _INDEPENDENT, 4 << 4, 0x82))
"""Independent blocks of 64 KiB, no checksums; the last byte is the descriptor's own checksum."""


def compress(data: bytes | bytearray | memoryview, level: int = DEFAULT_LEVEL) -> bytes:
    """One frame holding `data`."""
    view = memoryview(data)
    parts: list[bytes] = [_HEAD]
    for start in range(0, len(view), _WRITTEN_BLOCK):
        plain = view[start : start + _WRITTEN_BLOCK]
        if level == DEFAULT_LEVEL:
            block = bytes(cramjam.lz4.compress_block(plain, store_size=False))
        else:
            packed = cramjam.lz4.compress_block(
                plain, mode="high_compression", compression=min(level, _STRONGEST), store_size=False
            )
            block = bytes(packed)
        if len(block) < len(plain):
            parts += (_LENGTH.pack(len(block)), block)
        else:
            parts += (_LENGTH.pack(len(plain) | _STORED), bytes(plain))
    parts.append(_LENGTH.pack(0))
    return b"".join(parts)


def decompress(data: bytes | memoryview, limit: int) -> bytes:
    """The content of all frames in `data`. Stops within one block (4 MiB at most) of exceeding `limit` bytes.

    Raises EOFError for a frame cut short, ValueError for one that Kafka would not take, and
    `cramjam.DecompressionError` for damaged blocks.
    """
    view = memoryview(data)
    out: list[bytes] = []
    room = limit
    position = 0
    while position < len(view) and room >= 0:
        position, room = _frame(view, position, out, room)
    return b"".join(out)


def _frame(view: memoryview, position: int, out: list[bytes], room: int) -> tuple[int, int]:
    """Appends the blocks of the frame at `position` to `out`; the position after it, and the room left."""
    flags, block_size, position = _descriptor(view, position)
    scratch = bytearray()
    while True:
        if len(view) - position < 4:
            raise EOFError("the lz4 frame ends before its end mark")
        (length,) = _LENGTH.unpack_from(view, position)
        position += 4
        if length == 0:
            return position + (4 if flags & _CONTENT_CHECKSUM else 0), room
        stored = length & _STORED
        length &= ~_STORED
        if length > block_size:
            raise ValueError(f"an lz4 block of {length} bytes in a frame of blocks up to {block_size}")
        if len(view) - position < length:
            raise EOFError("the lz4 frame ends inside a block")
        block = view[position : position + length]
        if stored:
            out.append(bytes(block))
        else:
            if len(scratch) < min(block_size, length * _MOST_EXPANSION):
                scratch = bytearray(min(block_size, length * _MOST_EXPANSION))
            size = cramjam.lz4.decompress_block_into(block, scratch)
            out.append(bytes(memoryview(scratch)[:size]))
        room -= len(out[-1])
        if room < 0:
            return len(view), room
        position += length + (4 if flags & _BLOCK_CHECKSUM else 0)


def _descriptor(view: memoryview, position: int) -> tuple[int, int, int]:
    """(flags, largest block, position of the first block) of the frame at `position`."""
    if len(view) - position < 7:
        raise EOFError("the lz4 frame ends inside its descriptor")
    (magic,) = _LENGTH.unpack_from(view, position)
    if magic != _MAGIC:
        raise ValueError("not an lz4 frame")
    start = position + 4
    flags, block = view[start], view[start + 1]
    if flags & _VERSION_MASK != _VERSION or flags & _RESERVED:
        raise ValueError("an lz4 frame of an unknown version")
    if not flags & _INDEPENDENT:
        raise ValueError("an lz4 frame with dependent blocks, which Kafka does not read")
    block_size = _BLOCK_SIZES.get(block >> 4)
    if block_size is None or block & 0x0F:
        raise ValueError("an lz4 frame with an unknown block size")
    end = start + 2 + (8 if flags & _CONTENT_SIZE else 0)
    if end >= len(view):
        raise EOFError("the lz4 frame ends inside its descriptor")
    if view[end] != _short_xxh32(bytes(view[start:end])) >> 8 & 0xFF:
        raise ValueError("the lz4 frame's descriptor is damaged")
    return flags, block_size, end + 1


def _short_xxh32(data: bytes) -> int:
    """XXH32 with seed 0 of less than 16 bytes, which is all a frame descriptor has.

    Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
    """
    mask = 0xFFFFFFFF
    value = 0x165667B1 + len(data)
    whole = len(data) & ~3
    for (lane,) in _LENGTH.iter_unpack(data[:whole]):
        value = (value + lane * 0xC2B2AE3D) & mask
        value = ((value << 17 | value >> 15) & mask) * 0x27D4EB2F & mask
    for byte in data[whole:]:
        value = (value + byte * 0x165667B1) & mask
        value = ((value << 11 | value >> 21) & mask) * 0x9E3779B1 & mask
    value = (value ^ value >> 15) * 0x85EBCA77 & mask
    value = (value ^ value >> 13) * 0xC2B2AE3D & mask
    return value ^ value >> 16
