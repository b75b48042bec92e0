"""What clients are told of topics: leaders, replicas, who is offline. Shared by Metadata and DescribeTopicPartitions."""

from __future__ import annotations

from typing import Final

from ottla.broker.context import Context
from ottla.broker.endpoints import endpoint_of
from ottla.broker.services import Services
from ottla.core.metadata.image import PartitionImage
from ottla.core.metadata.topic_names import check_topic_name
from ottla.core.model.errors import ErrorCode, KafkaError

INTERNAL_TOPICS: Final = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
NO_LEADER: Final = -1


def absence(topic: str) -> ErrorCode:
    """Why there is no such topic: nobody made it, or nobody could."""
    try:
        check_topic_name(topic)
    except KafkaError as error:
        return error.code
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def leader(services: Services, context: Context, partition: PartitionImage) -> tuple[int, ErrorCode]:
    """(leader id, error): -1 and the reason when the caller cannot reach the leader."""
    broker = services.image.brokers.get(partition.leader)
    if broker is None:
        return NO_LEADER, ErrorCode.LEADER_NOT_AVAILABLE
    if endpoint_of(services, context, broker) is None:
        return NO_LEADER, ErrorCode.LISTENER_NOT_FOUND
    return partition.leader, ErrorCode.NONE


def offline_replicas(services: Services, context: Context, partition: PartitionImage) -> list[int]:
    """Replicas whose broker, listener or directory is gone."""
    offline = []
    for replica in partition.replicas:
        broker = services.image.brokers.get(replica)
        if (
            broker is None
            or broker.fenced
            or endpoint_of(services, context, broker) is None
            or not broker.has_online_directory(partition.directory_of(replica))
        ):
            offline.append(replica)
    return offline


def reachable(services: Services, context: Context, replicas: list[int]) -> list[int]:
    """Those of `replicas` that are alive and offer the caller's listener."""
    found = []
    for replica in replicas:
        broker = services.image.brokers.get(replica)
        if broker is not None and not broker.fenced and endpoint_of(services, context, broker) is not None:
            found.append(replica)
    return found
