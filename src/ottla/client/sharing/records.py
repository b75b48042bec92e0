"""What a share consumer hands over, and how it lies in an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ottla.client.consuming.records import ConsumerRecord
from ottla.client.fetched import visible_batches
from ottla.core.records.record import Header, Record
from ottla.core.wire.messages.share_fetch import AcquiredRecords


class ShareRecord(ConsumerRecord):
    """A record of a share group. `delivery_count` is 1 when it is handed out for the first time."""

    __slots__ = ("delivery_count",)

    def __init__(
        self,
        topic: str,
        partition: int,
        offset: int,
        timestamp: int,
        key: Any,
        value: Any,
        headers: tuple[Header, ...] = (),
        delivery_count: int = 1,
    ) -> None:
        super().__init__(topic, partition, offset, timestamp, key, value, headers)
        self.delivery_count = delivery_count


class Acquired(msgspec.Struct):
    """What one partition's answer gave us: records with their delivery counts, and offsets without a record."""

    records: list[tuple[Record, int]]
    gaps: list[tuple[int, int]]


def acquired(data: memoryview, ranges: Sequence[AcquiredRecords], *, check_crcs: bool) -> Acquired:
    """The records of `data` that are ours: an answer holds whole batches, of which others may have parts.

    Raises KafkaError (CORRUPT_MESSAGE, INVALID_RECORD) for contents that are broken.
    """
    batches, _ = visible_batches(data, 0, None, check_crcs=check_crcs)
    left: Iterator[Record] = (record for batch in batches for record in batch.records())
    found = Acquired([], [])
    record = next(left, None)
    for each in ranges:
        expected = each.first_offset
        while record is not None and record.offset < expected:
            record = next(left, None)
        while record is not None and record.offset <= each.last_offset:
            if record.offset > expected:
                found.gaps.append((expected, record.offset - 1))
            found.records.append((record, each.delivery_count))
            expected = record.offset + 1
            record = next(left, None)
        if expected <= each.last_offset:
            found.gaps.append((expected, each.last_offset))
    return found
