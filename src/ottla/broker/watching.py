"""What a fetch session need not read again: partitions that have nothing to tell until they change (KIP-227).

A partition is settled when the last answer told all there is: the reader is at the end, and nothing is wrong. The
watch of the session then waits with the partition, as a parked fetch does, and is taken off by the first change. A
client that has gone away thus costs one call for each of its partitions, once.

A change makes the partition due at once, for the fetch that comes next; a fetch that is parked meanwhile looks at the
partition when it is woken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ottla.broker.partition import Partition
from ottla.core.partition.fetch_sessions import Key, Session

if TYPE_CHECKING:
    from ottla.broker.fetching import Fetching


class SessionWatch:
    """One per session: it holds at most the session's partitions, and they hold it until it is closed."""

    __slots__ = ("_parked", "_session", "_settled", "closed")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._settled: dict[Key, Partition] = {}
        self._parked: dict[Fetching, None] = {}
        self.closed = False

    def __len__(self) -> int:
        return len(self._settled)

    def settle(self, key: Key, partition: Partition) -> None:
        """Leave the partition out of the fetches to come until it changes."""
        if not self.closed:
            self.forget(key)  # it may have been another partition of a topic of that name
            self._session.due.pop(key, None)
            self._settled[key] = partition
            partition.waiters[self] = None

    # -- what partitions tell

    def stir(self, partition: Partition) -> None:
        key = self._key(partition)
        wanted = self._session.partitions.get(key)
        if wanted is not None and self._settled.get(key) is partition:
            self._session.due[key] = wanted

    def wake(self, partition: Partition) -> None:
        key = self._key(partition)
        if self._settled.get(key) is not partition:
            return
        self.stir(partition)
        self._leave(key)
        wanted = self._session.partitions.get(key)
        if wanted is not None:
            for fetching in list(self._parked):
                fetching.join(key, partition, wanted)

    def _key(self, partition: Partition) -> Key:
        return (partition.topic_id if self._session.uses_ids else partition.topic, partition.index)

    # -- what fetches of the session tell

    def park(self, fetching: Fetching) -> None:
        """It wants to hear of settled partitions too."""
        self._parked[fetching] = None

    def unpark(self, fetching: Fetching) -> None:
        self._parked.pop(fetching, None)
        if self.closed and not self._parked:
            self._release()

    # -- what the session tells

    def forget(self, key: Key) -> None:
        if key in self._settled:
            self._leave(key)

    def close(self) -> None:
        """A fetch that is parked still hears of its partitions; the last one takes the watch along."""
        self.closed = True
        if not self._parked:
            self._release()

    def _leave(self, key: Key) -> None:
        self._settled.pop(key).waiters.pop(self, None)

    def _release(self) -> None:
        for key in list(self._settled):
            self._leave(key)
