"""The metadata image: everything the cluster knows about itself, as the committed records of `__cluster_metadata` say.

Brokers read it, the controller decides on it, snapshots are written from it. It changes in one way only: `apply`,
one record at a time, on the thread of its owner. Record types that this version does not know are kept as they came
and written into snapshots again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from ottla.core.metadata.nouns import (
    AclImage,
    BrokerImage,
    ConfigResource,
    ControllerImage,
    Endpoint,
    LeaderRecoveryState,
    PartitionImage,
    QuotaEntity,
    ResourceType,
    ScramImage,
    ScramMechanism,
    TokenImage,
    TopicImage,
)
from ottla.core.model.ids import Uuid

__all__ = [
    "AclImage",
    "BrokerImage",
    "ControllerImage",
    "Endpoint",
    "LeaderRecoveryState",
    "MetadataImage",
    "PartitionImage",
    "ResourceType",
    "ScramImage",
    "ScramMechanism",
    "TokenImage",
    "TopicImage",
]

METADATA_VERSION: Final = "metadata.version"
KRAFT_VERSION: Final = "kraft.version"


class MetadataImage(msgspec.Struct):
    """The state of the cluster at `offset` (that of the last applied record, -1 before any).

    `features` holds finalised levels, `metadata.version` among them; `kraft.version` lives in control records and is
    not here. `next_producer_id` is -1 while no block was handed out.
    """

    topics_by_name: dict[str, TopicImage] = {}
    topics_by_id: dict[Uuid, TopicImage] = {}
    brokers: dict[int, BrokerImage] = {}
    controllers: dict[int, ControllerImage] = {}
    features: dict[str, int] = {}
    configs: dict[ConfigResource, dict[str, str]] = {}
    client_quotas: dict[QuotaEntity, dict[str, float]] = {}
    scram: dict[tuple[int, str], ScramImage] = {}
    """(mechanism, user) -> credential."""
    acls: dict[Uuid, AclImage] = {}
    tokens: dict[str, TokenImage] = {}
    next_producer_id: int = -1
    offset: int = -1
    epoch: int = -1
    timestamp: int = -1
    """Wall milliseconds of the batch that held the last applied record."""

    @property
    def metadata_version(self) -> int:
        """The finalised level; Kafka's minimum (7, 3.3-IV3) while none was written."""
        return self.features.get(METADATA_VERSION, 7)

    @property
    def partition_count(self) -> int:
        return sum(len(topic.partitions) for topic in self.topics_by_id.values())

    def partition(self, topic: str, partition: int) -> PartitionImage | None:
        found = self.topics_by_name.get(topic)
        return None if found is None else found.partitions.get(partition)

    def config(self, resource_type: int, name: str) -> dict[str, str]:
        """The overrides of one resource (name "" = the cluster-wide default); empty when there are none."""
        return self.configs.get((resource_type, name), {})

    def active_brokers(self) -> Iterator[BrokerImage]:
        """Brokers that clients may talk to, by id."""
        return (broker for _, broker in sorted(self.brokers.items()) if not broker.fenced)
