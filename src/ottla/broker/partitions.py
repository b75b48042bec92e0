"""All partitions of this node, following the committed metadata.

A delta of the metadata log says what changed: topics appear and go, leaders change, configs change, and only those
partitions are looked at. Lookups are dictionary reads; the rest of the node finds a partition by its topic's name or
id, or hears the error its client must see.

A delta that brings thousands of partitions is taken up a slice a turn, so that other clients are served between. A
partition whose turn has not come is answered NOT_LEADER_OR_FOLLOWER: clients ask again, as they do with Kafka.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from ottla.broker.partition import Partition, Waiter
from ottla.broker.storage.directory import FULL_DISK
from ottla.core.log.config import LogConfig
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage, PartitionImage, ResourceType, TopicImage
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.world.doors import Clock

if TYPE_CHECKING:
    from ottla.broker.config.node_settings import NodeSettings
    from ottla.broker.metrics import NodeMetrics
    from ottla.broker.storage.directory import LogDirectory
    from ottla.broker.storage.log import Log
    from ottla.broker.storage.store import LogStore

log = logging.getLogger("ottla.partitions")

PLACED_A_TURN: Final = 64
"""Making one log takes a tenth of a millisecond or two."""

ROOM_LOOK_MS: Final = 1_000
"""How long a log that could not be made on a full disk waits for the next try."""

Key: TypeAlias = "tuple[Uuid, int]"


class Partitions:
    """(topic, partition) → `Partition`."""

    def __init__(
        self, node_id: int, clock: Clock, settings: NodeSettings, store: LogStore, metrics: NodeMetrics
    ) -> None:
        self.node_id = node_id
        self.clock = clock
        self._settings = settings
        self._store = store
        self._metrics = metrics
        self._topics: dict[str, dict[int, Partition]] = {}
        self._image: MetadataImage = MetadataImage()
        self._woken: dict[Partition, None] = {}
        self._unplaced: dict[Key, None] = {}
        self._without_room: dict[Key, None] = {}
        self.on_placed: Callable[[list[Key]], None] = lambda placed: None
        """Told of the partitions that were taken up in a turn of their own, behind the delta that named them."""
        self.on_led: Callable[[Partition], None] = lambda partition: None
        """Told whenever a partition begins or ends to be led here, or a new term of leading it begins."""

    def __len__(self) -> int:
        return sum(map(len, self._topics.values()))

    def __iter__(self) -> Iterator[Partition]:
        for partitions in self._topics.values():
            yield from partitions.values()

    # -- lookups

    def find(self, topic: str, index: int) -> Partition | None:
        partitions = self._topics.get(topic)
        return None if partitions is None else partitions.get(index)

    def get(self, topic: str, index: int) -> Partition:
        """Raises UNKNOWN_TOPIC_OR_PARTITION, or NOT_LEADER_OR_FOLLOWER when only other brokers hold it."""
        partitions = self._topics.get(topic)
        if partitions is not None and (partition := partitions.get(index)) is not None:
            return partition
        raise KafkaError(self.absence(topic, index))

    def absence(self, topic: str, index: int) -> ErrorCode:
        """Why `find` knows no such partition: it does not exist, or only other brokers hold it."""
        if self._image.partition(topic, index) is None:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return ErrorCode.NOT_LEADER_OR_FOLLOWER

    def topic_name(self, topic_id: Uuid) -> str | None:
        topic = self._image.topics_by_id.get(topic_id)
        return None if topic is None else topic.name

    def topic_id(self, name: str) -> Uuid | None:
        topic = self._image.topics_by_name.get(name)
        return None if topic is None else topic.id

    # -- waking

    def wake(self, partition: Partition) -> None:
        """Let those who wait for the partition look again, once, after the work of this turn is done."""
        for waiter in partition.waiters:
            waiter.stir(partition)
        if not self._woken:
            self.clock.call_soon(self._wake_all)
        self._woken[partition] = None

    def has_news(self, partition: Partition) -> bool:
        """Whether those who wait for it have yet to be told."""
        return partition in self._woken

    def _wake_all(self) -> None:
        woken, self._woken = self._woken, {}
        for partition in woken:
            waiters: list[Waiter] = list(partition.waiters)
            for waiter in waiters:
                waiter.wake(partition)

    # -- metadata

    def load(self, image: MetadataImage) -> None:
        """The first image: every partition of this broker gets its log; what lies on disk besides is set aside."""
        self._image = image
        self._unplaced.clear()
        for topic in image.topics_by_id.values():
            for index, partition in topic.partitions.items():
                self._place(topic, index, partition)

    def follow(self, image: MetadataImage, delta: Delta) -> None:
        """`image` is the state after `delta`."""
        self._image = image
        if delta.snapshot:
            self._remove_unknown(image)
            self.load(image)
            return
        for topic_id, name in delta.deleted_topics.items():
            self._remove_topic(topic_id, name)
        self._take_up(delta.changed_partitions)
        for kind, name in delta.changed_configs:
            if kind == ResourceType.TOPIC:
                self._reconfigure(name)

    def defaults_changed(self) -> None:
        """Broker-wide defaults of topic settings changed."""
        for topic in self._image.topics_by_name:
            self._reconfigure(topic)

    def _take_up(self, changed: Iterable[Key]) -> None:
        """Place the first of them now and the others in turns to come. Nobody overtakes who waits already."""
        waiting = self._unplaced
        fresh = iter([key for key in changed if key not in waiting])
        if not waiting:
            self._place_each(islice(fresh, PLACED_A_TURN))
        behind = dict.fromkeys(fresh)
        if behind and not waiting:
            self.clock.call_soon(self._place_more)
        waiting.update(behind)

    def _place_more(self) -> None:
        slice_ = list(islice(self._unplaced, PLACED_A_TURN))
        for key in slice_:
            del self._unplaced[key]
        self._place_each(slice_)
        self.on_placed(slice_)
        if self._unplaced:
            self.clock.call_soon(self._place_more)

    async def settled(self) -> None:
        """Return when every partition of the newest image is placed."""
        while self._unplaced:
            await self.clock.sleep(0)

    def stop(self) -> None:
        """Place no more: the store is about to close."""
        self._unplaced.clear()
        self._without_room.clear()

    def _place_each(self, keys: Iterable[Key]) -> None:
        """As the newest image has them; what has gone meanwhile is passed over."""
        for topic_id, index in keys:
            topic = self._image.topics_by_id.get(topic_id)
            if topic is not None and index in topic.partitions:
                self._place(topic, index, topic.partitions[index])

    def _place(self, topic: TopicImage, index: int, image: PartitionImage) -> None:
        partition = self.find(topic.name, index)
        if self.node_id not in image.replicas:
            if partition is not None:
                self._remove(partition, ErrorCode.NOT_LEADER_OR_FOLLOWER)
            return
        if partition is None:
            partition = Partition(self, topic.name, topic.id, index)
            self._topics.setdefault(topic.name, {})[index] = partition
        if partition.log is None:
            self._open_log(partition, image.directory_of(self.node_id))
        config = partition.log.config if partition.log is not None else self._config(topic.name)
        partition.follow_metadata(image, config.min_insync_replicas)

    def _open_log(self, partition: Partition, assigned: Uuid | None) -> None:
        config = self._config(partition.topic)
        try:
            opened = self._store.create(
                partition.topic, partition.index, partition.topic_id, config, assigned=assigned
            )
        except (KafkaError, OSError) as error:
            if _is_full_disk(error):
                self._open_later(partition, error)
            else:
                log.error("the log of %s cannot be opened: %s", partition.name, error)
        else:
            partition.take(opened)

    def _open_later(self, partition: Partition, error: Exception) -> None:
        """The disk is full: the log is made once there is room."""
        key = (partition.topic_id, partition.index)
        if not self._without_room:
            self.clock.call_at(self.clock.now() + ROOM_LOOK_MS, self._look_for_room)
            log.warning("the log of %s waits for room on the disk, others may too: %s", partition.name, error)
        self._without_room[key] = None

    def _look_for_room(self) -> None:
        waiting, self._without_room = self._without_room, {}
        self._place_each(waiting)
        self.on_placed(list(waiting))

    def _config(self, topic: str) -> LogConfig:
        return self._settings.topic(self._image.config(ResourceType.TOPIC, topic))

    def _reconfigure(self, name: str) -> None:
        topic = self._image.topics_by_name.get(name)
        if topic is None:
            return
        config = self._config(name)
        for index, image in topic.partitions.items():
            partition = self.find(name, index)
            if partition is not None and partition.log is not None:
                partition.log.update_config(config)
                partition.follow_metadata(image, config.min_insync_replicas)

    def _remove_unknown(self, image: MetadataImage) -> None:
        for partition in list(self):
            topic = image.topics_by_id.get(partition.topic_id)
            if topic is None or partition.index not in topic.partitions:
                self._remove(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)

    def _remove_topic(self, topic_id: Uuid, name: str) -> None:
        for partition in list(self._topics.get(name, {}).values()):
            if partition.topic_id == topic_id:
                self._remove(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if name not in self._topics:
            self._metrics.forget_topic(name)

    def _remove(self, partition: Partition, code: ErrorCode) -> None:
        partitions = self._topics[partition.topic]
        del partitions[partition.index]
        if not partitions:
            del self._topics[partition.topic]
        partition.retire(code)
        if partition.log is not None:
            partition.log = None
            self._store.delete(partition.topic, partition.index)

    # -- directories

    def log_moved(self, old: Log, new: Log) -> None:
        """A log was copied to another directory and has taken the old one's place."""
        partition = self.find(old.topic, old.partition)
        if partition is None or partition.log is not old:
            return
        partition.take(new)
        self.wake(partition)

    def directory_failed(self, directory: LogDirectory) -> None:
        """Everything in it is offline: reads and writes are answered KAFKA_STORAGE_ERROR."""
        for partition in list(self):
            if partition.log is not None and partition.log.directory is directory:
                partition.retire(ErrorCode.KAFKA_STORAGE_ERROR)


def _is_full_disk(error: KafkaError | OSError) -> bool:
    cause = error.__cause__ if isinstance(error, KafkaError) else error
    return isinstance(cause, OSError) and cause.errno in FULL_DISK
