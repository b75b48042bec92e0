"""Loading a coordinator's log: the state is the same whether every record is applied or only the newest of each key."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ottla.broker.coordination.loading import load
from ottla.core.coordination import batches
from ottla.core.coordination.contract import Record
from ottla.core.groups.coordinator import GroupCoordinator
from ottla.core.groups.offsets import records
from ottla.core.groups.offsets.table import Committed
from ottla.core.model.settings.table import BROKER
from ottla.core.records.build import Builder
from ottla.core.records.control import EndTransaction, build_end_transaction
from ottla.core.wire.coordinator_records import CONSUMER_OFFSETS
from ottla.core.wire.messages.records.offsets import GroupMetadataKey, GroupMetadataValue
from ottla.world.real.clock import RealClock
from tests.unit.coordination.driving import World

OFFSETS = frozenset({1})
SETTINGS: Any = {name: each.default for name, each in BROKER.items()}


class Log:
    """Batches in memory; each read gives one."""

    name, start_offset = "__consumer_offsets-0", 0

    def __init__(self, data: list[bytes]) -> None:
        self._data = data
        self.end_offset = len(data)

    def read(self, offset: int, size: int, *, min_one: bool) -> Any:
        data = self._data[offset]

        async def read_cold(size: int, position: int) -> bytes:
            return data

        file = SimpleNamespace(read_cold=read_cold)
        found = SimpleNamespace(file=file, size=len(data), position=0, release=lambda: None)
        return SimpleNamespace(records=found, upper_offset=offset + 1)


def batch(*written: Record, producer: int = -1) -> bytes:
    builder = Builder()
    for record in written:
        builder.append(1, *batches.encode(record))
    if producer < 0:
        return builder.finish()
    return builder.finish(producer_id=producer, producer_epoch=0, transactional=True)


def marker(producer: int, committed: bool) -> bytes:
    return build_end_transaction(producer, 0, EndTransaction(committed, 0), 1)


def offset(group: str, partition: int, at: int) -> Record:
    return records.committed((group, "orders", partition), Committed(at, -1, "", 1))


def loaded(data: list[bytes], newest_only: frozenset[int]) -> tuple[Any, Any]:
    """The machine, and what was said of the loading."""
    machine = GroupCoordinator(SETTINGS, lambda group: {}, World(orders=3))

    async def scenario() -> Any:
        clock = RealClock(asyncio.get_running_loop())
        log: Any = Log(data)
        return await load(
            log, machine, CONSUMER_OFFSETS, clock, 1 << 20, lambda: True, newest_only=newest_only
        )

    return machine.state, asyncio.run(scenario())


def known(state: Any) -> Any:
    """What a group coordinator knows, but for the order in which it learnt it. A group whose only record was an offset
    that is gone is there or not: compaction takes it too."""
    offsets = {
        (group, partition): committed.offset
        for group in "ab"
        for partition, committed in state.offsets.topics(group).get("orders", {}).items()
    }
    pending = {(group, place) for group in "ab" for place in state.offsets.open_places(group)}
    assert {group for group, _ in offsets} <= state.groups.keys()
    return offsets, pending


PLACES = st.tuples(st.sampled_from("ab"), st.integers(0, 2))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("plain"), PLACES, st.integers(0, 99)),
        st.tuples(st.just("gone"), PLACES, st.just(0)),
        st.tuples(st.just("pending"), PLACES, st.integers(0, 99)),
        st.tuples(st.just("ends"), PLACES, st.integers(0, 1)),
    ),
    max_size=25,
)


@settings(max_examples=120, deadline=None)
@given(STEPS)
@example([("pending", ("a", 0), 0), ("gone", ("a", 0), 0), ("plain", ("a", 0), 0)])
def test_the_newest_of_each_key_says_as_much_as_all(steps: list[Any]) -> None:
    """Producer 7 and 8 write in transactions, everybody else without."""
    data = []
    for what, (group, partition), number in steps:
        producer = 7 + (group == "b")
        if what == "plain":
            data.append(batch(offset(group, partition, number), offset(group, 0, number)))
        elif what == "gone":
            data.append(batch(records.forgotten((group, "orders", partition))))
        elif what == "pending":
            data.append(batch(offset(group, partition, number), producer=producer))
        else:
            data.append(marker(producer, bool(number)))
    assert known(loaded(data, OFFSETS)[0]) == known(loaded(data, frozenset())[0])


def test_other_records_are_applied_where_they_stand() -> None:
    group = GroupMetadataKey(group="a")
    empty = GroupMetadataValue(protocol_type="consumer", generation=3, protocol=None, leader=None)
    data = [
        batch(offset("a", 0, 1)),
        batch(Record(group, empty, 3)),
        batch(offset("a", 0, 2), offset("b", 0, 5)),
        batch(records.forgotten(("b", "orders", 0))),
    ]
    state, found = loaded(data, OFFSETS)
    assert state.groups["a"].generation == 3
    assert state.offsets.get("a", "orders", 0).offset == 2
    assert state.offsets.get("b", "orders", 0) is None
    assert found.records == 5


@pytest.mark.parametrize("newest_only", [OFFSETS, frozenset()])
def test_what_cannot_be_read_is_passed_over(newest_only: frozenset[int]) -> None:
    builder = Builder()
    builder.append(1, b"\0\1\0\5ab", b"\0\4")
    builder.append(1, b"\0\1", b"\0\4")
    state, found = loaded([builder.finish(), batch(offset("a", 0, 1))], newest_only)
    assert found.unreadable == 2
    assert state.offsets.get("a", "orders", 0).offset == 1
