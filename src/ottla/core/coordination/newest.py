"""Loading of records of which only the newest of each key counts: committed offsets, transactions.

A log that is read from its start tells of every key again and again, until compaction has been there. What is applied by
putting it in the place of what the key said before need not be read until the log is at its end, or until something
comes that has to stand behind it: a transaction's records, whose place among the others matters. A tombstone is told
whatever follows it: it also takes what a transaction that is still open has said of the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from struct import Struct
from typing import Final, TypeAlias

from ottla.core.records.batch import BatchHeader
from ottla.core.records.keyed import keyed, whole
from ottla.core.records.record import Record

_PREFIX: Final = Struct(">h")
"""The type of a key is what it begins with."""

_Kept: TypeAlias = "tuple[bytes, BatchHeader, bool]"
"""A record's bytes, the header of its batch, and whether it has a value."""


class Newest:
    """The newest record of each key, as bytes. `types` are those of the keys that are kept."""

    __slots__ = ("_prefixes", "_records", "_tombstones")

    def __init__(self, types: Set[int]) -> None:
        self._prefixes = frozenset(map(_PREFIX.pack, types))
        self._records: dict[bytes, _Kept] = {}
        self._tombstones: dict[bytes, _Kept] = {}

    def sift(self, batch: bytes | memoryview, header: BatchHeader) -> Iterator[Record]:
        """The records of a batch but for those that are kept for later. Raises KafkaError."""
        kept, prefixes = self._records, self._prefixes
        for key, data, has_value in keyed(batch, header):
            if key is None or key[: _PREFIX.size] not in prefixes:
                yield whole(data, header)
                continue
            before = kept.get(key)
            if before is not None and not before[2]:
                self._tombstones[key] = before
            kept[key] = (data, header, has_value)

    def __len__(self) -> int:
        return len(self._records)

    def take(self, most: int) -> Iterator[Record]:
        """Up to so many of the kept ones, which are not kept any more. Raises KafkaError."""
        kept = self._records
        for key in [key for key, _ in zip(kept, range(most), strict=False)]:
            tombstone = self._tombstones.pop(key, None)
            if tombstone is not None:
                yield whole(tombstone[0], tombstone[1])
            data, header, _ = kept.pop(key)
            yield whole(data, header)
