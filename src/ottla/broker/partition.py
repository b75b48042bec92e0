"""A partition on this node: its log, its leader machine, and who waits for it.

The machine decides what is committed; this class carries out what it says: the log learns the high watermark, parked
fetches are woken, producers get their answers. Where `flush.messages` demands it, flushes run one at a time and each
covers everything written before it, so a hundred waiting producers cost one fsync.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ottla.broker.storage.answers import Appended, Origin
from ottla.broker.storage.log import Log
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_EPOCH, Uuid
from ottla.core.partition import events
from ottla.core.partition.leader import Leader, check_leader_epoch
from ottla.core.records.batch import BatchHeader

if TYPE_CHECKING:
    from ottla.broker.coordination.proving import Guard
    from ottla.broker.partitions import Partitions
    from ottla.core.metadata.image import PartitionImage


class Waiter(Protocol):
    """Somebody who waits until a partition has news."""

    def stir(self, partition: Partition) -> None:
        """There is news. Called in the midst of it: nothing may be done here but to take note."""
        ...

    def wake(self, partition: Partition) -> None:
        """Look again. Called once, after the work of the turn that brought the news."""
        ...


class Partition:
    """`log` is None while the partition has no usable log on this node: its directory is offline."""

    __slots__ = (
        "_flushing",
        "_owner",
        "assigned",
        "index",
        "leader_epoch",
        "leader_id",
        "log",
        "machine",
        "topic",
        "topic_id",
        "verifying",
        "waiters",
    )

    def __init__(self, owner: Partitions, topic: str, topic_id: Uuid, index: int) -> None:
        self._owner = owner
        self.topic = topic
        self.topic_id = topic_id
        self.index = index
        self.log: Log | None = None
        self.leader_id = -1
        self.leader_epoch = -1
        self.machine = Leader(owner.node_id)
        self.waiters: dict[Waiter, None] = {}
        self.verifying: dict[int, Guard] = {}
        """Producer id → the guard of a question to its transaction coordinator (see `coordination.proving`)."""
        self.assigned = True
        self._flushing = False

    @property
    def name(self) -> str:
        return f"{self.topic}-{self.index}"

    @property
    def leading(self) -> bool:
        return self.machine.leading

    # -- what others ask for

    def leader_log(self, leader_epoch: int = -1) -> Log:
        """The log, to answer clients from.

        Raises FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
        """
        log = self.log
        if log is None or not log.directory.online:
            raise KafkaError(
                ErrorCode.KAFKA_STORAGE_ERROR, f"The log of {self.name} is on an offline directory"
            )
        if leader_epoch != NO_EPOCH:
            check_leader_epoch(leader_epoch, self.leader_epoch)
        if not self.machine.leading:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, f"This broker does not lead {self.name}")
        return log

    def append(
        self,
        records: bytes | memoryview,
        acks: int,
        *,
        origin: Origin = Origin.CLIENT,
        header: BatchHeader | None = None,
        transaction_version: int = 0,
    ) -> Appended:
        """Append as the leader; see `Log.append` and `leader_log` for what it raises, `Leader.check_acks` besides."""
        log = self.leader_log()
        if acks == -1:
            self.machine.check_acks(acks)
        clock = self._owner.clock
        appended = log.append(
            records,
            leader_epoch=self.leader_epoch,
            origin=origin,
            wall=clock.wall(),
            header=header,
            transaction_version=transaction_version,
        )
        if not appended.duplicate:
            self._follow(self.machine.step(clock.now(), events.Appended(log.end_offset, appended.must_flush)))
            if appended.must_flush and not self._flushing:
                self._flushing = True
                clock.spawn(self._flush(), name=f"flush {self.name}")
        return appended

    def safe(self, offset: int, acks: int) -> bool:
        """Whether a producer may be told that everything below `offset` is written."""
        return self.machine.safe(offset, committed=acks == -1)

    def when_safe(self, offset: int, acks: int, tell: Callable[[ErrorCode], None]) -> None:
        """Call `tell` once that is so, or once it cannot be."""
        self._follow(self.machine.step(self._owner.clock.now(), events.Awaits(offset, tell, acks == -1)))

    def delete_records_before(self, offset: int) -> int:
        """Raise the log's start; -1: to the high watermark. Returns the new start.

        Raises POLICY_VIOLATION where compaction alone removes records, OFFSET_OUT_OF_RANGE, and as `leader_log`.
        """
        log = self.leader_log()
        if log.config.compacts and not log.config.deletes:
            raise KafkaError(
                ErrorCode.POLICY_VIOLATION,
                f"Records of partition {self.name} can not be deleted due to the configured policy",
            )
        if offset < -1 or offset > self.machine.high_watermark:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"Cannot delete records of {self.name} below offset {offset}, beyond the high watermark "
                f"{self.machine.high_watermark}",
            )
        return log.delete_records_before(offset)

    # -- what the metadata says

    def take(self, log: Log) -> None:
        """The log is this one from now on."""
        self.log = log
        log.start_listener = self._start_rose

    def _start_rose(self, log: Log) -> None:
        """Retention, or somebody who asked, deleted records: readers are told where the log begins now."""
        if log is self.log and self.waiters:
            self._owner.wake(self)

    def follow_metadata(self, image: PartitionImage, min_insync_replicas: int) -> None:
        """Take over leadership, leave it, or hear of other replicas."""
        now = self._owner.clock.now()
        led, epoch = self.machine.leading, self.leader_epoch
        self.leader_id, self.leader_epoch = image.leader, image.leader_epoch
        if image.leader != self._owner.node_id or self.log is None:
            if led:
                self._follow(self.machine.step(now, events.Resigned()))
            self._owner.wake(self)
            return
        if led and epoch == image.leader_epoch:
            event = events.Changed(image.replicas, image.isr, min_insync_replicas)
            self._follow(self.machine.step(now, event))
            return
        log = self.log
        elected = events.Elected(
            leader_epoch=image.leader_epoch,
            replicas=image.replicas,
            isr=image.isr,
            end_offset=log.end_offset,
            high_watermark=log.high_watermark,
            min_insync_replicas=min_insync_replicas,
        )
        if led:
            self._follow(self.machine.step(now, events.Resigned()))
        self._follow(self.machine.step(now, elected))
        log.lead(image.leader_epoch)
        self._owner.on_led(self)
        self._owner.wake(self)

    def retire(self, code: ErrorCode) -> None:
        """The partition is deleted, or its directory is gone: whoever waits hears `code`."""
        self._follow(self.machine.step(self._owner.clock.now(), events.Resigned(code)))
        self.assigned = code == ErrorCode.KAFKA_STORAGE_ERROR
        self._owner.on_led(self)
        self._owner.wake(self)

    # -- effects

    def _follow(self, effects: Sequence[events.Effect]) -> None:
        for effect in effects:
            if type(effect) is events.Advanced:
                if self.log is not None:
                    self.log.update_high_watermark(effect.high_watermark)
                if self.waiters:
                    self._owner.wake(self)
            elif type(effect) is events.Answer:
                effect.token(effect.code)  # type: ignore[operator]

    async def _flush(self) -> None:
        clock = self._owner.clock
        try:
            while True:
                # A name of its own: what the attribute was before the await, it need not be after.
                log = self.log
                if log is None:
                    return
                up_to = log.end_offset
                await log.flush(up_to)
                if log is not self.log:
                    continue  # moved to another directory meanwhile: its copy has to be flushed
                self._follow(self.machine.step(clock.now(), events.Flushed(up_to)))
                if not self.machine.unflushed:
                    return
        except KafkaError as error:
            self._follow(self.machine.step(clock.now(), events.Resigned(error.code)))
            self._owner.wake(self)
        finally:
            self._flushing = False
