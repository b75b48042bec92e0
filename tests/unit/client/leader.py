"""A scripted leader of partitions, and the batches that lie in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ottla.client.cluster import Cluster
from ottla.client.consuming.consumer import Consumer
from ottla.client.settings import ConsumerSettings
from ottla.core.model.errors import ErrorCode
from ottla.core.records.build import build
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
from tests.unit.client.scripted import ScriptedWorld, metadata


def batch(first: int, *values: bytes, **options: Any) -> bytes:
    """A batch whose first record lies at offset `first`."""
    return build(
        [Record(first + index, 1_700_000_000_000, None, value) for index, value in enumerate(values)],
        **options,
    )


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

    def run(self, scenario: Callable[[Consumer], Any], **options: Any) -> None:
        """Let a consumer, made with `options`, play a scenario."""

        async def inside() -> None:
            chosen = ConsumerSettings(bootstrap_servers=(self.brokers[0].address,))
            async with (
                Cluster(self.world.doors, chosen) as cluster,
                Consumer(cluster=cluster, **options) as consumer,
            ):
                await scenario(consumer)

        self.world.run(inside())


def last_offset(data: bytes) -> int:
    return int.from_bytes(data[:8], "big") + int.from_bytes(data[23:27], "big")
