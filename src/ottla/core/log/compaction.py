"""Compaction: of all records with one key, the last one stays.

A log that compacts has a clean part, where no key occurs twice, a dirty part behind it, and a part that must not be
touched yet (the active segment, open transactions, records younger than `min.compaction.lag.ms`). One round reads the
dirty part into an `OffsetMap`, as far as it fits, and copies every segment up to there without the records that the
map knows a later one for. Offsets never change: what is copied keeps its base and its last offset, gaps stay.

What else a round removes, and when:

* **Tombstones** (no value) stay long enough for every reader to see them. The round that first keeps one writes a
  delete horizon into its batch, `delete.retention.ms` from then; a round after the horizon drops it.
* **Records of aborted transactions** go at once.
* **Transaction markers** stay while any batch of their transaction does; then they get a delete horizon too.
* **The last batch of an active producer** stays, empty if need be: it holds the producer's last sequence. So does the
  last batch of the round, because the log's offsets must not seem to end before it.

Everything here works on one batch or on plain facts; `broker.storage.cleaning_child` reads and writes the files.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ottla.core.log.index import AbortedTransaction
from ottla.core.log.offset_map import OffsetMap
from ottla.core.records.batch import (
    CODEC_MASK,
    DELETE_HORIZON_BIT,
    HEADER_SIZE,
    LOG_OVERHEAD,
    BatchHeader,
    TimestampType,
    header_fields,
    pack_header,
)
from ottla.core.records.compression import Codec, compress
from ottla.core.records.control import end_transaction_marker
from ottla.core.records.record import Span, payload, walk
from ottla.core.records.varint import encode_varint

NO_TIMESTAMP: Final = -1
MAX_BATCH_BYTES: Final = 2**31 - 1
"""What a batch may decompress to while it is cleaned: it was accepted once, so it has to be readable here."""


class LastRecord(NamedTuple):
    """What an active producer must find again. `data_offset` is -1 when only a marker is left of it."""

    data_offset: int
    epoch: int


# -- transactions ------------------------------------------------------------------------------------------------


class _Aborted:
    """An aborted transaction whose marker was not reached yet."""

    __slots__ = ("entry", "seen")

    def __init__(self, entry: AbortedTransaction) -> None:
        self.entry = entry
        self.seen = False


class Transactions:
    """Which batches belong to aborted transactions and which markers are still needed, told batch by batch in order.

    `retained` collects the index entries of aborted transactions that are still in the log.
    """

    __slots__ = ("_aborted", "_committed", "_waiting", "retained")

    def __init__(self, aborted: Iterable[AbortedTransaction]) -> None:
        self._waiting = [(entry.first_offset, entry) for entry in aborted]
        heapq.heapify(self._waiting)
        self._aborted: dict[int, _Aborted] = {}
        self._committed: set[int] = set()
        self.retained: list[AbortedTransaction] = []

    def on_batch(self, header: BatchHeader) -> bool:
        """Whether this data batch was aborted."""
        self._open_up_to(header.last_offset)
        if not header.is_transactional:
            return False
        aborted = self._aborted.get(header.producer_id)
        if aborted is None:
            self._committed.add(header.producer_id)
            return False
        aborted.seen = True
        return True

    def on_control(self, header: BatchHeader, batch: bytes | memoryview) -> bool:
        """Whether this control batch has no batch left to speak for. Raft's control batches always have."""
        self._open_up_to(header.last_offset)
        if header.count == 0:
            return True
        marker = end_transaction_marker(batch, header)
        if marker is None:
            return False
        if marker.committed:
            had_data = header.producer_id in self._committed
            self._committed.discard(header.producer_id)
            return not had_data
        aborted = self._aborted.pop(header.producer_id, None)
        if aborted is None or not aborted.seen:
            return True
        self.retained.append(aborted.entry)
        return False

    def _open_up_to(self, offset: int) -> None:
        while self._waiting and self._waiting[0][0] <= offset:
            _, entry = heapq.heappop(self._waiting)
            if entry.producer_id not in self._aborted:
                self._aborted[entry.producer_id] = _Aborted(entry)


# -- the first pass: which offset is each key's last -------------------------------------------------------------


def note_keys(
    offsets: OffsetMap, transactions: Transactions, header: BatchHeader, batch: bytes | memoryview, start: int
) -> bool:
    """Put the keys of a batch into the map, from offset `start` on. False when the map is full: the round ends at
    `offsets.latest_offset`.

    Raises KafkaError for a batch that cannot be read.
    """
    if header.is_control:
        transactions.on_control(header, batch)
    elif not transactions.on_batch(header) and header.count and header.last_offset >= start:
        plain = payload(batch, header, MAX_BATCH_BYTES)
        base_offset = header.base_offset
        for span in walk(plain, header.count):
            offset = base_offset + span.offset_delta
            if span.key_size < 0 or offset < start:
                continue
            if not offsets.put(plain[span.key_position : span.key_position + span.key_size], offset):
                return False
    if header.last_offset >= start:
        offsets.latest_offset = header.last_offset
    return True


# -- the second pass: what stays ---------------------------------------------------------------------------------


