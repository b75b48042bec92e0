"""Which partition of a coordinator's topic a name belongs to: Java's `String.hashCode`, as every Kafka broker computes it."""

from __future__ import annotations

from functools import lru_cache
from struct import iter_unpack
from typing import Final

NAMES_KEPT: Final = 10_000
"""Whose partition is remembered: the same names ask again and again."""


def java_hash(text: str) -> int:
    """`String.hashCode`: a signed 32-bit polynomial over the UTF-16 code units."""
    value = 0
    for (unit,) in iter_unpack("<H", text.encode("utf-16-le", "surrogatepass")):
        value = (31 * value + unit) & 0xFFFF_FFFF
    return value - (1 << 32) if value & 0x8000_0000 else value


@lru_cache(NAMES_KEPT)
def partition_for(name: str, partitions: int) -> int:
    """The partition, of so many, that keeps what belongs to `name`."""
    value = java_hash(name)
    # The one number without a positive counterpart counts as 0.
    return 0 if value == -(1 << 31) else abs(value) % partitions
