"""Names in a log directory, and what an interrupted compaction makes of them."""

from __future__ import annotations

from ottla.core.log.leftovers import tidy
from ottla.core.log.names import (
    DELETE,
    FUTURE,
    marked_directory,
    parse_directory,
    parse_segment_file,
    parse_snapshot,
    partition_directory,
)


def test_directories_are_read_from_the_right() -> None:
    assert parse_directory(partition_directory("a-b.c-3", 12)) == ("a-b.c-3", 12, "")
    assert parse_directory(marked_directory("a-b", 0, FUTURE, bytes(16))) == ("a-b", 0, "-future")
    for name in ("orders", "orders-", "-1", "orders-x", "orders-1.abc-delete", "lost+found"):
        assert parse_directory(name) is None, name


def test_long_topics_are_cut_for_deletion_only() -> None:
    topic = "t" * 249
    assert len(marked_directory(topic, 5, DELETE, bytes(16))) == 255
    assert parse_directory(marked_directory(topic, 5, DELETE, bytes(16))) == ("t" * 213, 5, "-delete")
    assert parse_directory(marked_directory(topic, 5, FUTURE, bytes(16))) == (topic, 5, "-future")


def test_files() -> None:
    assert parse_segment_file("00000000000000000042.timeindex") == (42, ".timeindex", "")
    assert parse_segment_file("00000000000000000042.log.swap") == (42, ".log", ".swap")
    assert parse_segment_file("42.log") is None
    assert parse_segment_file("00000000000000000000-0000000001.checkpoint") is None
    assert parse_snapshot("00000000000000000042.snapshot") == 42
    assert parse_snapshot("00000000000000000042.snapshot.deleted") is None


def _name(offset: int, suffix: str) -> str:
    return f"{offset:020d}{suffix}"


def test_an_unfinished_cleaning_is_thrown_away() -> None:
    names = [_name(0, ".log"), _name(0, ".index"), _name(0, ".log.cleaned"), _name(0, ".index.swap")]
    plan = tidy(names, lambda name: 0)
    assert sorted(plan.remove) == [_name(0, ".index.swap"), _name(0, ".log.cleaned")]
    assert (plan.rename, plan.segments) == ([], [0])


def test_a_finished_cleaning_takes_the_place_of_what_it_replaces() -> None:
    live = [_name(offset, suffix) for offset in (0, 5, 9) for suffix in (".log", ".index")]
    names = [
        *live,
        _name(5, ".snapshot"),
        _name(0, ".log.swap"),
        _name(0, ".index.swap"),
        _name(7, ".log.deleted"),
    ]
    plan = tidy(names, lambda name: 9)
    assert set(plan.remove) == {*live[:4], _name(5, ".snapshot"), _name(7, ".log.deleted")}
    assert plan.rename == [
        (_name(0, ".log.swap"), _name(0, ".log")),
        (_name(0, ".index.swap"), _name(0, ".index")),
    ]
    assert plan.segments == [0, 9]


def test_indexes_without_a_log_go() -> None:
    plan = tidy([_name(3, ".index"), _name(4, ".log"), "partition.metadata"], lambda name: 0)
    assert (plan.remove, plan.segments) == ([_name(3, ".index")], [4])
