"""The generators' requests and answers."""

from __future__ import annotations

import struct

import pytest
from benchmarks import frames
from benchmarks.load.payload import keys, payloads


def test_batches_are_walked_by_their_headers() -> None:
    one, two = frames.batch([b"a"] * 3), bytearray(frames.batch([b"b"]))
    struct.pack_into(">q", two, 0, 3)
    both = memoryview(one + bytes(two))
    assert list(frames.batches(both)) == [(0, len(one), 3), (3, len(two), 4)]
    assert list(frames.batches(both[:-1])) == [(0, len(one), 3)], "a batch cut short is not one"


def test_compressed_batches_are_smaller_and_say_so() -> None:
    values = payloads(1000, 20, varied=True)
    plain, packed = frames.batch(values), frames.batch(values, compression="zstd")
    assert len(packed) < len(plain) * 0.7
    assert struct.unpack_from(">h", packed, 21) == (4,)


def test_a_fetch_answer_is_taken_apart_by_partition() -> None:
    records = frames.batch([b"a"])
    head = frames.fetch_answer_head("topic", len(records))
    answer = memoryview(head + records)
    assert struct.unpack_from(">i", answer) == (len(answer) - 4,)
    assert bytes(frames.fetched(answer, "topic")) == records
    assert [each.partition for each in frames.fetched_many(answer, "topic")] == [0]


def test_an_error_in_a_fetch_answer_is_raised() -> None:
    answer = bytearray(frames.fetch_answer_head("topic", 0))
    at = len(answer) - 42 + 4
    struct.pack_into(">h", answer, at, 3)
    with pytest.raises(RuntimeError, match="error 3"):
        frames.fetched(memoryview(answer), "topic")


def test_produce_answers_have_one_size() -> None:
    answer = frames.produce_answer("topic", offset=1 << 40)
    assert len(answer) == frames.produce_answer_bytes("topic")
    assert frames.produce_error(answer, "topic") == 0


def test_payloads_vary_where_they_shall_and_are_the_same_each_time() -> None:
    assert len(set(payloads(100, 50, varied=True))) == 50
    assert payloads(100, 5, varied=True) == payloads(100, 5, varied=True)
    assert {len(value) for value in payloads(101, 5, varied=True)} == {101}
    assert len(set(payloads(100, 50, varied=False))) == 1
    assert len(set(keys(10, 3) or [])) == 3
    assert keys(10, 0) is None
