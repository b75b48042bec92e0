"""What a client knows of the cluster: nodes, topics, leaders. Filled from Metadata answers, kept between them."""

from __future__ import annotations

import msgspec

from ottla.core.model.errors import ErrorCode, error_of
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.messages.metadata import MetadataResponse, MetadataResponseTopic
from ottla.world.doors import Address

NO_LEADER = -1


class PartitionView(msgspec.Struct, frozen=True):
    """One partition as a broker last described it."""

    index: int
    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    offline: tuple[int, ...]
    error: ErrorCode


class TopicView(msgspec.Struct, frozen=True):
    """One topic. Brokers older than Kafka 2.8 give no topic id (sixteen zero bytes)."""

    name: str
    id: Uuid
    internal: bool
    partitions: dict[int, PartitionView]

    def led(self) -> list[int]:
        """Partitions that have a leader."""
        return [index for index, partition in self.partitions.items() if partition.leader != NO_LEADER]


class ClusterView:
    """The cluster as the last answers described it."""

    def __init__(self) -> None:
        self.cluster_id: str | None = None
        self.controller_id = NO_LEADER
        self.nodes: dict[int, Address] = {}
        self.racks: dict[int, str | None] = {}
        self.topics: dict[str, TopicView] = {}
        self.names: dict[Uuid, str] = {}
        self.errors: dict[str, ErrorCode] = {}
        """Topics that the last answer about them refused, and why."""

    def learn(self, answer: MetadataResponse, *, everything: bool) -> None:
        """Take in an answer; `everything` says that it names all topics there are."""
        self.cluster_id = answer.cluster_id
        self.controller_id = answer.controller_id
        self.nodes = {broker.node_id: Address(broker.host, broker.port) for broker in answer.brokers}
        self.racks = {broker.node_id: broker.rack for broker in answer.brokers}
        if everything:
            self.topics.clear()
            self.names.clear()
            self.errors.clear()
        for topic in answer.topics:
            self._learn_topic(topic)

    def _learn_topic(self, topic: MetadataResponseTopic) -> None:
        name = topic.name or ""
        known = self.topics.pop(name, None)
        if known is not None:
            self.names.pop(known.id, None)
        if topic.error_code:
            self.errors[name] = error_of(topic.error_code)
            return
        self.errors.pop(name, None)
        self.topics[name] = view_of(topic)
        if topic.topic_id != ZERO_UUID:
            self.names[topic.topic_id] = name

    def leader(self, topic: str, partition: int) -> int:
        """Node id of a partition's leader, NO_LEADER when none is known."""
        known = self.topics.get(topic)
        found = known.partitions.get(partition) if known else None
        return found.leader if found else NO_LEADER


def view_of(topic: MetadataResponseTopic) -> TopicView:
    partitions = {
        partition.partition_index: PartitionView(
            partition.partition_index,
            partition.leader_id,
            partition.leader_epoch,
            tuple(partition.replica_nodes),
            tuple(partition.isr_nodes),
            tuple(partition.offline_replicas),
            error_of(partition.error_code),
        )
        for partition in sorted(topic.partitions, key=lambda each: each.partition_index)
    }
    return TopicView(topic.name or "", topic.topic_id, topic.is_internal, partitions)
