"""Closing the active segment and opening the next one.

A roll is whole or has not happened. What a failed one leaves on the disk would be taken for the end of the log at the
next start, and what was appended to the old segment since would be lost; so it is removed at once, and looked for
when a log is loaded, as a power cut may bring removed names back.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ottla.broker.storage.segment import Segment
from ottla.core.log.names import snapshot_file

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log

_log = logging.getLogger("ottla.storage")


def roll(log: Log, wall: int, base_offset: int | None) -> Segment:
    """The segment that begins at `base_offset`, the end offset when that is None. Raises KafkaError."""
    base = log.end_offset if base_offset is None else max(base_offset, log.end_offset)
    old = log.segments[-1]
    if old.base_offset == base:
        return old
    try:
        segment = _make(log, old, base, wall)
    except OSError as error:
        raise log.directory.storage_error(f"rolling {log.name}", error) from error
    log.append_segment(segment)
    _log.info("Rolled %s at offset %d: segments=%d", log.name, base, len(log.segments))
    return segment


def _make(log: Log, old: Segment, base: int, wall: int) -> Segment:
    config = log.config
    bound = min(config.segment_jitter_ms, config.segment_ms)
    jitter = log.directory.chance.below(bound) if bound > 0 else 0
    try:
        old.seal()
        segment = Segment.make(log.directory.disk, log.path, base, wall=wall, jitter_ms=jitter)
        log.producers.end_offset = base
        log.take_snapshot()
    except OSError:
        _unmake(log, base, wall)
        raise
    return segment


def _unmake(log: Log, base: int, wall: int) -> None:
    disk = log.directory.disk
    Segment(disk, log.path, base, size=0, created=wall).unmake()
    snapshot = f"{log.path}/{snapshot_file(base)}"
    if base not in log.snapshots and disk.exists(snapshot):
        disk.remove(snapshot)


def drop_failed_roll(segments: list[Segment]) -> list[Segment]:
    """The segments of a log that is being loaded, without an empty last one that the one before it reaches into.
    Raises OSError."""
    if len(segments) < 2 or segments[-1].size or not segments[-2].reaches(segments[-1].base_offset):
        return segments
    _log.info("Removing %r, left behind by a roll that failed", segments[-1])
    segments[-1].unmake()
    return segments[:-1]
