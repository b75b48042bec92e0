"""What a turn of the loop gathers for one partition of a coordinator: records that are written together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ottla.core.coordination.contract import Call, Producer, Record, Reply
from ottla.core.records.build import Builder
from ottla.core.records.compression import Codec

if TYPE_CHECKING:
    from ottla.broker.waiting import Deadline

_RECORD_ROOM: Final = 32
"""Bytes a record takes beside its key and value, at most."""


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
