"""The producer's side of transactions: what is asked of the coordinator, in which order, and what its refusals mean.

The coordinator here has agreed on no transaction.version, so partitions and groups are announced; how it goes where they
need not be is seen on running nodes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ottla.client.cluster import Cluster
from ottla.client.errors import ClientClosed, ClientTimeout
from ottla.client.producing.producer import Producer
from ottla.client.producing.transactions import NoTransaction, TransactionFailed
from ottla.client.settings import ProducerSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import headers
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from ottla.core.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
)
from ottla.core.wire.messages.api_versions import ApiVersionsRequest, FinalizedFeatureKey
from ottla.core.wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from ottla.core.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.metadata import MetadataRequest
from ottla.core.wire.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from ottla.core.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from tests.unit.client.scripted import ScriptedWorld, all_versions, metadata

SHORT = {
    ApiVersionsRequest: "",
    MetadataRequest: "",
    FindCoordinatorRequest: "",
    InitProducerIdRequest: "init",
    AddPartitionsToTxnRequest: "partitions",
    AddOffsetsToTxnRequest: "group",
    TxnOffsetCommitRequest: "offsets",
    ProduceRequest: "produce",
    EndTxnRequest: "end",
}


class Coordinated:
    """A broker that coordinates, leads and stores; `errors` holds what the next requests of a kind meet."""

    def __init__(self, version: int = 0) -> None:
        self.world = ScriptedWorld()
        self.broker = self.world.broker(1)
        self.errors: dict[type[Body], list[ErrorCode]] = {}
        self.epoch = -1
        answers = self.broker.answers
        answers[ApiVersionsRequest] = lambda _: all_versions_with(version)
        answers[MetadataRequest] = metadata([self.broker], {"a": [1, 1]})
        answers[FindCoordinatorRequest] = lambda request: FindCoordinatorResponse(
            coordinators=[Coordinator(key, 1, "broker1", 9092) for key in request.coordinator_keys]
        )
        answers[InitProducerIdRequest] = self.init
        answers[AddPartitionsToTxnRequest] = self.add_partitions
        answers[AddOffsetsToTxnRequest] = lambda request: AddOffsetsToTxnResponse(
            error_code=self.meets(AddOffsetsToTxnRequest)
        )
        answers[TxnOffsetCommitRequest] = self.offsets
        answers[EndTxnRequest] = self.end
        answers[ProduceRequest] = self.produce
        self.version = version

    def meets(self, kind: type[Body]) -> ErrorCode:
        waiting = self.errors.get(kind)
        return waiting.pop(0) if waiting else ErrorCode.NONE

    def init(self, request: InitProducerIdRequest) -> Body:
        code = self.meets(InitProducerIdRequest)
        if code:
            return InitProducerIdResponse(error_code=code)
        self.epoch += 1
        return InitProducerIdResponse(producer_id=7, producer_epoch=self.epoch)

    def add_partitions(self, request: AddPartitionsToTxnRequest) -> Body:
        code = self.meets(AddPartitionsToTxnRequest)
        return AddPartitionsToTxnResponse(
            results_by_topic_v3_and_below=[
                AddPartitionsToTxnTopicResult(
                    topic.name, [AddPartitionsToTxnPartitionResult(each, code) for each in topic.partitions]
                )
                for topic in request.v3_and_below_topics
            ]
        )

    def offsets(self, request: TxnOffsetCommitRequest) -> Body:
        code = self.meets(TxnOffsetCommitRequest)
        return TxnOffsetCommitResponse(
            topics=[
                TxnOffsetCommitResponseTopic(
                    topic.name,
                    [
                        TxnOffsetCommitResponsePartition(each.partition_index, code)
                        for each in topic.partitions
                    ],
                )
                for topic in request.topics
            ]
        )

    def end(self, request: EndTxnRequest) -> Body:
        code = self.meets(EndTxnRequest)
        if code or self.version < 2:
            return EndTxnResponse(error_code=code)
        self.epoch += 1
        return EndTxnResponse(producer_id=7, producer_epoch=self.epoch)

    def produce(self, request: ProduceRequest) -> Body:
        code = self.meets(ProduceRequest)
        return ProduceResponse(
            responses=[
                TopicProduceResponse(
                    topic.name,
                    topic.topic_id,
                    [PartitionProduceResponse(each.index, code) for each in topic.partition_data],
                )
                for topic in request.topic_data
            ]
        )

    def story(self) -> list[str]:
        """What was asked, without looking around."""
        return [short for each in self.broker.requests if (short := SHORT[type(each)])]

    def places(self) -> list[tuple[int, int]]:
        """(epoch, place in the sequence) of every batch that came."""
        found = []
        for request in self.broker.asked_for(ProduceRequest):
            for topic in request.topic_data:
                for part in topic.partition_data:
                    ((_, header),) = headers(memoryview(part.records))
                    assert header.is_transactional
                    found.append((header.producer_epoch, header.base_sequence))
        return found

    def run(self, scenario: Callable[[Producer], Awaitable[Any]]) -> None:
        async def inside() -> None:
            settings = ProducerSettings(
                bootstrap_servers=(self.broker.address,), transactional_id="tx", linger_ms=0
            )
            async with Cluster(self.world.doors, settings) as cluster, Producer(cluster) as producer:
                await scenario(producer)

        self.world.run(inside())


def all_versions_with(version: int) -> Body:
    answer = all_versions()
    if version:
        answer.finalized_features = [FinalizedFeatureKey("transaction.version", version, version)]
    return answer


async def whole(producer: Producer) -> None:
    async with producer.transaction():
        await producer.send("a", b"x", partition=0)
        await producer.send_offsets_to_transaction({("b", 0): 5}, "g")


def test_partitions_and_groups_are_announced_before_they_are_written_to() -> None:
    there = Coordinated()

    async def scenario(producer: Producer) -> None:
        await whole(producer)
        await whole(producer)

    there.run(scenario)
    assert there.story()[0] == "init"
    for story in (there.story()[1:6], there.story()[6:]):
        assert sorted(story) == ["end", "group", "offsets", "partitions", "produce"]
        assert story.index("partitions") < story.index("produce") < story.index("end") == 4
        assert story.index("group") < story.index("offsets")
    assert there.places() == [(0, 0), (0, 1)]


def test_where_the_cluster_has_agreed_on_it_nothing_is_announced_and_every_end_gives_an_epoch() -> None:
    there = Coordinated(version=2)

    async def scenario(producer: Producer) -> None:
        await whole(producer)
        await whole(producer)

    there.run(scenario)
    assert sorted(there.story()[1:4]) == ["end", "offsets", "produce"]
    assert there.story()[3] == "end"
    assert there.places() == [(0, 0), (1, 0)]


@pytest.mark.parametrize(
    "kind", [AddPartitionsToTxnRequest, AddOffsetsToTxnRequest, TxnOffsetCommitRequest, EndTxnRequest]
)
def test_what_passes_is_waited_for(kind: type[Body]) -> None:
    there = Coordinated()
    there.errors[kind] = [ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.NOT_COORDINATOR]
    there.run(whole)
    assert there.story().count(SHORT[kind]) == 3


def test_a_failed_batch_fails_the_transaction_and_the_next_has_a_new_epoch() -> None:
    there = Coordinated()
    there.errors[ProduceRequest] = [ErrorCode.MESSAGE_TOO_LARGE]

    async def scenario(producer: Producer) -> None:
        await producer.begin_transaction()
        with pytest.raises(KafkaError, match="MESSAGE_TOO_LARGE"):
            await (await producer.send("a", b"x", partition=0))
        with pytest.raises(TransactionFailed, match="MESSAGE_TOO_LARGE"):
            await producer.send("a", b"y", partition=0)
        with pytest.raises(TransactionFailed):
            await producer.commit_transaction()
        await producer.abort_transaction()
        await whole(producer)

    there.run(scenario)
    commits = [request.committed for request in there.broker.asked_for(EndTxnRequest)]
    assert commits == [False, True]


def test_a_place_in_doubt_asks_for_a_new_epoch_after_the_abort() -> None:
    there = Coordinated()
    there.errors[ProduceRequest] = [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER]

    async def scenario(producer: Producer) -> None:
        with pytest.raises(TransactionFailed):
            async with producer.transaction():
                await producer.send("a", b"x", partition=0)
        await whole(producer)

    there.run(scenario)
    first, second = there.broker.asked_for(InitProducerIdRequest)
    assert (first.producer_id, first.producer_epoch) == (-1, -1)
    assert (second.producer_id, second.producer_epoch) == (7, 0)
    assert there.places() == [(0, 0), (1, 0)]


@pytest.mark.parametrize("kind", [ProduceRequest, EndTxnRequest, TxnOffsetCommitRequest])
def test_a_fenced_producer_is_of_no_more_use(kind: type[Body]) -> None:
    there = Coordinated()
    there.errors[kind] = [ErrorCode.PRODUCER_FENCED]

    async def scenario(producer: Producer) -> None:
        with pytest.raises((KafkaError, TransactionFailed), match="PRODUCER_FENCED"):
            await whole(producer)
        with pytest.raises(TransactionFailed, match="fenced") as raised:
            await producer.begin_transaction()
        assert "new producer" in raised.value.hint

    there.run(scenario)


def test_an_abort_drops_what_was_not_sent_and_an_empty_transaction_asks_nobody() -> None:
    there = Coordinated()

    async def scenario(producer: Producer) -> None:
        async with producer.transaction():
            pass
        await producer.begin_transaction()
        late = await producer.send("a", b"x", partition=0)
        await producer.abort_transaction()
        with pytest.raises(ClientClosed, match="aborted"):
            await late
        with pytest.raises(NoTransaction):
            await producer.commit_transaction()
        with pytest.raises(NoTransaction):
            await producer.send("a", b"x")

    there.run(scenario)
    assert there.story() == ["init"]


def test_what_is_announced_late_does_not_come_into_the_next_transaction() -> None:
    there = Coordinated()
    there.errors[AddPartitionsToTxnRequest] = [ErrorCode.CONCURRENT_TRANSACTIONS] * 3

    async def scenario(producer: Producer) -> None:
        await producer.begin_transaction()
        late = await producer.send("a", b"x", partition=0)
        await there.world.clock.sleep(20)
        await producer.abort_transaction()
        with pytest.raises(ClientClosed):
            await late
        await whole(producer)

    there.run(scenario)
    assert there.story().index("end") == 2, there.story()
    assert there.story()[3:].count("partitions") == 3, "two refusals are left"


def test_a_commit_whose_outcome_is_open_is_asked_again_and_cannot_be_aborted() -> None:
    there = Coordinated()
    end = there.broker.answers[EndTxnRequest]
    there.broker.answers[EndTxnRequest] = lambda _: None

    async def scenario(producer: Producer) -> None:
        await producer.begin_transaction()
        await producer.send("a", b"x", partition=0)
        with pytest.raises(ClientTimeout):
            await producer.commit_transaction()
        with pytest.raises(NoTransaction, match="committing"):
            await producer.abort_transaction()
        there.broker.answers[EndTxnRequest] = end
        await producer.commit_transaction()
        await whole(producer)

    there.run(scenario)
    assert all(request.committed for request in there.broker.asked_for(EndTxnRequest))


def test_a_producer_without_an_id_has_no_transactions() -> None:
    there = Coordinated()

    async def inside() -> None:
        settings = ProducerSettings(bootstrap_servers=(there.broker.address,))
        async with Cluster(there.world.doors, settings) as cluster, Producer(cluster) as producer:
            with pytest.raises(NoTransaction, match=r"transactional\.id"):
                await producer.begin_transaction()

    there.world.run(inside())
