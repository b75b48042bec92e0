"""What a log answers: values handed from storage to whoever asked."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from ottla.core.model.ids import NO_TIMESTAMP
from ottla.world.doors import FileSlice


class Origin(IntEnum):
    """Who made the records of an append, and so what is checked."""

    CLIENT = 0
    """A producer: everything is checked, offsets are assigned."""
    COORDINATOR = 1
    """A coordinator of this node: control batches and batches without sequence numbers are fine."""
    RAFT_LEADER = 2
    """The metadata log's leader: offsets and epochs are in the batches already."""
    REPLICATION = 3
    """A leader elsewhere: as it is in its log."""


class Appended:
    """An append that is in the log (and in the page cache; durable only after a flush)."""

    __slots__ = (
        "base_offset",
        "duplicate",
        "last_offset",
        "log_append_time",
        "log_start_offset",
        "max_timestamp",
        "must_flush",
        "size",
    )

    def __init__(
        self,
        base_offset: int,
        last_offset: int,
        log_append_time: int,
        log_start_offset: int,
        duplicate: bool = False,
        must_flush: bool = False,
        size: int = 0,
        max_timestamp: int = NO_TIMESTAMP,
    ) -> None:
        self.base_offset = base_offset
        self.last_offset = last_offset
        self.log_append_time = log_append_time
        """-1 unless the topic is on LogAppendTime."""
        self.log_start_offset = log_start_offset
        self.duplicate = duplicate
        """Nothing was written: the offsets are those of the first attempt."""
        self.must_flush = must_flush
        """`flush.messages` is reached: the answer has to wait for `Log.flush`."""
        self.size = size
        """Bytes written."""
        self.max_timestamp = max_timestamp


class Read:
    """Whole batches from one segment. The first may begin before the offset asked for."""

    __slots__ = ("recent", "records", "size", "upper_offset")

    def __init__(self, records: FileSlice | None, size: int, upper_offset: int, recent: bool) -> None:
        self.records = records
        """None when there is nothing to send. Whoever takes it releases it."""
        self.size = size
        self.upper_offset = upper_offset
        """One past the last record in `records`; the offset asked for when there are none."""
        self.recent = recent
        """Lies in the last few megabytes written: in the page cache as far as one can tell."""


class TimestampOffset(NamedTuple):
    """An answer to ListOffsets. Timestamp -1 and leader epoch -1: none."""

    timestamp: int
    offset: int
    leader_epoch: int


class ActiveProducer(NamedTuple):
    """A producer the log remembers, for DescribeProducers."""

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_timestamp: int
    coordinator_epoch: int
    transaction_start: int
