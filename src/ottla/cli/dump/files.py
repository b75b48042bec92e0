"""Which file is what: by its name, as Kafka names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from os.path import basename, dirname
from typing import Final

from ottla.cli.dump.against import offsets_against, times_against
from ottla.cli.dump.decoders import TOPICS
from ottla.cli.dump.indexes import (
    offset_index_rows,
    producer_snapshot_rows,
    time_index_rows,
    transaction_index_rows,
)
from ottla.cli.dump.rows import Broken, NoLogFile, Options, Row
from ottla.cli.dump.segment import segment_rows
from ottla.cli.dump.texts import READERS, text_rows
from ottla.core.log.names import CLEANED, DELETED, INDEX, LOG, SNAPSHOT, SWAP, TIME_INDEX, TRANSACTION_INDEX
from ottla.world.doors import Disk, File

CHECKPOINT: Final = ".checkpoint"
"""A snapshot of the metadata log, or what it was bootstrapped with: batches, as in a segment."""

SMALL_BYTES_MAX: Final = 256 << 20
"""Indexes and text files are read as a whole up to this size."""

UNKNOWN: Final = (
    "what can be read: *.log, *.index, *.timeindex, *.txnindex, *.snapshot, *.checkpoint, "
    + ", ".join(READERS)
)


def file_rows(disk: Disk, path: str, options: Options) -> Iterator[Row]:
    """The rows of one file. Raises Broken, NoLogFile, OSError."""
    name = basename(path)
    kind = name
    for mark in (DELETED, CLEANED, SWAP):
        kind = kind.removesuffix(mark)
    file = disk.open(path)
    try:
        if kind.endswith((LOG, CHECKPOINT)):
            yield from segment_rows(file, options)
        elif name in READERS:
            yield from text_rows(name, whole_file(file))
        elif kind.endswith(INDEX):
            rows = offset_index_rows(whole_file(file), base_offset(name))
            yield from _against_segment(disk, path, INDEX, rows, offsets_against)
        elif kind.endswith(TIME_INDEX):
            rows = time_index_rows(whole_file(file), base_offset(name))
            yield from _against_segment(disk, path, TIME_INDEX, rows, times_against)
        elif kind.endswith(TRANSACTION_INDEX):
            yield from transaction_index_rows(whole_file(file))
        elif kind.endswith(SNAPSHOT):
            yield from producer_snapshot_rows(whole_file(file))
        else:
            raise NoLogFile(UNKNOWN)
    finally:
        file.close()


def _against_segment(
    disk: Disk,
    path: str,
    suffix: str,
    rows: Iterator[Row],
    check: Callable[[Iterator[Row], File], Iterator[Row]],
) -> Iterator[Row]:
    """The rows, held against the segment where it lies beside the index."""
    segment_path = path.removesuffix(suffix) + LOG
    if segment_path == path + LOG or not disk.exists(segment_path):
        yield from rows
        return
    segment = disk.open(segment_path)
    try:
        yield from check(rows, segment)
    finally:
        segment.close()


def whole_file(file: File) -> bytes:
    size = file.size()
    if size > SMALL_BYTES_MAX:
        raise Broken(0, f"{size} bytes are more than the {SMALL_BYTES_MAX} such a file may have")
    return file.read(size, 0)


def base_offset(name: str) -> int:
    """The offset in a file's name; 0 for a file that was renamed."""
    digits = name.partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def decoder_for(path: str) -> str:
    """How the records of a file read, by the topic its directory names; checkpoints hold metadata."""
    if basename(path).endswith(CHECKPOINT):
        return "metadata"
    topic = basename(dirname(path)).rpartition("-")[0]
    return TOPICS.get(topic, "plain")
