"""A blocking connection that speaks in whole messages, for requests too rich to be written by hand."""

from __future__ import annotations

import struct
import time
from typing import TypeVar

from benchmarks.connection import connect, whole_answer
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import API
from ottla.core.wire.codec import decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.headers import RequestHeader
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse

R = TypeVar("R", bound=Body)

FIND_VERSION = 4
READY_SECONDS_MAX = 60
ANSWER_BYTES = 4 << 20


def flexible(key: int, version: int) -> bool:
    first = API[ApiKey(key)].first_flexible
    return first is not None and version >= first


def framed(request: Body, version: int, client_id: str = "benchmark") -> bytes:
    """The whole request as it goes to the node."""
    key = request.wire.key
    assert key is not None
    head = encode(RequestHeader(key, version, 1, client_id), 2 if flexible(key, version) else 1)
    body = encode(request, version)
    return struct.pack(">i", len(head) + len(body)) + head + body


class Line:
    """One connection; its answers come in the order of its requests."""

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self._buffer = memoryview(bytearray(ANSWER_BYTES))

    def ask(self, request: Body, response: type[R], version: int) -> R:
        self.socket.sendall(framed(request, version))
        return self.receive(response, version)

    def receive(self, response: type[R], version: int) -> R:
        """The next answer."""
        key = response.wire.key
        assert key is not None
        head = 9 if flexible(key, version) else 8
        return decode(response, bytes(whole_answer(self.socket, self._buffer)), version, head)

    def raw_answer(self) -> memoryview:
        return whole_answer(self.socket, self._buffer)

    def find(self, kind: int, key: str) -> None:
        """Wait until the node coordinates for this key; its topic is made on the way."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        request = FindCoordinatorRequest(key_type=kind, coordinator_keys=[key])
        while self.ask(request, FindCoordinatorResponse, FIND_VERSION).coordinators[0].error_code:
            if time.monotonic() > deadline:
                raise RuntimeError(f"nobody coordinates for {key}")
            time.sleep(0.02)
