"""Deadlines by key: one heap for all members and groups of a machine, no timer object each.

A deadline that is set again or cancelled leaves its entry in the heap; entries say nothing unless the table agrees.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)

_SPARE = 64


class Timers(Generic[KeyT]):
    """Key → when, in monotonic milliseconds. Those due at one time come in the order in which they were set."""

    __slots__ = ("_count", "_heap", "_when")

    def __init__(self) -> None:
        self._when: dict[KeyT, tuple[int, int]] = {}
        self._heap: list[tuple[int, int, KeyT]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._when)

    def __contains__(self, key: KeyT) -> bool:
        return key in self._when

    def when(self, key: KeyT) -> int | None:
        entry = self._when.get(key)
        return None if entry is None else entry[0]

    def set(self, key: KeyT, when: int) -> None:
        """Set, or move, the deadline of `key`."""
        self._count += 1
        self._when[key] = (when, self._count)
        heapq.heappush(self._heap, (when, self._count, key))
        if len(self._heap) > 2 * len(self._when) + _SPARE:
            self._heap = [(at, count, each) for each, (at, count) in self._when.items()]
            heapq.heapify(self._heap)

    def cancel(self, key: KeyT) -> None:
        self._when.pop(key, None)

    @property
    def first(self) -> int | None:
        """The next deadline."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def next_due(self, now: int) -> KeyT | None:
        """The key whose time came first, if any has come; it is forgotten."""
        self._drop_stale()
        if not self._heap or self._heap[0][0] > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._when[key]
        return key

    def _drop_stale(self) -> None:
        heap = self._heap
        while heap and self._when.get(heap[0][2], (0, 0))[1] != heap[0][1]:
            heapq.heappop(heap)
