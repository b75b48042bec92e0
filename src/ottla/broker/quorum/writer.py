"""Writing the metadata log: append at once, fsync together, tell who waits.

Appends go into the page cache and return. One flush is under way at a time; what is appended meanwhile rides on the
next one. So a lone request waits for one fsync and nothing else, and a crowd shares it (group commit).
"""

from __future__ import annotations

import logging
from asyncio import Future
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from ottla.broker.storage.answers import Origin
from ottla.broker.storage.log import Log
from ottla.core.model.errors import KafkaError
from ottla.world.doors import Clock

_log = logging.getLogger("ottla.quorum")


class Pending(msgspec.Struct, frozen=True):
    """An appended batch that is not committed yet; None instead of records for a control batch."""

    base_offset: int
    end_offset: int
    epoch: int
    timestamp: int
    size: int
    records: list[object] | None


class Writer:
    """The tail of the log that is not committed. `flushed(offset)` is told how far the log is durable."""

    def __init__(self, log: Log, clock: Clock, flushed: Callable[[int], None]) -> None:
        self.log = log
        self.pending: deque[Pending] = deque()
        self.appended_at = clock.now()
        self._clock = clock
        self._flushed = flushed
        self.failure: KafkaError | None = None
        """Why nothing more will be committed."""
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self._flushing = False

    @property
    def end_offset(self) -> int:
        return self.log.end_offset

    def append(self, batch: bytes, epoch: int, records: list[object] | None, timestamp: int) -> None:
        """Put one batch at the end of the log. Raises KafkaError when the disk fails."""
        base = self.log.end_offset
        self.log.append(batch, leader_epoch=epoch, origin=Origin.RAFT_LEADER, wall=timestamp)
        self.pending.append(Pending(base, self.log.end_offset, epoch, timestamp, len(batch), records))
        self.appended_at = self._clock.now()
        if not self._flushing:
            self._flushing = True
            self._clock.spawn(self._flush(), name="metadata-flush")

    async def committed(self, offset: int) -> None:
        """Return when everything below `offset` is committed. Raises KafkaError when it never will be."""
        if not self.pending or self.pending[0].base_offset >= offset:
            return
        if self.failure is not None:
            raise self.failure
        waiter: Future[None] = self._clock.future()
        self._waiting.append((offset, waiter))
        await waiter

    def take(self, high_watermark: int) -> list[Pending]:
        """The batches that have become committed, oldest first."""
        taken: list[Pending] = []
        while self.pending and self.pending[0].end_offset <= high_watermark:
            taken.append(self.pending.popleft())
        return taken

    def release(self, high_watermark: int) -> None:
        """Wake who waited for what is committed now."""
        while self._waiting and self._waiting[0][0] <= high_watermark:
            waiter = self._waiting.popleft()[1]
            if not waiter.done():
                waiter.set_result(None)

    def fail(self, error: KafkaError) -> None:
        """Nothing more will be committed: who waits hears it, and who comes later."""
        self.failure = self.failure or error
        while self._waiting:
            waiter: Future[Any] = self._waiting.popleft()[1]
            if not waiter.done():
                waiter.set_exception(error)

    async def _flush(self) -> None:
        try:
            while self.pending:
                target = self.log.end_offset
                await self.log.flush(target)
                self._flushed(target)
        except KafkaError as error:
            _log.error("The metadata log cannot be made durable: %s", error)
            self.fail(error)
        finally:
            self._flushing = False
