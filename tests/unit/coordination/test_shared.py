"""What every coordinator shares: placing by name, deadlines by key, patterns, batches of the topic."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.core.coordination.batches import Ended, Replayed, Unreadable, encode, read
from ottla.core.coordination.contract import Producer, Record
from ottla.core.coordination.patterns import matcher
from ottla.core.coordination.placing import java_hash, partition_for
from ottla.core.coordination.timers import Timers
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import read_header
from ottla.core.records.build import Builder
from ottla.core.records.control import EndTransaction, build_end_transaction
from ottla.core.wire.coordinator_records import CONSUMER_OFFSETS
from ottla.core.wire.messages.records.offsets import OffsetCommitKey, OffsetCommitValue


@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        ("", 0),
        ("abc", 96_354),
        ("console-consumer-12345", 158_455_506),
        ("Straße", -1_808_122_922),
        ("😀", 1_772_899),
        ("polygenelubricants", -(1 << 31)),
    ],
)
def test_names_are_hashed_as_java_hashes_strings(text: str, hashed: int) -> None:
    assert java_hash(text) == hashed


def test_every_name_has_a_partition() -> None:
    assert partition_for("polygenelubricants", 50) == 0  # the one hash without an absolute value
    assert partition_for("abc", 50) == 4
    assert partition_for("console-consumer-12345", 50) == 6


keys = st.sampled_from("abcdef")
moves = st.lists(
    st.one_of(
        st.tuples(st.just("set"), keys, st.integers(0, 50)),
        st.tuples(st.just("cancel"), keys),
        st.tuples(st.just("pass"), st.integers(0, 20)),
    ),
    max_size=60,
)


@given(moves)
def test_alarms_ring_once_each_and_in_order(story: list[tuple]) -> None:  # type: ignore[type-arg]
    timers: Timers[str] = Timers()
    known: dict[str, tuple[int, int]] = {}
    now = 0
    for number, move in enumerate(story):
        if move[0] == "set":
            timers.set(move[1], now + move[2])
            known[move[1]] = (now + move[2], number)
        elif move[0] == "cancel":
            timers.cancel(move[1])
            known.pop(move[1], None)
        else:
            now += move[1]
            expected = sorted((key for key in known if known[key][0] <= now), key=known.__getitem__)
            rung = []
            while (key := timers.next_due(now)) is not None:
                rung.append(key)
                del known[key]
            assert rung == expected
        assert len(timers) == len(known)
        assert timers.first == min((when for when, _ in known.values()), default=None)


def test_deadlines_that_move_for_ever_take_no_room() -> None:
    timers: Timers[int] = Timers()
    for now in range(10_000):
        timers.set(now % 3, now + 1000)
    assert len(timers._heap) < 200


def test_patterns_match_whole_names_in_time_that_grows_with_the_name() -> None:
    assert matcher("orders-.*")("orders-eu") and not matcher("orders")("orders-eu")
    began = time.process_time()
    assert not matcher("(a+)+$")("a" * 5000 + "b")
    assert time.process_time() - began < 5, "a backtracking engine would not end in a lifetime"
    with pytest.raises(KafkaError) as refused:
        matcher("(")
    assert refused.value.code is ErrorCode.INVALID_REGULAR_EXPRESSION
    assert "missing )" in refused.value.text


def test_what_is_written_is_read_and_what_is_not_known_is_passed_over() -> None:
    key = OffsetCommitKey(group="g", topic="t", partition=1)
    builder = Builder()
    for pair in (
        encode(Record(key, OffsetCommitValue(offset=5), 4)),
        (b"\x7f\xff future", b"x"),
        (b"\0", b"x"),
        (encode(Record(key, None))[0], b"\x7f\xff of a version to come"),
        encode(Record(key, None)),
    ):
        builder.append(0, *pair)
    batch = builder.finish(producer_id=7, producer_epoch=1, base_sequence=-1, transactional=True)
    first, *others, last = read(batch, read_header(batch), CONSUMER_OFFSETS)
    assert isinstance(first, Replayed) and isinstance(last, Replayed)
    assert (first.key, first.value, first.producer) == (key, OffsetCommitValue(offset=5), Producer(7, 1))
    assert (last.key, last.value) == (key, None)
    assert [type(each) for each in others] == [Unreadable] * 3
    marker = build_end_transaction(7, 1, EndTransaction(True, 0), 0)
    assert list(read(marker, read_header(marker), CONSUMER_OFFSETS)) == [Ended(7, True)]
