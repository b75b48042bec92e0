"""The committed offsets of all groups of a shard, and those of transactions that have not ended.

An offset that a transaction commits is *pending*: nobody is told of it until the marker comes, and a reader that asks for
stable offsets has to wait. When transactional and plain commits of a partition mix, the one that was written last wins,
not the one whose marker came last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from ottla.core.model.ids import ZERO_UUID, Uuid


class Committed(NamedTuple):
    """One committed offset. `written` orders the records of a shard; timestamps are ms since 1970, -1 for none."""

    offset: int
    leader_epoch: int
    metadata: str
    commit_timestamp: int
    expire_timestamp: int = -1
    topic_id: Uuid = ZERO_UUID
    written: int = 0


Place: TypeAlias = "tuple[str, str, int]"
"""Group, topic, partition."""


class Offsets:
    """Group → topic → partition → `Committed`."""

    __slots__ = ("_by_group", "_open", "_pending", "_written")

    def __init__(self) -> None:
        self._by_group: dict[str, dict[str, dict[int, Committed]]] = {}
        self._pending: dict[int, dict[Place, Committed]] = {}
        self._open: dict[str, dict[tuple[str, int], set[int]]] = {}
        self._written = 0

    # -- questions

    def get(self, group: str, topic: str, partition: int) -> Committed | None:
        return self._by_group.get(group, {}).get(topic, {}).get(partition)

    def topics(self, group: str) -> dict[str, dict[int, Committed]]:
        """Everything that a group has committed. Not to be changed."""
        return self._by_group.get(group, {})

    def unstable(self, group: str, topic: str, partition: int) -> bool:
        """Whether a transaction that is open has committed an offset here."""
        return (topic, partition) in self._open.get(group, {})

    def has_open_transactions(self, group: str) -> bool:
        return group in self._open

    def open_places(self, group: str) -> list[tuple[str, int]]:
        """(topic, partition) of every pending offset of a group."""
        return list(self._open.get(group, {}))

    def of_topic(self, topic: str) -> Iterator[tuple[Place, Committed]]:
        """Every offset for a topic, pending ones too."""
        for group, topics in self._by_group.items():
            for partition, committed in topics.get(topic, {}).items():
                yield (group, topic, partition), committed
        for pending in self._pending.values():
            for place, committed in pending.items():
                if place[1] == topic:
                    yield place, committed

    def count(self) -> int:
        return sum(len(each) for topics in self._by_group.values() for each in topics.values())

    # -- changes

    def put(self, place: Place, committed: Committed, producer_id: int | None) -> None:
        """An offset was written, as part of that producer's transaction if there is one."""
        self._written += 1
        group, topic, partition = place
        offset, leader_epoch, metadata, commit_timestamp, expire_timestamp, topic_id, _ = committed
        committed = Committed(
            offset, leader_epoch, metadata, commit_timestamp, expire_timestamp, topic_id, self._written
        )
        if producer_id is None:
            self._by_group.setdefault(group, {}).setdefault(topic, {})[partition] = committed
        else:
            self._pending.setdefault(producer_id, {})[place] = committed
            self._open.setdefault(group, {}).setdefault((topic, partition), set()).add(producer_id)

    def remove(self, place: Place) -> None:
        """A tombstone: the offset goes, and with it what open transactions wanted it to be."""
        group, topic, partition = place
        topics = self._by_group.get(group)
        if topics is not None and topics.get(topic, {}).pop(partition, None) is not None:
            if not topics[topic]:
                del topics[topic]
            if not topics:
                del self._by_group[group]
        for producer_id in list(self._open.get(group, {}).get((topic, partition), ())):
            pending = self._pending[producer_id]
            del pending[place]
            if not pending:
                del self._pending[producer_id]
            self._close(place, producer_id)

    def ended(self, producer_id: int, committed: bool) -> None:
        """The marker of a transaction: its offsets count from now on, or never."""
        for place, pending in self._pending.pop(producer_id, {}).items():
            self._close(place, producer_id)
            known = self.get(*place)
            if committed and (known is None or known.written < pending.written):
                group, topic, partition = place
                self._by_group.setdefault(group, {}).setdefault(topic, {})[partition] = pending

    def _close(self, place: Place, producer_id: int) -> None:
        group, topic, partition = place
        places = self._open[group]
        producers = places[topic, partition]
        producers.discard(producer_id)
        if not producers:
            del places[topic, partition]
            if not places:
                del self._open[group]
