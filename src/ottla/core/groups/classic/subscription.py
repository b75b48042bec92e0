"""What the members of a classic group of type "consumer" subscribe to: the front of their metadata.

version int16, topics array of string, …    (the same in every version)
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, error
from typing import Final

CONSUMER: Final = "consumer"

_HEAD: Final = Struct(">hi")
_LENGTH: Final = Struct(">h")


def subscribed_topics(metadata: Iterable[bytes]) -> frozenset[str] | None:
    """The topics of all members together; None when one of them cannot be read."""
    found: set[str] = set()
    try:
        for data in metadata:
            _, count = _HEAD.unpack_from(data)
            position = _HEAD.size
            for _ in range(count):
                (length,) = _LENGTH.unpack_from(data, position)
                position += _LENGTH.size
                name = data[position : position + length]
                if length < 0 or len(name) < length:
                    return None
                found.add(name.decode())
                position += length
    except (error, UnicodeDecodeError):
        return None
    return frozenset(found)
