"""All shards of one kind of coordinator on this node: groups, transactions, share-group state.

Leadership of a partition of the coordinator's topic *is* being the coordinator for every name that hashes to it. So a
shard comes when this node begins to lead such a partition and goes when it ends.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ottla.broker.coordination.gathering import Turn
from ottla.broker.coordination.shard import Shard
from ottla.broker.later import Later
from ottla.core.coordination.contract import Call, Coordinator, Request
from ottla.core.coordination.placing import partition_for
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.compression import Codec

if TYPE_CHECKING:
    from ottla.broker.config.node_settings import NodeSettings
    from ottla.broker.partition import Partition
    from ottla.broker.waiting import Deadlines
    from ottla.core.metadata.image import MetadataImage
    from ottla.world.doors import Clock


LOADS_KEPT: Final = 1_000
"""How many of the last loadings are remembered for the metrics."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of coordinator, and the names of the settings that bear on its topic.

    `types` names the table of its records in `core.wire.coordinator_records`; `perform` carries out the machine's calls;
    with `placing` the machines are `core.coordination.contract.Placing`; `newest_only` are the types of keys of which only
    the newest record counts when the topic is loaded.
    """

    name: str
    topic: str
    types: str
    make: Callable[[], Coordinator]
    codec_setting: str | None
    linger_setting: str | None
    load_setting: str
    timeout_setting: str | None = None
    newest_only: frozenset[int] = frozenset()
    perform: Callable[[Shard, Call], None] | None = None
    placing: bool = False


class Shards:
    """Partition number → shard."""

    def __init__(self, kind: Kind, clock: Clock, deadlines: Deadlines, settings: NodeSettings) -> None:
        self.kind = kind
        self.clock = clock
        self.deadlines = deadlines
        self.turn = Turn(clock)
        self._settings = settings
        self._shards: dict[int, Shard] = {}
        self._count = 0
        self.loads: deque[tuple[int, int]] = deque(maxlen=LOADS_KEPT)
        """(monotonic ms at which a shard was loaded, ms that it took)."""

    def __iter__(self) -> Iterator[Shard]:
        return iter(list(self._shards.values()))

    @property
    def codec(self) -> Codec:
        name = self.kind.codec_setting
        return Codec.NONE if name is None else Codec(self._settings[name])

    @property
    def linger_ms(self) -> int:
        """How long a batch waits for company; 0 and -1: until the end of the turn."""
        name = self.kind.linger_setting
        linger: int = 0 if name is None else self._settings[name]
        return linger

    @property
    def load_bytes(self) -> int:
        size: int = self._settings[self.kind.load_setting]
        return size

    @property
    def write_timeout_ms(self) -> int | None:
        """How long an answer waits for the replicas of what it rests on."""
        name = self.kind.timeout_setting
        timeout: int | None = None if name is None else self._settings[name]
        return timeout

    # -- asking

    def ask(self, image: MetadataImage, name: str, request: Request) -> Future[Any]:
        """The answer of the coordinator of `name` (a group, a transactional id). Raises KafkaError: NOT_COORDINATOR (also
        where its topic does not exist), COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS."""
        token: Future[Any] = self.clock.future()
        self.shard_of(image, name).ask(request, token)
        return token

    def relay(self, image: MetadataImage, name: str, request: Request) -> Later[Any]:
        """The same for whoever passes the answer on as it is: it leaves in the turn in which it is known."""
        token: Later[Any] = Later()
        self.shard_of(image, name).ask(request, token)
        return token

    def ask_all(self, request: Request) -> list[Future[Any]]:
        """The answers of all shards. Raises what `ask` does."""
        tokens: list[Future[Any]] = []
        for shard in self:
            tokens.append(self.clock.future())
            shard.ask(request, tokens[-1])
        return tokens

    def shard_of(self, image: MetadataImage, name: str) -> Shard:
        """Raises NOT_COORDINATOR."""
        partition = self.partition_of(image, name)
        if partition is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return self.shard(partition)

    def partition_of(self, image: MetadataImage, name: str) -> int | None:
        """Which partition keeps what belongs to `name`; None without a topic.

        Partitions that the topic got after this node first saw it are not counted, as in Kafka: what is kept under a name
        would be where nobody looks for it."""
        if not self._count:
            topic = image.topics_by_name.get(self.kind.topic)
            self._count = 0 if topic is None else len(topic.partitions)
        return partition_for(name, self._count) if self._count else None

    def shard(self, partition: int) -> Shard:
        """Raises NOT_COORDINATOR when this node does not lead the partition."""
        found = self._shards.get(partition)
        if found is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return found

    def perform(self, shard: Shard, call: Call) -> None:
        """Carry out what a machine asked for."""
        assert self.kind.perform is not None, f"{self.kind.name} make no calls"
        self.kind.perform(shard, call)

    # -- following

    def led(self, partition: Partition) -> None:
        """Leadership of a partition changed, or its log came or went."""
        if partition.topic != self.kind.topic:
            return
        known = self._shards.get(partition.index)
        if known is not None and (not partition.leading or known.leader_epoch != partition.leader_epoch):
            del self._shards[partition.index]
            known.close(ErrorCode.NOT_COORDINATOR)
            known = None
        if known is None and partition.leading:
            self._shards[partition.index] = Shard(self, partition)

    def topics_changed(self, changed: frozenset[str], deleted: frozenset[str]) -> None:
        for shard in list(self._shards.values()):
            shard.topics_changed(changed, deleted)

    def close(self) -> None:
        """The node stops."""
        for shard in self._shards.values():
            shard.close(ErrorCode.NOT_COORDINATOR)
        self._shards.clear()
