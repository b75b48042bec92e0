"""Telling the controller which log directory holds which replica (KIP-858).

With one log directory the controller knows before we do. With several the broker chooses, and says so afterwards:
what is not yet in the metadata as it is on disk is sent together, again and again until it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from ottla.broker.quorum.quorum import Quorum
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.assign_replicas_to_dirs import (
    AssignReplicasToDirsRequest,
    DirectoryDataRequest,
    PartitionDataRequest,
    TopicDataRequest,
)
from ottla.world.doors import Clock

_log = logging.getLogger("ottla.quorum")

MAX_PER_REQUEST: Final = 2_250
"""Replicas in one request, as Kafka's brokers keep it."""
RETRY_MS: Final = 500

Locate = Callable[[str, int], "Uuid | None"]


class DirectoryAssignments:
    """Follows the metadata after the partitions did. `locate(topic, partition)` is the directory id of our replica."""

    def __init__(
        self, clock: Clock, quorum: Quorum, node_id: int, broker_epoch: Callable[[], int], locate: Locate
    ) -> None:
        self._clock = clock
        self._quorum = quorum
        self._node_id = node_id
        self._broker_epoch = broker_epoch
        self._locate = locate
        self._waiting: dict[tuple[Uuid, int], None] = {}
        self._sending = False
        self._stopped = False

    def load(self, image: MetadataImage) -> None:
        """Look at every replica of ours."""
        self.look(image, ((id_, n) for id_, topic in image.topics_by_id.items() for n in topic.partitions))

    def follow(self, image: MetadataImage, delta: Delta) -> None:
        """Look at those that changed."""
        self.look(image, delta.changed_partitions)

    def stop(self) -> None:
        self._stopped = True

    def look(self, image: MetadataImage, changed: Iterable[tuple[Uuid, int]]) -> None:
        """Let the controller know where our replicas of these lie, if it believes something else."""
        for key in changed:
            if self._wrong(image, key) is not None:
                self._waiting[key] = None
        if self._waiting and not self._sending and not self._stopped:
            self._sending = True
            self._clock.spawn(self._send_all(), name="assign directories")

    def _wrong(self, image: MetadataImage, key: tuple[Uuid, int]) -> Uuid | None:
        """Where our replica really is, if the metadata says otherwise."""
        topic = image.topics_by_id.get(key[0])
        partition = None if topic is None else topic.partitions.get(key[1])
        if topic is None or partition is None or self._node_id not in partition.replicas:
            return None
        actual = self._locate(topic.name, key[1])
        return None if actual == partition.directory_of(self._node_id) else actual

    async def _send_all(self) -> None:
        try:
            while self._waiting and not self._stopped:
                try:
                    await self._send()
                except KafkaError as error:
                    _log.warning("The controller took no directory assignments: %s", error)
                    await self._clock.sleep(RETRY_MS)
        finally:
            self._sending = False

    async def _send(self) -> None:
        image = self._quorum.image
        by_directory: dict[Uuid, dict[Uuid, list[int]]] = {}
        taken = list(self._waiting)[:MAX_PER_REQUEST]
        for key in taken:
            directory = self._wrong(image, key)
            if directory is not None:
                by_directory.setdefault(directory, {}).setdefault(key[0], []).append(key[1])
        if by_directory:
            request = AssignReplicasToDirsRequest(
                broker_id=self._node_id,
                broker_epoch=self._broker_epoch(),
                directories=[
                    DirectoryDataRequest(
                        id=directory,
                        topics=[
                            TopicDataRequest(
                                topic_id=topic_id,
                                partitions=[PartitionDataRequest(partition_index=n) for n in numbers],
                            )
                            for topic_id, numbers in topics.items()
                        ],
                    )
                    for directory, topics in by_directory.items()
                ],
            )
            await self._quorum.command(request, 0)
        for key in taken:
            self._waiting.pop(key, None)
