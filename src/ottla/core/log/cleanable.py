"""Which part of a log compaction may take, whose turn it is, and which segments are copied together.

Segments are cleaned whole, so both ends of the dirty part are rounded down to a segment for the sums that decide. The
active segment, offsets that no consumer may see for certain (above the last stable offset) and segments younger than
`min.compaction.lag.ms` are out of bounds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from ottla.core.log.config import LogConfig
from ottla.core.log.index import MAX_RELATIVE_OFFSET


class Extent(NamedTuple):
    """A segment as the cleaner sees it: sizes in bytes, timestamps in ms since 1970."""

    base_offset: int
    size: int
    index_bytes: int
    time_index_bytes: int
    largest_timestamp: int
    """Of its records; of the file when no record has one."""
    first_timestamp: int = -1
    """The largest timestamp of the first batch, -1 when there is none or nobody asks (no maximum lag)."""


class Dirty(NamedTuple):
    """The dirty part of a log: offsets from `first_offset` up to `end_offset`."""

    first_offset: int
    end_offset: int
    clean_bytes: int
    dirty_bytes: int
    overdue: bool
    """Its oldest record waits for longer than `max.compaction.lag.ms`."""
    reset: bool
    """The checkpoint did not fit the log, so everything counts as dirty."""

    @property
    def ratio(self) -> float:
        total = self.clean_bytes + self.dirty_bytes
        return self.dirty_bytes / total if total else 0.0

    def worth_cleaning(self, config: LogConfig) -> bool:
        return (self.overdue and self.dirty_bytes > 0) or self.ratio > config.min_cleanable_dirty_ratio


def dirty_part(
    segments: Sequence[Extent],
    config: LogConfig,
    *,
    checkpoint: int | None,
    start_offset: int,
    end_offset: int,
    last_stable_offset: int,
    wall: int,
) -> Dirty:
    """What a round could clean. The last of `segments` is the active one; `checkpoint` is where the last round ended."""
    first = start_offset if checkpoint is None else checkpoint
    reset = not start_offset <= first <= end_offset
    if reset:
        first = start_offset
    active = segments[-1].base_offset
    dirty = segments[_holding(segments, first) : -1] if first <= active else ()
    end = min(last_stable_offset, active)
    if config.min_compaction_lag_ms > 0:
        settled = wall - config.min_compaction_lag_ms
        young = next((segment for segment in dirty if segment.largest_timestamp > settled), None)
        if young is not None:
            end = min(end, young.base_offset)
    bound = segments[_holding(segments, max(first, end))].base_offset
    since = min(first, bound)
    overdue_since = wall - max(config.max_compaction_lag_ms, 0)
    return Dirty(
        first_offset=first,
        end_offset=bound,
        clean_bytes=sum(segment.size for segment in segments if segment.base_offset < first),
        dirty_bytes=sum(
            segment.size for segment in segments[_holding(segments, since) :] if segment.base_offset < bound
        ),
        overdue=any(0 < segment.first_timestamp < overdue_since for segment in dirty),
        reset=reset,
    )


def groups(
    segments: Sequence[Extent], *, max_bytes: int, max_index_bytes: int, end_offset: int
) -> list[list[Extent]]:
    """Neighbours that fit into one segment together, judged by their sizes before cleaning.

    `end_offset` is where the round ends, which bounds the last segment's offsets.
    """
    grouped: list[list[Extent]] = []
    size = index_bytes = time_index_bytes = 0
    for slot, segment in enumerate(segments):
        following = segments[slot + 1].base_offset if slot + 1 < len(segments) else end_offset
        if (
            grouped
            and size + segment.size <= max_bytes
            and index_bytes + segment.index_bytes <= max_index_bytes
            and time_index_bytes + segment.time_index_bytes <= max_index_bytes
            and (segment.size == 0 or following - 1 - grouped[-1][0].base_offset <= MAX_RELATIVE_OFFSET)
        ):
            grouped[-1].append(segment)
        else:
            grouped.append([segment])
            size = index_bytes = time_index_bytes = 0
        size += segment.size
        index_bytes += segment.index_bytes
        time_index_bytes += segment.time_index_bytes
    return grouped


def _holding(segments: Sequence[Extent], offset: int) -> int:
    """The slot of the segment that `offset` falls into, 0 below the first."""
    return max(bisect_right(segments, offset, key=lambda segment: segment.base_offset) - 1, 0)
