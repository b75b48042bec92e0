"""A coordinator without a broker: what its runtime would do, at once and in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from ottla.core.coordination import batches
from ottla.core.coordination.contract import (
    Call,
    Coordinator,
    Decision,
    Moment,
    Producer,
    Record,
    Request,
    Topic,
)
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.coordinator_records import RecordType, decode_key, decode_value
from ottla.core.wire.declaration import Body

WALL = 1_700_000_000_000


class World:
    """Topics as the machine sees them."""

    def __init__(self, **topics: int) -> None:
        self.topics = {
            name: Topic(bytes([number]) * 16, name, count)  # type: ignore[arg-type]
            for number, (name, count) in enumerate(topics.items(), 1)
        }

    @property
    def version(self) -> int:
        return 0

    def named(self, name: str) -> Topic | None:
        return self.topics.get(name)

    def with_id(self, topic_id: bytes) -> Topic | None:
        return next((each for each in self.topics.values() if each.id == topic_id), None)

    def names(self) -> list[str]:
        return list(self.topics)


class Driver:
    """Asks, lets time pass, collects answers by token, and keeps the log. Every record goes through its bytes."""

    def __init__(self, make: Callable[[], Coordinator], types: Mapping[int, RecordType]) -> None:
        self.make = make
        self.types = types
        self.machine = make()
        self.now = 0
        self.wall = WALL
        """The calendar when `now` was 0; a test may set it."""
        self.log: list[tuple[bytes, bytes | None, Producer | None]] = []
        self.written: list[Record] = []
        self.answers: dict[object, Any] = {}
        self.calls: list[Call] = []
        self._tokens = itertools.count(1)
        self.take(self.machine.loaded(self.moment))

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.wall + self.now)

    def ask(self, body: Any, version: int = 9, client: str = "client") -> Any:
        """The answer, or None while it waits. A KafkaError is returned, not raised."""
        token = self.begin(body, version, client)
        return self.answers.get(token)

    def begin(self, body: Any, version: int = 9, client: str = "client") -> int:
        """Ask without expecting an answer at once; the token to look it up by."""
        token = next(self._tokens)
        request = Request(body, version, client, "/127.0.0.1", f"id{token}")
        try:
            decision = self.machine.handle(self.moment, token, request)
        except KafkaError as error:
            self.answers[token] = error
        else:
            self.take(decision)
        return token

    def code(self, body: Any, version: int = 9) -> ErrorCode:
        """The error of an answer, whichever way it came."""
        answer = self.ask(body, version)
        return ErrorCode(answer.code if isinstance(answer, KafkaError) else answer.error_code)

    def pass_time(self, ms: int) -> None:
        """Every alarm on the way rings at its time."""
        until = self.now + ms
        while (deadline := self.machine.deadline) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.take(self.machine.tick(self.moment))
        self.now = until

    def take(self, decision: Decision) -> None:
        for record in decision.records:
            pair = batches.encode(record)
            self.log.append((*pair, decision.producer))
            self.written.append(record)
            self._apply(self.machine, *pair, decision.producer)
        for token, body in decision.replies:
            assert token not in self.answers, f"{token} is answered twice"
            self.answers[token] = body
        self.calls += decision.calls

    def restart(self) -> None:
        """Another broker takes over: all it has is the log."""
        self.machine = self.replayed()
        self.take(self.machine.loaded(self.moment))

    def replayed(self) -> Coordinator:
        machine = self.make()
        for key, value, producer in self.log:
            self._apply(machine, key, value, producer)
        return machine

    def _apply(
        self, machine: Coordinator, key: bytes, value: bytes | None, producer: Producer | None
    ) -> None:
        decoded = decode_key(key, self.types)
        assert isinstance(decoded, Body)
        read = None if value is None else decode_value(value, decoded, self.types)
        machine.apply(self.moment, decoded, read, producer)
