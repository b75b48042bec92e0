"""Reading a segment from its start, batch by batch: what recovery knows of it afterwards.

A batch is good when it is whole, its CRC matches, its offsets lie above those before it and within the reach of the
segment's indexes. The first that is not ends the log: what follows was never acknowledged, or was torn.
"""

from __future__ import annotations

from typing import Final

from ottla.core.log.epochs import LeaderEpochs
from ottla.core.log.index import (
    MAX_RELATIVE_OFFSET,
    OFFSET_ENTRY,
    TIME_ENTRY,
    AbortedTransaction,
    pack_aborted,
)
from ottla.core.log.producers import CompletedTransaction, ProducerStates
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import NO_TIMESTAMP
from ottla.core.records.batch import HEADER_SIZE, BatchHeader, batch_size, crc_matches, read_header
from ottla.core.records.control import end_transaction_marker

CHUNK: Final = 1 << 20
"""How much of a segment is read at a time."""


def replay(
    producers: ProducerStates, header: BatchHeader, batch: bytes | memoryview
) -> tuple[CompletedTransaction, int] | None:
    """Let the producer table see a batch that is in the log. For a marker that ends a transaction: what it completed,
    and the last stable offset after it. Raises KafkaError (INVALID_RECORD) for a damaged marker."""
    if header.producer_id < 0:
        return None
    if not header.is_control:
        producers.add_batch(
            header.producer_id,
            header.producer_epoch,
            header.base_sequence,
            header.base_offset,
            header.last_offset,
            header.max_timestamp,
            header.is_transactional,
        )
        return None
    marker = end_transaction_marker(batch, header)
    if marker is None:
        return None
    completed = producers.add_marker(
        header.producer_id,
        header.producer_epoch,
        marker.coordinator_epoch,
        header.base_offset,
        header.max_timestamp,
        not marker.committed,
    )
    return None if completed is None else (completed, producers.complete(completed))


class SegmentScan:
    """The scan of one segment. Feed it the file from the start, in chunks that begin where it stopped consuming."""

    __slots__ = (
        "_epochs",
        "_index_interval",
        "_last_indexed",
        "_producers",
        "_time_entry",
        "aborted",
        "base_offset",
        "fault",
        "max_timestamp",
        "max_timestamp_offset",
        "next_offset",
        "offset_index",
        "time_index",
        "valid_bytes",
        "wanted",
    )

    def __init__(
        self, base_offset: int, index_interval: int, producers: ProducerStates, epochs: LeaderEpochs
    ) -> None:
        self.base_offset = base_offset
        self.next_offset = base_offset
        self.valid_bytes = 0
        self.max_timestamp = NO_TIMESTAMP
        self.max_timestamp_offset = base_offset
        self.offset_index = bytearray()
        self.time_index = bytearray()
        self.aborted = bytearray()
        self.fault: str | None = None
        """Why the scan ended before the end of the file."""
        self.wanted = HEADER_SIZE
        """How many bytes the next chunk has to have at least."""
        self._index_interval = index_interval
        self._last_indexed = 0
        self._time_entry = NO_TIMESTAMP
        self._producers = producers
        self._epochs = epochs

    def feed(self, chunk: bytes, last: bool) -> int:
        """Take the bytes from `valid_bytes` on; returns how many were consumed. `last` says that none follow."""
        view = memoryview(chunk)
        position = 0
        end = len(chunk)
        self.wanted = HEADER_SIZE
        while self.fault is None and position < end:
            try:
                size = batch_size(chunk, position, end)
            except KafkaError as error:
                self.fault = str(error)
                break
            if size is None or end - position < size:
                self.wanted = size or HEADER_SIZE
                if last:
                    self.fault = f"a batch is cut short: {end - position} bytes are left"
                break
            header = read_header(chunk, position)
            self._take(header, view[position : position + size])
            if self.fault is None:
                position += size
        return position

    def _take(self, header: BatchHeader, batch: memoryview) -> None:
        last_offset = header.last_offset
        if not crc_matches(batch, header):
            self.fault = f"the CRC of the batch at offset {header.base_offset} does not match"
            return
        if header.base_offset < self.next_offset or header.last_offset_delta < 0:
            self.fault = f"offset {header.base_offset} comes after {self.next_offset - 1}"
            return
        if last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            self.fault = f"offset {last_offset} is out of reach of the segment's indexes"
            return
        if header.max_timestamp > self.max_timestamp:
            self.max_timestamp = header.max_timestamp
            self.max_timestamp_offset = last_offset
        if self.valid_bytes - self._last_indexed > self._index_interval:
            self.offset_index += OFFSET_ENTRY.pack(last_offset - self.base_offset, self.valid_bytes)
            self._add_time_entry()
            self._last_indexed = self.valid_bytes
        if header.leader_epoch > self._epochs.latest:
            self._epochs.assign(header.leader_epoch, header.base_offset)
        if header.producer_id >= 0:
            try:
                ended = replay(self._producers, header, batch)
            except KafkaError as error:
                self.fault = str(error)
                return
            if ended is not None and ended[0].aborted:
                completed, stable = ended
                self.aborted += pack_aborted(
                    AbortedTransaction(
                        completed.producer_id, completed.first_offset, completed.last_offset, stable
                    )
                )
        self.valid_bytes += len(batch)
        self.next_offset = last_offset + 1
        self._producers.end_offset = last_offset + 1

    def _add_time_entry(self) -> None:
        if self.max_timestamp > self._time_entry:
            self.time_index += TIME_ENTRY.pack(
                self.max_timestamp, self.max_timestamp_offset - self.base_offset
            )
            self._time_entry = self.max_timestamp

    def finish(self) -> None:
        """The file is read: the time index gets its last entry."""
        self._add_time_entry()
