"""Where the logs of partitions begin and end, for those that can say so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition


async def log_starts(cluster: Cluster, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The oldest offset of each partition; one without a leader is left out."""
    from ottla.client.offsets import EARLIEST

    return await known_offsets(cluster, dict.fromkeys(partitions, EARLIEST))


async def log_ends(cluster: Cluster, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The end of each partition; one without a leader is left out."""
    from ottla.client.offsets import LATEST

    return await known_offsets(cluster, dict.fromkeys(partitions, LATEST))


async def known_offsets(cluster: Cluster, wanted: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    from ottla.client.offsets import FoundOffset, list_offsets_each

    view = cluster.view
    led = {each: what for each, what in wanted.items() if view.leader(*each) >= 0}
    if not led:
        return {}
    found = await list_offsets_each(cluster, led, isolation_level="read_uncommitted", patient=False)
    return {each: told.offset for each, told in found.items() if isinstance(told, FoundOffset)}
