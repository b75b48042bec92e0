"""How a log gets shorter: from the end (truncation to what the leader has), from the front (retention, DeleteRecords).

Files do not vanish at once. They are renamed to `.deleted` and removed after `file.delete.delay.ms`, as somebody may
be reading them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ottla.broker.storage.directory import read_file
from ottla.broker.storage.segment import Segment
from ottla.core.log.names import DELETED, snapshot_file
from ottla.core.log.plans import SegmentFacts, deletions
from ottla.core.log.scan import replay
from ottla.core.model.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log

_log = logging.getLogger("ottla.storage")


def remove_segments(log: Log, gone: list[Segment]) -> None:
    """Mark the files of `gone`, and the snapshots at their base offsets, for removal. Raises OSError."""
    disk = log.directory.disk
    marked: list[str] = []
    for segment in gone:
        segment.close()
        paths = [segment.path(suffix) for suffix in segment.suffixes()]
        if segment.base_offset in log.snapshots:
            log.snapshots.discard(segment.base_offset)
            paths.append(f"{log.path}/{snapshot_file(segment.base_offset)}")
        for path in paths:
            if disk.exists(path):
                disk.rename(path, path + DELETED)
                marked.append(path + DELETED)
    log.directory.trash.add(marked, log.config.file_delete_delay_ms)


def raise_start(log: Log, offset: int) -> int:
    """Records below `offset` are gone from now on (the files follow with the next retention run). Returns the start
    offset. Raises KafkaError OFFSET_OUT_OF_RANGE beyond the high watermark."""
    if offset > log.high_watermark or offset < 0:
        raise KafkaError(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"Records of {log.name} up to {offset} cannot be deleted: the high watermark is {log.high_watermark}",
        )
    if offset > log.start_offset:
        log.start_offset = offset
        log.leader_epochs.truncate_start(offset)
        try:
            log.write_epochs()
        except KafkaError:
            if not log.directory.online:
                raise
            # The disk is full, and this is how it gets room. The file of before only says too much of what is gone;
            # the next append writes it.
        log.producers.on_start_offset(offset)
        if log.start_listener is not None:
            log.start_listener(log)
    return log.start_offset


def apply_retention(log: Log, wall: int) -> int:
    """Delete the segments that time, size or the start offset condemn; returns how many. Raises KafkaError."""
    try:
        segments = log.segments
        plan = deletions(
            [SegmentFacts(segment.base_offset, segment.size) for segment in segments],
            log.config,
            lambda slot: segments[slot].largest_timestamp(),
            start_offset=log.start_offset,
            end_offset=log.end_offset,
            high_watermark=log.high_watermark,
            wall=wall,
        )
        total = sum(deletion.segments for deletion in plan)
        if not total:
            return 0
        if total == len(log.segments):
            log.roll(wall)
        gone, kept = log.segments[:total], log.segments[total:]
        for deletion in plan:
            _log.info("Deleting %d segments of %s: %s", deletion.segments, log.name, deletion.reason)
        if kept[0].base_offset > log.start_offset:
            raise_start(log, kept[0].base_offset)
        log.set_segments(kept)
        # Not before: what lies below the start offset but is still there has to be whole for recovery to get past it.
        log.recovery_point = max(log.recovery_point, kept[0].base_offset)
        remove_segments(log, gone)
    except OSError as error:
        raise log.directory.storage_error(f"deleting old segments of {log.name}", error) from error
    return total


def truncate_to(log: Log, offset: int, wall: int) -> bool:
    """Forget records from `offset` on; False when there are none. Raises KafkaError."""
    if offset < 0:
        raise ValueError(f"{log.name} cannot be truncated to {offset}")
    if offset >= log.end_offset:
        log.leader_epochs.truncate_end(log.end_offset)
        log.write_epochs()
        return False
    if offset < log.high_watermark:
        _log.warning("Truncating %s to %d, below its high watermark %d", log.name, offset, log.high_watermark)
    if offset < log.segments[0].base_offset:
        truncate_fully(log, offset, wall)
        return True
    try:
        keep = log.slot(offset) + 1
        gone = log.segments[keep:]
        log.set_segments(log.segments[:keep])
        remove_segments(log, gone)
        log.segments[-1].truncate(offset, wall)
        _end_at(log, offset)
        log.start_offset = min(log.start_offset, offset)
        rebuild_producers(log, wall)
    except OSError as error:
        raise log.directory.storage_error(f"truncating {log.name}", error) from error
    return True


def truncate_fully(log: Log, offset: int, wall: int) -> None:
    """Forget everything and begin anew at `offset`. Raises KafkaError."""
    disk = log.directory.disk
    try:
        gone = log.segments
        remove_segments(log, gone)
        for snapshot in sorted(log.snapshots):
            disk.remove(f"{log.path}/{snapshot_file(snapshot)}")
        log.snapshots.clear()
        log.set_segments([Segment.make(disk, log.path, offset, wall=wall)])
        log.producers.clear(offset)
        log.producers.snapshot_offset = 0
        log.start_offset = offset
        _end_at(log, offset)
        log.recovery_point = offset
        log.leader_epochs.clear()
        log.write_epochs()
    except OSError as error:
        raise log.directory.storage_error(f"emptying {log.name}", error) from error


def _end_at(log: Log, offset: int) -> None:
    log.end_offset = offset
    if offset < log.recovery_point:
        log.recovery_point = offset
        if log.truncation_listener is not None:
            log.truncation_listener(log)
    log.high_watermark = min(log.high_watermark, offset)
    log.leader_epochs.truncate_end(offset)
    log.write_epochs()


def rebuild_producers(log: Log, wall: int) -> None:
    """Bring the producer table to the end offset: from the newest snapshot that is not beyond it, and the batches
    after that. Snapshots beyond the end, and damaged ones, are removed. Raises OSError."""
    disk = log.directory.disk
    producers = log.producers
    for snapshot in sorted(log.snapshots, reverse=True):
        path = f"{log.path}/{snapshot_file(snapshot)}"
        if snapshot <= log.end_offset:
            try:
                data = read_file(disk, path)
                producers.load(data or b"", snapshot, wall, log.directory.producer_expiration_ms)
                break
            except ValueError as error:
                _log.warning("%s is removed: %s", path, error)
        disk.remove(path)
        log.snapshots.discard(snapshot)
    else:
        producers.clear(log.start_offset)
        producers.snapshot_offset = log.start_offset
    replay_from(log, max(producers.end_offset, log.start_offset))
    producers.end_offset = log.end_offset
    producers.on_high_watermark(log.high_watermark)


def replay_from(log: Log, offset: int) -> None:
    """Let the producer table see every batch from `offset` on. Raises OSError."""
    for segment in log.segments[max(log.slot(offset), 0) :]:
        place = segment.locate(offset)
        if place is None:
            continue
        for position, header in segment.headers(place.position):
            if header.producer_id >= 0 and header.last_offset >= offset:
                batch = segment.file.read(header.size, position) if header.is_control else b""
                replay(log.producers, header, batch)