class Round(NamedTuple):
    """What one round knows. Times are milliseconds since 1970."""

    offsets: OffsetMap
    last_records: Mapping[int, LastRecord]
    end_offset: int
    """Where the part begins that must not be touched."""
    wall: int
    delete_retention_ms: int


class Kept(NamedTuple):
    """A batch to write: its header and its bytes in parts."""

    header: BatchHeader
    parts: Sequence[bytes | memoryview]


def keep(
    cleaning: Round, transactions: Transactions, header: BatchHeader, batch: bytes | memoryview
) -> Kept | None:
    """What stays of a batch: all of it, some records, its empty header, or None.

    Batches must come in order. Raises KafkaError for one that cannot be read.
    """
    if header.is_control:
        orphan = transactions.on_control(header, batch)
        horizon = header.delete_horizon
        discard = orphan and horizon is not None and horizon <= cleaning.wall
    else:
        orphan = False
        discard = transactions.on_batch(header)
    must_stay = _is_last_of_producer(cleaning, header) or header.next_offset == cleaning.end_offset
    if not discard and header.count:
        kept = _keep_records(cleaning, header, batch, orphan)
        if kept is not None:
            return kept
    return _emptied(header) if must_stay else None


def _is_last_of_producer(cleaning: Round, header: BatchHeader) -> bool:
    if header.producer_id < 0:
        return False
    last = cleaning.last_records.get(header.producer_id)
    if last is None:
        return False
    if last.data_offset >= 0:
        return header.last_offset == last.data_offset
    return header.is_control and header.producer_epoch == last.epoch


def _keep_records(
    cleaning: Round, header: BatchHeader, batch: bytes | memoryview, orphan: bool
) -> Kept | None:
    """The batch with the records that stay, None without any. An orphan marker gets a delete horizon."""
    plain = payload(batch, header, MAX_BATCH_BYTES)
    spans = list(walk(plain, header.count))
    if header.is_control:
        staying = spans
        wants_horizon = orphan
    else:
        staying = [span for span in spans if _stays(cleaning, header, span, plain)]
        wants_horizon = any(span.value_size < 0 for span in staying)
    if not staying:
        return None
    sets_horizon = wants_horizon and not header.has_delete_horizon
    if len(staying) == len(spans) and not sets_horizon:
        return Kept(header, [batch])
    if sets_horizon:
        base_timestamp = cleaning.wall + cleaning.delete_retention_ms
    elif header.has_delete_horizon:
        base_timestamp = header.base_timestamp
    else:
        base_timestamp = _timestamp(header, staying[0])
    return _rebuilt(header, plain, staying, base_timestamp, sets_horizon)


def _timestamp(header: BatchHeader, span: Span) -> int:
    if header.timestamp_type == TimestampType.LOG_APPEND_TIME:
        return header.max_timestamp
    return header.base_timestamp + span.timestamp_delta


def _stays(cleaning: Round, header: BatchHeader, span: Span, plain: bytes) -> bool:
    offset = header.base_offset + span.offset_delta
    if offset > cleaning.offsets.latest_offset:
        return True
    if span.key_size < 0:
        return False
    if cleaning.offsets.get(plain[span.key_position : span.key_position + span.key_size]) > offset:
        return False
    horizon = header.delete_horizon
    return span.value_size >= 0 or horizon is None or cleaning.wall < horizon


def _rebuilt(
    header: BatchHeader, plain: bytes, staying: Sequence[Span], base_timestamp: int, sets_horizon: bool
) -> Kept:
    """The batch of these records alone, with the offsets, the producer and the codec it had."""
    out = bytearray()
    max_timestamp = NO_TIMESTAMP
    for span in staying:
        timestamp = _timestamp(header, span)
        max_timestamp = max(max_timestamp, timestamp)
        delta = timestamp - base_timestamp
        if delta == span.timestamp_delta:
            out += plain[span.start : span.end]
            continue
        body = b"\0" + encode_varint(delta) + encode_varint(span.offset_delta) + plain[span.rest : span.end]
        out += encode_varint(len(body))
        out += body
    records = compress(Codec(header.attributes & CODEC_MASK), out)
    rebuilt = BatchHeader(*header_fields(header))
    rebuilt.length = HEADER_SIZE - LOG_OVERHEAD + len(records)
    rebuilt.base_timestamp = base_timestamp
    rebuilt.max_timestamp = max_timestamp
    rebuilt.count = len(staying)
    if sets_horizon:
        rebuilt.attributes |= DELETE_HORIZON_BIT
    return Kept(rebuilt, [pack_header(rebuilt, records), records])


def _emptied(header: BatchHeader) -> Kept:
    """The header alone: the producer's sequence and the offsets, no records."""
    empty = BatchHeader(*header_fields(header))
    empty.length = HEADER_SIZE - LOG_OVERHEAD
    empty.attributes &= ~(CODEC_MASK | DELETE_HORIZON_BIT)
    empty.base_timestamp = NO_TIMESTAMP
    empty.count = 0
    return Kept(empty, [pack_header(empty, b"")])
