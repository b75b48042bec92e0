"""The index files of a segment, read by pread and written from a small buffer.

The newest entries wait in memory and go to the file four kilobytes at a time, when the segment closes, and before a
flush. A process that is killed loses those that waited; recovery then rebuilds the index, as it does in any case for
every segment above the recovery point. Entries beyond the buffer are searched in the file, page by page, so an index
costs no memory while nobody asks.
"""

from __future__ import annotations

import struct
from typing import Final

from ottla.broker.storage.directory import FULL_DISK
from ottla.core.log.index import (
    OFFSET_ENTRY,
    TIME_ENTRY,
    TRANSACTION_ENTRY,
    AbortedTransaction,
    aborted_entries,
    floor_slot,
    pack_aborted,
)
from ottla.core.model.ids import NO_TIMESTAMP
from ottla.world.doors import Disk, File

_PAGE: Final = 4096


class _EntryIndex:
    """Fixed-size entries in ascending order, the tail of them in memory."""

    __slots__ = ("_entry", "_file", "_pending", "_stored", "base_offset", "count")

    def __init__(self, disk: Disk, path: str, base_offset: int, entry: struct.Struct) -> None:
        self._file: File = disk.open(path, create=True)
        self._entry = entry
        self.base_offset = base_offset
        self._stored = self._file.size() // entry.size
        self._pending = bytearray()
        self.count = self._stored
        """Entries in all: asked for every append, so it is kept, not computed."""

    def __len__(self) -> int:
        return self.count

    @property
    def file(self) -> File:
        return self._file

    def _add(self, entry: bytes) -> None:
        self._pending += entry
        self.count += 1
        if len(self._pending) >= _PAGE:
            try:
                self.write_pending()
            except OSError:
                # The entries stay in memory and go with the next page. A disk that takes none at all fails the
                # segment's own write, and that one is reported.
                return

    def write_pending(self) -> None:
        """Hand what waits to the file. Raises OSError."""
        if self._pending:
            self._file.write([bytes(self._pending)], self._stored * self._entry.size)
            self._stored += len(self._pending) // self._entry.size
            self._pending.clear()

    def _entry_at(self, slot: int) -> tuple[int, int]:
        size = self._entry.size
        if slot >= self._stored:
            first, second = self._entry.unpack_from(self._pending, (slot - self._stored) * size)
        else:
            first, second = self._entry.unpack(self._file.read(size, slot * size))
        return first, second

    def _floor(self, field: int, target: int) -> int:
        """The last slot whose `field` is at most `target`; -1 without one."""
        stored, size, unpack = self._stored, self._entry.size, self._entry.unpack_from
        if self._pending and unpack(self._pending)[field] <= target:
            return stored + floor_slot(
                lambda slot: int(unpack(self._pending, slot * size)[field]),
                len(self._pending) // size,
                target,
            )
        pages: dict[int, bytes] = {}
        per_page = _PAGE // size

        def at(slot: int) -> int:
            number, place = divmod(slot, per_page)
            page = pages.get(number)
            if page is None:
                page = pages[number] = self._file.read(per_page * size, number * per_page * size)
            return int(unpack(page, place * size)[field])

        return floor_slot(at, stored, target)

    def _keep(self, count: int) -> None:
        if count >= self.count:
            return
        self.count = count
        if count <= self._stored:
            self._pending.clear()
            self._stored = count
        else:
            del self._pending[(count - self._stored) * self._entry.size :]
        self._file.truncate(self._stored * self._entry.size)

    def replace(self, entries: bytes) -> None:
        """Everything anew, as recovery found it. What a full disk does not take waits in memory. Raises OSError."""
        self._file.truncate(0)
        self._stored = 0
        self._pending = bytearray(entries)
        self.count = len(entries) // self._entry.size
        try:
            self.write_pending()
        except OSError as error:
            if error.errno not in FULL_DISK:
                raise

    def trim(self) -> None:
        """Write what waits and give the file the size of its entries. Raises OSError."""
        self.write_pending()
        size = self._stored * self._entry.size
        if self._file.size() != size:
            self._file.truncate(size)

    def close(self) -> None:
        self._file.close()


class OffsetIndex(_EntryIndex):
    """Last offset of a batch → its position."""

    __slots__ = ("last_offset",)

    def __init__(self, disk: Disk, path: str, base_offset: int) -> None:
        super().__init__(disk, path, base_offset, OFFSET_ENTRY)
        self.last_offset = self._last()

    def _last(self) -> int:
        count = len(self)
        return self.base_offset + self._entry_at(count - 1)[0] if count else self.base_offset

    def last_entry(self) -> tuple[int, int]:
        """`(offset, position)` of the last entry, `(base offset, 0)` without one."""
        count = len(self)
        if not count:
            return self.base_offset, 0
        relative, position = self._entry_at(count - 1)
        return self.base_offset + relative, position

    def add(self, offset: int, position: int) -> None:
        if not len(self) or offset > self.last_offset:
            self._add(OFFSET_ENTRY.pack(offset - self.base_offset, position))
            self.last_offset = offset

    def position(self, offset: int) -> int:
        """Position of a batch that begins at or before `offset`: where to start walking."""
        slot = self._floor(0, offset - self.base_offset)
        return self._entry_at(slot)[1] if slot >= 0 else 0

    def position_before(self, position: int) -> int:
        """The last known start of a batch that is at most `position`."""
        slot = self._floor(1, position)
        return self._entry_at(slot)[1] if slot >= 0 else 0

    def truncate(self, offset: int) -> None:
        """Forget entries for `offset` and above."""
        self._keep(self._floor(0, offset - 1 - self.base_offset) + 1)
        self.last_offset = self._last()

    def replace(self, entries: bytes) -> None:
        super().replace(entries)
        self.last_offset = self._last()

    def fault(self, log_size: int) -> str | None:
        """What is wrong with the file, as far as its last entry tells."""
        if self._file.size() % OFFSET_ENTRY.size:
            return f"its size {self._file.size()} is no multiple of {OFFSET_ENTRY.size}"
        count = len(self)
        if count:
            relative, position = self._entry_at(count - 1)
            if relative <= 0 and count > 1:
                return f"its last entry has the relative offset {relative}"
            if relative < 0 or not 0 <= position < max(log_size, 1):
                return f"its last entry points to {position}, the log has {log_size} bytes"
        return None


