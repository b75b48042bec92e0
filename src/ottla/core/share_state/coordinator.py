"""The share coordinator: the machine over one partition of `__share_group_state` (KIP-932).

It stores what leaders of share partitions tell it. A write becomes an update record; after
`share.coordinator.snapshot.update.records.per.snapshot` of them the next one is a snapshot, which says everything anew, so
that what lies before it can be cut off the log. Share partitions that nobody writes to get a snapshot now and then, or
one of them would hold up the cutting for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ottla.core.coordination.contract import (
    NOTHING,
    Call,
    Decision,
    Moment,
    Producer,
    Record,
    Reply,
    Request,
    Topics,
)
from ottla.core.coordination.settings import Settings
from ottla.core.coordination.timers import Timers
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.share_state import records
from ottla.core.share_state.combining import combine
from ottla.core.share_state.requests import (
    ABSENT,
    UNINITIALIZED,
    Delete,
    Initialize,
    PartitionState,
    Read,
    ReadSummary,
    SharePartitionKey,
    Write,
)
from ottla.core.share_state.table import Entry, Table
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.records.share_group_state import (
    ShareSnapshotKey,
    ShareSnapshotValue,
    ShareUpdateKey,
    ShareUpdateValue,
)

PRUNE: Final = "prune"
"""The call that cuts the log: its body is the offset below which nothing is needed."""
COLD: Final = "cold"
UPDATES_PER_SNAPSHOT: Final = "share.coordinator.snapshot.update.records.per.snapshot"
INTERVALS: Final = {
    PRUNE: "share.coordinator.state.topic.prune.interval.ms",
    COLD: "share.coordinator.cold.partition.snapshot.interval.ms",
}


class ShareCoordinator:
    """A `core.coordination.contract.Coordinator` that wants to know where its records lie."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self.table = Table()
        self._settings = settings
        self._topics = topics
        self._timers: Timers[str] = Timers()
        self._pruned = 0

    @property
    def deadline(self) -> int | None:
        return self._timers.first

    # -- requests

    def handle(self, moment: Moment, token: object, request: Request) -> Decision:
        body = request.body
        self._check_partition(body.key)
        written, answer = HANDLERS[type(body)](self, moment, body)
        return Decision([written] if written else (), [Reply(token, answer)])

    def abandoned(self, token: object) -> None:
        """Nothing waits here but for the log."""

    def initialize(self, moment: Moment, asked: Initialize) -> tuple[Record | None, Any]:
        known = self.table.entries.get(asked.key)
        if known is not None:
            _check_state_epoch(known, asked.state_epoch)
        self._check_exists(asked.key)
        complete = UNINITIALIZED if asked.start_offset == UNINITIALIZED else 0
        state = PartitionState(asked.state_epoch, 0, asked.start_offset, complete)
        epoch = 0 if known is None else known.snapshot_epoch + 1
        return records.snapshot(asked.key, epoch, state, created=moment.wall, written=moment.wall), None

    def read(self, moment: Moment, asked: Read) -> tuple[Record | None, Any]:
        known = self._known(asked.key, "Read")
        if asked.leader_epoch < known.newest_leader:
            raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
        self._check_exists(asked.key)
        if asked.leader_epoch == known.newest_leader:
            return None, known.state
        state = known.state
        return self._write(
            moment,
            known,
            Write(
                asked.key,
                state.state_epoch,
                asked.leader_epoch,
                state.start_offset,
                state.delivery_complete_count,
                (),
            ),
            leader_epoch=asked.leader_epoch,
        ), state

    def write(self, moment: Moment, asked: Write) -> tuple[Record | None, Any]:
        known = self._known(asked.key, "Write")
        if asked.leader_epoch != -1 and asked.leader_epoch < known.newest_leader:
            raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
        _check_state_epoch(known, asked.state_epoch)
        self._check_exists(asked.key)
        return self._write(moment, known, asked, leader_epoch=known.state.leader_epoch), None

    def delete(self, moment: Moment, asked: Delete) -> tuple[Record | None, Any]:
        self._check_exists(asked.key)
        return records.tombstone(asked.key) if asked.key in self.table.entries else None, None

    def summary(self, moment: Moment, asked: ReadSummary) -> tuple[Record | None, Any]:
        self._check_exists(asked.key)
        known = self.table.entries.get(asked.key)
        return None, ABSENT if known is None else known.state

    def _write(self, moment: Moment, known: Entry, asked: Write, *, leader_epoch: int) -> Record:
        if known.updates < self._settings[UPDATES_PER_SNAPSHOT]:
            return records.update(
                asked.key,
                known.snapshot_epoch,
                leader_epoch=leader_epoch,
                start_offset=asked.start_offset,
                delivery_complete_count=asked.delivery_complete_count,
                batches=combine((), asked.batches, asked.start_offset),
            )
        before = known.state
        start = before.start_offset if asked.start_offset == UNINITIALIZED else asked.start_offset
        state = PartitionState(
            before.state_epoch,
            leader_epoch,
            start,
            asked.delivery_complete_count,
            combine(before.batches, asked.batches, start),
        )
        return records.snapshot(
            asked.key, known.snapshot_epoch + 1, state, created=moment.wall, written=moment.wall
        )

    # -- what is refused

    def _check_partition(self, key: SharePartitionKey) -> None:
        if key.partition < 0:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "The partition id cannot be a negative number.")

    def _known(self, key: SharePartitionKey, what: str) -> Entry:
        known = self.table.entries.get(key)
        if known is None:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST, f"{what} operation on uninitialized share partition not allowed."
            )
        return known

    def _check_exists(self, key: SharePartitionKey) -> None:
        topic = self._topics.with_id(key.topic_id)
        if topic is None or key.partition >= topic.partitions:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)

    # -- records

    def apply(self, moment: Moment, key: Body, value: Body | None, producer: Producer | None) -> None:
        if isinstance(key, ShareSnapshotKey):
            if value is None:
                self.table.forget(records.key_of(key))
            else:
                assert isinstance(value, ShareSnapshotValue)
                self.table.snapshot(records.key_of(key), value, self._settings[UPDATES_PER_SNAPSHOT])
        elif isinstance(key, ShareUpdateKey) and value is not None:
            assert isinstance(value, ShareUpdateValue)
            self.table.update(records.key_of(key), value)

    def placed(self, offset: int, key: Body, value: Body | None) -> None:
        if isinstance(key, ShareSnapshotKey):
            self.table.placed(records.key_of(key), offset, gone=value is None)

    def ended(self, producer_id: int, committed: bool) -> None:
        """Nobody writes to this topic in a transaction."""

    # -- time

    def loaded(self, moment: Moment) -> Decision:
        for what in INTERVALS:
            self._again(moment, what)
        return NOTHING

    def tick(self, moment: Moment) -> Decision:
        what = self._timers.next_due(moment.now)
        if what is None:
            return NOTHING
        self._again(moment, what)
        return self._prune() if what == PRUNE else self._snapshot_cold(moment)

    def _again(self, moment: Moment, what: str) -> None:
        self._timers.set(what, moment.now + self._settings[INTERVALS[what]])

    def _prune(self) -> Decision:
        offset = self.table.redundant_below
        return NOTHING if offset <= self._pruned else Decision(calls=[Call(PRUNE, offset)])

    def answered(self, moment: Moment, call: Call, answer: Any) -> Decision:
        """The log was cut, or was not: then the next interval tries again."""
        if not isinstance(answer, KafkaError):
            self._pruned = max(self._pruned, call.body)
        return NOTHING

    def _snapshot_cold(self, moment: Moment) -> Decision:
        """Once every share partition lies in such a snapshot there is nothing more to gain."""
        entries = self.table.entries
        if all(each.created != each.written for each in entries.values()):
            return NOTHING
        age = self._settings[INTERVALS[COLD]]
        return Decision(
            [
                records.snapshot(
                    key, each.snapshot_epoch + 1, each.state, created=each.created, written=moment.wall
                )
                for key, each in entries.items()
                if moment.wall - each.written >= age
            ],
            divisible=True,
        )

    def topics_changed(self, moment: Moment, changed: frozenset[str], deleted: frozenset[str]) -> Decision:
        """What was delivered of topics that are gone is nobody's business any more."""
        if not deleted:
            return NOTHING
        gone = [key for key in self.table.entries if self._topics.with_id(key.topic_id) is None]
        return Decision([records.tombstone(key) for key in gone], divisible=True)


def _check_state_epoch(known: Entry, epoch: int) -> None:
    if epoch != -1 and known.newest_state > epoch:
        raise KafkaError(ErrorCode.FENCED_STATE_EPOCH)


HANDLERS: Final[Mapping[type, Callable[[ShareCoordinator, Moment, Any], tuple[Record | None, Any]]]] = {
    Initialize: ShareCoordinator.initialize,
    Read: ShareCoordinator.read,
    Write: ShareCoordinator.write,
    Delete: ShareCoordinator.delete,
    ReadSummary: ShareCoordinator.summary,
}
