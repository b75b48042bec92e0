"""A share partition at work: its machine, the share coordinator that keeps its state, and who waits for records.

The state is read when the first member fetches; until then fetches wait. Afterwards every change goes to the coordinator,
one wave at a time: what is decided while a wave is under way makes the next one. So an older state never overtakes
a younger one, and a hundred members who acknowledge at once make two writes.

A share partition is of one term of its partition's leader. When that ends, or when the coordinator says that the state
has moved on, it is left; the next fetch makes another.
"""

from __future__ import annotations

import logging
from asyncio import Future
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.sharing.reset import EARLIEST, LATEST, duration_ms
from ottla.core.partition.sharing.share_partition import Change, SharePartition
from ottla.core.partition.sharing.values import Acknowledgement, Limits
from ottla.core.partition.sharing.values import StateBatch as Kept
from ottla.core.share_state.requests import (
    UNINITIALIZED,
    PartitionState,
    SharePartitionKey,
    StateBatch,
    Write,
)

if TYPE_CHECKING:
    from ottla.broker.partition import Partition
    from ottla.broker.waiting import Deadline, Deadlines
    from ottla.world.doors import Clock

log = logging.getLogger("ottla.sharing")

_AGAIN_LATER: Final = frozenset(
    {
        ErrorCode.NOT_COORDINATOR,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
_FENCED: Final = frozenset({ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.FENCED_STATE_EPOCH})
_GONE: Final = frozenset({ErrorCode.GROUP_ID_NOT_FOUND, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION})
LEFT: Final = _GONE | {ErrorCode.NOT_LEADER_OR_FOLLOWER}
"""Errors after which the state here is not the valid one any more."""

Wave: TypeAlias = "list[tuple[Change, Future[None] | None]]"
Asked: TypeAlias = "tuple[Wave, Coroutine[Any, Any, None]]"


class Persister(Protocol):
    """Whoever keeps the states (`coordination.persister`)."""

    def read(self, key: SharePartitionKey, leader_epoch: int) -> Coroutine[Any, Any, PartitionState]: ...

    def write(self, asked: Write) -> Coroutine[Any, Any, None]: ...


class Waiter(Protocol):
    """A fetch that is parked until there are records."""

    def look(self) -> None: ...


class Shared:
    """See the module. `left` is called once, when it is no more to be used."""

    def __init__(
        self,
        key: SharePartitionKey,
        partition: Partition,
        clock: Clock,
        deadlines: Deadlines,
        persister: Persister,
        limits: Limits,
        reset: str,
        left: Callable[[Shared], None],
    ) -> None:
        self.key = key
        self.partition = partition
        self.leader_epoch = partition.leader_epoch
        self.machine = SharePartition(limits)
        self.waiters: dict[Waiter, None] = {}
        self.failure: KafkaError | None = None
        """Why it could not be loaded, or is no more to be used."""
        self._clock = clock
        self._deadlines = deadlines
        self._persister = persister
        self._reset = reset
        self._left = left
        self._loaded = False
        self._woken = False
        self._waiting: Wave = []
        self._writing = False
        self._when_written: Callable[[], None] | None = None
        self._deadline: Deadline | None = None
        self._armed = 0

    @property
    def name(self) -> str:
        return f"{self.partition.name} of share group {self.key.group}"

    @property
    def ready(self) -> bool:
        """Whether records may be acquired: its state was read and is valid."""
        return self._loaded and self.failure is None

    @property
    def is_current(self) -> bool:
        """Whether it belongs to the present term of its partition's leader, which is this node."""
        partition = self.partition
        return (
            self.failure is None
            and partition.assigned
            and partition.leading
            and partition.leader_epoch == self.leader_epoch
        )

    # -- loading

    async def load(self) -> None:
        """Read the state. Those who wait hear of it, or of `failure`."""
        try:
            state = await self._persister.read(self.key, self.leader_epoch)
            start = state.start_offset if state.start_offset != UNINITIALIZED else self._first_offset()
            batches = [Kept(*each) for each in state.batches]
            self.machine.load(start, state.state_epoch, batches)
        except KafkaError as error:
            self.leave(KafkaError(_told(error.code), error.message))
        except ValueError as fault:
            log.error("the stored state of %s cannot be used: %s", self.name, fault)
            self.leave(KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR))
        else:
            self._loaded = True
            log.debug("%s begins at offset %d", self.name, self.machine.start_offset)
            self.wake()

    def _first_offset(self) -> int:
        """Where to begin when nothing is kept. Raises KafkaError when the log cannot say."""
        leader = self.partition.leader_log(self.leader_epoch)
        if self._reset == EARLIEST:
            return leader.start_offset
        if self._reset != LATEST:
            found = leader.offset_for_timestamp(self._clock.wall() - duration_ms(self._reset))
            if found is not None and found.offset < leader.high_watermark:
                return found.offset
        return leader.high_watermark

    def leave(self, error: KafkaError) -> None:
        """No more to be used; `error` says why. What was acquired is forgotten here."""
        if self.failure is not None:
            return
        self.failure = error
        self._disarm()
        waiting, self._waiting = self._waiting, []
        for _, done in waiting:
            _tell(done, error)
        self._left(self)
        self.wake()

    # -- what members do

    def acknowledge(self, member: str, said: Sequence[Acknowledgement]) -> Future[None] | None:
        """Done when what was said is kept; None when there is nothing to keep. Raises KafkaError, also when awaited."""
        if not self.ready:
            raise KafkaError(ErrorCode.INVALID_RECORD_STATE)
        change = self.machine.acknowledge(self._clock.now(), member, said)
        self.arm()
        return self._keep(change)

    def release(self, member: str) -> None:
        """The member has gone: let go of what it holds."""
        if self.ready:
            change = self.machine.release(member)
            if change is not None:
                self._enqueue(change, None)

    def _keep(self, change: Change | None) -> Future[None] | None:
        if change is None:
            return None
        done: Future[None] = self._clock.future()
        self._enqueue(change, done)
        return done

    # -- keeping

    @property
    def is_writing(self) -> bool:
        return self._writing

    def when_written(self, call: Callable[[], None]) -> None:
        """Call once everything decided until then was told to the coordinator and answered."""
        self._when_written = call

    def _enqueue(self, change: Change, done: Future[None] | None) -> None:
        self._waiting.append((change, done))
        if not self._writing:
            self._writing = True
            self._clock.spawn(self._write(self._ask()), name=f"keep the state of {self.name}")

    def _ask(self) -> Asked:
        """Ask for all that waits, now: what is asked later comes later."""
        machine = self.machine
        wave, self._waiting = self._waiting, []
        written = self._persister.write(
            Write(
                self.key,
                machine.state_epoch,
                self.leader_epoch,
                machine.start_offset,
                machine.complete,
                [StateBatch(*each) for change, _ in wave for each in change.batches],
            )
        )
        return wave, written

    async def _write(self, asked: Asked) -> None:
        wave, written = asked
        try:
            while True:
                error: KafkaError | None = None
                try:
                    await written
                except KafkaError as refusal:
                    error = KafkaError(_told(refusal.code), refusal.message)
                self._conclude(wave, error)
                if not self._waiting:
                    break
                wave, written = self._ask()
        finally:
            self._writing = False
        call, self._when_written = self._when_written, None
        if call is not None:
            call()

    def _conclude(self, wave: Wave, error: KafkaError | None) -> None:
        if error is not None:
            log.warning("the state of %s was not kept: %s", self.name, error)
        now = self._clock.now()
        for change, done in wave:
            if error is None:
                self.machine.kept(change)
            else:
                self.machine.failed(now, change)
            _tell(done, error)
        if error is not None:
            if error.code in LEFT:
                self.leave(error)
            else:
                self.arm()  # what must be kept after all is tried again
        self.wake()

    # -- time and news

    def arm(self) -> None:
        """Locks were taken or renewed: see that they end in time."""
        deadline = self.machine.deadline
        if deadline is None or (self._deadline is not None and self._armed <= deadline):
            return
        self._disarm()
        self._armed = deadline
        self._deadline = self._deadlines.add(deadline, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        change = self.machine.expire(self._clock.now())
        if change is not None:
            self._enqueue(change, None)
            self.wake()
        self.arm()

    def wake(self) -> None:
        """Let those who wait look again, once, after the work of this turn is done."""
        if self.waiters and not self._woken:
            self._woken = True
            self._clock.call_soon(self._wake_all)

    def _wake_all(self) -> None:
        self._woken = False
        for waiter in list(self.waiters):
            waiter.look()


def _tell(done: Future[None] | None, error: KafkaError | None) -> None:
    if done is None or done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def _told(code: ErrorCode) -> ErrorCode:
    """What a member hears of an error of the share coordinator."""
    if code in _AGAIN_LATER:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    if code in _FENCED:
        return ErrorCode.NOT_LEADER_OR_FOLLOWER
    return code if code in LEFT else ErrorCode.UNKNOWN_SERVER_ERROR
