"""One ShareFetch on its way: find share partitions with something to give, read, acquire, answer.

Nothing is acquired before the answer can leave: a parked fetch holds no record, and gets none when its session ends
before. News of a partition (records were committed) or of a share partition (records were let go, there is room again,
its state was loaded) makes it look again; at its deadline it takes what there is.

The bytes are shared evenly among the partitions that have room; the first batch of all comes whole, however large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ottla.broker.sharing.reading import Stretch, read_batches
from ottla.broker.storage.lookups import EARLIEST
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.share_sessions import Key, ShareSession
from ottla.core.partition.sharing.aborted import Aborted
from ottla.core.partition.sharing.values import Acquired, Wish

if TYPE_CHECKING:
    from ottla.broker.partition import Partition
    from ottla.broker.services import Services
    from ottla.broker.sharing.shared import Shared
    from ottla.broker.storage.answers import Read
    from ottla.broker.storage.log import Log
    from ottla.broker.waiting import Deadline
    from ottla.world.doors import FileSlice


class Delivered:
    """What the answer says of one partition."""

    __slots__ = ("acquired", "code", "records", "size")

    def __init__(
        self,
        code: ErrorCode = ErrorCode.NONE,
        records: bytes | FileSlice = b"",
        size: int = 0,
        acquired: Sequence[Acquired] = (),
    ) -> None:
        self.code = code
        self.records: Any = records
        self.size = size
        self.acquired = acquired


class Place:
    """A share partition in a turn of reading: from where, and what was found."""

    __slots__ = ("failure", "key", "log", "offset", "read", "shared")

    def __init__(self, key: Key, shared: Shared) -> None:
        self.key = key
        self.shared = shared
        self.offset = shared.machine.next_fetch_offset()
        self.log: Log | None = None
        self.read: Read | None = None
        self.failure: KafkaError | None = None

    @property
    def is_cold(self) -> bool:
        """Whether taking the records would have to wait for the disk."""
        return self.log is not None and self.read is not None and not self.log.is_warm(self.read)

    @property
    def size(self) -> int:
        return 0 if self.read is None else self.read.size

    def release(self) -> None:
        if self.read is not None and self.read.records is not None:
            self.read.records.release()
        self.read = None


class ShareFetching:
    """Fills `delivered`, by (topic id, partition)."""

    def __init__(
        self,
        services: Services,
        session: ShareSession,
        wish: Wish,
        *,
        minimum: int,
        limit: int,
        committed_only: bool,
    ) -> None:
        """`minimum` and `limit` are bytes."""
        self.delivered: dict[Key, Delivered] = {}
        self._services = services
        self._session = session
        self._wish = wish
        self._minimum = minimum
        self._limit = limit
        self._committed_only = committed_only
        self._shared: dict[Key, Shared] = {}
        self._failures: dict[Key, KafkaError] = {}
        self._settled: Callable[[], None] | None = None
        self._deadline: Deadline | None = None
        self._is_warming = False
        self._is_over = False  # the wait: take what there is

    def add(self, key: Key, shared: Shared) -> None:
        self._shared[key] = shared

    def refuse(self, key: Key, code: ErrorCode) -> None:
        self.delivered[key] = Delivered(code)

    @property
    def wants_records(self) -> bool:
        return self._wish.max_records != 0 and self._limit != 0

    @property
    def is_parked(self) -> bool:
        return self._settled is not None

    # -- reading

    def attempt(self, *, warmed: bool = False) -> bool:
        """Acquire, if there is enough or the wait is over. True when the answer is ready."""
        if not self._shared or self._session.ended:
            return True
        if self._is_warming:
            return False
        self._note_failures()
        places = [
            Place(key, each) for key, each in self._shared.items() if each.ready and each.machine.has_room
        ]
        room = self._limit
        for place in places:
            self._read(place, self._limit // len(places) or 1, room)
            room -= place.size
        enough = any(place.failure is not None for place in places) or self._limit - room >= self._minimum
        if not self._is_over and not (places and enough):
            for place in places:
                place.release()
            return False
        if not warmed and any(place.is_cold for place in places):
            self._is_warming = True
            self._services.clock.spawn(self._warm(places), name="warm a share fetch")
            return False
        self._take(places)
        return True

    def _note_failures(self) -> None:
        """Share partitions that could not be loaded, or went away: the answer says so when it leaves."""
        for key, shared in list(self._shared.items()):
            if shared.failure is not None:
                self.delivered[key] = Delivered(shared.failure.code)

    def _read(self, place: Place, share: int, room: int) -> None:
        try:
            if self._limit < 0:
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "Nobody can want less than nothing")
            leader = place.log = place.shared.partition.leader_log()
            limit = leader.last_stable_offset if self._committed_only else leader.high_watermark
            first = room == self._limit
            place.read = leader.read(
                place.offset, min(share, max(room, 0)), min_one=first, limit_offset=limit
            )
        except KafkaError as error:
            place.failure = error

    async def _warm(self, places: Sequence[Place]) -> None:
        """Bring what was found into the page cache, then look again: others may have taken it meanwhile."""
        try:
            for place in places:
                if place.is_cold:
                    assert place.log is not None and place.read is not None
                    await place.log.warm(place.read)
        except KafkaError as error:
            place.failure = error
            self.delivered[place.key] = Delivered(error.code)
            self._shared.pop(place.key, None)
        finally:
            self._is_warming = False
            for each in places:
                each.release()
        if self._settled is not None and self.attempt(warmed=True):
            self._finish()

    # -- acquiring

    def _take(self, places: Sequence[Place]) -> None:
        left = self._wish.max_records
        for place in places:
            if place.failure is not None:
                self.delivered[place.key] = self._failed(place)
                continue
            try:
                found = self._acquire(place, left)
            except KafkaError as error:
                found = Delivered(error.code)
            finally:
                place.release()
            left -= sum(each.last - each.first + 1 for each in found.acquired)
            self.delivered[place.key] = found

    def _failed(self, place: Place) -> Delivered:
        """Where the log has lost its beginning there is no error: the share partition goes on behind it."""
        assert place.failure is not None
        if place.failure.code != ErrorCode.OFFSET_OUT_OF_RANGE or place.log is None:
            return Delivered(place.failure.code)
        earliest = place.log.offset_for_timestamp(EARLIEST)
        if earliest is not None:
            place.shared.machine.log_start_moved(earliest.offset)
            place.shared.wake()
        return Delivered()

    def _acquire(self, place: Place, most: int) -> Delivered:
        log, read, machine = place.log, place.read, place.shared.machine
        if log is None or read is None or read.records is None or most <= 0:
            return Delivered()
        stretch = read_batches(log, read.records, max(machine.next_offset, place.offset) + most)
        aborted = (
            [
                Aborted(each.producer_id, each.first_offset)
                for each in log.aborted_transactions(place.offset, read.upper_offset)
            ]
            if self._committed_only
            else []
        )
        acquired = machine.acquire(
            self._services.clock.now(),
            self._session.owner.member,
            self._wish._replace(max_records=most),
            place.offset,
            stretch.headers,
            aborted,
        )
        place.shared.arm()
        if not acquired:
            return Delivered()
        self._session.held[place.key] = None
        return _with_records(stretch, acquired)

    # -- waiting

    def park(self, max_wait_ms: int, settled: Callable[[], None]) -> None:
        """Call `settled` once there is enough, or when the wait is over."""
        self._settled = settled
        for shared in self._shared.values():
            shared.waiters[self] = None
            shared.partition.waiters[self] = None
        now = self._services.clock.now()
        self._deadline = self._services.deadlines.add(now + max(max_wait_ms, 0), self._time_is_over)

    def stir(self, partition: Partition) -> None:
        """Nothing to note: `wake` looks."""

    def wake(self, partition: Partition) -> None:
        """News of a partition of the log."""
        self.look()

    def look(self) -> None:
        if self._settled is not None and self.attempt():
            self._finish()

    def _time_is_over(self) -> None:
        self._deadline = None
        self._is_over = True
        self.look()

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        self._leave()

    def _finish(self) -> None:
        settled = self._settled
        self._leave()
        if settled is not None:
            settled()

    def _leave(self) -> None:
        self._settled = None
        for shared in self._shared.values():
            shared.waiters.pop(self, None)
            shared.partition.waiters.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _with_records(stretch: Stretch, acquired: Sequence[Acquired]) -> Delivered:
    """The batches from the first that has an acquired record to the last."""
    records, size = stretch.between(acquired[0].first, acquired[-1].last)
    return Delivered(ErrorCode.NONE, records, size, acquired)
