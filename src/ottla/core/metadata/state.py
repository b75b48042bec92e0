"""What the controller decides on: its own image (which runs ahead of the committed one), its settings, its sessions.

Handlers of the other modules take a `State` and a `Command`, and return an `Outcome`: records and a reply. They change
nothing but the broker sessions, which no log remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec

from ottla.core.metadata.change import Rules
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.levels import ELR_VERSION
from ottla.core.metadata.nouns import (
    MIGRATING_DIRECTORY,
    UNASSIGNED_DIRECTORY,
    BrokerImage,
    ConfigResource,
    PartitionImage,
    TopicImage,
)
from ottla.core.metadata.placement import Chance, UsableBroker
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.model.settings.table import ResourceType

MAX_RECORDS_PER_BATCH: Final = 10_000
"""A batch of the metadata log has no more records than this, and so has what one user's request writes."""


def too_many_records() -> KafkaError:
    """The answer to a user's request that would write more than MAX_RECORDS_PER_BATCH."""
    return KafkaError(ErrorCode.POLICY_VIOLATION, "Unable to perform excessively large batch operation.")


class TopicConfigEntry(msgspec.Struct, frozen=True):
    """One effective config of a new topic, as CreateTopics v5+ answers it; `source` is Kafka's number."""

    name: str
    value: str | None
    source: int
    read_only: bool = False
    sensitive: bool = False


class ConfigRules(Protocol):
    """What the controller must know about configs. `configs` below are overrides only, never defaults."""

    def check(self, resource: ConfigResource, configs: dict[str, str], existing: dict[str, str]) -> None:
        """Raise KafkaError unless `resource` may have exactly `configs` (having had `existing`)."""
        ...

    def is_list(self, resource_type: int, key: str) -> bool:
        """May APPEND and SUBTRACT be used on it?"""
        ...

    def default(self, resource_type: int, key: str) -> str | None:
        """The value that APPEND starts from when nothing is set."""
        ...

    def topic_entries(self, image: MetadataImage, overrides: dict[str, str]) -> list[TopicConfigEntry]:
        """Every topic config with its effective value, by name."""
        ...

    def topic_value(self, image: MetadataImage, overrides: dict[str, str], key: str) -> str:
        """One effective topic config: override, else dynamic broker config, else static, else default."""
        ...


class ControllerSettings(msgspec.Struct):
    """The node's settings that the controller obeys; times in milliseconds."""

    node_id: int
    cluster_id: str
    num_partitions: int = 1
    default_replication_factor: int = 1
    min_insync_replicas: int = 1
    delete_topic_enable: bool = True
    broker_session_timeout_ms: int = 9_000
    leader_imbalance_check_interval_ms: int = 300_000
    auto_leader_rebalance_enable: bool = True
    token_secret_set: bool = False
    kraft_version: int = 0
    static_voter_ids: list[int] = []


class Command(msgspec.Struct, frozen=True):
    """One request to the controller: its body, its API version, and the offset its first record would get."""

    body: object
    version: int = 0
    next_offset: int = 0
    forwarded: bool = True
    """Came through a broker, which checks what only it can see (paths of its log directories)."""


class Sessions:
    """When each broker was last heard of: a broker that stays silent for too long is fenced."""

    def __init__(self) -> None:
        self._heard_at: dict[int, int] = {}

    def touch(self, broker_id: int, now: int) -> None:
        self._heard_at[broker_id] = now

    def forget(self, broker_id: int) -> None:
        self._heard_at.pop(broker_id, None)

    def valid(self, broker_id: int, now: int, timeout_ms: int) -> bool:
        heard = self._heard_at.get(broker_id)
        return heard is not None and now < heard + timeout_ms

    def oldest(self, broker_ids: Iterator[int]) -> tuple[int, int] | None:
        """(time last heard of, broker id) of the most silent of these brokers."""
        return min(((self._heard_at[id_], id_) for id_ in broker_ids if id_ in self._heard_at), default=None)


