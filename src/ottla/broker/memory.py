"""The node-wide bound on request bytes that were received and not answered yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

UNANSWERED_BYTES_MAX: Final = 512 << 20
"""Holds when `queued.max.request.bytes` sets no bound of its own."""
HURRY_MS: Final = 10_000
"""How long a request may go on arriving while no other can begin to."""


class RequestMemory:
    """A count that many connections share. Over the limit, connections stop reading.

    Of the requests that have begun to arrive one is read on to its end, so that it can be answered and freed; then the
    next. What is held is therefore never more than the limit and one request.
    """

    __slots__ = ("_waiting", "going_on", "hurry_ms", "limit", "taken")

    def __init__(self, limit: int) -> None:
        self.limit = limit if limit > 0 else UNANSWERED_BYTES_MAX
        self.hurry_ms = HURRY_MS
        self.taken = 0
        self.going_on: object = None
        """Whoever is read on although the limit is reached."""
        self._waiting: dict[Callable[[], None], None] = {}

    @property
    def exhausted(self) -> bool:
        return self.taken >= self.limit

    def give_back(self, count: int) -> None:
        self.taken -= count
        if self._waiting and self.taken < self.limit:
            self._wake()

    def may_go_on(self, who: object) -> bool:
        """Whether `who`, in the middle of a request, may be read on. Whoever may says `passed` in the end."""
        if self.taken < self.limit:
            return True
        if self.going_on is None:
            self.going_on = who
        return self.going_on is who

    def passed(self) -> None:
        """The request that was read on is whole, or gone."""
        self.going_on = None
        self._wake()

    def _wake(self) -> None:
        waiting = list(self._waiting)
        self._waiting.clear()
        for resume in waiting:
            resume()

    def wait(self, resume: Callable[[], None]) -> None:
        """Call `resume` once when there is room again."""
        self._waiting[resume] = None

    def forget(self, resume: Callable[[], None]) -> None:
        self._waiting.pop(resume, None)
