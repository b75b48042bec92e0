"""A partition without a leader: the metadata says so, as when all its replicas are down, and the whole broker obeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottla.core.wire.messages.records.metadata import PartitionChangeRecord
from ottla.testing.words import BrokerFailed

if TYPE_CHECKING:
    from ottla.broker.node import Node

NO_LEADER: Final = -1


async def take_leader(node: Node, topic: str, partition: int) -> None:
    """Raises BrokerFailed when there is no such partition, KafkaError."""
    await _lead(node, topic, partition, NO_LEADER)


async def give_leader(node: Node, topic: str, partition: int) -> None:
    """The leader that it had. One that has a leader or is gone is no error."""
    image = node.quorum.image.partition(topic, partition)
    if image is not None and image.leader == NO_LEADER:
        await _lead(node, topic, partition, node.settings.node_id)


async def give_leaders_back(node: Node) -> None:
    """To partitions that have none since the broker was killed in the middle of a fault: with what it had not written down,
    an election would find nobody in sync."""
    me = node.settings.node_id
    records: list[object] = [
        PartitionChangeRecord(partition_id=index, topic_id=topic.id, leader=me, isr=[me])
        for topic in node.quorum.image.topics_by_id.values()
        for index, partition in topic.partitions.items()
        if partition.leader == NO_LEADER
    ]
    if records:
        await node.quorum.write(records)
        await node.services.partitions.settled()


async def _lead(node: Node, name: str, partition: int, leader: int) -> None:
    topic = node.quorum.image.topics_by_name.get(name)
    if topic is None or partition not in topic.partitions:
        raise BrokerFailed(f"there is no partition {partition} of a topic {name!r}")
    record = PartitionChangeRecord(partition_id=partition, topic_id=topic.id, leader=leader)
    await node.quorum.write([record])
    await node.services.partitions.settled()
