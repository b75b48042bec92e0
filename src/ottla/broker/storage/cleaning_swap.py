"""Putting a cleaned segment in the place of those it was made from, so that a crash at any moment leaves a whole log.

1. Its files go from `.cleaned` to `.swap`. Until the last of them has, a start throws all of them away.
2. The directory is synced: from here on a start finishes the exchange.
3. The replaced files are marked `.deleted` and go later, as somebody may be reading them.
4. The `.swap` files take their names.

`core.log.leftovers` is the other half: what a start does with what it finds.
"""

from __future__ import annotations

from collections import deque

import msgspec

from ottla.broker.storage.cleaning_child import CleanedGroup
from ottla.broker.storage.log import Log
from ottla.broker.storage.segment import Segment
from ottla.core.log.names import CLEANED, DELETED, LOG, SWAP, segment_file, snapshot_file
from ottla.world.doors import Task


class Swap:
    """One round's exchanges, one after the other in the order in which the child reports them, as long as the log is
    still what the child was given."""

    def __init__(self, log: Log, segments: list[Segment]) -> None:
        self._log = log
        self._given = {segment.base_offset: (segment, segment.size) for segment in segments}
        self._waiting: deque[CleanedGroup] = deque()
        self._working: Task | None = None
        self.complete = True
        """Whether everything that was reported has taken its place."""

    def on_progress(self, text: str) -> None:
        """A group is clean, says the child."""
        self._waiting.append(msgspec.json.decode(text, type=CleanedGroup))
        if self._working is None:
            self._working = self._log.directory.clock.spawn(self._work(), name=f"swap {self._log.name}")

    async def finish(self) -> None:
        """Return when nothing is under way any more."""
        if self._working is not None:
            await self._working

    def stop(self) -> None:
        """Leave it as it is; the next start finishes or drops what is half done."""
        if self._working is not None:
            self._working.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting and self.complete:
                self.complete = await self._exchange(self._waiting.popleft())
        except OSError as error:
            self._log.directory.fail(f"swapping cleaned segments into {self._log.name}", error)
            self.complete = False
        finally:
            self._working = None

    async def _exchange(self, group: CleanedGroup) -> bool:
        """False when the log has changed. Raises OSError."""
        log = self._log
        replaced = self._replaced(group)
        if not replaced:
            return False
        disk = log.directory.disk
        # Retention goes by the file's age where records carry no time.
        written = disk.modified(replaced[-1].path(LOG))
        disk.set_modified(f"{log.path}/{segment_file(group.base_offset, LOG)}{CLEANED}", written)
        final = [segment_file(group.base_offset, suffix) for suffix in group.suffixes]
        for name in final:
            disk.rename(f"{log.path}/{name}{CLEANED}", f"{log.path}/{name}{SWAP}")
        await self._sync_names()
        if replaced != self._replaced(group):
            self._take_back(final)
            return False
        _retire(log, group.base_offset, replaced)
        for name in final:
            disk.rename(f"{log.path}/{name}{SWAP}", f"{log.path}/{name}")
        cleaned = Segment(disk, log.path, group.base_offset, size=group.size, created=replaced[-1].created)
        _put(log, cleaned, replaced)
        await self._sync_names()
        cleaned.durable_name = cleaned.durable_indexes = True
        return True

    async def _sync_names(self) -> None:
        """Unless the log is gone meanwhile, and its directory with it. Raises OSError."""
        disk = self._log.directory.disk
        try:
            await disk.run(disk.sync_directory, self._log.path)
        except FileNotFoundError:
            if not self._log.closed:
                raise

    def _replaced(self, group: CleanedGroup) -> list[Segment]:
        """The segments it was made from; none when they are not all there as they were."""
        log = self._log
        found = [self._given[base_offset] for base_offset in group.replaced]
        if log.closed or not log.directory.online:
            return []
        if any(segment.size != size or segment not in log.segments for segment, size in found):
            return []
        return [segment for segment, _ in found]

    def _take_back(self, names: list[str]) -> None:
        """What it was made from is gone or has changed: a start must not put it in its place. Raises OSError."""
        log = self._log
        if not log.closed and log.directory.online:
            for name in names:
                log.directory.disk.remove(f"{log.path}/{name}{SWAP}")


def _put(log: Log, cleaned: Segment, replaced: list[Segment]) -> None:
    """`cleaned` stands where `replaced`, a row of the log's segments, stood."""
    gone = set(map(id, replaced))
    slot = next(slot for slot, held in enumerate(log.segments) if id(held) in gone)
    kept = [held for held in log.segments if id(held) not in gone]
    log.set_segments([*kept[:slot], cleaned, *kept[slot:]])


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
    log.directory.trash.add(marked, log.config.file_delete_delay_ms)


def remove_cleaned(log: Log) -> None:
    """Throw away what a round left behind. Raises OSError."""
    disk = log.directory.disk
    for name in disk.list(log.path):
        if name.endswith(CLEANED):
            disk.remove(f"{log.path}/{name}")
