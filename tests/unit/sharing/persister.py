"""A share coordinator in memory, which answers when it is told to."""

from __future__ import annotations

from asyncio import Event
from collections.abc import Coroutine
from typing import Any

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.share_state.requests import (
    UNINITIALIZED,
    PartitionState,
    SharePartitionKey,
    StateBatch,
    Write,
)


class MemoryPersister:
    """`refusal` is what the next writes and reads are answered with; `open` lets answers go."""

    def __init__(self) -> None:
        self.states: dict[SharePartitionKey, tuple[int, int, dict[int, tuple[int, int]]]] = {}
        self.writes: list[Write] = []
        self.refusal: ErrorCode | None = None
        self.start = UNINITIALIZED
        self.open = Event()
        self.open.set()

    def read(self, key: SharePartitionKey, leader_epoch: int) -> Coroutine[Any, Any, PartitionState]:
        return self._read(key)

    async def _read(self, key: SharePartitionKey) -> PartitionState:
        await self._answer()
        start, complete, offsets = self.states.get(key, (self.start, UNINITIALIZED, {}))
        batches = [
            StateBatch(offset, offset, *state) for offset, state in sorted(offsets.items()) if offset >= start
        ]
        return PartitionState(0, 0, start, complete, batches)

    def write(self, asked: Write) -> Coroutine[Any, Any, None]:
        self.writes.append(asked)
        if self.refusal is None:
            _, _, offsets = self.states.get(asked.key, (0, 0, {}))
            for first, last, state, deliveries in asked.batches:
                offsets.update(dict.fromkeys(range(first, last + 1), (state, deliveries)))
            self.states[asked.key] = (asked.start_offset, asked.delivery_complete_count, offsets)
        return self._answer()

    async def _answer(self) -> None:
        await self.open.wait()
        if self.refusal is not None:
            raise KafkaError(self.refusal)
