"""The kinds of coordinators of a node, each wired to its topic and settings.

A machine is imported when the first partition of its topic is led here: a node without groups starts without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ottla.broker.coordination.pruning import pruned
from ottla.broker.coordination.shards import Kind, Shards
from ottla.broker.coordination.topics import ImageTopics, names_in
from ottla.core.metadata.image import ResourceType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ottla.broker.coordination.shard import Shard
    from ottla.broker.partition import Partition
    from ottla.broker.services import Services
    from ottla.core.coordination.contract import Call, Coordinator
    from ottla.core.metadata.delta import Delta
    from ottla.core.metadata.image import MetadataImage


class Coordinators:
    """All of a node's, following its partitions and the metadata."""

    def __init__(self, services: Services) -> None:
        services.groups = group_shards(services)
        services.transactions = transaction_shards(services)
        services.share_states = share_state_shards(services)
        self._all = [services.groups, services.transactions, services.share_states]
        services.coordinators = self._all
        services.partitions.on_led = self._led

    def _led(self, partition: Partition) -> None:
        for each in self._all:
            each.led(partition)

    def follow(self, image: MetadataImage, delta: Delta) -> None:
        """The metadata changed; the partitions have followed already."""
        changed, deleted = names_in(delta, image)
        if changed or deleted:
            for each in self._all:
                each.topics_changed(changed, deleted)

    def close(self) -> None:
        for each in self._all:
            each.close()


def group_shards(services: Services) -> Shards:
    """The group coordinators: one for each partition of `__consumer_offsets`."""
    topics = ImageTopics(lambda: services.image)

    def configs(group: str) -> Mapping[str, str]:
        return services.image.config(ResourceType.GROUP, group)

    def make() -> Coordinator:
        from ottla.core.groups.coordinator import GroupCoordinator

        return GroupCoordinator(services.settings, configs, topics, services.metrics.groups)

    def perform(shard: Shard, call: Call) -> None:
        from ottla.broker.coordination import share_calls

        share_calls.perform(services, shard, call)

    kind = Kind(
        name="groups",
        topic="__consumer_offsets",
        types="CONSUMER_OFFSETS",
        make=make,
        codec_setting="offsets.topic.compression.codec",
        linger_setting="group.coordinator.append.linger.ms",
        load_setting="offsets.load.buffer.size",
        timeout_setting="offsets.commit.timeout.ms",
        newest_only=frozenset({1}),  # committed offsets
        perform=perform,
    )
    return Shards(kind, services.clock, services.deadlines, services.settings)


def transaction_shards(services: Services) -> Shards:
    """The transaction coordinators: one for each partition of `__transaction_state`."""

    def make() -> Coordinator:
        from ottla.core.transactions.coordinator import TransactionCoordinator

        return TransactionCoordinator(
            services.settings, lambda: services.image.features.get("transaction.version", 0)
        )

    def perform(shard: Shard, call: Call) -> None:
        from ottla.broker.coordination.transactions import TransactionCalls

        TransactionCalls(services).perform(shard, call)

    kind = Kind(
        name="transactions",
        topic="__transaction_state",
        types="TRANSACTION_STATE",
        make=make,
        codec_setting=None,
        linger_setting=None,
        load_setting="transaction.state.log.load.buffer.size",
        perform=perform,
        newest_only=frozenset({0}),
    )
    return Shards(kind, services.clock, services.deadlines, services.settings)


def share_state_shards(services: Services) -> Shards:
    """The share coordinators: one for each partition of `__share_group_state`."""
    topics = ImageTopics(lambda: services.image)

    def make() -> Coordinator:
        from ottla.core.share_state.coordinator import ShareCoordinator

        return ShareCoordinator(services.settings, topics)

    def perform(shard: Shard, call: Call) -> None:
        shard.answered(call, pruned(shard.partition, call.body))

    kind = Kind(
        name="share states",
        topic="__share_group_state",
        types="SHARE_GROUP_STATE",
        make=make,
        codec_setting="share.coordinator.state.topic.compression.codec",
        linger_setting="share.coordinator.append.linger.ms",
        load_setting="share.coordinator.load.buffer.size",
        timeout_setting="share.coordinator.write.timeout.ms",
        perform=perform,
        placing=True,
    )
    return Shards(kind, services.clock, services.deadlines, services.settings)
