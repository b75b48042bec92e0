"""When a segment is full, and which segments may go: decisions over plain facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ottla.core.log.config import LogConfig
from ottla.core.log.index import MAX_RELATIVE_OFFSET, OFFSET_ENTRY, TIME_ENTRY, max_entries

START_OFFSET: Final = "they lie below the log start offset"
RETENTION_BYTES: Final = "retention.bytes is exceeded"
RETENTION_MS: Final = "retention.ms has passed"


class SegmentFacts(NamedTuple):
    """A segment as retention sees it."""

    base_offset: int
    size: int


class Deletion(NamedTuple):
    """The first `segments` that are still there may go, because of `reason`."""

    segments: int
    reason: str


class RollLimits:
    """When a segment of a log is full, worked out of the log's settings once: every append asks."""

    __slots__ = ("bytes", "ms", "offset_entries", "time_entries")

    def __init__(self, config: LogConfig) -> None:
        self.bytes = config.segment_bytes
        self.ms = config.roll_ms
        self.offset_entries = max_entries(config.segment_index_bytes, OFFSET_ENTRY.size)
        self.time_entries = max_entries(config.segment_index_bytes, TIME_ENTRY.size) - 1
        """The time index keeps one entry free for the last one, written when the segment closes."""


def must_roll(
    limits: RollLimits,
    base_offset: int,
    size: int,
    incoming: int,
    last_offset: int,
    waited_ms: int,
    jitter_ms: int,
    offset_entries: int,
    time_entries: int,
) -> bool:
    """Whether a batch of `incoming` bytes that ends at `last_offset` has to open a new segment.

    `waited_ms` is the time between the segment's first record and this one (or since it was made, for records without
    timestamps); `jitter_ms` spreads segments of many partitions that began together.
    """
    return (
        size > limits.bytes - incoming
        or (size > 0 and waited_ms > limits.ms - jitter_ms)
        or last_offset - base_offset > MAX_RELATIVE_OFFSET
        or offset_entries >= limits.offset_entries
        or time_entries >= limits.time_entries
    )


def deletions(
    segments: Sequence[SegmentFacts],
    config: LogConfig,
    largest_timestamp: Callable[[int], int],
    *,
    start_offset: int,
    end_offset: int,
    high_watermark: int,
    wall: int,
) -> list[Deletion]:
    """What retention removes from the front of a log, in the order of Kafka's three checks. Nothing that reaches
    above the high watermark goes, and an empty last segment stays. `largest_timestamp(slot)` is that of the segment's
    records, or the time of its last change when no record has one; it is asked only as far as segments go."""
    found: list[Deletion] = []
    done = 0

    def removable(slot: int) -> bool:
        last = slot + 1 == len(segments)
        if last and segments[slot].size == 0:
            return False
        return high_watermark >= (end_offset if last else segments[slot + 1].base_offset)

    def note(upto: int, reason: str) -> None:
        nonlocal done
        if upto > done:
            found.append(Deletion(upto - done, reason))
            done = upto

    slot = done
    while slot + 1 < len(segments) and segments[slot + 1].base_offset <= start_offset and removable(slot):
        slot += 1
    note(slot, START_OFFSET)
    if not config.deletes:
        return found
    if config.retention_bytes >= 0:
        surplus = sum(segment.size for segment in segments[done:]) - config.retention_bytes
        slot = done
        while slot < len(segments) and surplus - segments[slot].size >= 0 and removable(slot):
            surplus -= segments[slot].size
            slot += 1
        note(slot, RETENTION_BYTES)
    if config.retention_ms >= 0:
        slot = done
        while (
            slot < len(segments) and removable(slot) and wall - largest_timestamp(slot) > config.retention_ms
        ):
            slot += 1
        note(slot, RETENTION_MS)
    return found
