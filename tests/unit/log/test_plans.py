"""When to roll, what to delete."""

from __future__ import annotations

from ottla.core.log.config import LogConfig
from ottla.core.log.plans import (
    RETENTION_BYTES,
    RETENTION_MS,
    START_OFFSET,
    RollLimits,
    SegmentFacts,
    deletions,
    must_roll,
)


def _rolls(config: LogConfig, **facts: int) -> bool:
    given = {
        "base_offset": 0,
        "size": 50,
        "incoming": 10,
        "last_offset": 5,
        "waited_ms": 0,
        "jitter_ms": 0,
        "offset_entries": 0,
        "time_entries": 0,
    } | facts
    return must_roll(RollLimits(config), **given)


def test_a_segment_is_full_by_size_time_offsets_or_entries() -> None:
    config = LogConfig(segment_bytes=60, segment_ms=1000, segment_index_bytes=120)
    assert not _rolls(config)
    assert _rolls(config, incoming=11)
    assert not _rolls(config, waited_ms=1000)
    assert _rolls(config, waited_ms=1001)
    assert _rolls(config, waited_ms=901, jitter_ms=100)
    assert not _rolls(config, size=0, waited_ms=5000), "an empty segment waits for its first record"
    assert not _rolls(config, last_offset=2**31 - 1)
    assert _rolls(config, last_offset=2**31)
    assert not _rolls(config, offset_entries=14) and _rolls(config, offset_entries=15)
    assert not _rolls(config, time_entries=8) and _rolls(config, time_entries=9)


def test_a_compacted_log_rolls_for_its_maximum_lag() -> None:
    config = LogConfig(cleanup_policy=frozenset({"compact"}), segment_ms=1000, max_compaction_lag_ms=50)
    assert _rolls(config, waited_ms=51)


def _deleted(config: LogConfig, timestamps: list[int], **ends: int) -> list[tuple[int, str]]:
    """Segments of ten bytes and ten offsets each; what goes at time 1000."""
    segments = [SegmentFacts(10 * slot, 10) for slot in range(len(timestamps))]
    end = 10 * len(timestamps)
    asked: list[int] = []

    def largest(slot: int) -> int:
        asked.append(slot)
        return timestamps[slot]

    given = {"start_offset": 0, "end_offset": end, "high_watermark": end} | ends
    found = deletions(segments, config, largest, wall=1000, **given)
    assert len(asked) <= sum(count for count, _ in found) + 1, "no more segments are looked at than needed"
    return [tuple(deletion) for deletion in found]


def test_each_reason_takes_from_the_front() -> None:
    config = LogConfig(retention_ms=100, retention_bytes=25)
    assert _deleted(config, [0, 100, 200, 890, 950], start_offset=19) == [
        (1, START_OFFSET),
        (1, RETENTION_BYTES),
        (2, RETENTION_MS),
    ]
    assert _deleted(LogConfig(retention_ms=-1, retention_bytes=25), [0] * 5) == [(2, RETENTION_BYTES)]
    assert _deleted(LogConfig(retention_ms=100), [0, 899, 900, 0]) == [(2, RETENTION_MS)]
    assert _deleted(LogConfig(retention_ms=100), [0, 0], high_watermark=15) == [(1, RETENTION_MS)]


def test_what_is_not_deleted() -> None:
    assert _deleted(LogConfig(retention_ms=-1, retention_bytes=-1), [0, 0]) == []
    compacted = LogConfig(cleanup_policy=frozenset({"compact"}), retention_ms=1)
    assert _deleted(compacted, [0, 0, 0], start_offset=10) == [(1, START_OFFSET)]
    kept = LogConfig(cleanup_policy=frozenset(), retention_ms=1)
    assert _deleted(kept, [0, 0]) == []
    assert (
        deletions(
            [SegmentFacts(0, 0)],
            LogConfig(retention_ms=1),
            lambda slot: 0,
            start_offset=0,
            end_offset=0,
            high_watermark=0,
            wall=1000,
        )
        == []
    )
