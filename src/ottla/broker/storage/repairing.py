"""Putting segments in order by what a scan of them finds (`recovery`).

A long scan runs in a child process and says in the node's log how far it is. The log is cut at the first batch that is
damaged; segments after it go, indexes are written anew, epochs and producers follow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from ottla.broker.storage.directory import write_file
from ottla.broker.storage.log import Log
from ottla.broker.storage.recovery import (
    CHILD_ENTRY,
    RecoveredSegment,
    RecoveryPlan,
    decode_recovered,
    encode_plan,
    recover,
)
from ottla.broker.storage.segment import Segment
from ottla.broker.storage.shrinking import remove_segments
from ottla.core.log.epochs import LeaderEpochs
from ottla.core.log.names import snapshot_file

_log = logging.getLogger("ottla.storage")

CHILD_ABOVE: Final = 8 << 20
"""Bytes to scan from which on a child process is worth its start."""
_PROGRESS_EVERY_MS: Final = 5_000


def _plan(log: Log, segments: list[Segment], wall: int, whole: bool) -> RecoveryPlan:
    first = segments[0].base_offset
    usable = [snapshot for snapshot in log.snapshots if snapshot <= first]
    snapshot = max(usable, default=-1)
    earlier = [
        segment.base_offset
        for segment in log.segments[max(log.slot(max(snapshot, 0)), 0) :]
        if segment.base_offset < first
    ]
    return RecoveryPlan(
        log.path,
        [segment.base_offset for segment in segments],
        earlier if snapshot != first else [],
        snapshot,
        log.leader_epochs.entries(),
        log.config.index_interval_bytes,
        log.start_offset,
        wall,
        log.directory.producer_expiration_ms,
        whole,
    )


async def recover_segments(log: Log, segments: list[Segment], wall: int, *, whole: bool = False) -> None:
    """Scan `segments`, a row of the log's, and put them in order; cut the log at the first damage. `whole`: records that
    are missing between two of them are damage, as compaction has taken none out. Raises OSError."""
    disk = log.directory.disk
    total = sum(segment.size for segment in segments)
    plan = _plan(log, segments, wall, whole)
    if total >= CHILD_ABOVE:
        _log.info("Recovering %s: %s in %d segments", log.name, _bytes(total), len(segments))
        data = await disk.child(CHILD_ENTRY, encode_plan(plan), _progress_logger(log, total))
        found = decode_recovered(data)
    else:
        found = recover(disk, plan)
    log.leader_epochs = LeaderEpochs(found.epochs)
    log.leader_epochs.changed = found.epochs != plan.epochs
    for segment, result in zip(segments, found.segments, strict=False):
        _adopt(log, segment, result)
    last = found.segments[-1]
    if last.fault is None:
        return
    lost = last.size - last.valid_bytes
    level = logging.WARNING if lost else logging.INFO
    _log.log(level, "Cut %d bytes from %s at offset %d: %s", lost, log.name, last.next_offset, last.fault)
    gone = segments[len(found.segments) :]
    if gone:
        _log.warning("Removing %d segments of %s after the damage", len(gone), log.name)
        kept = [segment for segment in log.segments if segment not in gone]
        log.set_segments(kept)
        remove_segments(log, gone)


def _adopt(log: Log, segment: Segment, result: RecoveredSegment) -> None:
    """Make files and memory what the scan found. Whoever wrote them may have died before they were synced."""
    segment.durable_name = segment.durable_indexes = False
    if result.valid_bytes < result.size:
        segment.file.truncate(result.valid_bytes)
    segment.size = segment.indexed_size = result.valid_bytes
    segment.index.replace(result.offset_index)
    segment.time_index.replace(result.time_index)
    segment.transactions.replace(result.aborted)
    segment.set_max_timestamp(result.max_timestamp, result.max_timestamp_offset)
    for stale in [offset for offset in log.snapshots if segment.base_offset < offset < result.next_offset]:
        log.directory.disk.remove(f"{log.path}/{snapshot_file(stale)}")
        log.snapshots.discard(stale)
    if result.next_offset > segment.base_offset:
        path = f"{log.path}/{snapshot_file(result.next_offset)}"
        try:
            write_file(log.directory.disk, path, result.producers, sync=False)
        except OSError as error:
            # On a full disk it goes without: the producers are then found out from what came before.
            log.directory.fail_unless_full(f"writing {path}", error)
            if not log.directory.online:
                raise
        else:
            log.snapshots.add(result.next_offset)


def _progress_logger(log: Log, total: int) -> Callable[[str], None]:
    clock = log.directory.clock
    began = said = clock.now()

    def progress(text: str) -> None:
        nonlocal said
        now = clock.now()
        if now - said >= _PROGRESS_EVERY_MS:
            said = now
            done = int(text)
            speed = done * 1000 // max(now - began, 1)
            left = (total - done) // max(speed, 1)
            _log.info(
                "Recovering %s: %s of %s, %s/s, about %d s left",
                log.name,
                _bytes(done),
                _bytes(total),
                _bytes(speed),
                left,
            )

    return progress


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count // size} {unit}"
    return f"{count} bytes"
