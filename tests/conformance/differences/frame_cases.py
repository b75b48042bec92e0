"""Requests that are none: APIs that nobody knows or that this listener does not serve, and frames without a header."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from ottla.core.wire.apis import ApiKey
from tests.conformance.differences.case import BROKER, CONTROLLER, Question

NOBODYS: Final = (-32_768, -1, 4, 5, 6, 7, 59, 72, 95, 999, 32_767)
"""Keys that never were, or are no longer, anybody's; and 59, which only controllers know."""
ELSEWHERE: Final = {
    BROKER: (ApiKey.VOTE, ApiKey.BEGIN_QUORUM_EPOCH, ApiKey.ENVELOPE, ApiKey.BROKER_HEARTBEAT),
    CONTROLLER: (ApiKey.PRODUCE, ApiKey.METADATA, ApiKey.LIST_OFFSETS, ApiKey.LIST_CONFIG_RESOURCES),
}


def frame_questions() -> Iterator[Question]:
    for listener, elsewhere in ELSEWHERE.items():
        keys = {*NOBODYS, *elsewhere} - ({59} if listener is CONTROLLER else set())
        for key in sorted(keys):
            for version in (0, 1, 9):
                frame = struct.pack(">hhih", key, version, 7, 1) + b"d" + bytes(40)
                name = f"API {int(key)} of a {listener} v{version}"
                yield Question(name, key, version, frame, f"{len(frame)} bytes with that key", listener)
        whole = struct.pack(">hhih", ApiKey.API_VERSIONS, 0, 7, 1) + b"d"
        for size in range(len(whole)):
            name = f"a frame of {size} bytes for a {listener} v0"
            yield Question(name, ApiKey.API_VERSIONS, 0, whole[:size], repr(whole[:size]), listener)
