"""Which part of a log is due for cleaning, and which segments go together."""

from __future__ import annotations

from typing import Any

from ottla.core.log.cleanable import Dirty, Extent, dirty_part, groups
from ottla.core.log.config import LogConfig

WALL = 1_000_000
CONFIG = LogConfig(cleanup_policy=frozenset({"compact"}))


def extents(*bases: int, size: int = 100) -> list[Extent]:
    return [Extent(base, size, 8, 12, 1000 + base, 1000 + base) for base in bases]


def part(config: LogConfig = CONFIG, segments: list[Extent] | None = None, **given: Any) -> Dirty:
    facts = {
        "checkpoint": None,
        "start_offset": 0,
        "end_offset": 40,
        "last_stable_offset": 40,
        "wall": WALL,
    } | given
    return dirty_part(segments or extents(0, 10, 20, 30), config, **facts)


def test_everything_below_the_active_segment_is_dirty_at_first() -> None:
    assert part() == Dirty(0, 30, 0, 300, False, False)


def test_the_checkpoint_divides_clean_from_dirty() -> None:
    found = part(checkpoint=20)
    assert (found.first_offset, found.end_offset, found.clean_bytes, found.dirty_bytes) == (20, 30, 200, 100)
    assert not found.worth_cleaning(CONFIG)
    assert part(checkpoint=10).worth_cleaning(CONFIG)
    assert not part(checkpoint=30).worth_cleaning(LogConfig(min_cleanable_dirty_ratio=0.0))


def test_a_checkpoint_inside_a_segment_counts_it_on_both_sides() -> None:
    found = part(checkpoint=15)
    assert (found.clean_bytes, found.dirty_bytes) == (200, 200)


def test_the_last_stable_offset_bounds_the_round_at_a_segment() -> None:
    assert part(last_stable_offset=25).end_offset == 20
    assert part(last_stable_offset=20).end_offset == 20
    assert part(last_stable_offset=0) == Dirty(0, 0, 0, 0, False, False)


def test_young_segments_wait() -> None:
    config = LogConfig(min_compaction_lag_ms=WALL - 1010)
    assert part(config).end_offset == 20
    assert part(config, wall=WALL + 10).end_offset == 30
    assert part(config, wall=WALL - 100).end_offset == 0


def test_old_records_make_a_log_due() -> None:
    config = LogConfig(max_compaction_lag_ms=WALL - 1015)
    assert part(config, checkpoint=10).overdue
    assert not part(config, checkpoint=20).overdue
    assert part(config, checkpoint=20, wall=WALL + 10).overdue
    overdue = part(config, checkpoint=20, wall=WALL + 10)
    assert overdue.ratio < 0.5 and overdue.worth_cleaning(config)
    assert not part(config, checkpoint=30, wall=WALL + 100).overdue


def test_a_checkpoint_outside_the_log_starts_over() -> None:
    assert part(checkpoint=41) == Dirty(0, 30, 0, 300, False, True)
    assert part(checkpoint=5, start_offset=10, segments=extents(10, 20, 30)).first_offset == 10
    assert part(checkpoint=5, start_offset=10).reset


def test_an_empty_log_has_nothing_dirty() -> None:
    found = part(segments=extents(0, size=0), end_offset=0, last_stable_offset=0)
    assert (found.clean_bytes, found.dirty_bytes, found.ratio) == (0, 0, 0.0)


def grouped(segments: list[Extent], **limits: int) -> list[list[int]]:
    given = {"max_bytes": 250, "max_index_bytes": 1000, "end_offset": 1000} | limits
    return [[segment.base_offset for segment in group] for group in groups(segments, **given)]


def test_neighbours_that_fit_go_together() -> None:
    assert grouped(extents(0, 10, 20, 30, 40)) == [[0, 10], [20, 30], [40]]
    assert grouped(extents(0, 10, 20), max_bytes=300) == [[0, 10, 20]]
    assert grouped(extents(0, 10), max_bytes=10) == [[0], [10]]
    assert grouped([]) == []


def test_indexes_bound_a_group_too() -> None:
    assert grouped(extents(0, 10, 20), max_index_bytes=24, max_bytes=10_000) == [[0, 10], [20]]
    assert grouped(extents(0, 10, 20), max_index_bytes=15, max_bytes=10_000) == [[0], [10], [20]]


def test_offsets_stay_within_reach_of_the_index() -> None:
    far = 2**31
    assert grouped(extents(0, far - 10, far), max_bytes=10_000, end_offset=far + 5) == [[0, far - 10], [far]]
    assert grouped(extents(0, far - 10), max_bytes=10_000, end_offset=far + 1) == [[0], [far - 10]]
    empty = [*extents(0), *extents(far, size=0)]
    assert grouped(empty, end_offset=far + 10) == [[0, far]]
