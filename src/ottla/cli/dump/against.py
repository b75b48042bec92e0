"""An index held against the segment beside it: each entry has to lead to the batch it speaks of."""

from __future__ import annotations

from collections.abc import Iterator

from ottla.broker.storage.segment import walk_headers
from ottla.cli.dump.rows import Broken, Row
from ottla.core.log.index import OFFSET_ENTRY, TIME_ENTRY
from ottla.core.records.batch import HEADER_SIZE, MAGIC, BatchHeader, read_header
from ottla.world.doors import File


def offsets_against(rows: Iterator[Row], segment: File) -> Iterator[Row]:
    """The rows of an offset index. Raises Broken where no batch with that last offset begins at that position."""
    size = segment.size()
    for slot, row in enumerate(rows):
        offset, position = row["offset"], row["position"]
        if position + HEADER_SIZE > size:
            raise Broken(
                slot * OFFSET_ENTRY.size, f"entry {slot} points to {position}, the segment has {size} bytes"
            )
        header = read_header(segment.read(HEADER_SIZE, position))
        if header.magic != MAGIC or header.last_offset != offset:
            there = f"ends at offset {header.last_offset}" if header.magic == MAGIC else "is none"
            raise Broken(
                slot * OFFSET_ENTRY.size,
                f"entry {slot} is of offset {offset}, the batch at {position} {there}",
            )
        yield row


def times_against(rows: Iterator[Row], segment: File) -> Iterator[Row]:
    """The rows of a time index. Raises Broken where the batch that holds the offset has another largest timestamp."""
    batches = walk_headers(segment, segment.size())
    header: BatchHeader | None = None
    for slot, row in enumerate(rows):
        while header is None or header.last_offset < row["offset"]:
            following = next(batches, None)
            if following is None:
                raise Broken(
                    slot * TIME_ENTRY.size, f"entry {slot} is of offset {row['offset']}, beyond the segment"
                )
            header = following[1]
        if header.max_timestamp != row["timestamp"]:
            raise Broken(
                slot * TIME_ENTRY.size,
                f"entry {slot} says {row['timestamp']}, the batch at offset {header.base_offset} has "
                f"{header.max_timestamp}",
            )
        yield row
