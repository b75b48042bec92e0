"""What is known of a topic whose batches were read: sizes, rates, keys, codecs, how evenly partitions are filled."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from heapq import heappush, heappushpop
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ottla.cli.topic.distinct import Distinct
from ottla.core.records.batch import HEADER_SIZE
from ottla.core.records.record import parse, payload

if TYPE_CHECKING:
    from ottla.client.fetched import Fetched, FetchedBatch

LARGEST_KEPT: Final = 5
EIGHTHS: Final = 3
"""Bits of a size that are kept beside its order of magnitude: percentiles are true to within an eighth."""


class Seen(msgspec.Struct):
    """What was found in one partition. Sizes are bytes: of keys and values, and of batches as they lie in the log."""

    records: int = 0
    batches: int = 0
    record_bytes: int = 0
    stored_bytes: int = 0
    largest: int = -1
    largest_at: int = -1
    without_key: int = 0
    tombstones: int = 0
    with_headers: int = 0
    oldest: int = -1
    youngest: int = -1

    def add(self, size: int, offset: int, timestamp: int) -> None:
        self.records += 1
        self.record_bytes += size
        if size > self.largest:
            self.largest, self.largest_at = size, offset
        if timestamp >= 0:
            self.oldest = timestamp if self.oldest < 0 else min(self.oldest, timestamp)
            self.youngest = max(self.youngest, timestamp)


class Sizes:
    """Sizes counted in buckets an eighth wide, which never are more than a few hundred."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, int]] = Counter()

    def add(self, size: int) -> None:
        shift = max(0, size.bit_length() - EIGHTHS - 1)
        self._counts[shift, size >> shift] += 1

    def percentile(self, percent: float) -> int | None:
        """A size that this share of all does not exceed; None when there are none."""
        left = self._counts.total() * percent / 100
        top = None
        for shift, lead in sorted(self._counts, key=lambda each: each[1] << each[0]):
            top = ((lead + 1) << shift) - 1
            left -= self._counts[shift, lead]
            if left <= 0:
                break
        return top


class Analysis:
    """One topic."""

    def __init__(self) -> None:
        self.partitions: dict[int, Seen] = {}
        self.codecs: Counter[str] = Counter()
        self.keys = Distinct()
        self.sizes = Sizes()
        self.largest: list[tuple[int, int, int]] = []
        """(size, -partition, -offset) of the largest records, a heap: of equals the first is kept."""
        self.plain_bytes = 0
        self.packed_bytes = 0

    def add(self, fetched: Fetched, stop: int) -> None:
        """Count an answer's records before `stop`. Raises KafkaError, CompressionError for broken batches."""
        seen = self.partitions.setdefault(fetched.partition, Seen())
        for batch in fetched.batches:
            if batch.header.base_offset >= stop:
                break
            seen.batches += 1
            seen.stored_bytes += batch.header.size
            self.codecs[batch.header.codec.name.lower()] += 1
            self._add_records(batch, stop, fetched.partition, seen)

    def _add_records(self, batch: FetchedBatch, stop: int, partition: int, seen: Seen) -> None:
        plain = payload(batch.data, batch.header)
        self.plain_bytes += len(plain)
        self.packed_bytes += batch.header.size - HEADER_SIZE
        for record in parse(plain, batch.header, batch.header.count):
            if record.offset < batch.first_offset:
                continue
            if record.offset >= stop:
                break
            key, value = record.key, record.value
            size = len(key or b"") + len(value or b"")
            seen.add(size, record.offset, record.timestamp)
            self.sizes.add(size)
            self._remember(size, partition, record.offset)
            seen.with_headers += bool(record.headers)
            seen.tombstones += value is None
            if key is None:
                seen.without_key += 1
            else:
                self.keys.add(key)

    def _remember(self, size: int, partition: int, offset: int) -> None:
        place = (size, -partition, -offset)
        if len(self.largest) < LARGEST_KEPT:
            heappush(self.largest, place)
        elif place > self.largest[0]:
            heappushpop(self.largest, place)


def row_of(name: str, analysis: Analysis) -> dict[str, Any]:
    """What is told of a topic. Sizes are bytes of keys and values, `bytes_stored` of batches in the log."""
    parts = analysis.partitions.values()
    records = sum(each.records for each in parts)
    batches = sum(each.batches for each in parts)
    content = sum(each.record_bytes for each in parts)
    stored = sum(each.stored_bytes for each in parts)
    oldest = min((each.oldest for each in parts if each.oldest >= 0), default=-1)
    youngest = max((each.youngest for each in parts), default=-1)
    span = (youngest - oldest) / 1000
    return {
        "topic": name,
        "records": records,
        "batches": batches,
        "bytes_of_records": content,
        "bytes_stored": stored,
        "compression": dict(sorted(analysis.codecs.items())),
        "compression_ratio": ratio(analysis.plain_bytes, analysis.packed_bytes),
        "records_a_batch": ratio(records, batches),
        "average_record": ratio(content, records),
        "median_record": analysis.sizes.percentile(50),
        "p99_record": analysis.sizes.percentile(99),
        "without_key": sum(each.without_key for each in parts),
        "distinct_keys": analysis.keys.count,
        "distinct_keys_exact": analysis.keys.is_exact,
        "tombstones": sum(each.tombstones for each in parts),
        "with_headers": sum(each.with_headers for each in parts),
        "oldest": moment(oldest),
        "youngest": moment(youngest),
        "seconds_spanned": round(span, 3),
        "records_a_second": ratio(records, span),
        "bytes_a_second": ratio(content, span),
        "skew": ratio(max((each.records for each in parts), default=0) * len(parts), records),
        "largest_records": [
            {"partition": -part, "offset": -offset, "bytes": size}
            for size, part, offset in sorted(analysis.largest, reverse=True)
        ],
        "by_partition": [
            partition_row(number, analysis.partitions[number], records)
            for number in sorted(analysis.partitions)
        ],
    }


def partition_row(number: int, seen: Seen, records: int) -> dict[str, Any]:
    return {
        "partition": number,
        "records": seen.records,
        "share_percent": round(100 * seen.records / records, 1) if records else None,
        "bytes": seen.record_bytes,
        "bytes_stored": seen.stored_bytes,
        "largest": seen.largest if seen.records else None,
        "largest_at_offset": seen.largest_at if seen.records else None,
        "oldest": moment(seen.oldest),
        "youngest": moment(seen.youngest),
    }


def ratio(of: float, to: float) -> float | None:
    """Rounded; None where there is nothing to divide by."""
    return round(of / to, 2) if to > 0 else None


def moment(timestamp: int) -> str | None:
    """ms since 1970 as RFC 3339, in UTC; the number itself for what no calendar has."""
    if timestamp < 0:
        return None
    try:
        return datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):  # a producer may write any number
        return str(timestamp)
