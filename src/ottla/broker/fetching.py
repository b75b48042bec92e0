"""One Fetch request on its way: read, wait for enough, read again what changed, answer.

A fetch of a session reads what is due alone; of the partitions that were settled before it hears by the session's
watch (see `watching`).

A fetch is answered at once when it has its minimum of bytes, when a partition has an error the client must hear, or
when it does not want to wait. Otherwise it parks with every partition it reads. News of a partition (a higher high
watermark, a new leader, its end) makes the fetch read that partition again and no other; the deadline answers with
what there is.

What a read found lies in the file, not in memory: the answer carries slices. Slices that are not in the page cache
are warmed off the loop before the answer leaves. The few records that somebody waits for are the exception: they were
written a moment ago, and copying them is cheaper than a slice's way through the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ottla.broker.partition import Partition
from ottla.broker.services import Services
from ottla.broker.storage.answers import Read
from ottla.broker.storage.log import Log
from ottla.broker.waiting import Deadline
from ottla.broker.watching import SessionWatch
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.fetch_sessions import Key, Wanted
from ottla.core.wire.messages.fetch import AbortedTransaction, EpochEndOffset, PartitionData

COPIED_BYTES: Final = 32 << 10
"""An answer with no more than this, written lately, is copied; what is larger goes from the file to the socket."""


class Found:
    """What a read of one partition gave: its part of the answer, and the slice in it.

    `at_end`: another read brings nothing else until the partition changes.
    """

    __slots__ = ("at_end", "cold", "data", "read", "size")

    def __init__(
        self, data: PartitionData, read: Read | None = None, log: Log | None = None, *, at_end: bool = False
    ) -> None:
        self.data = data
        self.at_end = at_end
        self.read = read
        self.size = 0 if read is None else read.size
        self.cold = log if read is not None and read.size and not read.recent else None

    def release(self) -> None:
        """The slice will not be sent."""
        if self.read is not None and self.read.records is not None:
            self.read.records.release()
            self.read = None


def failure(index: int, code: ErrorCode) -> PartitionData:
    """The part of an answer that says why there are no records."""
    return PartitionData(partition_index=index, error_code=code, high_watermark=-1, records=b"")


class Fetching:
    """Reads partitions into `found` until the request can be answered."""

    __slots__ = (
        "_committed_only",
        "_deadline",
        "_joined",
        "_limit",
        "_minimum",
        "_places",
        "_replica",
        "_services",
        "_settled",
        "_size",
        "_warmed",
        "_watch",
        "errors",
        "found",
    )

    def __init__(
        self,
        services: Services,
        *,
        minimum: int,
        limit: int,
        committed_only: bool,
        replica: int = -1,
        watch: SessionWatch | None = None,
    ) -> None:
        """`minimum` and `limit` are bytes; `replica` is the node id of a follower, negative for a consumer; `watch` is
        that of the session this is a fetch of."""
        self._services = services
        self._minimum = minimum
        self._limit = limit
        self._committed_only = committed_only
        self._replica = replica
        self._size = 0
        self._places: dict[Partition, tuple[Key, Wanted]] = {}
        self._settled: Callable[[], None] | None = None
        self._deadline: Deadline | None = None
        self._watch = watch
        self._joined = False
        self._warmed = False
        self.found: dict[Key, Found] = {}
        self.errors: dict[Key, Found] = {}
        """Partitions that cannot be read. They stand behind the others in the answer and do not hasten it."""

    def read_all(self, wanted: Mapping[Key, tuple[Partition, Wanted]]) -> bool:
        """Read every partition once, in order. True when the answer need not wait."""
        urgent = False
        for key, (partition, each) in wanted.items():
            self._places[partition] = (key, each)
            urgent |= self._read(key, partition, each)
        return urgent or self._size >= self._minimum

    def _read(self, key: Key, partition: Partition, wanted: Wanted) -> bool:
        """Read one partition into its place. True when that settles the whole request."""
        room = self._limit - self._size
        try:
            found = self._find(partition, wanted, room)
        except KafkaError as error:
            found = Found(failure(wanted.partition, error.code))
            found.data.aborted_transactions = None
        self.found[key] = found
        self._size += found.size
        return found.data.error_code != 0 or found.data.diverging_epoch.end_offset != -1

    def _find(self, partition: Partition, wanted: Wanted, room: int) -> Found:
        log = partition.leader_log(wanted.leader_epoch)
        if self._replica >= 0 and self._replica not in partition.machine.replicas:
            raise KafkaError(
                ErrorCode.NOT_LEADER_OR_FOLLOWER, f"Node {self._replica} holds no {partition.name}"
            )
        high_watermark = log.high_watermark
        stable = log.last_stable_offset
        diverging = None
        if wanted.last_fetched_epoch >= 0:
            diverging = _divergence(log, wanted)
        data = PartitionData(
            partition_index=wanted.partition,
            high_watermark=high_watermark,
            last_stable_offset=stable,
            log_start_offset=log.start_offset,
            aborted_transactions=None,
            records=b"",
        )
        if diverging is not None:
            data.diverging_epoch = diverging
            return Found(data)
        limit = stable if self._committed_only else high_watermark
        first = self._size == 0  # KIP-74: the first batch of an answer comes whole, however large
        size = min(room, wanted.max_bytes) if room > 0 else 0
        read = log.read(wanted.fetch_offset, size, min_one=first, limit_offset=limit)
        if self._committed_only:
            aborted = log.aborted_transactions(wanted.fetch_offset, read.upper_offset) if read.size else []
            data.aborted_transactions = [
                AbortedTransaction(producer_id=each.producer_id, first_offset=each.first_offset)
                for each in aborted
            ]
        if read.records is not None:
            few = read.recent and self._size + read.size <= COPIED_BYTES
            data.records = log.copied(read) if few else read.records
        at_end = wanted.fetch_offset >= limit and self._replica < 0 and wanted.last_fetched_epoch < 0
        return Found(data, read, log, at_end=at_end)

    def settle(self) -> None:
        """The answer tells what was found: whatever it told all of is left to the watch.

        Not where the answer waited for the disk (partitions may have changed meanwhile, unheard), nor where an
        authorizer may change its mind, nor what changed in this very turn and was not read again.
        """
        watch = self._watch
        if watch is None or self._warmed or self._services.authorizer.enabled:
            return
        has_news = self._services.partitions.has_news
        for partition, (key, _) in self._places.items():
            if self.found[key].at_end and not has_news(partition):
                watch.settle(key, partition)

    # -- waiting

    def park(self, max_wait_ms: int, settled: Callable[[], None]) -> None:
        """Call `settled` once there is enough, or when the wait is over."""
        self._settled = settled
        for partition in self._places:
            partition.waiters[self] = None
        if self._watch is not None:
            self._watch.park(self)
        now = self._services.clock.now()
        self._deadline = self._services.deadlines.add(now + max_wait_ms, self._finish)

    def join(self, key: Key, partition: Partition, wanted: Wanted) -> None:
        """A partition that was settled has news: it is one of those to read from now on, if it is not already."""
        if self._settled is None or key in self.found or key in self.errors:
            return
        self._places[partition] = (key, wanted)
        partition.waiters[self] = None
        self._joined = True
        self.wake(partition)

    def stir(self, partition: Partition) -> None:
        """Nothing to note: `wake` reads."""

    def wake(self, partition: Partition) -> None:
        place = self._places.get(partition)
        if place is None or self._settled is None:
            return
        key, wanted = place
        old = self.found.get(key)
        if old is not None:
            self._size -= old.size
            old.release()
        if not partition.assigned:
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if wanted.topic else ErrorCode.UNKNOWN_TOPIC_ID
            self.found[key] = Found(failure(wanted.partition, code))
            self._finish()
        elif self._read(key, partition, wanted) or self._size >= self._minimum:
            self._finish()

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        self._leave()
        for found in self.found.values():
            found.release()

    def _finish(self) -> None:
        settled = self._settled
        self._leave()
        if self._joined:
            order = sorted(self._places.values(), key=_order_of_service)
            self.found = {key: self.found[key] for key, _ in order}
        if settled is not None:
            settled()

    def _leave(self) -> None:
        self._settled = None
        for partition in self._places:
            partition.waiters.pop(self, None)
        if self._watch is not None:
            self._watch.unpark(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # -- warmth

    @property
    def is_cold(self) -> bool:
        """Whether something in the answer would have to wait for the disk."""
        return any(
            each.cold is not None and each.read is not None and not each.cold.is_warm(each.read)
            for each in self.found.values()
        )

    async def warm(self) -> None:
        """Bring what is cold into the page cache. A partition whose disk fails answers with that error."""
        self._warmed = True
        for key, found in list(self.found.items()):
            log, read = found.cold, found.read
            if log is None or read is None or log.is_warm(read):
                continue
            try:
                await log.warm(read)
            except KafkaError as error:
                found.release()
                self.found[key] = Found(failure(found.data.partition_index, error.code))


def _order_of_service(place: tuple[Key, Wanted]) -> int:
    return place[1].place


def _divergence(log: Log, wanted: Wanted) -> EpochEndOffset | None:
    """KIP-595: where the reader's log and ours part, when they do. Raises OFFSET_OUT_OF_RANGE for epochs too old."""
    known = log.end_offset_for_epoch(wanted.last_fetched_epoch)
    if known is None:
        raise KafkaError(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"The leader epoch {wanted.last_fetched_epoch} is older than all that is known of {log.name}",
        )
    epoch, end_offset = known
    if epoch < wanted.last_fetched_epoch or end_offset < wanted.fetch_offset:
        return EpochEndOffset(epoch=epoch, end_offset=end_offset)
    return None
