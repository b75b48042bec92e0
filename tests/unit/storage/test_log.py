"""One log: appending, reading, rolling, looking up, shrinking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from ottla.broker.storage.answers import Origin
from ottla.core.log.config import LogConfig
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import read_header
from ottla.core.records.compression import Codec
from ottla.core.records.control import EndTransaction, build_end_transaction
from tests.unit.storage.logs import WALL, Shelf, append, batch, contents, taken, turns, values_of


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@on_loop
async def test_offsets_and_epoch_are_stamped_into_the_batch() -> None:
    log = await Shelf().log()
    append(log, b"a", b"b", epoch=3)
    append(log, b"c", epoch=4)
    assert contents(log) == [(0, b"a"), (1, b"b"), (2, b"c")]
    second = read_header(taken(log.read(2, 1 << 20)))
    assert (second.base_offset, second.leader_epoch) == (2, 4)
    assert log.leader_epochs.entries() == [(3, 0), (4, 2)]
    assert log.end_offset_for_epoch(3) == (3, 2)


@on_loop
async def test_an_epoch_is_written_down_with_its_first_record() -> None:
    shelf = Shelf()
    log = await shelf.log()
    file = f"{log.path}/leader-epoch-checkpoint"
    log.lead(5)
    assert log.leader_epochs.entries() == [(5, 0)] and not shelf.disk.exists(file)
    append(log, b"a", epoch=5)
    assert shelf.disk.exists(file)
    log.lead(7)
    log = await shelf.restart(clean=True)
    assert log.leader_epochs.entries() == [(5, 0)]  # epoch 7 wrote nothing
    log.lead(9)
    append(log, b"b", epoch=9)
    log = await shelf.restart(clean=False)
    assert log.leader_epochs.entries() == [(5, 0), (9, 1)]


@on_loop
async def test_a_read_gives_whole_batches_from_the_one_that_holds_the_offset() -> None:
    log = await Shelf().log()
    append(log, b"a", b"b", b"c")
    append(log, b"d")
    read = log.read(1, 1 << 20)
    assert values_of(taken(read)) == [(0, b"a"), (1, b"b"), (2, b"c"), (3, b"d")]
    assert read.upper_offset == 4


@on_loop
async def test_a_read_stops_at_the_size_and_at_the_limit() -> None:
    log = await Shelf().log()
    for value in (b"a", b"b", b"c", b"d"):
        append(log, value)
    one = len(batch(b"a"))
    assert values_of(taken(log.read(0, 2 * one + 5))) == [(0, b"a"), (1, b"b")]
    assert values_of(taken(log.read(0, 1, min_one=True))) == [(0, b"a")]
    assert log.read(0, 1, min_one=False).records is None
    assert values_of(taken(log.read(1, 1 << 20, limit_offset=3))) == [(1, b"b"), (2, b"c")]
    assert log.read(3, 1 << 20, limit_offset=3).records is None
    assert log.read(4, 1 << 20).records is None


@on_loop
async def test_what_was_read_can_be_copied_and_its_file_is_let_go() -> None:
    log = await Shelf().log()
    append(log, b"a", b"b")
    read = log.read(0, 1 << 20)
    held = read.records
    copy = log.copied(read)
    assert isinstance(copy, bytes) and values_of(copy) == [(0, b"a"), (1, b"b")]
    assert read.records is None and held is not None
    assert read.size == len(copy)
    held.release()  # a second time: it was released once already, or the pin count would go below zero
    assert log.copied(log.read(2, 1 << 20)) is None


@on_loop
async def test_offsets_outside_the_log_are_refused() -> None:
    log = await Shelf().log()
    append(log, b"a", b"b")
    log.delete_records_before(1)
    for offset in (0, 3, -1):
        with pytest.raises(KafkaError) as refused:
            log.read(offset, 100)
        assert refused.value.code == ErrorCode.OFFSET_OUT_OF_RANGE


@on_loop
async def test_segments_roll_by_size_and_are_read_across() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=300))
    log = await shelf.log()
    for number in range(20):
        append(log, b"%03d" % number * 10)
    assert len(log.segments) > 5
    assert [offset for offset, _ in contents(log)] == list(range(20))
    assert sorted(log.snapshots) == [segment.base_offset for segment in log.segments[1:]]


@on_loop
async def test_segments_roll_by_time_between_records() -> None:
    log = await Shelf(config=LogConfig(segment_ms=1000)).log()
    append(log, b"a", timestamp=WALL)
    append(log, b"b", timestamp=WALL + 1000)
    assert len(log.segments) == 1
    append(log, b"c", timestamp=WALL + 1001)
    assert [segment.base_offset for segment in log.segments] == [0, 2]


@on_loop
async def test_a_batch_larger_than_a_segment_is_refused() -> None:
    log = await Shelf(config=LogConfig(segment_bytes=100)).log()
    with pytest.raises(KafkaError) as refused:
        append(log, b"x" * 200)
    assert refused.value.code == ErrorCode.RECORD_LIST_TOO_LARGE


@on_loop
async def test_lookups_by_timestamp() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=400, index_interval_bytes=1))
    log = await shelf.log()
    for number in range(30):
        append(log, b"v", b"w", timestamp=WALL + 10 * number)
    for number in range(30):
        found = log.offset_for_timestamp(WALL + 10 * number)
        assert found is not None and found.offset == 2 * number and found.leader_epoch == 0
        within = log.offset_for_timestamp(WALL + 10 * number + 1)
        assert within is not None and within.offset == 2 * number + 1
    assert log.offset_for_timestamp(WALL + 1000) is None
    assert log.offset_for_timestamp(-2) == (-1, 0, 0)
    assert log.offset_for_timestamp(-1) == (-1, 60, 0)
    assert log.offset_for_timestamp(-4) == (-1, 0, 0)
    assert log.offset_for_timestamp(-5) == (-1, -1, -1)
    assert log.offset_for_timestamp(-3) == (WALL + 291, 59, 0)


@on_loop
async def test_a_lookup_finds_the_first_record_where_every_millisecond_has_one() -> None:
    log = await Shelf(config=LogConfig(index_interval_bytes=0)).log()
    for number in range(20):
        append(log, b"v", timestamp=WALL + number)
    found = [log.offset_for_timestamp(WALL + number) for number in range(20)]
    assert found == [(WALL + number, number, 0) for number in range(20)]


@on_loop
async def test_the_largest_timestamp_need_not_be_the_last() -> None:
    log = await Shelf().log()
    append(log, b"a", timestamp=WALL)
    append(log, b"b", b"c", timestamp=WALL + 500, codec=Codec.ZSTD)
    append(log, b"d", timestamp=WALL + 100)
    assert log.max_timestamp() == (WALL + 501, 2, 0)


@on_loop
async def test_log_append_time_replaces_the_producers_timestamps() -> None:
    log = await Shelf(config=LogConfig(message_timestamp_type="LogAppendTime")).log()
    appended = log.append(batch(b"a", timestamp=5), leader_epoch=0, wall=WALL)
    assert appended.log_append_time == WALL
    header = read_header(taken(log.read(0, 1000)))
    assert (header.max_timestamp, header.timestamp_type) == (WALL, 1)


@on_loop
async def test_a_retried_batch_gets_the_first_answer() -> None:
    log = await Shelf().log()
    sent = [batch(b"v", producer_id=9, producer_epoch=0, base_sequence=number) for number in range(6)]
    answers = [log.append(each, leader_epoch=0, wall=WALL) for each in sent]
    again = log.append(sent[3], leader_epoch=0, wall=WALL)
    assert (again.base_offset, again.duplicate) == (answers[3].base_offset, True)
    assert log.end_offset == 6
    with pytest.raises(KafkaError) as refused:
        log.append(sent[0], leader_epoch=0, wall=WALL)
    assert refused.value.code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


@on_loop
async def test_transactions_bound_the_last_stable_offset_and_aborted_ones_are_indexed() -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"plain")
    append(log, b"in", b"side", producer_id=5, producer_epoch=0, base_sequence=0, transactional=True)
    append(log, b"later")
    assert (log.first_unstable_offset, log.last_stable_offset) == (1, 1)
    marker = build_end_transaction(5, 0, EndTransaction(committed=False, coordinator_epoch=2), WALL)
    log.append(marker, leader_epoch=0, origin=Origin.COORDINATOR, wall=WALL)
    assert log.last_stable_offset == 1, "the marker is not replicated yet"
    log.update_high_watermark(log.end_offset)
    assert log.last_stable_offset == log.end_offset == 5
    expected = [(5, 1, 4, 5)]
    assert log.aborted_transactions(0, 5) == expected
    assert log.aborted_transactions(0, 1) == []
    log = await shelf.restart(clean=False)
    assert log.aborted_transactions(0, 5) == expected
    log = await shelf.restart(clean=True)
    assert log.aborted_transactions(2, 3) == expected
    assert [state.coordinator_epoch for state in log.producers] == [2]


@on_loop
async def test_retention_by_time_size_and_start_offset() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=100, retention_ms=1000))
    log = await shelf.log()
    for number in range(6):
        append(log, b"v" * 20, timestamp=WALL + number * 500)
    assert len(log.segments) == 6
    assert log.apply_retention(WALL + 2000) == 2
    assert log.start_offset == 2
    log.update_config(LogConfig(segment_bytes=100, retention_ms=-1, retention_bytes=log.size - 1))
    assert log.apply_retention(WALL + 2001) == 0, "removing one would leave less than asked for"
    log.update_config(LogConfig(segment_bytes=100, retention_ms=-1, retention_bytes=2 * log.active.size))
    assert log.apply_retention(WALL + 2000) == 2
    log.delete_records_before(5)
    log.update_config(LogConfig(segment_bytes=100, cleanup_policy=frozenset({"compact"})))
    assert log.apply_retention(WALL + 10**9) == 1
    assert contents(log) == [(5, b"v" * 20)]
    shelf.clock.pass_ms(60_000)
    await turns()
    assert not [path for path in shelf.disk.files if path.endswith(".deleted")]


@on_loop
async def test_retention_takes_everything_and_leaves_an_empty_segment() -> None:
    log = await Shelf(config=LogConfig(retention_ms=10)).log()
    append(log, b"v")
    assert log.apply_retention(WALL + 11) == 1
    assert (log.start_offset, log.end_offset, log.size, len(log.segments)) == (1, 1, 0, 1)
    assert append(log, b"next") == 1


@on_loop
async def test_nothing_above_the_high_watermark_is_deleted() -> None:
    log = await Shelf(config=LogConfig(segment_bytes=100, retention_ms=10)).log()
    for _ in range(3):
        log.append(batch(b"v" * 20), leader_epoch=0, wall=WALL)
    log.update_high_watermark(1)
    assert log.apply_retention(WALL + 100) == 1
    with pytest.raises(KafkaError) as refused:
        log.delete_records_before(2)
    assert refused.value.code == ErrorCode.OFFSET_OUT_OF_RANGE


@on_loop
async def test_truncation_takes_records_epochs_and_producers_back() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=200))
    log = await shelf.log()
    for number in range(8):
        append(
            log, b"%d" % number * 20, epoch=number // 3, producer_id=1, producer_epoch=0, base_sequence=number
        )
    assert log.truncate_to(4, wall=WALL)
    assert [offset for offset, _ in contents(log)] == [0, 1, 2, 3]
    assert log.leader_epochs.entries() == [(0, 0), (1, 3)]
    state = log.producers.get(1)
    assert state is not None and state.last_sequence == 3
    append(log, b"again", epoch=5, producer_id=1, producer_epoch=0, base_sequence=4)
    log = await shelf.restart(clean=False)
    assert [offset for offset, _ in contents(log)] == [0, 1, 2, 3, 4]
    assert not log.truncate_to(5, wall=WALL)
    log.truncate_fully(100, wall=WALL)
    assert (log.start_offset, log.end_offset) == (100, 100)
    assert append(log, b"far") == 100


@on_loop
async def test_prepared_batches_keep_their_offsets_and_epochs() -> None:
    log = await Shelf().log()
    two = batch(b"a", b"b", leader_epoch=4)
    three = bytearray(batch(b"c", leader_epoch=4))
    three[:8] = (2).to_bytes(8, "big")
    appended = log.append(two + bytes(three), leader_epoch=4, origin=Origin.RAFT_LEADER, wall=WALL)
    assert (appended.base_offset, appended.last_offset, log.end_offset) == (0, 2, 3)
    assert contents(log) == [(0, b"a"), (1, b"b"), (2, b"c")]
    with pytest.raises(KafkaError):
        log.append(two, leader_epoch=4, origin=Origin.RAFT_LEADER, wall=WALL)
    with pytest.raises(KafkaError):
        log.append(bytes(three), leader_epoch=5, origin=Origin.RAFT_LEADER, wall=WALL)


@on_loop
async def test_flush_messages_asks_for_a_flush_and_flushes_coalesce() -> None:
    shelf = Shelf(config=LogConfig(flush_messages=2))
    log = await shelf.log()
    first = log.append(batch(b"a"), leader_epoch=0, wall=WALL)
    second = log.append(batch(b"b"), leader_epoch=0, wall=WALL)
    assert (first.must_flush, second.must_flush) == (False, True)
    await asyncio.gather(log.flush(), log.flush(), log.flush(1))
    assert log.recovery_point == 2
    assert sum(path.endswith(".log") for path in shelf.disk.syncs) == 1
    third = log.append(batch(b"c"), leader_epoch=0, wall=WALL)
    assert not third.must_flush
