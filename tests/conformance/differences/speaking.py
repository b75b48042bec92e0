"""A broker to ask: raw frames in, answers out as trees of plain values."""

from __future__ import annotations

import socket
import struct
from typing import Any, TypeAlias

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID
from ottla.core.wire.apis import API, ApiKey, ListenerRole
from ottla.core.wire.codec import DecodeError, decode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.api_versions import ApiVersionsRequest
from ottla.core.wire.messages.metadata import MetadataRequest
from tests.conformance.differences.case import BROKER, CONTROLLER, Case, Question, id_of, is_flexible
from tests.nodes import Node

Tree: TypeAlias = Any
"""Structs are dictionaries, lists lists, the rest plain values."""

CLOSED = "the connection was closed"
NO_ANSWER = "no answer, and the connection lives"
SILENT = "no answer at all"
UNREADABLE = "an answer that cannot be read: "
SECONDS = 3
ASK_AGAIN = (ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_CONTROLLER)
"""No answers: Kafka fetches its first producer ids; its controller gives up its office after a fault of its own."""


class Asked:
    """One of the two brokers. `put` and `hear` are apart, so that both can be asked at once."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._told: dict[bytes, bytes] = {}
        self._heard: dict[bytes, bytes] = {}
        self._ports = {BROKER: node.port, CONTROLLER: node.controller_port}
        self._doors: dict[ListenerRole, socket.socket] = {}

    def ask(self, question: Question) -> Tree:
        self.put(question)
        return self.hear(question)

    def put(self, question: Question) -> None:
        """Send the request, with this broker's own ids in the place of the stand-ins."""
        frame = question.frame
        for stand_in, own in self._told.items():
            frame = frame.replace(stand_in, own)
        if question.listener not in self._doors:
            place = ("127.0.0.1", self._ports[question.listener])
            self._doors[question.listener] = socket.create_connection(place, timeout=SECONDS)
        data = struct.pack(">i", len(frame)) + frame
        if question.unanswered:
            (after,) = Case("after", ApiVersionsRequest(), (0,), question.listener).questions()
            data += struct.pack(">i", len(after.frame)) + after.frame
        self._doors[question.listener].sendall(data)

    def hear(self, question: Question) -> Tree:
        """The answer to what was just put: a tree, or a sentence about what came instead."""
        try:
            answer = _frame(self._doors[question.listener])
        except TimeoutError:
            self._hang_up(question.listener)
            return SILENT
        except ConnectionError:
            answer = None
        if answer is None:
            self._hang_up(question.listener)
            return CLOSED
        return NO_ANSWER if question.unanswered else self._read(question, answer)

    def learn_topics(self) -> None:
        """Take note of the ids of all topics there are."""
        (question,) = Case("topics", MetadataRequest(topics=None), (12,)).questions()
        for topic in self.ask(question)["topics"]:
            if topic["name"] is not None and topic["topic_id"] != ZERO_UUID:
                self.learn(id_of(topic["name"]), topic["topic_id"])

    def learn(self, stand_in: bytes, own: bytes, *, in_answers: bool = True) -> None:
        """From now on `stand_in` says `own` in requests and, if that is rare enough, the other way round in answers."""
        self._told[stand_in] = own
        if in_answers:
            self._heard[own] = stand_in

    def close(self) -> None:
        for role in list(self._doors):
            self._hang_up(role)

    def _hang_up(self, listener: ListenerRole) -> None:
        self._doors.pop(listener).close()

    def _read(self, question: Question, answer: bytes) -> Tree:
        api, version = API[ApiKey(question.key)], question.version
        body = answer[5 if is_flexible(api, version) and api.key != ApiKey.API_VERSIONS else 4 :]
        for own, stand_in in self._heard.items():
            body = body.replace(own, stand_in)
        if api.key == ApiKey.API_VERSIONS and not api.serves(version):
            version = 0  # KIP-511
        try:
            return tree(decode(api.response, body, version))
        except DecodeError as error:
            return f"{UNREADABLE}{error}"


def asks_for_patience(answer: Tree) -> bool:
    if isinstance(answer, dict):
        return answer.get("error_code") in ASK_AGAIN or any(map(asks_for_patience, answer.values()))
    return isinstance(answer, list) and any(map(asks_for_patience, answer))


def _frame(door: socket.socket) -> bytes | None:
    """The next answer, or None when the connection ends instead."""
    size = _bytes(door, 4)
    return None if size is None else _bytes(door, struct.unpack(">i", size)[0])


def _bytes(door: socket.socket, size: int) -> bytes | None:
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
