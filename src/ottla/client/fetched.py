"""What a fetch brought: whole batches, and which of them a reader may see.

A fetch answers with whole batches, so the first may begin before the offset asked for. With read_committed the broker
lists the aborted transactions that reach into the answer: their batches, from the offset named up to the abort
marker of the same producer, are left out here. Control batches are never shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from ottla.core.model.errors import KafkaError
from ottla.core.records.batch import BatchHeader, check_crc, headers
from ottla.core.records.control import ControlType, control_type
from ottla.core.records.record import Record, records
from ottla.core.wire.messages.fetch import AbortedTransaction


class FetchedBatch(msgspec.Struct):
    """One batch as it lies in the log, and from which offset on it was asked for."""

    header: BatchHeader
    data: memoryview
    first_offset: int

    def records(self) -> Iterator[Record]:
        """Its records from `first_offset` on. Raises KafkaError (INVALID_RECORD) for broken contents."""
        first = self.first_offset
        for record in records(self.data, self.header):
            if record.offset >= first:
                yield record


class Fetched(msgspec.Struct):
    """What one partition gave: batches, and the offsets around them. `error` stands alone, without batches."""

    topic: str
    partition: int
    batches: list[FetchedBatch]
    next_offset: int
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int
    error: KafkaError | None = None
    first_offset: int = 0
    """The offset that was asked for; the batches may begin before it."""

    def records(self) -> Iterator[Record]:
        """All records, in order."""
        for batch in self.batches:
            yield from batch.records()


def visible_batches(
    data: memoryview,
    first_offset: int,
    aborted: Sequence[AbortedTransaction] | None,
    *,
    check_crcs: bool,
) -> tuple[list[FetchedBatch], int]:
    """The batches a reader may see, and the offset to go on from.

    `aborted`: None reads uncommitted. Raises KafkaError (CORRUPT_MESSAGE) for a batch that fails its CRC.
    """
    pending = sorted(aborted or (), key=lambda each: each.first_offset)
    pending.reverse()
    abandoned: set[int] = set()
    seen: list[FetchedBatch] = []
    next_offset = first_offset
    for position, header in headers(data):
        if check_crcs:
            check_crc(data, header, position)
        if header.last_offset < first_offset:
            continue
        next_offset = header.next_offset
        while pending and pending[-1].first_offset <= header.last_offset:
            abandoned.add(pending.pop().producer_id)
        batch = data[position : position + header.size]
        if header.is_control:
            if header.producer_id in abandoned and is_abort(batch, header):
                abandoned.discard(header.producer_id)
            continue
        if header.is_transactional and header.producer_id in abandoned:
            continue
        seen.append(FetchedBatch(header, batch, first_offset))
    return seen, next_offset


def is_abort(batch: memoryview, header: BatchHeader) -> bool:
    """Whether a control batch is an abort marker."""
    marker = next(records(batch, header), None)
    return marker is not None and control_type(marker) == ControlType.ABORT
