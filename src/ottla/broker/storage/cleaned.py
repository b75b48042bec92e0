"""A segment that compaction writes: batches in, a log file and its indexes out, all under `.cleaned` names.

Nobody reads these files before they are whole, synced and renamed, so the indexes are gathered in memory and written
once. Positions and sizes are bytes. Raises OSError as the Disk door does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ottla.core.log.index import OFFSET_ENTRY, TIME_ENTRY, AbortedTransaction, pack_aborted
from ottla.core.log.names import CLEANED, INDEX, LOG, TIME_INDEX, TRANSACTION_INDEX, segment_file
from ottla.core.model.ids import NO_TIMESTAMP
from ottla.core.records.batch import BatchHeader
from ottla.world.doors import Disk

_WRITE_BYTES: Final = 1 << 20
"""How much is gathered before it is written."""


class CleanedSegment:
    """`size` is what the log file has so far."""

    __slots__ = (
        "_directory",
        "_disk",
        "_file",
        "_index",
        "_index_interval",
        "_max_timestamp",
        "_max_timestamp_offset",
        "_time_entry",
        "_time_index",
        "_unindexed",
        "_waiting",
        "_waiting_bytes",
        "base_offset",
        "size",
    )

    def __init__(self, disk: Disk, directory: str, base_offset: int, index_interval: int) -> None:
        self._disk = disk
        self._directory = directory
        self.base_offset = base_offset
        self.size = 0
        self._index_interval = index_interval
        self._index = bytearray()
        self._time_index = bytearray()
        self._max_timestamp = NO_TIMESTAMP
        self._max_timestamp_offset = base_offset
        self._time_entry = NO_TIMESTAMP
        self._unindexed = 0
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0
        path = self._path(LOG)
        disk.remove(path)
        self._file = disk.open(path, create=True)

    def _path(self, suffix: str) -> str:
        return f"{self._directory}/{segment_file(self.base_offset, suffix)}{CLEANED}"

    def append(self, header: BatchHeader, parts: Sequence[bytes | memoryview]) -> int:
        """Add a batch; returns how many bytes were written to the file meanwhile. `parts` must stay as they are."""
        if header.max_timestamp > self._max_timestamp:
            self._max_timestamp = header.max_timestamp
            self._max_timestamp_offset = header.last_offset
        if self._unindexed > self._index_interval:
            self._index += OFFSET_ENTRY.pack(header.last_offset - self.base_offset, self.size)
            self._add_time_entry()
            self._unindexed = 0
        self._waiting += parts
        self._waiting_bytes += header.size
        self._unindexed += header.size
        self.size += header.size
        return self._write() if self._waiting_bytes >= _WRITE_BYTES else 0

    def _write(self) -> int:
        written = self._waiting_bytes
        if written:
            self._file.write([b"".join(self._waiting)], self.size - written)
            self._waiting.clear()
            self._waiting_bytes = 0
        return written

    def _add_time_entry(self) -> None:
        if self._max_timestamp > self._time_entry:
            self._time_entry = self._max_timestamp
            self._time_index += TIME_ENTRY.pack(
                self._max_timestamp, self._max_timestamp_offset - self.base_offset
            )

    def finish(self, aborted: Sequence[AbortedTransaction]) -> list[str]:
        """Write what is left and sync it all; returns the suffixes of the files that exist, the log's first."""
        self._write()
        self._file.sync_now()
        self._file.close()
        self._add_time_entry()
        suffixes = [LOG, INDEX, TIME_INDEX]
        self._store(INDEX, self._index)
        self._store(TIME_INDEX, self._time_index)
        if aborted:
            self._store(TRANSACTION_INDEX, b"".join(map(pack_aborted, aborted)))
            suffixes.append(TRANSACTION_INDEX)
        return suffixes

    def _store(self, suffix: str, data: bytes | bytearray) -> None:
        path = self._path(suffix)
        self._disk.remove(path)
        file = self._disk.open(path, create=True)
        try:
            if data:
                file.write([bytes(data)], 0)
            file.sync_now()
        finally:
            file.close()
