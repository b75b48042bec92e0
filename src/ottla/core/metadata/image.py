"""The metadata image: everything the cluster knows about itself, as the committed records of `__cluster_metadata` say.

Brokers read it, the controller decides on it, snapshots are written from it. It changes in one way only: `apply`,
one record at a time, on the thread of its owner. Record types that this version does not know are kept as they came
and written into snapshots again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from ottla.core.metadata.delta import Delta
from ottla.core.metadata.levels import METADATA_VERSION, MINIMUM_METADATA_VERSION
from ottla.core.metadata.nouns import (
    AclImage,
    BrokerImage,
    ConfigResource,
    ControllerImage,
    Endpoint,
    LeaderRecoveryState,
    PartitionImage,
    QuotaEntity,
    ScramImage,
    ScramMechanism,
    TokenImage,
    TopicImage,
)
from ottla.core.metadata.replay import REPLAY, ReplayError
from ottla.core.model.ids import Uuid
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.metadata_frame import UnknownRecord

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
    unknown: list[UnknownRecord] = []
    offset: int = -1
    epoch: int = -1
    timestamp: int = -1
    """Wall milliseconds of the batch that held the last applied record."""

    def apply(self, record: object, delta: Delta | None = None) -> None:
        """Let one committed record change this image, noting in `delta` what it touched. Raises ReplayError."""
        if isinstance(record, UnknownRecord):
            self.unknown.append(record)
            return
        replay = REPLAY.get(type(record))
        if replay is None:
            raise ReplayError(f"{type(record).__name__} is not a metadata record")
        replay(self, record, Delta() if delta is None else delta)

    def copy(self) -> MetadataImage:
        """An image of its own with the same contents (frozen values are shared)."""
        topics = {
            id_: TopicImage(topic.name, topic.id, dict(topic.partitions))
            for id_, topic in self.topics_by_id.items()
        }
        return replace(
            self,
            topics_by_id=topics,
            topics_by_name={topic.name: topic for topic in topics.values()},
            brokers=dict(self.brokers),
            controllers=dict(self.controllers),
            features=dict(self.features),
            configs={resource: dict(configs) for resource, configs in self.configs.items()},
            client_quotas={entity: dict(quotas) for entity, quotas in self.client_quotas.items()},
            scram=dict(self.scram),
            acls=dict(self.acls),
            tokens=dict(self.tokens),
            unknown=list(self.unknown),
        )

    @property
    def metadata_version(self) -> int:
        """The finalised level; Kafka's minimum (7, 3.3-IV3) while none was written."""
        return self.features.get(METADATA_VERSION, MINIMUM_METADATA_VERSION)

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
