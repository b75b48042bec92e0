"""The contents of records."""

from __future__ import annotations

import random

SEED = 4


def payloads(size: int, count: int, *, varied: bool) -> list[bytes]:
    """`count` values of `size` bytes: all alike, or `varied` ones that a codec halves, as it does with much real data."""
    if not varied:
        return [bytes(i % 251 for i in range(size))] * count
    chance = random.Random(SEED)
    return [chance.randbytes(size).hex()[:size].encode() for _ in range(count)]


def keys(count: int, distinct: int) -> list[bytes] | None:
    """Keys for `count` records, `distinct` different ones in turn; None for none."""
    return [b"key-%08d" % (i % distinct) for i in range(count)] if distinct else None
