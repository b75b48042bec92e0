"""Key → newest offset, in a fixed amount of memory.

Compaction has to know the last offset of every key in the part of a log it cleans. A dict would take ten times what
`log.cleaner.dedupe.buffer.size` grants, so this is an open-addressed table in one bytearray: 24 bytes a key, a
16-byte hash of it and its offset. Keys themselves are not kept. The hash is BLAKE2b, so that nobody can make two
keys meet and lose the older one's records.

The table is probed by double hashing; a prime number of slots makes every step visit all of them.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Final

ENTRY_BYTES: Final = 24
LOAD_FACTOR: Final = 0.9
"""`log.cleaner.io.buffer.load.factor`'s default: how full the table may be."""

_HASH_BYTES: Final = 16
_EMPTY: Final = bytes(8)
_WORDS: Final = struct.Struct("<QQ")
_OFFSET: Final = struct.Struct("<Q")


class OffsetMap:
    """At most `capacity` keys. `latest_offset` is the last offset the map speaks for."""

    __slots__ = ("_count", "_slots", "_table", "capacity", "latest_offset")

    def __init__(
        self, memory_bytes: int, load_factor: float = LOAD_FACTOR, *, at_most: int | None = None
    ) -> None:
        """Takes `memory_bytes`, or less when no more than `at_most` keys can come.

        Raises ValueError when there is not room for one key.
        """
        slots = memory_bytes // ENTRY_BYTES
        if at_most is not None:
            slots = min(slots, int(at_most / load_factor) + 16)
        self._slots = _prime_at_most(slots)
        self.capacity = int(self._slots * load_factor)
        if self.capacity < 1:
            raise ValueError(
                f"{memory_bytes} bytes hold no key: raise log.cleaner.dedupe.buffer.size or lower log.cleaner.threads"
            )
        self._table = bytearray(self._slots * ENTRY_BYTES)
        self._count = 0
        self.latest_offset = -1

    def __len__(self) -> int:
        return self._count

    @property
    def memory_bytes(self) -> int:
        return len(self._table)

    def put(self, key: bytes, offset: int) -> bool:
        """Note that `key` has a record at `offset`, which is above all offsets before. False when the map is full."""
        digest = blake2b(key, digest_size=_HASH_BYTES).digest()
        table = self._table
        slot, step = self._start(digest)
        while True:
            at = slot * ENTRY_BYTES
            end = at + _HASH_BYTES
            if table[at:end] == digest:
                break
            if table[end : end + 8] == _EMPTY:
                if self._count >= self.capacity:
                    return False
                self._count += 1
                table[at:end] = digest
                break
            slot = (slot + step) % self._slots
        _OFFSET.pack_into(table, end, offset + 1)
        self.latest_offset = offset
        return True

    def get(self, key: bytes) -> int:
        """The offset last put for `key`, -1 when there is none."""
        digest = blake2b(key, digest_size=_HASH_BYTES).digest()
        table = self._table
        slot, step = self._start(digest)
        while True:
            at = slot * ENTRY_BYTES
            end = at + _HASH_BYTES
            found = table[end : end + 8]
            if found == _EMPTY:
                return -1
            if table[at:end] == digest:
                offset: int = _OFFSET.unpack(found)[0]
                return offset - 1
            slot = (slot + step) % self._slots

    def _start(self, digest: bytes) -> tuple[int, int]:
        first, second = _WORDS.unpack(digest)
        slots = self._slots
        return first % slots, 1 + second % (slots - 1) if slots > 1 else 0


def _prime_at_most(number: int) -> int:
    while number > 2 and not _is_prime(number):
        number -= 1
    return max(number, 0)


def _is_prime(number: int) -> bool:
    if number % 2 == 0:
        return number == 2
    return all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))
