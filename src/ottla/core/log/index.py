"""The three indexes of a segment: entry formats and searches.

* offset index, 8 bytes: relative offset int32, position int32. The offset is the *last* of the batch at `position`;
  one entry about every `index.interval.bytes`. Searching for an offset gives a batch to start walking from.
* time index, 12 bytes: timestamp int64, relative offset int32. The largest timestamp seen so far and the last offset
  of the batch that holds it.
* transaction index, 34 bytes: version int16 (0), producer id, first offset, last offset, last stable offset int64;
  aborted transactions only, in the order of their markers.

Relative means: to the segment's base offset. An index is searched through `at(slot)`, so whoever calls decides
whether entries come from memory or from a file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

OFFSET_ENTRY: Final = struct.Struct(">ii")
TIME_ENTRY: Final = struct.Struct(">qi")
TRANSACTION_ENTRY: Final = struct.Struct(">hqqqq")

MAX_RELATIVE_OFFSET: Final = (1 << 31) - 1


class AbortedTransaction(NamedTuple):
    """An entry of the transaction index. `last_stable_offset` is the log's once this transaction was aborted."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


def floor_slot(at: Callable[[int], int], count: int, target: int) -> int:
    """The last of `count` ascending keys that is at most `target`; -1 when all are above it."""
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        if at(middle) <= target:
            low = middle + 1
        else:
            high = middle
    return low - 1


def max_entries(index_bytes: int, entry_size: int) -> int:
    """How many entries fit under `segment.index.bytes`."""
    return index_bytes // entry_size


def pack_aborted(entry: AbortedTransaction) -> bytes:
    return TRANSACTION_ENTRY.pack(0, *entry)


def aborted_entries(data: bytes | memoryview) -> Iterator[AbortedTransaction]:
    """All whole entries. Raises ValueError for a version that is not known."""
    for version, *fields in TRANSACTION_ENTRY.iter_unpack(
        data[: len(data) - len(data) % TRANSACTION_ENTRY.size]
    ):
        if version != 0:
            raise ValueError(f"transaction index entry of version {version}, 0 is expected")
        yield AbortedTransaction(*fields)
