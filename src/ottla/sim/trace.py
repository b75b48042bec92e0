"""What happened in a simulated world: a hash of all of it, and the last events in words.

Two runs of one seed are the same run exactly when their hashes are equal. The hash sees everything that crosses a
door; the words are for the person who reads a failure.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import Final, TypeAlias

Event: TypeAlias = "tuple[int, str, str]"
"""(virtual microseconds, who, what)"""

STORY: Final = "story"
"""Who tells of starts, crashes and faults."""
KEPT: Final = 400
"""Events that are kept in words."""


class Trace:
    """`note` is called for every event. `now` is virtual microseconds."""

    __slots__ = ("_hash", "events", "last", "turns")

    def __init__(self, kept: int | None = KEPT) -> None:
        self._hash = hashlib.blake2b(digest_size=8)
        self.events = 0
        self.last: deque[Event] = deque(maxlen=kept)
        self.turns: deque[Event] = deque(maxlen=KEPT)
        """What the story of the run did: starts, crashes, faults."""

    def note(self, now: int, who: str, what: str) -> None:
        self.events += 1
        self._hash.update(f"{now} {who} {what}\n".encode())
        event = (now, who, what)
        self.last.append(event)
        if who == STORY:
            self.turns.append(event)

    @property
    def digest(self) -> str:
        """Sixteen hex digits for everything so far."""
        return self._hash.hexdigest()

    def tail(self, count: int) -> str:
        """The last events, a line each."""
        return in_words(list(self.last)[-count:])

    def turn_of_events(self) -> str:
        """The last turns of the story, a line each."""
        return in_words(self.turns)


def in_words(events: Iterable[Event]) -> str:
    return "\n".join(f"{now / 1_000:12.3f} ms  {who:<10} {what}" for now, who, what in events)
