"""What a turn of the loop gathers: who came in it, and for one partition of a coordinator the records that are written
together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ottla.core.coordination.contract import Call, Producer, Record, Reply
from ottla.core.records.build import Builder
from ottla.core.records.compression import Codec

if TYPE_CHECKING:
    from ottla.broker.waiting import Deadline
    from ottla.world.doors import Clock

_log = logging.getLogger("ottla.coordination")

_RECORD_ROOM: Final = 32
"""Bytes a record takes beside its key and value, at most."""


class Turn:
    """A turn of the loop, as all shards of a kind see it."""

    __slots__ = ("_clock", "_crowded", "_ends", "_writers")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: list[Callable[[], None]] = []
        self._writers = 0
        self._crowded = False

    def alone(self) -> bool:
        """Somebody has written. Whether it is not worth while to wait for others: he is the first, and in the turn before
        there were no two."""
        self._writers += 1
        return self._writers == 1 and not self._crowded

    def at_end(self, do: Callable[[], None]) -> None:
        """Do this when everybody who came in this turn was heard."""
        if not self._ends:
            self._clock.call_soon(self._ended)
        self._ends.append(do)

    def _ended(self) -> None:
        self._crowded = self._writers > 1
        self._writers = 0
        ends, self._ends = self._ends, []
        for do in ends:
            try:
                do()
            except Exception:
                _log.exception("what a turn gathered could not be written")


class Batch:
    """Records to be written together, and what leaves when they are committed."""

    __slots__ = ("builder", "calls", "patience", "placed", "producer", "replies")

    def __init__(self, codec: Codec, producer: Producer | None) -> None:
        self.builder = Builder(codec)
        self.producer = producer
        self.replies: list[Reply] = []
        self.calls: list[Call] = []
        self.placed: list[Record] = []
        """Its records, if the machine wants to know where they lie."""
        self.patience: Deadline | None = None
        """When the replies stop waiting for the replicas."""

    def at_rest(self) -> None:
        """Nobody waits for it any more."""
        if self.patience is not None:
            self.patience.cancel()
            self.patience = None


def record_size(record: tuple[bytes, bytes | None]) -> int:
    """What a record takes in a batch, in bytes, at most."""
    key, value = record
    return _RECORD_ROOM + len(key) + len(value or b"")


def record_bytes_max(log: Any) -> int:
    """What one write to a ledger's log can take, in bytes: nothing while its directory is offline."""
    if log is None:
        return 0
    limit: int = min(log.config.max_message_bytes, log.config.segment_bytes)
    return limit
