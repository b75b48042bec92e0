"""The committed metadata, as coordinators look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ottla.core.coordination.contract import Topic
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage, TopicImage
from ottla.core.model.ids import Uuid


class ImageTopics:
    """`core.coordination.contract.Topics` over whatever image is the newest."""

    def __init__(self, image: Callable[[], MetadataImage]) -> None:
        self._image = image

    def named(self, name: str) -> Topic | None:
        found = self._image().topics_by_name.get(name)
        return None if found is None else self._topic(found)

    def with_id(self, topic_id: Uuid) -> Topic | None:
        found = self._image().topics_by_id.get(topic_id)
        return None if found is None else self._topic(found)

    def names(self) -> Iterable[str]:
        return self._image().topics_by_name

    @property
    def version(self) -> int:
        return self._image().offset

    def _topic(self, found: TopicImage) -> Topic:
        brokers = self._image().brokers
        if all(broker.rack is None for broker in brokers.values()):
            return Topic(found.id, found.name, len(found.partitions))
        racks = [
            frozenset(
                rack
                for each in partition.replicas
                if each in brokers and (rack := brokers[each].rack) is not None
            )
            for _, partition in sorted(found.partitions.items())
        ]
        return Topic(found.id, found.name, len(found.partitions), racks)


def names_in(delta: Delta, image: MetadataImage) -> tuple[frozenset[str], frozenset[str]]:
    """(topics that are new or have other partitions, topics that are gone)."""
    if delta.snapshot:
        return frozenset(image.topics_by_name), frozenset()
    changed = {*delta.created_topics.values(), *delta.changed_partitions.values()}
    deleted = set(delta.deleted_topics.values())
    return frozenset(changed), frozenset(deleted)
