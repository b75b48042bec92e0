"""What the leader writes though nobody asked: fillers while the log is idle, and what time makes the controller do.

A log that takes nothing, because its disk is full, is left alone for a while before it is asked again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from ottla.broker.quorum.waiting import Timers
from ottla.broker.quorum.writer import Writer
from ottla.core.metadata.controller import Controller
from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.records.metadata import NoOpRecord
from ottla.world.doors import Clock

_log = logging.getLogger("ottla.quorum")

RETRY_MS: Final = 5_000
"""How long the log is left alone after it took nothing."""


class Unprompted:
    """The leader's own records, each at its hour."""

    def __init__(
        self,
        clock: Clock,
        controller: Controller,
        writer: Writer,
        append: Callable[[list[object]], None],
        max_idle_interval_ms: int,
    ) -> None:
        self._clock = clock
        self._controller = controller
        self._writer = writer
        self._append = append
        self._idle_ms = max_idle_interval_ms
        self._timers = Timers(clock)
        self._stopped = False
        self._not_before = 0
        self._refused = 0

    def start(self) -> None:
        self._schedule_filler()
        self.schedule()

    def stop(self) -> None:
        self._stopped = True
        self._timers.stop()

    def schedule(self) -> None:
        """The controller's deadline may have moved."""
        at = self._controller.deadline
        if at is not None and not self._over:
            self._timers.set("controller", max(at, self._not_before), self._tick)

    @property
    def _over(self) -> bool:
        return self._stopped or self._writer.failure is not None

    def _schedule_filler(self) -> None:
        if self._idle_ms > 0:
            at = max(self._writer.appended_at + self._idle_ms, self._not_before)
            self._timers.set("idle", at, self._fill)

    def _fill(self) -> None:
        if self._over:
            return
        if self._clock.now() >= self._writer.appended_at + self._idle_ms:
            self._write([NoOpRecord()])
        self._schedule_filler()

    def _tick(self) -> None:
        if self._over:
            return
        records = self._controller.tick(self._clock.now())
        if records:
            self._write(records)
        self.schedule()

    def _write(self, records: list[object]) -> None:
        try:
            self._append(records)
        except KafkaError as error:
            if not self._refused:
                _log.error("The metadata log took no records: %s", error)
            self._refused += 1
            self._not_before = self._clock.now() + RETRY_MS
            if not self._writer.log.directory.online:
                self._writer.fail(error)
        else:
            if self._refused:
                _log.info("The metadata log takes records again: refused=%d", self._refused)
            self._refused = 0
