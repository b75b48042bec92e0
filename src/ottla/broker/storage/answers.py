"""What a log answers: values handed from storage to whoever asked."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import msgspec

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


class Appended(msgspec.Struct, gc=False):
    """An append that is in the log (and in the page cache; durable only after a flush)."""

    base_offset: int
    last_offset: int
    log_append_time: int
    """-1 unless the topic is on LogAppendTime."""
    log_start_offset: int
    duplicate: bool = False
    """Nothing was written: the offsets are those of the first attempt."""
    must_flush: bool = False
    """`flush.messages` is reached: the answer has to wait for `Log.flush`."""
    size: int = 0
    """Bytes written."""
    max_timestamp: int = NO_TIMESTAMP


class Read(msgspec.Struct, gc=False):
    """Whole batches from one segment. The first may begin before the offset asked for."""

    records: FileSlice | None
    """None when there is nothing to send. Whoever takes it releases it."""
    size: int
    upper_offset: int
    """One past the last record in `records`; the offset asked for when there are none."""
    recent: bool
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
