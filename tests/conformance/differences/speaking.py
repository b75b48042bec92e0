"""A broker to ask: raw requests of any version, answers as trees of plain values."""

from __future__ import annotations

import socket
import struct
import time
from typing import Any, TypeAlias

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.apis import API, Api, ApiKey
from ottla.core.wire.codec import EncodeError, decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataResponse
from tests.conformance.differences.case import Case, id_of
from tests.nodes import Node

Tree: TypeAlias = Any
"""Structs are dictionaries, lists lists, the rest plain values."""

CLOSED = "the connection was closed"
NO_ANSWER = "no answer, and the connection lives"
SILENT = "no answer at all"
SECONDS = 3
LOADING = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
"""Not an answer but a request to ask again: Kafka fetches its first producer ids."""


class Asked:
    """One of the two brokers."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._ids: dict[Uuid, Uuid] = {}
        self._door: socket.socket | None = None

    def ask(self, case: Case, version: int, patience: int = 50) -> Tree | None:
        """What it answers; None when the request cannot be said in this version."""
        request = case.request(version)
        api = next(each for each in API.values() if each.request is type(request))
        try:
            body = encode(request, version)
        except EncodeError:
            return None
        for stand_in, topic_id in self._ids.items():
            body = body.replace(stand_in, topic_id)
        if getattr(request, "acks", None) == 0:
            return self._unanswered(api, version, body)
        try:
            answer = self._exchange(api, version, body)
        except TimeoutError:
            self.close()
            return SILENT
        if answer is None:
            return CLOSED
        for stand_in, topic_id in self._ids.items():
            answer = answer.replace(topic_id, stand_in)
        told = tree(decode(api.response, answer, version))
        if told.get("error_code") == LOADING and patience:
            time.sleep(0.1)
            return self.ask(case, version, patience - 1)
        return told

    def learn_topics(self) -> None:
        """Take note of the ids of all topics there are."""
        api = API[ApiKey.METADATA]
        answer = self._exchange(api, 12, encode(MetadataRequest(topics=None), 12))
        assert answer is not None
        for topic in decode(MetadataResponse, answer, 12).topics:
            if topic.name is not None and topic.topic_id != ZERO_UUID:
                self._ids[id_of(topic.name)] = topic.topic_id

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    def _send(self, api: Api, version: int, body: bytes) -> socket.socket:
        if self._door is None:
            self._door = socket.create_connection(("127.0.0.1", self.node.port), timeout=SECONDS)
        flexible = api.first_flexible is not None and version >= api.first_flexible
        head = struct.pack(">hhih", api.key, version, 7, 1) + b"d" + (b"\0" if flexible else b"")
        self._door.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        return self._door

    def _exchange(self, api: Api, version: int, body: bytes) -> bytes | None:
        """The body of the answer, or None when the connection was closed instead."""
        door = self._send(api, version, body)
        try:
            size = _read(door, 4)
            answer = None if size is None else _read(door, struct.unpack(">i", size)[0])
        except ConnectionError:
            answer = None
        if answer is None:
            self.close()
            return None
        flexible = api.first_flexible is not None and version >= api.first_flexible
        return answer[5 if flexible and api.key != ApiKey.API_VERSIONS else 4 :]

    def _unanswered(self, api: Api, version: int, body: bytes) -> str:
        self._send(api, version, body)
        after = self._exchange(API[ApiKey.API_VERSIONS], 0, b"")
        return CLOSED if after is None else NO_ANSWER


def _read(door: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        more = door.recv(size - len(data))
        if not more:
            return None
        data += more
    return data


def tree(value: Any) -> Tree:
    """A message as plain values."""
    if isinstance(value, Body):
        return {name: tree(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list):
        return [tree(each) for each in value]
    if isinstance(value, memoryview):
        return bytes(value)
    return value
