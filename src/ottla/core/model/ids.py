"""The small words everything else is said in: ids, offsets, epochs and Kafka's way of writing a UUID.

They are `NewType`s: free at run time, distinct to the type checker. A `Uuid` is its sixteen bytes, because that is
how the wire, the disk and the metadata log carry it; its text form is base64url without padding (22 characters).
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NewType

NodeId = NewType("NodeId", int)
Offset = NewType("Offset", int)
LeaderEpoch = NewType("LeaderEpoch", int)
ProducerId = NewType("ProducerId", int)
Millis = NewType("Millis", int)
Uuid = NewType("Uuid", bytes)

ZERO_UUID: Final = Uuid(bytes(16))
ONE_UUID: Final = Uuid(bytes(15) + b"\x01")
"""Reserved: the topic id of `__cluster_metadata`, and the directory id that means "not chosen yet"."""

METADATA_TOPIC: Final = "__cluster_metadata"
METADATA_TOPIC_ID: Final = ONE_UUID

NO_EPOCH: Final = -1
NO_PRODUCER: Final = -1
NO_OFFSET: Final = -1
NO_TIMESTAMP: Final = -1


def uuid_text(uuid: bytes) -> str:
    """Sixteen bytes as Kafka prints them: 22 base64url characters."""
    return urlsafe_b64encode(uuid)[:22].decode("ascii")


def uuid_parse(text: str) -> Uuid:
    """The inverse of `uuid_text`. Raises ValueError for anything that is not a UUID in Kafka's form."""
    if len(text) > 24:
        raise ValueError(f"{text!r} is too long for a UUID: 22 base64url characters are expected")
    try:
        raw = urlsafe_b64decode(text.rstrip("=") + "==")
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{text!r} is not a UUID: 22 base64url characters are expected") from error
    if len(raw) != 16:
        raise ValueError(f"{text!r} holds {len(raw)} bytes, a UUID has 16")
    return Uuid(raw)
