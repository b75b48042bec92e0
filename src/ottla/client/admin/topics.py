"""Topics: create, delete, list, describe, more partitions, fewer records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ottla.client.admin.base import AdminCalls, Done, Each, error_or_none
from ottla.client.by_leader import from_leaders
from ottla.client.offsets import TopicPartition
from ottla.client.view import TopicView
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
)
from ottla.core.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from ottla.core.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse

DEFAULT: Final = -1
"""Partitions or replicas as the broker's num.partitions and default.replication.factor say."""

TO_THE_END: Final = -1
"""For `delete_records`: everything up to the high watermark."""

DELETE_BY_NAME: Final = 5
"""The last version of DeleteTopics whose request is a list of names."""


class NewTopic(msgspec.Struct, frozen=True):
    """A topic to create. `assignments` (partition -> broker ids) takes the place of both counts."""

    name: str
    partitions: int = DEFAULT
    replication_factor: int = DEFAULT
    configs: dict[str, str] = {}
    assignments: dict[int, list[int]] = {}


class CreatedTopic(msgspec.Struct, frozen=True):
    """What became of a topic to create. Counts are -1 where the broker does not tell them."""

    name: str
    id: Uuid
    partitions: int
    replication_factor: int
    error: KafkaError | None


class NewPartitions(msgspec.Struct, frozen=True):
    """How many partitions a topic shall have, and on which brokers the new ones (one list each; None: any)."""

    total: int
    assignments: list[list[int]] | None = None


class Topics(AdminCalls):
    """Administration of topics."""

    async def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False
    ) -> list[CreatedTopic]:
        """Create topics, or only check that they could be."""
        request = CreateTopicsRequest(
            topics=[creatable(topic) for topic in topics],
            timeout_ms=self._timeout_ms,
            validate_only=validate_only,
        )
        answer = await self._from_controller(
            request, CreateTopicsResponse, lambda found: (topic.error_code for topic in found.topics)
        )
        return [
            CreatedTopic(
                topic.name,
                topic.topic_id,
                topic.num_partitions,
                topic.replication_factor,
                error_or_none(topic.error_code, topic.error_message),
            )
            for topic in answer.topics
        ]

    async def delete_topics(self, names: Sequence[str]) -> Done[str]:
        """Delete topics by name."""
        request = DeleteTopicsRequest(topic_names=list(names), timeout_ms=self._timeout_ms)
        answer = await self._from_controller(
            request,
            DeleteTopicsResponse,
            lambda found: (topic.error_code for topic in found.responses),
            newest=DELETE_BY_NAME,
        )
        return {
            topic.name or "": error_or_none(topic.error_code, topic.error_message)
            for topic in answer.responses
        }

    async def topics(self) -> list[TopicView]:
        """All topics, by name."""
        await self.cluster.refresh(None)
        return [self.cluster.view.topics[name] for name in sorted(self.cluster.view.topics)]

    async def describe_topics(self, names: Sequence[str]) -> Each[str, TopicView]:
        """Topics by name, each with its partitions or with why not."""
        await self.cluster.refresh(names)
        found: dict[str, TopicView | KafkaError] = {}
        for name in names:
            view = self.cluster.view.topics.get(name)
            code = self.cluster.view.errors.get(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            found[name] = view if view is not None else KafkaError(code, f"topic {name!r}: {code.sentence}")
        return found

    async def create_partitions(
        self, topics: Mapping[str, NewPartitions], *, validate_only: bool = False
    ) -> Done[str]:
        """Give topics more partitions, or only check that they could have them."""
        request = CreatePartitionsRequest(
            topics=[
                CreatePartitionsTopic(
                    name,
                    new.total,
                    None
                    if new.assignments is None
                    else [CreatePartitionsAssignment(list(brokers)) for brokers in new.assignments],
                )
                for name, new in topics.items()
            ],
            timeout_ms=self._timeout_ms,
            validate_only=validate_only,
        )
        answer = await self._from_controller(
            request, CreatePartitionsResponse, lambda found: (topic.error_code for topic in found.results)
        )
        return {topic.name: error_or_none(topic.error_code, topic.error_message) for topic in answer.results}

    async def delete_records(self, before: Mapping[TopicPartition, int]) -> Each[TopicPartition, int]:
        """Delete the records before an offset (TO_THE_END: all there are). The start of each log, afterwards."""

        async def ask(leader: int, some: list[TopicPartition]) -> Each[TopicPartition, int]:
            request = delete_request({each: before[each] for each in some}, self._timeout_ms)
            return starts_in(await self.cluster.on_node(leader, request, DeleteRecordsResponse))

        return await from_leaders(self.cluster, before, ask, patient=False)


def delete_request(before: Mapping[TopicPartition, int], timeout_ms: int) -> DeleteRecordsRequest:
    topics: dict[str, DeleteRecordsTopic] = {}
    for (name, partition), offset in before.items():
        topic = topics.setdefault(name, DeleteRecordsTopic(name, []))
        topic.partitions.append(DeleteRecordsPartition(partition, offset))
    return DeleteRecordsRequest(topics=list(topics.values()), timeout_ms=timeout_ms)


def starts_in(answer: DeleteRecordsResponse) -> Each[TopicPartition, int]:
    found: dict[TopicPartition, int | KafkaError] = {}
    for topic in answer.topics:
        for part in topic.partitions:
            error = error_or_none(part.error_code, None, f"{topic.name}-{part.partition_index}")
            found[topic.name, part.partition_index] = error or part.low_watermark
    return found


def creatable(topic: NewTopic) -> CreatableTopic:
    return CreatableTopic(
        name=topic.name,
        num_partitions=DEFAULT if topic.assignments else topic.partitions,
        replication_factor=DEFAULT if topic.assignments else topic.replication_factor,
        assignments=[
            CreatableReplicaAssignment(partition, brokers) for partition, brokers in topic.assignments.items()
        ],
        configs=[CreatableTopicConfig(name, value) for name, value in topic.configs.items()],
    )
