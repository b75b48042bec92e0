"""The batches in a stretch of a log, by their headers, and the part of the stretch that holds certain offsets.

A share partition decides by batches, so their headers are read; the records themselves go from the file to the socket.
A short stretch is read whole: one call is cheaper than one for each header, and the bytes are the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottla.core.records.batch import HEADER_SIZE, BatchHeader, batch_size, read_header
from ottla.world.doors import FileSlice

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log

COPIED_BYTES: Final = 64 << 10
"""Up to here a stretch is read whole."""


class Stretch:
    """`headers` in the order of the log; `bytes` are those of all of them, or None where they stay in the file."""

    __slots__ = ("_bytes", "_positions", "_slice", "headers")

    def __init__(
        self, slice_: FileSlice, data: bytes | None, headers: list[BatchHeader], positions: list[int]
    ) -> None:
        self.headers = headers
        self._slice = slice_
        self._bytes = data
        self._positions = positions

    def between(self, first: int, last: int) -> tuple[bytes | FileSlice, int]:
        """The batches with offsets from `first` to `last`, and their size. A slice is the caller's to release."""
        start, stop = 0, 0
        for header, position in zip(self.headers, self._positions, strict=True):
            if header.base_offset <= first:
                start = position
            if header.base_offset <= last:
                stop = position + header.size
        if self._bytes is not None:
            return self._bytes[start:stop], stop - start
        return FileSlice(self._slice.file, self._slice.position + start, stop - start), stop - start


def read_batches(log: Log, records: FileSlice, end_offset: int) -> Stretch:
    """The whole batches of `records`, up to the one that reaches `end_offset`. Raises KafkaError when the disk fails."""
    headers: list[BatchHeader] = []
    positions: list[int] = []
    data: bytes | None = None
    position = 0
    try:
        if records.size <= COPIED_BYTES:
            data = records.file.read(records.size, records.position)
        while records.size - position >= HEADER_SIZE:
            if data is None:
                head, at = records.file.read(HEADER_SIZE, records.position + position), 0
            else:
                head, at = data, position
            if batch_size(head, at, len(head)) is None or len(head) - at < HEADER_SIZE:
                break
            header = read_header(head, at)
            if header.size > records.size - position:
                break
            headers.append(header)
            positions.append(position)
            position += header.size
            if header.last_offset >= end_offset:
                break
    except OSError as error:
        raise log.directory.read_error(f"reading {log.name}", error) from error
    return Stretch(records, data, headers, positions)
