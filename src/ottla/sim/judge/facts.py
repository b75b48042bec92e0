"""What a simulated run knows for sure: which batches were sent, what was said of them, what was read.

Every record carries a header that names its batch and its place in it, so whoever reads a record anywhere knows whether
it was ever sent, to whom, and whether it was read before.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from ottla.core.records.batch import crc_matches, headers
from ottla.core.records.record import Record, records

if TYPE_CHECKING:
    from ottla.sim.judge.partition import PartitionFacts

MARK: Final = "id"
"""The header of every record: `batch.slot`."""


class Violation(Exception):
    """The node broke a promise."""


class Fate(Enum):
    """What is known of a batch that was sent."""

    OPEN = "no answer yet, or none ever: it may be there"
    ACKED = "acknowledged at an offset: it must be there"
    REFUSED = "refused: it must not be there"
    GONE = "unanswered, and not there after a crash: it must never appear"
    LOST = "acknowledged and lost with the power, as it may be without a flush: it must never appear"


class Sent:
    """One batch that a producer sent. `sender` and `number`: what one sender numbers upwards stands in that order."""

    __slots__ = ("acks", "fate", "flushed", "name", "number", "partition", "records", "sender")

    def __init__(
        self,
        name: int,
        partition: PartitionFacts,
        sender: str,
        number: int,
        records: list[Record],
        acks: int,
    ) -> None:
        self.name = name
        self.partition = partition
        self.sender = sender
        self.number = number
        self.records = records
        self.acks = acks
        self.fate = Fate.OPEN
        self.flushed = partition.topic.flushes_always
        """Whether its topic flushed every batch already when it was sent."""

    def __repr__(self) -> str:
        return f"batch {self.name} of {self.sender} ({len(self.records)} records, {self.fate.name})"


class Found(NamedTuple):
    """One record as it was read."""

    record: Record
    batch: int
    slot: int
    epoch: int
    append_time: bool

    @property
    def offset(self) -> int:
        return self.record.offset


def read_batches(data: bytes, where: str) -> Iterator[Found]:
    """The records of all whole batches in `data`. Raises Violation for bytes that are damaged."""
    view = memoryview(data)
    for position, header in headers(data):
        batch = view[position : position + header.size]
        if not crc_matches(batch, header):
            raise Violation(f"{where}: the batch at offset {header.base_offset} has a wrong CRC")
        append_time = header.timestamp_type != 0
        for record in records(batch, header):
            mark = dict(record.headers).get(MARK)
            if mark is None:
                raise Violation(f"{where}: nobody ever sent the record at offset {record.offset}")
            name, _, slot = mark.decode().partition(".")
            yield Found(record, int(name), int(slot), header.leader_epoch, append_time)
