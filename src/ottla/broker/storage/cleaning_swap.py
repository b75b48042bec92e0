"""Putting a cleaned segment in the place of those it was made from, so that a crash at any moment leaves a whole log.

1. Its files go from `.cleaned` to `.swap`. Until the last of them has, a start throws all of them away.
2. The directory is synced: from here on a start finishes the exchange.
3. The replaced files are marked `.deleted` and go later, as somebody may be reading them.
4. The `.swap` files take their names.

`core.log.leftovers` is the other half: what a start does with what it finds.
"""

from __future__ import annotations

from ottla.broker.storage.cleaning_child import CleanedGroup
from ottla.broker.storage.log import Log
from ottla.broker.storage.segment import Segment
from ottla.core.log.names import CLEANED, DELETED, LOG, SWAP, segment_file, snapshot_file


def swap_in(log: Log, group: CleanedGroup, replaced: list[Segment]) -> None:
    """Exchange `replaced`, which must be segments of `log` in a row, for the cleaned one. Raises OSError."""
    disk = log.directory.disk
    # Retention goes by the file's age where records carry no time.
    written = disk.modified(replaced[-1].path(LOG))
    disk.set_modified(f"{log.path}/{segment_file(group.base_offset, LOG)}{CLEANED}", written)
    final = [f"{log.path}/{segment_file(group.base_offset, suffix)}" for suffix in group.suffixes]
    for path in final:
        disk.rename(path + CLEANED, path + SWAP)
    disk.sync_directory(log.path)
    _retire(log, group.base_offset, replaced)
    for path in final:
        disk.rename(path + SWAP, path)
    disk.sync_directory(log.path)
    segment = Segment(disk, log.path, group.base_offset, size=group.size, created=replaced[-1].created)
    segment.durable_name = True
    gone = set(map(id, replaced))
    slot = next(slot for slot, held in enumerate(log.segments) if id(held) in gone)
    kept = [held for held in log.segments if id(held) not in gone]
    log.set_segments([*kept[:slot], segment, *kept[slot:]])


def _retire(log: Log, base_offset: int, replaced: list[Segment]) -> None:
    """Mark the old files, and the producer snapshots between them, which no segment begins at any more."""
    disk = log.directory.disk
    marked: list[str] = []
    for segment in replaced:
        paths = [segment.path(suffix) for suffix in segment.suffixes()]
        segment.close()
        if segment.base_offset != base_offset and segment.base_offset in log.snapshots:
            log.snapshots.discard(segment.base_offset)
            paths.append(f"{log.path}/{snapshot_file(segment.base_offset)}")
        for path in paths:
            if disk.exists(path):
                disk.rename(path, path + DELETED)
                marked.append(path + DELETED)
    log.directory.remove_later(marked, log.config.file_delete_delay_ms)


def remove_cleaned(log: Log) -> None:
    """Throw away what a round left behind. Raises OSError."""
    disk = log.directory.disk
    for name in disk.list(log.path):
        if name.endswith(CLEANED):
            disk.remove(f"{log.path}/{name}")
