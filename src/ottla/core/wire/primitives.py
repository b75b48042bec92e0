"""The small pieces that emitted encoders and decoders call, and the two errors a codec raises.

Emitted code takes the short way itself (a length below 128 is one byte) and comes here for everything else. Whatever
is malformed becomes a `DecodeError`; nothing is allocated before its length has been held against the bytes there are.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

MAX_STRING: Final = 32767
MAX_ELEMENTS: Final = 1 << 18
"""What the arrays of one request may hold in all: a bound on the memory and the time that a frame can cost. An element
of a few bytes takes hundreds in memory and some microseconds of everybody's loop."""
MAX_RESPONSE_ELEMENTS: Final = 1 << 24
"""The same for a response: we asked for it, and the metadata of a large cluster is large."""


class DecodeError(ValueError):
    """Bytes that are not the message they should be: the peer's mistake."""


class EncodeError(ValueError):
    """A message that cannot be written in the version asked for: our mistake."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned varint of at most 32 bits: (value, position after it). IndexError at the end of the data."""
    first = data[at]
    if first < 128:
        return first, at + 1
    return more_varint(data, at + 1, first)


def more_varint(data: bytes, at: int, first: int) -> tuple[int, int]:
    """The rest of an unsigned varint whose `first` byte announced more."""
    value = first & 0x7F
    for shift in (7, 14, 21, 28):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 128:
            if value > 0xFFFF_FFFF:
                raise DecodeError("a varint exceeds 32 bits")
            return value, at
    raise DecodeError("a varint is longer than five bytes")


def more_length(data: bytes, at: int, first: int) -> tuple[int, int]:
    """As `more_varint`, for a length or count: to Kafka one of 32 bits is negative, and says null."""
    value, at = more_varint(data, at, first)
    return (0 if value > 0x7FFF_FFFF else value), at


def more_string(data: bytes, at: int, first: int) -> tuple[int, int]:
    """As `more_length`, for the length of a string, which ends where an int16 does."""
    value, at = more_length(data, at, first)
    if value > MAX_STRING + 1:
        raise DecodeError(f"a string of {value - 1} bytes is longer than {MAX_STRING}")
    return value, at


def varint(value: int) -> bytes:
    """An unsigned varint. Raises EncodeError above 32 bits or below zero."""
    if 0 <= value < 128:
        return SMALL[value]
    if not 0 <= value <= 0xFFFF_FFFF:
        raise EncodeError(f"{value} does not fit an unsigned varint")
    out = bytearray()
    while value > 127:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def string_varint(value: int) -> bytes:
    """As `varint`, for the length of a string (plus one)."""
    if value > MAX_STRING + 1:
        raise EncodeError(f"a string of {value - 1} bytes is longer than {MAX_STRING}")
    return varint(value)


def skip_tags(data: bytes, at: int, first: int, end: int) -> int:
    """Step over a section of tagged fields that nobody here knows; `first` is its first byte, `at` follows it.

    KIP-482 wants them in order and each once; Kafka takes them as they come.
    """
    count = first
    if count > 127:
        count, at = more_length(data, at, count)
    for _ in range(count):
        tag, at = read_varint(data, at)
        size, at = read_varint(data, at)
        at += size
        if at > end:
            raise DecodeError(f"tagged field {tag} announces {size} bytes, {size - at + end} are left")
    return at


def short(what: str, left: int) -> DecodeError:
    return DecodeError(f"{what} is longer than the {left} bytes left")


def null(what: str) -> DecodeError:
    return DecodeError(f"{what} is null, which it may not be")


def crowded(what: str, count: int, left: int) -> DecodeError:
    return DecodeError(f"{what} announces {count} elements, more than {left} bytes or the limit can hold")


def absent(what: str) -> EncodeError:
    return EncodeError(f"{what} holds a value, and this version has no place for it")


def bad_uuid(what: str) -> EncodeError:
    return EncodeError(f"{what} must have 16 bytes")


SMALL: Final = tuple(bytes((value,)) for value in range(128))
"""Varints of one byte."""

UNPACKERS: Final = {
    letter: tuple(Struct(f">{n}{letter}").unpack_from for n in range(16)) for letter in "bhiq"
}
"""`struct` methods for short arrays of numbers, by type letter and count."""
