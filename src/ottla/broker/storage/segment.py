"""One segment of a log: a file of batches and its indexes.

A segment knows its size, where its batches lie (by the offset index and a short walk from there) and its largest
timestamp. It neither knows which offsets may be read nor when to roll: that is the log's.

Positions are bytes in the file. Raises OSError as the Disk door does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ottla.broker.storage.indexes import OffsetIndex, TimeIndex, TransactionIndex
from ottla.core.log.names import INDEX, LOG, TIME_INDEX, TRANSACTION_INDEX, segment_file
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import NO_TIMESTAMP
from ottla.core.records.batch import HEADER_SIZE, LOG_OVERHEAD, BatchHeader, read_header
from ottla.core.records.errors import corrupt
from ottla.world.doors import Disk, File

_HEAD: Final = struct.Struct(">qi11xi")
"""Base offset, length and last offset delta: the first 27 bytes of a batch."""

_WALK: Final = 4096
_LONG_WALK: Final = 64 * 1024


def walk_headers(file: File, size: int, position: int = 0) -> Iterator[tuple[int, BatchHeader]]:
    """`(position, header)` of every batch in the first `size` bytes of `file`, from the one at `position` on."""
    chunk = b""
    start = position
    while position < size:
        at = position - start
        if at + HEADER_SIZE > len(chunk):
            chunk, start, at = file.read(_LONG_WALK, position), position, 0
            if len(chunk) < HEADER_SIZE:
                return
        header = read_header(chunk, at)
        if header.size < HEADER_SIZE:
            return
        yield position, header
        position += header.size


class Place(NamedTuple):
    """A batch in a segment."""

    position: int
    base_offset: int
    last_offset: int
    size: int


class Segment:
    """See the module. `first_timestamp` is the largest timestamp of the first batch, what rolling by time counts from
    (None: not known yet, -1: that batch has none)."""

    __slots__ = (
        "_disk",
        "_file",
        "_index",
        "_max_timestamp",
        "_max_timestamp_offset",
        "_time_index",
        "_transactions",
        "base_offset",
        "created",
        "directory",
        "durable_indexes",
        "durable_name",
        "first_timestamp",
        "indexed_size",
        "jitter_ms",
        "size",
        "unindexed_bytes",
    )

    def __init__(
        self, disk: Disk, directory: str, base_offset: int, *, size: int, created: int, jitter_ms: int = 0
    ) -> None:
        self._disk = disk
        self.directory = directory
        self.base_offset = base_offset
        self.size = size
        self.created = created
        self.jitter_ms = jitter_ms
        self.durable_indexes = False
        """Whether the indexes were synced since they got their last entry: never so in the active segment."""
        self.durable_name = False
        """Whether the directory was synced since the files were made."""
        self.first_timestamp: int | None = None
        self.indexed_size = size
        """Where the next batch that `index_batch` hears of begins."""
        self.unindexed_bytes = 0
        self._max_timestamp: int | None = None
        self._max_timestamp_offset = base_offset
        self._file: File | None = None
        self._index: OffsetIndex | None = None
        self._time_index: TimeIndex | None = None
        self._transactions: TransactionIndex | None = None

    @classmethod
    def make(cls, disk: Disk, directory: str, base_offset: int, *, wall: int, jitter_ms: int = 0) -> Segment:
        """A new, empty segment. Files of the same name that are there already go first."""
        segment = cls(disk, directory, base_offset, size=0, created=wall, jitter_ms=jitter_ms)
        segment.unmake()
        segment._file = disk.open(segment.path(LOG), create=True)
        segment._index = OffsetIndex(disk, segment.path(INDEX), base_offset)
        segment._time_index = TimeIndex(disk, segment.path(TIME_INDEX), base_offset)
        segment._max_timestamp = NO_TIMESTAMP
        return segment

    def unmake(self) -> None:
        """Close and remove what there is of its files. Raises OSError."""
        self.close()
        for suffix in self.suffixes():
            self._disk.remove(self.path(suffix))

    def reaches(self, offset: int) -> bool:
        """Whether a batch ends at `offset` or later, by the headers alone: the indexes may be damaged."""
        try:
            return self.find(offset) is not None
        except KafkaError:
            return False

    def path(self, suffix: str) -> str:
        return f"{self.directory}/{segment_file(self.base_offset, suffix)}"

    @property
    def file(self) -> File:
        if self._file is None:
            self._file = self._disk.open(self.path(LOG))
        return self._file

    @property
    def index(self) -> OffsetIndex:
        if self._index is None:
            self._index = OffsetIndex(self._disk, self.path(INDEX), self.base_offset)
        return self._index

    @property
    def time_index(self) -> TimeIndex:
        if self._time_index is None:
            self._time_index = TimeIndex(self._disk, self.path(TIME_INDEX), self.base_offset)
        return self._time_index

    @property
    def transactions(self) -> TransactionIndex:
        if self._transactions is None:
            self._transactions = TransactionIndex(self._disk, self.path(TRANSACTION_INDEX))
        return self._transactions

    # -- timestamps ----------------------------------------------------------------------------------------------

    @property
    def max_timestamp(self) -> int:
        """The largest timestamp of any record, -1 without one."""
        if self._max_timestamp is None:
            self._max_timestamp, self._max_timestamp_offset = self.time_index.last_entry()
        return self._max_timestamp

    @property
    def max_timestamp_offset(self) -> int:
        """Last offset of the batch that holds `max_timestamp`."""
        return self._max_timestamp_offset if self.max_timestamp >= 0 else self.base_offset

    def set_max_timestamp(self, timestamp: int, offset: int) -> None:
        self._max_timestamp = timestamp
        self._max_timestamp_offset = offset

    def largest_timestamp(self) -> int:
        """What retention goes by: the records' largest timestamp, or when the file was last changed."""
        timestamp = self.max_timestamp
        return timestamp if timestamp >= 0 else self._disk.modified(self.path(LOG))

    def waited_ms(self, timestamp: int, wall: int) -> int:
        """How long this segment has been taking records when one with `timestamp` comes at `wall`."""
        if self.first_timestamp is None and self.size:
            self.first_timestamp = self.header_at(0).max_timestamp
        if self.first_timestamp is not None and self.first_timestamp >= 0:
            return timestamp - self.first_timestamp
        return wall - self.created

    # -- finding -------------------------------------------------------------------------------------------------

    def header_at(self, position: int) -> BatchHeader:
        """Raises KafkaError (CORRUPT_MESSAGE) where the file has no whole header."""
        head = self.file.read(HEADER_SIZE, position)
        if len(head) < HEADER_SIZE:
            raise corrupt(f"{self.file.path} ends in the header of the batch at position {position}")
        return read_header(head)

    def headers(self, position: int = 0) -> Iterator[tuple[int, BatchHeader]]:
        """`(position, header)` of every batch from the one at `position` on."""
        return walk_headers(self.file, self.size, position)

    def find(self, offset: int, position: int = 0) -> Place | None:
        """The first batch that ends at `offset` or later, walking from `position`; None past the last one.

        Raises KafkaError (CORRUPT_MESSAGE) for a length that leads nowhere."""
        chunk = b""
        start = position
        file = self.file
        while position < self.size:
            at = position - start
            if at + _HEAD.size > len(chunk):
                chunk, start, at = file.read(_WALK, position), position, 0
                if len(chunk) < _HEAD.size:
                    return None
            base, length, delta = _HEAD.unpack_from(chunk, at)
            if base + delta >= offset:
                return Place(position, base, base + delta, length + 12)
            if length < HEADER_SIZE - LOG_OVERHEAD:
                raise corrupt(
                    f"{file.path} is damaged at position {position}: a batch of {length + 12} bytes"
                )
            position += length + LOG_OVERHEAD
        return None

    def locate(self, offset: int) -> Place | None:
        """The first batch that ends at `offset` or later."""
        return self.find(offset, self.index.position(offset))

    def boundary(self, start: int, limit: int) -> int:
        """The last end of a batch that is at most `limit`, counting from the batch at `start`; `start` itself when
        the batch there reaches further."""
        if limit >= self.size:
            return self.size
        position = max(start, self.index.position_before(limit))
        chunk = b""
        chunk_start = position
        while True:
            at = position - chunk_start
            if at + _HEAD.size > len(chunk):
                chunk, chunk_start, at = self.file.read(_WALK, position), position, 0
                if len(chunk) < _HEAD.size:
                    return position
            following = position + int(_HEAD.unpack_from(chunk, at)[1]) + 12
            if following > limit or following <= position:
                return position
            position = following

    def base_offset_at(self, position: int) -> int:
        return int.from_bytes(self.file.read(8, position), "big", signed=True)

    def next_offset(self) -> int:
        """One past the last record, found from the last index entry."""
        position = self.index.last_entry()[1]
        found = self.base_offset
        while position < self.size:
            head = self.file.read(_HEAD.size, position)
            if len(head) < _HEAD.size:
                break
            base, length, delta = _HEAD.unpack(head)
            if length < HEADER_SIZE - 12 or position + length + 12 > self.size:
                break
            found = base + delta + 1
            position += length + 12
        return found

    # -- changing ------------------------------------------------------------------------------------------------

    def index_batch(self, size: int, last_offset: int, timestamp: int, interval: int) -> None:
        """The next batch, of `size` bytes, is in the file: note its timestamp, and index it when it is time."""
        largest = self._max_timestamp
        if timestamp > (self.max_timestamp if largest is None else largest):
            self._max_timestamp = timestamp
            self._max_timestamp_offset = last_offset
        if self.unindexed_bytes > interval:
            self.index.add(last_offset, self.indexed_size)
            self.time_index.add(self.max_timestamp, self._max_timestamp_offset)
            self.unindexed_bytes = 0
        self.unindexed_bytes += size
        self.indexed_size += size

    def truncate(self, offset: int, wall: int) -> None:
        """Forget batches that reach `offset` or further."""
        place = self.locate(offset)
        self.index.truncate(offset)
        self.time_index.truncate(offset)
        self.transactions.truncate(offset)
        if place is not None:
            self.file.truncate(place.position)
            self.size = self.indexed_size = place.position
        if not self.size:
            self.created = wall
            self.first_timestamp = None
        self.unindexed_bytes = 0
        self._reread_max_timestamp()

    def _reread_max_timestamp(self) -> None:
        timestamp, offset = self.time_index.last_entry()
        for _, header in self.headers(self.index.position(offset)):
            if header.max_timestamp > timestamp:
                timestamp, offset = header.max_timestamp, header.last_offset
        self.set_max_timestamp(timestamp, offset)

    def seal(self) -> None:
        """No more records come: the time index gets its last entry, the indexes their final size."""
        self.durable_indexes = False
        self.time_index.add(self.max_timestamp, self.max_timestamp_offset)
        self.index.trim()
        self.time_index.trim()
        self.transactions.write_pending()

    def write_indexes(self) -> None:
        """Hand index entries that wait in memory to their files."""
        if self._index is not None:
            self._index.write_pending()
        if self._time_index is not None:
            self._time_index.write_pending()
        if self._transactions is not None:
            self._transactions.write_pending()

    def files(self) -> Sequence[File]:
        """All files, the log first, for syncing."""
        found: list[File] = [self.file, self.index.file, self.time_index.file]
        transactions = self.transactions.file
        if transactions is not None:
            found.append(transactions)
        return found

    def suffixes(self) -> list[str]:
        """Of the files that exist."""
        return [
            suffix
            for suffix in (LOG, INDEX, TIME_INDEX, TRANSACTION_INDEX)
            if self._disk.exists(self.path(suffix))
        ]

    def relocate(self, directory: str) -> None:
        """The directory has another name now; `write_indexes` came before that."""
        self.close()
        self.directory = directory

    def close(self) -> None:
        """Let go of the files. Slices already handed out keep theirs open; a later use opens them anew."""
        for held in (self._file, self._index, self._time_index, self._transactions):
            if held is not None:
                held.close()
        self._file = self._index = self._time_index = self._transactions = None

    def __repr__(self) -> str:
        return f"Segment({self.path(LOG)}, {self.size} bytes)"
