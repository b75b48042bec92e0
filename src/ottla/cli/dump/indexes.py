"""The three indexes of a segment and the producer snapshot beside it."""

from __future__ import annotations

from collections.abc import Iterator

from ottla.cli.dump.rows import Broken, Row
from ottla.core.log.index import OFFSET_ENTRY, TIME_ENTRY, TRANSACTION_ENTRY, aborted_entries
from ottla.core.log.producer_snapshots import read_snapshot


def offset_index_rows(data: bytes, base_offset: int) -> Iterator[Row]:
    """Entries up to the zeros of preallocation. Raises Broken for offsets or positions that do not rise."""
    last = (-1, -1)
    for slot, (relative, position) in enumerate(OFFSET_ENTRY.iter_unpack(whole(data, OFFSET_ENTRY.size))):
        if slot and relative == 0:
            break
        if slot == 0 and relative == 0 and position == 0:
            break
        if relative <= last[0] or position <= last[1]:
            raise Broken(slot * OFFSET_ENTRY.size, f"entry {slot} does not lie behind the one before it")
        last = (relative, position)
        yield {"kind": "index", "offset": base_offset + relative, "position": position}
    check_tail(data, OFFSET_ENTRY.size)


def time_index_rows(data: bytes, base_offset: int) -> Iterator[Row]:
    """Entries up to the zeros of preallocation. Raises Broken for times that do not rise."""
    last = -1
    for slot, (timestamp, relative) in enumerate(TIME_ENTRY.iter_unpack(whole(data, TIME_ENTRY.size))):
        if timestamp == 0 and relative == 0:
            break
        if timestamp <= last:
            raise Broken(slot * TIME_ENTRY.size, f"entry {slot} is not younger than the one before it")
        last = timestamp
        yield {"kind": "timeindex", "timestamp": timestamp, "offset": base_offset + relative}
    check_tail(data, TIME_ENTRY.size)


def transaction_index_rows(data: bytes) -> Iterator[Row]:
    """Aborted transactions. Raises Broken for an entry of an unknown version."""
    entries = aborted_entries(data)
    slot = 0
    while True:
        try:
            entry = next(entries, None)
        except ValueError as error:
            raise Broken(slot * TRANSACTION_ENTRY.size, str(error)) from error
        if entry is None:
            break
        yield {"kind": "aborted", **entry._asdict()}
        slot += 1
    check_tail(data, TRANSACTION_ENTRY.size)


def whole(data: bytes, size: int) -> bytes:
    return data[: len(data) - len(data) % size]


def check_tail(data: bytes, size: int) -> None:
    tail = len(data) % size
    if tail and any(data[-tail:]):
        raise Broken(len(data) - tail, f"{tail} bytes are left over, an entry has {size}")


def producer_snapshot_rows(data: bytes) -> Iterator[Row]:
    """Producers as they stood at the snapshot's offset. Raises Broken."""
    try:
        states = read_snapshot(data)
    except ValueError as error:
        raise Broken(0, str(error)) from error
    for state in states:
        batch = state.batches[-1] if state.batches else None
        yield {
            "kind": "producer",
            "producer_id": state.producer_id,
            "producer_epoch": state.epoch,
            "last_sequence": batch.last_sequence if batch else -1,
            "last_offset": batch.last_offset if batch else -1,
            "offset_delta": batch.offset_delta if batch else 0,
            "timestamp": state.timestamp,
            "coordinator_epoch": state.coordinator_epoch,
            "transaction_start": state.transaction_start,
        }
