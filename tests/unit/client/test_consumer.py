"""The consumer of partitions: whole batches, positions, leaders, isolation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ottla.client.cluster import Cluster
from ottla.client.consumer import PartitionConsumer
from ottla.client.errors import ClientError
from ottla.client.fetched import visible_batches
from ottla.client.settings import ClientSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID
from ottla.core.records.build import build
from ottla.core.records.control import EndTransaction, build_end_transaction
from ottla.core.records.record import Record
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.fetch import (
    AbortedTransaction,
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from ottla.core.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from ottla.core.wire.messages.metadata import MetadataRequest
from tests.unit.client.scripted import ScriptedBroker, ScriptedWorld, metadata


def batch(first: int, *values: bytes, **options: Any) -> bytes:
    """A batch whose first record lies at offset `first`."""
    return build(
        [Record(first + index, 1_700_000_000_000, None, value) for index, value in enumerate(values)],
        **options,
    )


def marker(offset: int, producer_id: int, *, committed: bool) -> bytes:
    data = bytearray(build_end_transaction(producer_id, 0, EndTransaction(committed, 0), 1_700_000_000_000))
    data[:8] = offset.to_bytes(8, "big")
    return bytes(data)


class Leader:
    """Leads partitions 0 to n of topic "a", each a list of batches in order."""

    def __init__(self, world: ScriptedWorld, partitions: list[list[bytes]], *, ids: bool = True) -> None:
        self.world = world
        self.topics = {"a": [1] * len(partitions)}
        self.partitions = partitions
        self.brokers = [world.broker(1), world.broker(2)]
        self.errors: list[ErrorCode] = []
        self.start_offset = 0
        self.aborted: list[AbortedTransaction] = []
        for broker in self.brokers:
            broker.answers[MetadataRequest] = metadata(self.brokers, self.topics, ids=ids)
            broker.answers[FetchRequest] = self.fetched
            broker.answers[ListOffsetsRequest] = self.listed

    def fetched(self, request: FetchRequest) -> Body | bytes:
        answers = []
        code = self.errors.pop(0) if self.errors else ErrorCode.NONE
        for topic in request.topics:
            parts = [
                self.partition_data(each.partition, each.fetch_offset, code) for each in topic.partitions
            ]
            answers.append(FetchableTopicResponse(topic.topic, topic.topic_id, parts))
        return FetchResponse(responses=answers)

    def partition_data(self, partition: int, offset: int, code: ErrorCode) -> PartitionData:
        batches = self.partitions[partition]
        end = sum(1 for _ in batches)
        if offset < self.start_offset:
            code = ErrorCode.OFFSET_OUT_OF_RANGE
        data = b"" if code else b"".join(each for each in batches if last_offset(each) >= offset)
        return PartitionData(
            partition_index=partition,
            error_code=code,
            high_watermark=end,
            aborted_transactions=self.aborted,
            records=data,
        )

    def listed(self, request: ListOffsetsRequest) -> Body:
        return ListOffsetsResponse(
            topics=[
                ListOffsetsTopicResponse(
                    topic.name,
                    [
                        ListOffsetsPartitionResponse(
                            partition_index=each.partition_index, offset=self.start_offset
                        )
                        for each in topic.partitions
                    ],
                )
                for topic in request.topics
            ]
        )

    def run(self, scenario: Callable[[PartitionConsumer], Any], **settings: Any) -> None:
        async def inside() -> None:
            chosen = ClientSettings(bootstrap_servers=(self.brokers[0].address,), **settings)
            async with Cluster(self.world.doors, chosen) as cluster:
                await cluster.topic("a")
                consumer = PartitionConsumer(cluster)
                await scenario(consumer)
                consumer.close()

        self.world.run(inside())


def last_offset(data: bytes) -> int:
    return int.from_bytes(data[:8], "big") + int.from_bytes(data[23:27], "big")


async def values(consumer: PartitionConsumer, count: int) -> list[tuple[int, bytes | None]]:
    """The next `count` records: (offset, value)."""
    found: list[tuple[int, bytes | None]] = []
    while len(found) < count:
        for fetched in await consumer.poll(60_000):
            found += [(record.offset, record.value) for record in fetched.records()]
    return found


def test_whole_batches_arrive_and_the_head_before_the_position_does_not() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0", b"1", b"2"), batch(3, b"3")]])

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 1})
        assert await values(consumer, 3) == [(1, b"1"), (2, b"2"), (3, b"3")]
        assert consumer.position("a", 0) == 4

    leader.run(scenario)


@pytest.mark.parametrize("ids", [True, False])
def test_topics_are_named_by_id_where_there_is_one(ids: bool) -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]], ids=ids)

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        assert await values(consumer, 1) == [(0, b"0")]
        request = leader.brokers[0].asked_for(FetchRequest)[0]
        assert (request.topics[0].topic_id != ZERO_UUID) == ids
        assert (request.topics[0].topic == "a") != ids

    leader.run(scenario)


def test_the_next_fetch_leaves_while_the_caller_works() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]])

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        await values(consumer, 1)
        await leader.world.clock.sleep(1)
        offsets = [
            each.topics[0].partitions[0].fetch_offset for each in leader.brokers[0].asked_for(FetchRequest)
        ]
        assert offsets[:2] == [0, 1]

    leader.run(scenario)


def test_a_leader_that_moves_is_followed() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]])
    leader.errors = [ErrorCode.NOT_LEADER_OR_FOLLOWER]

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        leader.topics["a"] = [2]
        assert await values(consumer, 1) == [(0, b"0")]
        assert leader.brokers[1].asked_for(FetchRequest)

    leader.run(scenario)


def test_a_broken_connection_is_opened_anew() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]])
    broken = [True]

    def answer(request: FetchRequest) -> Body | bytes:
        return ScriptedBroker.LOSE if broken and broken.pop() else leader.fetched(request)

    leader.brokers[0].answers[FetchRequest] = answer

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        assert await values(consumer, 1) == [(0, b"0")]

    leader.run(scenario)


def test_a_broker_that_stays_away_is_told_in_the_end() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]])
    for broker in leader.brokers:
        broker.answers[FetchRequest] = lambda request: ScriptedBroker.LOSE

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        began = leader.world.clock.now()
        with pytest.raises(ClientError, match="the broker closed it"):
            await values(consumer, 1)
        assert 5_000 < leader.world.clock.now() - began < 15_000

    leader.run(scenario, default_api_timeout_ms=10_000)


def test_out_of_range_goes_by_the_reset_policy() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0"), batch(1, b"1")]])
    leader.start_offset = 1

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        assert await values(consumer, 1) == [(1, b"1")]

    leader.run(scenario, auto_offset_reset="earliest")

    async def without(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        with pytest.raises(KafkaError, match="OFFSET_OUT_OF_RANGE: a-0 at offset 0"):
            await values(consumer, 1)

    leader.run(without, auto_offset_reset="none")


def test_a_damaged_batch_is_refused() -> None:
    damaged = bytearray(batch(0, b"0"))
    damaged[-1] ^= 1
    leader = Leader(ScriptedWorld(), [[bytes(damaged)]])

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        with pytest.raises(KafkaError, match="CORRUPT_MESSAGE"):
            await values(consumer, 1)

    leader.run(scenario)


def test_nothing_new_is_an_empty_answer_in_time() -> None:
    leader = Leader(ScriptedWorld(), [[]])

    async def scenario(consumer: PartitionConsumer) -> None:
        consumer.assign({("a", 0): 0})
        began = leader.world.clock.now()
        leader.brokers[0].answers[FetchRequest] = lambda request: None
        assert await consumer.poll(700) == []
        assert leader.world.clock.now() - began == 700

    leader.run(scenario)


def transactions() -> bytes:
    """Producer 1 aborts (0, 3), producer 2 commits (1), producer 3 has no transaction (2), 1 commits (5)."""
    return b"".join(
        (
            batch(0, b"aborted", producer_id=1, producer_epoch=0, base_sequence=0, transactional=True),
            batch(1, b"committed", producer_id=2, producer_epoch=0, base_sequence=0, transactional=True),
            batch(2, b"plain", producer_id=1, producer_epoch=0, base_sequence=9),
            marker(3, 1, committed=False),
            marker(4, 2, committed=True),
            batch(5, b"second", producer_id=1, producer_epoch=0, base_sequence=1, transactional=True),
            marker(6, 1, committed=True),
        )
    )


def shown(aborted: list[AbortedTransaction] | None, first: int = 0) -> tuple[list[bytes | None], int]:
    seen, next_offset = visible_batches(memoryview(transactions()), first, aborted, check_crcs=True)
    return [record.value for each in seen for record in each.records()], next_offset


def test_aborted_transactions_are_left_out_until_their_marker() -> None:
    assert shown([AbortedTransaction(1, 0)]) == ([b"committed", b"plain", b"second"], 7)
    assert shown(None) == ([b"aborted", b"committed", b"plain", b"second"], 7)
    assert shown([AbortedTransaction(1, 0)], first=2) == ([b"plain", b"second"], 7)


def test_a_batch_cut_short_by_the_limit_is_fetched_again() -> None:
    data = batch(0, b"0") + batch(1, b"1")[:-3]
    seen, next_offset = visible_batches(memoryview(data), 0, None, check_crcs=True)
    assert ([each.header.base_offset for each in seen], next_offset) == ([0], 1)