class State:
    """Everything a handler may look at."""

    def __init__(self, settings: ControllerSettings, rules: ConfigRules, chance: Chance) -> None:
        self.settings = settings
        self.rules = rules
        self.chance = chance
        self.image = MetadataImage()
        self.sessions = Sessions()
        self.registered_at: dict[int, int] = {}
        """broker id -> offset of its last registration record: it may be unfenced once it has read that far."""

    @property
    def elr_enabled(self) -> bool:
        return self.image.features.get(ELR_VERSION, 0) >= 1

    def new_id(self) -> Uuid:
        """A topic id that is none of the reserved ones and does not look like a command-line option."""
        while True:
            raw = self.chance.bytes(16)
            # The first six bits make the first letter of the text form; 62 is "-".
            id_ = bytes((*raw[:6], raw[6] & 0x0F | 0x40, raw[7], raw[8] & 0x3F | 0x80, *raw[9:]))
            if id_[0] >> 2 != 62 and id_ not in self.image.topics_by_id:
                return Uuid(id_)

    def is_active(self, broker_id: int) -> bool:
        broker = self.image.brokers.get(broker_id)
        return broker is not None and broker.active

    def usable_brokers(self) -> list[UsableBroker]:
        """Brokers that may take new replicas: not stopping, and with a directory that is not cordoned."""
        return [
            UsableBroker(broker.id, broker.rack, broker.fenced)
            for broker in self.image.brokers.values()
            if not broker.in_controlled_shutdown and has_uncordoned_directory(broker)
        ]

    def default_directory(self, broker_id: int) -> Uuid:
        """Where a new replica of this broker goes: its only directory, or its own choice among several."""
        broker = self.image.brokers.get(broker_id)
        if broker is None:
            return UNASSIGNED_DIRECTORY
        if not broker.directories:
            return MIGRATING_DIRECTORY
        return broker.directories[0] if len(broker.directories) == 1 else UNASSIGNED_DIRECTORY

    def topic_config(self, topic: str, key: str) -> str:
        return self.rules.topic_value(self.image, self.image.config(ResourceType.TOPIC, topic), key)

    def unclean_election_allowed(self, topic: str) -> bool:
        return self.topic_config(topic, "unclean.leader.election.enable") == "true"

    def min_isr(self, topic: TopicImage) -> int:
        """The topic's min.insync.replicas, but no more than it has replicas."""
        factor = len(topic.partitions[0].replicas) if 0 in topic.partitions else 1
        return min(int(self.topic_config(topic.name, "min.insync.replicas")), factor)

    def change_rules(
        self,
        topic: TopicImage,
        partition: PartitionImage,
        acceptable: Callable[[int], bool] | None = None,
        min_isr: int | None = None,
    ) -> Rules:
        """The rules under which this partition changes; `acceptable` replaces "is active" as the test of a leader.

        `min_isr` spares looking it up for each partition of a topic.
        """
        alive = self.is_active if acceptable is None else acceptable

        def may_lead(broker_id: int) -> bool:
            broker = self.image.brokers.get(broker_id)
            if broker is None or not alive(broker_id):
                return False
            return broker.has_online_directory(partition.directory_of(broker_id))

        return Rules(
            acceptable=may_lead,
            default_directory=self.default_directory,
            min_isr=self.min_isr(topic) if min_isr is None else min_isr,
            elr_enabled=self.elr_enabled,
            metadata_version=self.image.metadata_version,
        )

    def check_broker_epoch(self, broker_id: int, epoch: int) -> BrokerImage:
        """The broker of this registration. Raises KafkaError(STALE_BROKER_EPOCH)."""
        broker = self.image.brokers.get(broker_id)
        if broker is None:
            raise KafkaError(
                ErrorCode.STALE_BROKER_EPOCH, f"No broker registration found for broker id {broker_id}"
            )
        if broker.epoch != epoch:
            raise KafkaError(
                ErrorCode.STALE_BROKER_EPOCH,
                f"Expected broker epoch {broker.epoch}, but got broker epoch {epoch}",
            )
        return broker


def has_uncordoned_directory(broker: BrokerImage) -> bool:
    cordoned = broker.cordoned_directories
    return not cordoned or not broker.directories or not set(broker.directories) <= set(cordoned)
