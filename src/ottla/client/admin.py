"""Administration: topics and configs. Each call answers per topic or resource, an error beside each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from ottla.client.cluster import Cluster
from ottla.client.view import TopicView
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import Uuid
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from ottla.core.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)
from ottla.core.wire.messages.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
)

R = TypeVar("R", bound=Body)

DEFAULT: Final = -1
"""Partitions or replicas as the broker's num.partitions and default.replication.factor say."""

TOPIC_RESOURCE: Final = 2
BROKER_RESOURCE: Final = 4

DELETE_BY_NAME: Final = 5
"""The last version of DeleteTopics whose request is a list of names."""

CONFIG_SOURCES: Final = {
    1: "topic",
    2: "broker (dynamic)",
    3: "cluster (dynamic)",
    4: "broker (static)",
    5: "default",
    6: "broker logger",
    7: "client metrics",
    8: "group",
}


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


class ConfigEntry(msgspec.Struct, frozen=True):
    """One config of a resource. `value` None: sensitive, or not set; `source` as in CONFIG_SOURCES."""

    name: str
    value: str | None
    source: str
    read_only: bool
    sensitive: bool

    @property
    def is_default(self) -> bool:
        return self.source == CONFIG_SOURCES[5]


class Admin:
    """Administrative calls over a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    async def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False
    ) -> list[CreatedTopic]:
        """Create topics, or only check that they could be."""
        request = CreateTopicsRequest(
            topics=[creatable(topic) for topic in topics],
            timeout_ms=self.cluster.settings.request_timeout_ms,
            validate_only=validate_only,
        )

        async def attempt() -> CreateTopicsResponse:
            answer = await self.cluster.on_controller(request, CreateTopicsResponse)
            await self._check_controller(topic.error_code for topic in answer.topics)
            return answer

        answer = await self.cluster.retrying(attempt)
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

    async def delete_topics(self, names: Sequence[str]) -> dict[str, KafkaError | None]:
        """Delete topics by name."""
        request = DeleteTopicsRequest(
            topic_names=list(names), timeout_ms=self.cluster.settings.request_timeout_ms
        )

        async def attempt() -> DeleteTopicsResponse:
            answer = await self.cluster.on_controller(request, DeleteTopicsResponse, newest=DELETE_BY_NAME)
            await self._check_controller(topic.error_code for topic in answer.responses)
            return answer

        answer = await self.cluster.retrying(attempt)
        return {
            topic.name or "": error_or_none(topic.error_code, topic.error_message)
            for topic in answer.responses
        }

    async def topics(self) -> list[TopicView]:
        """All topics, by name."""
        await self.cluster.refresh(None)
        return [self.cluster.view.topics[name] for name in sorted(self.cluster.view.topics)]

    async def describe_topics(self, names: Sequence[str]) -> dict[str, TopicView | KafkaError]:
        """Topics by name, each with its partitions or with why not."""
        await self.cluster.refresh(names)
        found: dict[str, TopicView | KafkaError] = {}
        for name in names:
            view = self.cluster.view.topics.get(name)
            code = self.cluster.view.errors.get(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            found[name] = view if view is not None else KafkaError(code, f"topic {name!r}: {code.sentence}")
        return found

    async def topic_configs(self, names: Iterable[str]) -> dict[str, list[ConfigEntry]]:
        """Every config of these topics, by topic. Raises KafkaError for the first that is refused."""
        resources = [
            DescribeConfigsResource(resource_type=TOPIC_RESOURCE, resource_name=name, configuration_keys=None)
            for name in names
        ]
        answer = await self.cluster.on_any(
            DescribeConfigsRequest(resources=resources), DescribeConfigsResponse
        )
        return {result.resource_name: config_entries(result) for result in answer.results}

    async def partition_sizes(self, topics: Mapping[str, Iterable[int]]) -> dict[tuple[str, int], int]:
        """Bytes each partition takes on the disks of its largest replica."""
        request = DescribeLogDirsRequest(
            topics=[DescribableLogDirTopic(name, list(partitions)) for name, partitions in topics.items()]
        )
        sizes: dict[tuple[str, int], int] = {}
        for node_id in self.cluster.view.nodes:
            answer = await self.cluster.on_node(node_id, request, DescribeLogDirsResponse)
            if answer.error_code:
                raise KafkaError(error_of(answer.error_code), f"log directories of broker {node_id}")
            for directory in answer.results:
                for topic in directory.topics:
                    for partition in topic.partitions:
                        key = (topic.name, partition.partition_index)
                        sizes[key] = max(sizes.get(key, 0), partition.partition_size)
        return sizes

    async def _check_controller(self, codes: Iterable[int]) -> None:
        """A controller that has moved is looked up again before the next attempt."""
        if ErrorCode.NOT_CONTROLLER in set(codes):
            await self.cluster.refresh(())
            raise KafkaError(ErrorCode.NOT_CONTROLLER)


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


def config_entries(result: DescribeConfigsResult) -> list[ConfigEntry]:
    """The configs of one resource. Raises KafkaError when the broker refuses them."""
    if result.error_code:
        raise KafkaError(error_of(result.error_code), result.error_message or None)
    return [
        ConfigEntry(
            entry.name,
            entry.value,
            CONFIG_SOURCES.get(entry.config_source, "unknown"),
            entry.read_only,
            entry.is_sensitive,
        )
        for entry in result.configs
    ]


def error_or_none(code: int, message: str | None) -> KafkaError | None:
    return KafkaError(error_of(code), message or None) if code else None
