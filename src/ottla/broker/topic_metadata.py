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


class Reach:
    """The brokers as the caller's listener shows them: looked at once for all partitions of an answer."""

    __slots__ = ("_alive", "_known", "_offering")

    def __init__(self, services: Services, context: Context) -> None:
        self._known = services.image.brokers
        self._offering = {
            each.id for each in self._known.values() if endpoint_of(services, context, each) is not None
        }
        self._alive = {
            each.id: each for each in self._known.values() if each.id in self._offering and not each.fenced
        }

    def leader(self, partition: PartitionImage) -> tuple[int, ErrorCode]:
        """(leader id, error): -1 and the reason when the caller cannot reach the leader."""
        if partition.leader in self._offering:
            return partition.leader, ErrorCode.NONE
        if partition.leader in self._known:
            return NO_LEADER, ErrorCode.LISTENER_NOT_FOUND
        return NO_LEADER, ErrorCode.LEADER_NOT_AVAILABLE

    def offline_replicas(self, partition: PartitionImage) -> list[int]:
        """Replicas whose broker, listener or directory is gone."""
        alive = self._alive
        return [
            replica
            for replica, directory in zip(partition.replicas, partition.directories, strict=True)
            if replica not in alive or not alive[replica].has_online_directory(directory)
        ]

    def alive(self, replicas: list[int]) -> list[int]:
        """Those of `replicas` that are alive and offer the caller's listener."""
        return [replica for replica in replicas if replica in self._alive]
