"""Making a log durable: fsync off the loop, many waiters on one call, the recovery point behind it.

The recovery point promises that everything below it survives a power cut, indexes of whole segments included: after
an unclean stop those segments are not read again. The active segment's indexes are always rebuilt, so a flush of it
need not wait for them; once it is closed they are synced, even if every record of it was flushed before.

A failed fsync is final. The kernel may have dropped the pages it could not write and report success next time, so the
directory goes offline at once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ottla.broker.storage.segment import Segment
from ottla.core.log.names import snapshot_file

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log


async def flush(log: Log, up_to: int | None = None) -> None:
    """Return when every record below `up_to` (default: the end offset now) is durable. Raises KafkaError
    KAFKA_STORAGE_ERROR, for every waiter, when the disk fails."""
    target = log.end_offset if up_to is None else min(up_to, log.end_offset)
    # A log that was deleted meanwhile is closed: nothing of it has to be durable any more.
    while not log.closed and (log.recovery_point < target or _has_unsynced_files(log)):
        log.directory.check_online()
        # One that is under way may not cover what was appended since it began: look again then.
        await log.flushing.do(partial(_flush, log))


def _has_unsynced_files(log: Log) -> bool:
    """Whether something besides records waits: indexes of closed segments, small files, the directory's own name."""
    return bool(log.unsynced_names) or not log.durable_name or first_unsynced(log) < len(log.segments) - 1


def first_unsynced(log: Log) -> int:
    """The slot of the first segment that is not on the platter whole; the active one never is."""
    slot = max(log.slot(log.recovery_point), 0)
    while slot and not log.segments[slot - 1].durable_indexes:
        slot -= 1
    return slot


def promised(log: Log) -> int:
    """What the recovery point checkpoint may say: recovery begins with the segment that holds this offset.

    That is the recovery point, unless the segment in front of it still waits for its indexes. It may be the active one:
    should it be closed just there, the recovery point would be where the next begins, and it would be passed over.
    """
    point, slot = log.recovery_point, first_unsynced(log)
    segment = log.segments[slot]
    if segment.durable_indexes or point <= segment.base_offset:
        return point
    following = log.segments[slot + 1].base_offset if slot + 1 < len(log.segments) else point
    return min(point, following) - 1


async def _flush(log: Log) -> None:
    """One round: everything that is in the log now."""
    clock = log.directory.clock
    began = clock.micros()
    end = log.end_offset
    unflushed = log.unflushed_records
    segments = log.segments[first_unsynced(log) :]
    try:
        for segment in segments:
            await _sync_segment(log, segment, whole=segment is not log.segments[-1])
        await _sync_names(log, segments)
    except (OSError, ValueError) as error:
        # A missing or a closed file (ValueError).
        gone = isinstance(error, FileNotFoundError | ValueError)
        if gone and (log.closed or any(segment not in log.segments for segment in segments)):
            # Deleted or compacted away meanwhile: what is gone need not be durable, the rest gets another round.
            return
        if isinstance(error, ValueError):
            raise
        # Not even a full disk is forgiven here.
        log.directory.fail(f"syncing {log.name}", error)
        raise log.directory.storage_error(f"syncing {log.name}", error) from error
    log.unflushed_records = max(log.unflushed_records - unflushed, 0)
    log.flushed_at = clock.now()
    log.directory.flush_times.done(clock.micros() - began)
    log.recovery_point = max(log.recovery_point, min(end, log.end_offset))


async def _sync_segment(log: Log, segment: Segment, *, whole: bool) -> None:
    await segment.file.sync()
    if not whole:
        return
    for file in segment.files()[1:]:
        await file.sync()
    if segment.base_offset in log.snapshots:
        snapshot = log.directory.disk.open(f"{log.path}/{snapshot_file(segment.base_offset)}")
        try:
            await snapshot.sync()
        finally:
            snapshot.close()
    segment.durable_indexes = True


async def _sync_names(log: Log, segments: list[Segment]) -> None:
    """New files are durable by name only once their directory is."""
    disk = log.directory.disk
    names, log.unsynced_names = log.unsynced_names, set()
    for name in sorted(names):
        if disk.exists(f"{log.path}/{name}"):
            file = disk.open(f"{log.path}/{name}")
            try:
                await file.sync()
            finally:
                file.close()
    if not log.durable_name:
        await disk.run(disk.sync_directory, log.directory.path)
        log.durable_name = True
    if not names and all(segment.durable_name for segment in segments):
        return
    await disk.run(disk.sync_directory, log.path)
    for segment in segments:
        segment.durable_name = True


def seal(log: Log) -> None:
    """Hand everything that waits in memory to the files (producers in a snapshot, indexes trimmed) and let go of them.
    Nothing is synced. Raises KafkaError."""
    if log.closed:
        return
    try:
        if log.leader_epochs.covers(log.end_offset):
            log.write_epochs()
        log.take_snapshot()
        log.segments[-1].seal()
    except OSError as error:
        log.directory.fail(f"closing {log.name}", error)
        raise log.directory.storage_error(f"closing {log.name}", error) from error
    finally:
        log.release()