class TimeIndex(_EntryIndex):
    """Largest timestamp so far → last offset of the batch that holds it."""

    __slots__ = ("last_offset", "last_timestamp")

    def __init__(self, disk: Disk, path: str, base_offset: int) -> None:
        super().__init__(disk, path, base_offset, TIME_ENTRY)
        self.last_timestamp, self.last_offset = self._last()

    def last_entry(self) -> tuple[int, int]:
        """`(timestamp, offset)`, `(-1, base offset)` without entries. Asks no disk: an append must not fail on it."""
        return self.last_timestamp, self.last_offset

    def _last(self) -> tuple[int, int]:
        count = len(self)
        if not count:
            return NO_TIMESTAMP, self.base_offset
        timestamp, relative = self._entry_at(count - 1)
        return timestamp, self.base_offset + relative

    def add(self, timestamp: int, offset: int) -> None:
        if timestamp > self.last_timestamp:
            self._add(TIME_ENTRY.pack(timestamp, offset - self.base_offset))
            self.last_timestamp, self.last_offset = timestamp, offset

    def offset(self, timestamp: int) -> int:
        """An offset before which every timestamp is smaller than `timestamp`, or the base offset."""
        slot = self._floor(0, timestamp)
        return self.base_offset + self._entry_at(slot)[1] if slot >= 0 else self.base_offset

    def truncate(self, offset: int) -> None:
        """Forget entries for `offset` and above."""
        self._keep(self._floor(1, offset - 1 - self.base_offset) + 1)
        self.last_timestamp, self.last_offset = self._last()

    def replace(self, entries: bytes) -> None:
        super().replace(entries)
        self.last_timestamp, self.last_offset = self._last()

    def fault(self) -> str | None:
        if self._file.size() % TIME_ENTRY.size:
            return f"its size {self._file.size()} is no multiple of {TIME_ENTRY.size}"
        count = len(self)
        if count > 1 and self._entry_at(count - 1)[0] < self._entry_at(0)[0]:
            return "its last timestamp is smaller than its first"
        return None


class TransactionIndex:
    """Aborted transactions. The file exists once there is one."""

    __slots__ = ("_disk", "_file", "_pending", "path")

    def __init__(self, disk: Disk, path: str) -> None:
        self._disk = disk
        self.path = path
        self._file: File | None = disk.open(path) if disk.exists(path) else None
        self._pending: list[AbortedTransaction] = []

    @property
    def file(self) -> File | None:
        return self._file

    def add(self, entry: AbortedTransaction) -> None:
        self._pending.append(entry)
        try:
            self.write_pending()
        except OSError:
            # The marker is in the log already, so the entry counts; it stays in memory until the file takes it.
            return

    def write_pending(self) -> None:
        """Hand what waits to the file. Raises OSError."""
        if self._pending:
            if self._file is None:
                self._file = self._disk.open(self.path, create=True)
            size = self._file.size()
            self._file.write(
                [b"".join(map(pack_aborted, self._pending))], size - size % TRANSACTION_ENTRY.size
            )
            self._pending.clear()

    def entries(self) -> list[AbortedTransaction]:
        if self._file is None:
            return list(self._pending)
        return [*aborted_entries(self._file.read(self._file.size(), 0)), *self._pending]

    def truncate(self, offset: int) -> None:
        """Forget transactions whose marker is at `offset` or above."""
        held = self.entries()
        kept = [entry for entry in held if entry.last_offset < offset]
        if len(kept) < len(held):
            self.replace(b"".join(map(pack_aborted, kept)))

    def replace(self, entries: bytes) -> None:
        """Everything anew; what a full disk does not take waits in memory. Raises OSError."""
        self._pending = list(aborted_entries(entries))
        if self._file is not None:
            self._file.truncate(0)
        try:
            self.write_pending()
        except OSError as error:
            if error.errno not in FULL_DISK:
                raise

    def fault(self, base_offset: int) -> str | None:
        """What is wrong with the file."""
        try:
            for entry in self.entries():
                if entry.last_offset < base_offset:
                    return f"it names offset {entry.last_offset}, below the base offset {base_offset}"
        except ValueError as error:
            return str(error)
        return None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
