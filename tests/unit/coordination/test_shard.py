"""A shard: what waits for the log, how long, and what it hears."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ottla.broker.coordination.shard import Shard
from ottla.broker.coordination.shards import Kind, Shards
from ottla.broker.storage.answers import Appended
from ottla.broker.waiting import Deadlines
from ottla.core.coordination.contract import Request
from ottla.core.groups.coordinator import GroupCoordinator
from ottla.core.groups.offsets.fetch import FetchOffsets
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.settings.table import BROKER
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from ottla.core.wire.messages.offset_fetch import OffsetFetchRequestGroup, OffsetFetchRequestTopics
from ottla.sim.clock import SimClock, WallClock
from ottla.sim.process import Process
from ottla.sim.schedule import Schedule
from ottla.sim.trace import Trace
from tests.unit.coordination.driving import World

TIMEOUT_MS = 5_000


class Log:
    """An empty log of a coordinator's partition."""

    name = "__consumer_offsets-0"
    start_offset = end_offset = 0
    config = SimpleNamespace(max_message_bytes=1 << 20, segment_bytes=1 << 20)


class Partition:
    """A partition that this node leads, and whose replicas say nothing until told."""

    topic, index, name = "__consumer_offsets", 0, "__consumer_offsets-0"
    leading, leader_epoch = True, 0

    def __init__(self) -> None:
        self.log = Log()
        self.batches = 0
        self.waiting: list[Callable[[ErrorCode], None]] = []

    def append(self, data: Any, acks: int, **about: Any) -> Any:
        self.batches += 1
        return Appended(self.batches, self.batches, -1, 0)

    def safe(self, offset: int, acks: int) -> bool:
        return False

    def when_safe(self, offset: int, acks: int, tell: Callable[[ErrorCode], None]) -> None:
        self.waiting.append(tell)

    def replicate(self, code: ErrorCode = ErrorCode.NONE) -> None:
        waiting, self.waiting = self.waiting, []
        for tell in waiting:
            tell(code)


class Case:
    """A shard of the group coordinator in virtual time."""

    def __init__(self) -> None:
        self.schedule = Schedule(Trace())
        self.process = Process(self.schedule, "node")
        clock = SimClock(self.process, WallClock())
        settings: Any = {name: each.default for name, each in BROKER.items()}
        kind = Kind(
            name="groups",
            topic="__consumer_offsets",
            types="CONSUMER_OFFSETS",
            make=lambda: GroupCoordinator(settings, lambda group: {}, World(orders=1)),
            codec_setting="offsets.topic.compression.codec",
            linger_setting="group.coordinator.append.linger.ms",
            load_setting="offsets.load.buffer.size",
            timeout_setting="offsets.commit.timeout.ms",
        )
        self.clock = clock
        self.deadlines = Deadlines(clock)
        self.partition: Any = Partition()
        self.shard = Shard(Shards(kind, clock, self.deadlines, settings), self.partition)
        self.pass_time(1)

    def pass_time(self, ms: int) -> None:
        done = self.clock.future()
        self.clock.call_at(self.clock.now() + ms, lambda: done.set_result(None))
        self.schedule.run(done, 10 * ms)
        assert self.process.failures == []

    def _ask(self, request: Request) -> Future[Any]:
        token: Future[Any] = self.clock.future()
        self.shard.ask(request, token)
        return token

    def commit(self, offset: int) -> Future[Any]:
        partition = OffsetCommitRequestPartition(partition_index=0, committed_offset=offset)
        topic = OffsetCommitRequestTopic(name="orders", partitions=[partition])
        body = OffsetCommitRequest(group_id="g", topics=[topic])
        return self._ask(Request(body, 9))

    def fetch(self) -> Future[Any]:
        wanted = OffsetFetchRequestGroup(
            group_id="g", topics=[OffsetFetchRequestTopics(name="orders", partition_indexes=[0])]
        )
        return self._ask(Request(FetchOffsets(wanted, False), 9))


def offset_in(answer: Future[Any]) -> int:
    offset: int = answer.result().topics[0].partitions[0].committed_offset
    return offset


def test_an_answer_leaves_when_what_it_rests_on_is_committed() -> None:
    case = Case()
    commit = case.commit(7)
    asked = case.fetch()
    case.pass_time(1)
    assert case.partition.batches == 1
    assert not commit.done() and not asked.done()
    case.partition.replicate()
    assert commit.done() and offset_in(asked) == 7


def test_requests_of_one_turn_share_a_batch() -> None:
    """But for the first one after a quiet turn: it does not wait for company, the rest of its turn does."""
    case = Case()
    answers = [case.commit(offset) for offset in range(10)]
    assert case.partition.batches == 1
    case.pass_time(1)
    assert case.partition.batches == 2
    answers += [case.commit(offset) for offset in range(10)]
    assert case.partition.batches == 2
    case.pass_time(1)
    assert case.partition.batches == 3
    case.partition.replicate()
    assert all(each.done() for each in answers)


def test_one_who_comes_alone_does_not_wait_for_the_turn_to_end() -> None:
    case = Case()
    for batches in range(1, 4):
        commit = case.commit(batches)
        assert case.partition.batches == batches
        case.partition.replicate()
        assert commit.done()
        case.pass_time(1)


def test_nobody_waits_for_replicas_longer_than_the_timeout() -> None:
    """And what was written stays: it may be committed later, as the client that asks again will see."""
    case = Case()
    first = case.commit(7)
    case.pass_time(TIMEOUT_MS - 100)
    assert not first.done()
    case.pass_time(200)
    with pytest.raises(KafkaError) as refused:
        first.result()
    assert refused.value.code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    late = case.fetch()
    case.pass_time(TIMEOUT_MS - 100)
    assert not late.done(), "who asks later has the whole time"
    case.partition.replicate()
    assert offset_in(late) == 7


def test_no_deadline_is_left_behind_when_replicas_answer() -> None:
    case = Case()
    before = len(case.deadlines)
    case.commit(7)
    case.pass_time(1)
    assert len(case.deadlines) == before + 1
    case.partition.replicate()
    assert len(case.deadlines) == before


def test_replicas_that_refuse_take_the_machine_back_to_its_log() -> None:
    case = Case()
    commit = case.commit(7)
    case.pass_time(1)
    case.partition.replicate(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    with pytest.raises(KafkaError) as refused:
        commit.result()
    assert refused.value.code == ErrorCode.NOT_COORDINATOR
    case.pass_time(1_000)
    assert offset_in(case.fetch()) == -1, "the log holds nothing, so nothing has happened"
