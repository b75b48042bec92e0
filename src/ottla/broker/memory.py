"""The node-wide bound on request bytes that were received and not answered yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

UNANSWERED_BYTES_MAX: Final = 512 << 20
"""Holds when `queued.max.request.bytes` sets no bound of its own."""


class RequestMemory:
    """A count that many connections share. Over the limit, connections stop reading between requests.

    A request that has begun to arrive is always read to its end, so that the bytes held can be answered and freed.
    """

    __slots__ = ("_waiting", "limit", "taken")

    def __init__(self, limit: int) -> None:
        self.limit = limit if limit > 0 else UNANSWERED_BYTES_MAX
        self.taken = 0
        self._waiting: dict[Callable[[], None], None] = {}

    @property
    def exhausted(self) -> bool:
        return self.taken >= self.limit

    def give_back(self, count: int) -> None:
        self.taken -= count
        if self._waiting and self.taken < self.limit:
            waiting = list(self._waiting)
            self._waiting.clear()
            for resume in waiting:
                resume()

    def wait(self, resume: Callable[[], None]) -> None:
        """Call `resume` once when there is room again."""
        self._waiting[resume] = None

    def forget(self, resume: Callable[[], None]) -> None:
        self._waiting.pop(resume, None)
