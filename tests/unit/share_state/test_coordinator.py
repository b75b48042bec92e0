"""What is stored of share partitions: epochs that fence, snapshots and updates, and a log that can be cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.coordination.contract import Call
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.share_state.coordinator import COLD, INTERVALS, PRUNE, UPDATES_PER_SNAPSHOT
from ottla.core.share_state.requests import ABSENT, Delete, Initialize, ReadSummary
from ottla.core.wire.messages.records.share_group_state import ShareSnapshotValue, ShareUpdateValue
from tests.unit.coordination.driving import World
from tests.unit.share_state.driving import ShareStates, begin, key, read, stored, write

AVAILABLE, ACKNOWLEDGED, ARCHIVED = 0, 2, 4
MINUTES = 60_000


def code(states: ShareStates, body: Any) -> ErrorCode:
    answer = states.ask(body)
    return answer.code if isinstance(answer, KafkaError) else ErrorCode.NONE


def test_what_was_written_is_read() -> None:
    states = ShareStates()
    assert code(states, begin(start=5)) is ErrorCode.NONE
    states.ask(write((5, 9, ACKNOWLEDGED, 1), leader_epoch=2, start=5, complete=5))
    states.ask(write((10, 11, AVAILABLE, 1), leader_epoch=2, start=10, complete=0))
    state = stored(states)
    assert (state.state_epoch, state.start_offset, state.delivery_complete_count) == (1, 10, 0)
    assert list(state.batches) == [(10, 11, AVAILABLE, 1)]
    states.restart()
    assert stored(states) == state


def test_a_summary_tells_of_what_is_not_there() -> None:
    states = ShareStates()
    assert stored(states) == ABSENT
    assert not states.written


@pytest.mark.parametrize("partition", [3, 99])
def test_a_partition_that_is_not_there(partition: int) -> None:
    states = ShareStates()
    for body in (begin(partition), ReadSummary(key(partition)), Delete(key(partition))):
        assert code(states, body) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_what_was_not_begun_is_neither_read_nor_written() -> None:
    states = ShareStates()
    answer = states.ask(write((0, 1, ACKNOWLEDGED, 1)))
    assert answer.code is ErrorCode.INVALID_REQUEST
    assert answer.text == "Write operation on uninitialized share partition not allowed."
    assert read(states).code is ErrorCode.INVALID_REQUEST
    assert code(states, begin(-1)) is ErrorCode.INVALID_REQUEST


def test_an_older_leader_is_fenced_by_a_newer_one_that_read() -> None:
    states = ShareStates()
    states.ask(begin())
    read(states, leader_epoch=5)
    assert isinstance(states.written[-1].value, ShareUpdateValue)
    assert code(states, write((0, 1, ACKNOWLEDGED, 1), leader_epoch=4)) is ErrorCode.FENCED_LEADER_EPOCH
    assert read(states, leader_epoch=4).code is ErrorCode.FENCED_LEADER_EPOCH
    states.restart()
    assert code(states, write((0, 1, ACKNOWLEDGED, 1), leader_epoch=4)) is ErrorCode.FENCED_LEADER_EPOCH
    assert code(states, write((0, 1, ACKNOWLEDGED, 1), leader_epoch=5)) is ErrorCode.NONE
    assert code(states, write((0, 1, ACKNOWLEDGED, 1))) is ErrorCode.NONE


def test_reading_twice_writes_once() -> None:
    states = ShareStates()
    states.ask(begin())
    read(states, leader_epoch=5)
    written = len(states.written)
    read(states, leader_epoch=5)
    assert len(states.written) == written


def test_an_older_state_is_fenced_when_it_began_anew() -> None:
    states = ShareStates()
    states.ask(begin(state_epoch=1))
    states.ask(write((0, 4, ACKNOWLEDGED, 1), state_epoch=1))
    states.ask(begin(state_epoch=2, start=100))
    assert stored(states)[2:] == (100, 0, ())
    assert code(states, write((0, 4, ACKNOWLEDGED, 1), state_epoch=1)) is ErrorCode.FENCED_STATE_EPOCH
    assert code(states, begin(state_epoch=1)) is ErrorCode.FENCED_STATE_EPOCH
    assert code(states, write((100, 100, ACKNOWLEDGED, 1), state_epoch=2)) is ErrorCode.NONE


def test_a_state_without_a_start_has_no_count_of_deliveries() -> None:
    states = ShareStates()
    states.ask(begin(start=-1))
    assert stored(states)[2:4] == (-1, -1)


def test_after_so_many_updates_comes_a_snapshot() -> None:
    states = ShareStates({UPDATES_PER_SNAPSHOT: 3})
    states.ask(begin())
    for offset in range(8):
        states.ask(write((offset, offset, ACKNOWLEDGED, 1)))
    kinds = ["s" if isinstance(each.value, ShareSnapshotValue) else "u" for each in states.written]
    assert "".join(kinds) == "suuusuuus"
    value = states.written[-1].value
    assert isinstance(value, ShareSnapshotValue)
    assert value.snapshot_epoch == 2
    assert [(each.first_offset, each.last_offset) for each in value.state_batches] == [(0, 7)]


def test_deleting_leaves_nothing() -> None:
    states = ShareStates()
    assert code(states, Delete(key())) is ErrorCode.NONE
    assert not states.written
    states.ask(begin(state_epoch=7))
    states.ask(Delete(key()))
    assert stored(states) == ABSENT
    assert code(states, begin(state_epoch=1)) is ErrorCode.NONE


def test_state_goes_with_its_topic() -> None:
    world = World(orders=2, bills=1)
    states = ShareStates(world=world)
    states.ask(begin(0))
    states.ask(Initialize(key(0, topic=2), 1, 0))
    del world.topics["orders"]
    states.take(states.machine.topics_changed(states.moment, frozenset(), frozenset({"orders"})))
    assert list(states.table.entries) == [key(0, topic=2)]


def test_the_log_is_cut_below_the_oldest_snapshot_that_counts() -> None:
    states = ShareStates({UPDATES_PER_SNAPSHOT: 1})
    states.ask(begin(0))  # 0
    states.ask(begin(1))  # 1
    for offset in range(4):
        states.ask(write((offset, offset, ACKNOWLEDGED, 1)))  # 2 to 5: an update, a snapshot, …
    states.pass_time(states.settings[INTERVALS[PRUNE]])
    assert [call.body for call in states.calls] == [1]
    states.take(states.machine.answered(states.moment, states.calls[-1], None))
    states.pass_time(states.settings[INTERVALS[PRUNE]] - 1)
    assert len(states.calls) == 1


def test_who_is_never_written_gets_a_snapshot_so_that_the_log_can_be_cut() -> None:
    states = ShareStates({INTERVALS[COLD]: 1 * MINUTES, INTERVALS[PRUNE]: 3 * MINUTES})
    states.ask(begin(0))
    states.ask(begin(1))
    states.pass_time(1 * MINUTES)
    assert len(states.written) == 4
    states.pass_time(1 * MINUTES)
    assert len(states.written) == 4, "all lie in such snapshots: nothing is gained by more"
    states.pass_time(1 * MINUTES)
    assert states.calls == [Call(PRUNE, 2)]


def test_a_cut_that_failed_is_tried_again() -> None:
    states = ShareStates({INTERVALS[PRUNE]: 1000})
    states.ask(begin(0))
    states.ask(begin(0, state_epoch=2))
    states.pass_time(1000)
    failure = KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    states.take(states.machine.answered(states.moment, states.calls[-1], failure))
    states.pass_time(1000)
    assert [call.body for call in states.calls] == [1, 1]


steps = st.lists(
    st.tuples(
        st.sampled_from(["begin", "write", "write", "write", "read", "delete", "wait"]),
        st.integers(0, 2),
        st.integers(0, 20),
        st.sampled_from([AVAILABLE, ACKNOWLEDGED, ARCHIVED]),
    ),
    max_size=40,
)


@given(steps=steps)
@settings(max_examples=60)
def test_a_replay_tells_the_same_and_so_does_what_a_cut_leaves(
    steps: list[tuple[str, int, int, int]],
) -> None:
    states = ShareStates(
        {UPDATES_PER_SNAPSHOT: 2, INTERVALS[COLD]: 3 * MINUTES, INTERVALS[PRUNE]: 5 * MINUTES}
    )
    for what, partition, number, state in steps:
        if what == "begin":
            states.ask(begin(partition, state_epoch=number, start=number))
        elif what == "write":
            start = number if number % 3 == 0 else -1
            states.ask(write((number, number + 3, state, 1), partition=partition, start=start))
        elif what == "read":
            read(states, partition, leader_epoch=number)
        elif what == "delete":
            states.ask(Delete(key(partition)))
        else:
            states.pass_time(2 * MINUTES)
    replayed: Any = states.replayed()
    assert replayed.table.entries == states.table.entries
    if states.calls:
        states.start = states.calls[-1].body
        cut = states.after_cut().entries
        assert {name: each.state for name, each in cut.items()} == {
            name: each.state for name, each in states.table.entries.items()
        }
