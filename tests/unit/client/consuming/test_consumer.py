"""The consumer over a scripted leader: positions, fetch sessions, replicas nearby, logs that were cut back."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any

import pytest

from ottla.client.consuming.consumer import Consumer
from ottla.client.consuming.placing import Truncated
from ottla.client.consuming.subscribing import NotSubscribed
from ottla.client.settings import SettingRefused
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from ottla.core.wire.messages.metadata import MetadataRequest
from ottla.core.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
)
from tests.unit.client.leader import Leader, batch
from tests.unit.client.scripted import ScriptedWorld, metadata, topic_id

TWO = [[batch(0, b"a0"), batch(1, b"a1"), batch(2, b"a2")], [batch(0, b"b0")]]


async def values(consumer: Consumer, count: int) -> list[bytes | None]:
    found: list[bytes | None] = []
    while len(found) < count:
        for fetched in await consumer.poll(60_000):
            found += [record.value for record in fetched.records()]
    return found


def asked(leader: Leader, broker: int = 0) -> list[FetchRequest]:
    return leader.brokers[broker].asked_for(FetchRequest)


@pytest.mark.parametrize("columns", [False, True])
def test_whoever_breaks_off_misses_nothing(columns: bool) -> None:
    leader = Leader(ScriptedWorld(), TWO)

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0, ("a", 1): 0})
        seen: list[bytes | None] = []
        while len(seen) < 4:
            if columns:
                async for piece in consumer.batches():
                    seen += piece.values
                    break
            else:
                async for record in consumer:
                    seen.append(record.value)
                    break
        assert sorted(each or b"" for each in seen) == [b"a0", b"a1", b"a2", b"b0"]
        assert await consumer.position("a", 0) == 3

    leader.run(scenario)


def test_the_next_fetch_leaves_before_the_application_works_on_the_last() -> None:
    leader = Leader(ScriptedWorld(), TWO)

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        before = len(asked(leader))
        assert await consumer.poll(60_000)
        assert len(asked(leader)) == before + 2

    leader.run(scenario)


def test_a_poll_that_is_cancelled_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    leader = Leader(ScriptedWorld(), TWO)

    async def cancelled(ms: int) -> None:
        raise CancelledError

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        with monkeypatch.context() as patch:
            patch.setattr(leader.world.clock, "sleep", cancelled)
            with pytest.raises(CancelledError):
                await consumer.poll(60_000)
        assert await values(consumer, 3) == [b"a0", b"a1", b"a2"]

    leader.run(scenario)


def test_deserializers_work_on_records_and_leave_nulls() -> None:
    leader = Leader(ScriptedWorld(), TWO)

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        async for record in consumer:
            assert (record.topic, record.partition, record.offset) == ("a", 0, 0)
            assert (record.key, record.value) == (None, "A0")
            break

    leader.run(scenario, value_deserializer=lambda data: data.decode().upper())


def test_a_paused_partition_is_neither_asked_for_nor_handed_out() -> None:
    leader = Leader(ScriptedWorld(), TWO)

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0, ("a", 1): 0})
        consumer.pause(("a", 0))
        assert await values(consumer, 1) == [b"b0"]
        assert {part.partition for each in asked(leader) for part in each.topics[0].partitions} == {1}
        consumer.resume(("a", 0))
        assert await values(consumer, 3) == [b"a0", b"a1", b"a2"]

    leader.run(scenario)


def test_a_seek_drops_what_was_on_its_way() -> None:
    leader = Leader(ScriptedWorld(), TWO)

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        assert len(await values(consumer, 3)) == 3
        consumer.seek("a", 0, 1)
        assert await values(consumer, 2) == [b"a1", b"a2"]
        consumer.seek_to_beginning()
        assert await consumer.position("a", 0) == 0
        assert len(await values(consumer, 3)) == 3

    leader.run(scenario)


class Sessions(Leader):
    """A leader that keeps fetch sessions, and answers only about what was asked for in full or has news."""

    def __init__(self, world: ScriptedWorld, partitions: list[list[bytes]]) -> None:
        super().__init__(world, partitions)
        self.known: dict[int, int] = {}
        self.drop = False

    def fetched(self, request: FetchRequest) -> Any:
        if self.drop and request.session_epoch > 0:
            self.drop = False
            return FetchResponse(error_code=ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if request.session_epoch == 0:
            self.known = {}
        for topic in request.topics:
            self.known.update({each.partition: each.fetch_offset for each in topic.partitions})
        for gone in request.forgotten_topics_data:
            for partition in gone.partitions:
                self.known.pop(partition, None)
        news = [self.partition_data(each, at, ErrorCode.NONE) for each, at in self.known.items()]
        return FetchResponse(
            session_id=77,
            responses=[FetchableTopicResponse("a", topic_id("a"), [each for each in news if each.records])],
        )


def test_in_a_session_only_changes_are_said() -> None:
    leader = Sessions(ScriptedWorld(), TWO)

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0, ("a", 1): 0})
        await values(consumer, 4)
        await consumer.poll(600)
        await consumer.poll(600)
        requests = asked(leader)
        assert [(each.session_id, each.session_epoch) for each in requests[:3]] == [(0, 0), (77, 1), (77, 2)]
        said = [
            sorted(part.partition for topic in each.topics for part in topic.partitions) for each in requests
        ]
        assert said[:3] == [[0, 1], [0, 1], []], "both moved once; after that there was nothing to say"
        consumer.assign([("a", 0)])
        await consumer.poll(1)
        await consumer.poll(1)
        forgotten = [each for request in asked(leader) for each in request.forgotten_topics_data]
        assert [each.partitions for each in forgotten] == [[1]]

    leader.run(scenario)


def test_a_session_that_the_broker_has_dropped_begins_anew() -> None:
    leader = Sessions(ScriptedWorld(), TWO)

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        await values(consumer, 3)
        leader.drop = True
        leader.partitions[0].append(batch(3, b"a3"))
        assert await values(consumer, 1) == [b"a3"]
        assert sum(each.session_epoch == 0 for each in asked(leader)) == 2

    try:
        leader.run(scenario)
    finally:
        del leader.partitions[0][3:]


def test_a_replica_nearby_is_asked_until_it_fails() -> None:
    leader = Leader(ScriptedWorld(), TWO)
    down: list[bool] = []

    def by_leader(request: FetchRequest) -> Any:
        if down:
            return leader.fetched(request)
        parts = [PartitionData(partition_index=0, preferred_read_replica=2, records=b"")]
        return FetchResponse(responses=[FetchableTopicResponse("a", topic_id("a"), parts)])

    def by_follower(request: FetchRequest) -> Any:
        if down:
            parts = [PartitionData(partition_index=0, error_code=ErrorCode.OFFSET_OUT_OF_RANGE)]
            return FetchResponse(responses=[FetchableTopicResponse("a", topic_id("a"), parts)])
        return leader.fetched(request)

    leader.brokers[0].answers[FetchRequest] = by_leader
    leader.brokers[1].answers[FetchRequest] = by_follower

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        assert len(await values(consumer, 3)) == 3
        assert [each.rack_id for each in asked(leader)] == ["here"]
        assert len(asked(leader, 1)) >= 1
        down.append(True)
        consumer.seek("a", 0, 2)
        assert await values(consumer, 1) == [b"a2"], "the leader gives what the follower does not have"
        assert len(asked(leader)) >= 2

    leader.run(scenario, client_rack="here")


@pytest.mark.parametrize("reset", ["earliest", "none"])
def test_a_log_that_was_cut_back_under_its_reader(reset: str) -> None:
    leader = Leader(ScriptedWorld(), [list(TWO[0])])
    described = metadata(leader.brokers, leader.topics)

    def under_a_new_leader(request: Any) -> Any:
        answer: Any = described(request)
        for topic in answer.topics:
            for partition in topic.partitions:
                partition.leader_epoch = 5
        return answer

    def cut(request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse:
        (question,) = request.topics[0].partitions
        assert (question.current_leader_epoch, question.leader_epoch) == (5, 1)
        end = EpochEndOffset(partition=0, leader_epoch=1, end_offset=1)
        return OffsetForLeaderEpochResponse(topics=[OffsetForLeaderTopicResult("a", [end])])

    leader.partitions[0] = [batch(at, b"a%d" % at, leader_epoch=1) for at in range(3)]

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        assert len(await values(consumer, 3)) == 3
        for broker in leader.brokers:
            broker.answers[MetadataRequest] = under_a_new_leader
            broker.answers[OffsetForLeaderEpochRequest] = cut
        leader.partitions[0] = [leader.partitions[0][0], batch(1, b"other", leader_epoch=5)]
        leader.errors = [ErrorCode.FENCED_LEADER_EPOCH]
        if reset == "none":
            with pytest.raises(Truncated, match="cut back to 1"):
                await values(consumer, 1)
        else:
            assert await values(consumer, 1) == [b"other"]

    leader.run(scenario, auto_offset_reset=reset)


def test_what_cannot_be_is_refused() -> None:
    leader = Leader(ScriptedWorld(), TWO)

    async def scenario(consumer: Consumer) -> None:
        with pytest.raises(NotSubscribed, match="needs a group"):
            consumer.subscribe("a")
        with pytest.raises(NotSubscribed, match="set group_id"):
            await consumer.commit()
        with pytest.raises(NotSubscribed, match="a-0 is not assigned"):
            consumer.seek("a", 0, 1)
        with pytest.raises(SettingRefused, match="no assignor is called 'fair'"):
            Consumer(cluster=consumer._lease.cluster, partition_assignment_strategy="fair")

    leader.run(scenario)
