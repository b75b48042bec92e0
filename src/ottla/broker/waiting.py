"""What waits for a time: one heap and one timer for all parked requests of a node."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

from ottla.world.doors import Clock, Timer

CANCELLED_KEPT: Final = 1_000
"""Cancelled entries stay in the heap until they are due, or until they outnumber both this and the living."""


class Deadline:
    """A call at a time, unless cancelled."""

    __slots__ = ("_owner", "callback", "when")

    def __init__(self, owner: Deadlines, when: int, callback: Callable[[], None]) -> None:
        self._owner = owner
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self._owner.cancelled()


class Deadlines:
    """The heap. Times are the clock's monotonic milliseconds."""

    __slots__ = ("_armed", "_cancelled", "_clock", "_count", "_heap", "_timer")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[int, int, Deadline]] = []
        self._count = 0
        self._cancelled = 0
        self._timer: Timer | None = None
        self._armed = 0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def add(self, when: int, callback: Callable[[], None]) -> Deadline:
        deadline = Deadline(self, when, callback)
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, deadline))
        if self._timer is None or when < self._armed:
            self._arm(when)
        return deadline

    def cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled > CANCELLED_KEPT and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def close(self) -> None:
        """Nothing is called any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._heap.clear()
        self._cancelled = 0

    def _arm(self, when: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = when
        self._timer = self._clock.call_at(when, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._clock.now()
        due: list[Callable[[], None]] = []
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].callback is None):
            deadline = heapq.heappop(self._heap)[2]
            callback, deadline.callback = deadline.callback, None
            if callback is None:
                self._cancelled -= 1
            else:
                due.append(callback)
        if self._heap:
            self._arm(self._heap[0][0])
        for callback in due:
            callback()
