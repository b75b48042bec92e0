"""Signed varints: zig-zag, seven bits a byte, low bits first.

Small numbers come from tables; the record walk (`record.py`) has the one-byte case written out in its loop and calls
here for longer ones.
"""

from __future__ import annotations

from typing import Final

from ottla.core.records.errors import invalid

MAX_BYTES_32: Final = 5
MAX_BYTES_64: Final = 10


def _encode(value: int) -> bytes:
    bits = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while bits > 0x7F:
        out.append(bits & 0x7F | 0x80)
        bits >>= 7
    out.append(bits)
    return bytes(out)


_SMALL: Final = tuple(_encode(value) for value in range(4096))
_MINUS_ONE: Final = _encode(-1)


def encode_varint(value: int) -> bytes:
    """The bytes of `value`: 1 for -64..63, 5 at most for 32 bits, 10 at most for 64."""
    if 0 <= value < 4096:
        return _SMALL[value]
    return _MINUS_ONE if value == -1 else _encode(value)


def decode_varint(data: bytes, position: int, max_bytes: int = MAX_BYTES_32) -> tuple[int, int]:
    """(value, position after it).

    Raises IndexError when the data end inside it and KafkaError (INVALID_RECORD) when it is too long.
    """
    byte = data[position]
    if byte < 0x80:
        return byte >> 1 ^ -(byte & 1), position + 1
    bits = byte & 0x7F
    shift = 7
    for at in range(position + 1, position + max_bytes):
        byte = data[at]
        bits |= (byte & 0x7F) << shift
        if byte < 0x80:
            return bits >> 1 ^ -(bits & 1), at + 1
        shift += 7
    raise invalid(f"A number is longer than {max_bytes} bytes")
