"""Who reads the metadata log without voting, and how far each has read: for DescribeQuorum."""

from __future__ import annotations

from typing import Final

import msgspec

from ottla.core.raft.voters import ReplicaKey

MAX_OBSERVERS: Final = 1_000
"""More are not remembered: the one that was silent for longest goes."""
SESSION_MS: Final = 300_000
"""An observer that has not fetched for this long is forgotten."""


class Observer(msgspec.Struct):
    """`fetched_at` and `caught_up_at` are calendar milliseconds, `seen_at` monotonic ones."""

    end_offset: int
    fetched_at: int
    caught_up_at: int
    seen_at: int


class Observers:
    """All that fetched lately, by replica."""

    def __init__(self) -> None:
        self._known: dict[ReplicaKey, Observer] = {}

    def fetched(self, key: ReplicaKey, offset: int, end_offset: int, now: int, wall: int) -> None:
        """`key` fetched from `offset` while our log ended at `end_offset`."""
        known = self._known.pop(key, None)
        caught_up_at = wall if offset >= end_offset else (-1 if known is None else known.caught_up_at)
        self._known[key] = Observer(offset, wall, caught_up_at, now)
        if len(self._known) > MAX_OBSERVERS:
            del self._known[next(iter(self._known))]

    def active(self, now: int) -> dict[ReplicaKey, Observer]:
        for key in [key for key, each in self._known.items() if now - each.seen_at > SESSION_MS]:
            del self._known[key]
        return dict(self._known)
