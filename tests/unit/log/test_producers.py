"""Sequences, epochs and transactions of producers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.core.log.producer import MAX_EPOCH, MAX_SEQUENCE, sequence_after, sequence_before
from ottla.core.log.producer_snapshots import read_snapshot
from ottla.core.log.producers import CompletedTransaction, ProducerStates
from ottla.core.model.errors import ErrorCode, KafkaError

DAY = 86_400_000


def _write(
    states: ProducerStates, sequence: int, count: int = 1, *, epoch: int = 0, transactional: bool = False
) -> int | None:
    """Check and add one batch of producer 1; the first offset of the batch it repeats, or None."""
    kept = states.check_batch(1, epoch, sequence, count - 1, transactional, True)
    if kept is not None:
        return kept.first_offset
    first = states.end_offset
    states.add_batch(1, epoch, sequence, first, first + count - 1, 1000, transactional)
    states.end_offset = first + count
    return None


def _code(states: ProducerStates, sequence: int, *, epoch: int = 0, transactional: bool = False) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        _write(states, sequence, epoch=epoch, transactional=transactional)
    return refused.value.code


def test_sequences_follow_each_other() -> None:
    states = ProducerStates()
    assert _write(states, 0, 3) is None
    assert _write(states, 3) is None
    assert _code(states, 5) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_an_unknown_producer_may_begin_anywhere() -> None:
    assert _write(ProducerStates(), 77) is None


def test_the_last_five_batches_are_known_again() -> None:
    states = ProducerStates()
    for number in range(7):
        _write(states, number * 2, 2)
    assert [_write(states, number * 2, 2) for number in range(2, 7)] == [4, 6, 8, 10, 12]
    assert _code(states, 2) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert _code(states, 12) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, "same start, other length"


def test_sequences_wrap() -> None:
    states = ProducerStates()
    _write(states, MAX_SEQUENCE - 1, 4)
    state = states.get(1)
    assert state is not None and state.last_sequence == 1
    assert _write(states, 2) is None
    assert _write(states, MAX_SEQUENCE - 1, 4) == 0


@given(st.integers(0, MAX_SEQUENCE), st.integers(0, MAX_SEQUENCE))
def test_moving_a_sequence_there_and_back(sequence: int, count: int) -> None:
    assert sequence_before(sequence_after(sequence, count), count) == sequence


def test_epochs_fence_and_begin_with_sequence_zero() -> None:
    states = ProducerStates()
    _write(states, 0, epoch=3)
    assert _code(states, 1, epoch=2) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert _code(states, 1, epoch=4) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert _write(states, 0, epoch=4) is None
    assert _write(states, 1, epoch=4) is None


def test_an_open_transaction_takes_no_plain_batch() -> None:
    states = ProducerStates()
    _write(states, 0, transactional=True)
    assert _code(states, 1) == ErrorCode.INVALID_TXN_STATE
    assert states.first_unstable == 0


def test_a_marker_ends_the_transaction_but_bounds_readers_until_it_is_replicated() -> None:
    states = ProducerStates()
    _write(states, 0, 5, transactional=True)
    states.check_marker(1, 0, 7)
    completed = states.add_marker(1, 0, 7, 5, 2000, True)
    assert completed == CompletedTransaction(1, 0, 5, True)
    assert states.complete(completed) == 6
    assert states.first_unstable == 0
    states.on_high_watermark(5)
    assert states.first_unstable == 0
    states.on_high_watermark(6)
    assert states.first_unstable is None
    with pytest.raises(KafkaError) as refused:
        states.check_marker(1, 0, 6)
    assert refused.value.code == ErrorCode.TRANSACTION_COORDINATOR_FENCED


def test_of_overlapping_transactions_the_oldest_open_one_bounds() -> None:
    states = ProducerStates()
    for producer, offset in ((1, 0), (2, 1), (3, 2)):
        states.add_batch(producer, 0, 0, offset, offset, 1000, True)
    first = states.add_marker(1, 0, 0, 3, 1000, False)
    assert first is not None and states.complete(first) == 1
    states.on_high_watermark(4)
    assert states.first_unstable == 1
    assert states.oldest_open_timestamp == 1000


def test_markers_of_version_2_need_a_newer_epoch_or_nothing_open() -> None:
    states = ProducerStates()
    _write(states, 0, epoch=5, transactional=True)
    with pytest.raises(KafkaError):
        states.check_marker(1, 5, 0, transaction_version=2)
    states.check_marker(1, 6, 0, transaction_version=2)
    states.check_marker(1, 5, 0, transaction_version=0)
    done = states.add_marker(1, 6, 0, 1, 1000, False)
    assert done is not None
    states.complete(done)
    states.check_marker(1, 6, 0, transaction_version=2)
    assert MAX_EPOCH == 32767


def test_silent_producers_expire_unless_a_transaction_is_open() -> None:
    states = ProducerStates()
    states.add_batch(1, 0, 0, 0, 0, 1000, False)
    states.add_batch(2, 0, 0, 1, 1, 1000, True)
    states.add_batch(3, 0, 0, 2, 2, 1500, False)
    assert states.expire(1000 + DAY, DAY) == 1
    assert sorted(state.producer_id for state in states) == [2, 3]


def test_a_snapshot_brings_the_table_back() -> None:
    states = ProducerStates()
    _write(states, 0, 3)
    _write(states, 3, 2)
    states.add_batch(2, 4, 0, 5, 5, 1200, True)
    data = states.snapshot()
    assert len(data) == 10 + 2 * 46
    again = ProducerStates()
    again.load(data, 6, 2000, DAY)
    assert again.end_offset == again.snapshot_offset == 6
    assert again.first_unstable == 5
    assert _write(again, 3, 2) == 3, "the newest batch is known again"
    assert again.snapshot() == data
    again.load(data, 6, 1000 + DAY, DAY)
    assert [state.producer_id for state in again] == [2]


def test_a_damaged_snapshot_is_refused() -> None:
    states = ProducerStates()
    _write(states, 0)
    data = states.snapshot()
    for broken in (b"", data[:-1], data + b"\0", b"\0\2" + data[2:], data[:20] + b"\xff" + data[21:]):
        with pytest.raises(ValueError, match="producer snapshot"):
            read_snapshot(broken)
