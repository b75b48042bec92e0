"""One partition of a coordinator's topic at work: the machine, its log, and what waits for the two.

    request ── handle ──> records ──> applied at once ──> open batch ── end of the turn ──> appended ──> committed
                          replies ────────────────────────> ride on the batch ──────────────────────────> leave

All requests of one turn of the loop share a batch; `append.linger.ms` may make it wait longer. Where nobody else came in the
turn before, the first of a turn does not wait for company: its answer leaves at once. A decision without records
rides on the newest batch that is not committed, as it may have been made on what that batch says; when there is none, it
leaves at once.

Replies wait for the replicas as long as a setting says and then hear COORDINATOR_NOT_AVAILABLE; what was written stays,
and may yet be committed.

When an append fails, or leadership is lost, nobody who waited hears a success, and the machine is thrown away: a new one
is loaded from the log if this node still leads. What the log does not hold has not happened.
"""

from __future__ import annotations

import logging
from asyncio import Future
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast

from ottla.broker.coordination.gathering import Batch, record_bytes_max, record_size
from ottla.broker.coordination.loading import load
from ottla.broker.coordination.outbox import Outbox, Token
from ottla.broker.coordination.proving import unguard
from ottla.broker.coordination.refusals import refusal, refused, settle
from ottla.broker.storage.answers import Origin
from ottla.core.coordination import batches
from ottla.core.coordination.contract import (
    Call,
    Coordinator,
    Decision,
    Moment,
    Placing,
    Producer,
    Reply,
    Request,
)
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.control import EndTransaction, build_end_transaction
from ottla.core.wire import coordinator_records
from ottla.core.wire.codec import EncodeError

if TYPE_CHECKING:
    from ottla.broker.coordination.ledger import Ledger
    from ottla.broker.coordination.shards import Shards
    from ottla.broker.waiting import Deadline

_log = logging.getLogger("ottla.coordination")

RETRY_MS: Final = 500
"""How long a partition that could not be written or read is left alone before it is loaded again."""


class State(Enum):
    LOADING = "loading"
    ACTIVE = "active"
    FAILED = "failed"
    CLOSED = "closed"


class Shard:
    """`Shards` makes one for each partition this node leads, and closes it when that ends."""

    def __init__(self, owner: Shards, partition: Ledger) -> None:
        self.partition = partition
        self.leader_epoch = partition.leader_epoch
        self.state = State.LOADING
        self.machine: Coordinator = owner.kind.make()
        self._owner = owner
        self._clock = owner.clock
        self._open: Batch | None = None
        self._under_way: deque[Batch] = deque()
        self._outbox = Outbox(lambda call: owner.perform(self, call), self._abandoned)
        self._deadline: Deadline | None = None
        self._flush_at: Deadline | None = None
        self._scheduled = False
        self._clock.spawn(self._load(), name=f"load {partition.name}")

    # -- requests

    def ask(self, request: Request, token: Token) -> None:
        """Give `token` the answer, once that is safe. Raises COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE."""
        self._check_active()
        self._outbox.expect(token)
        try:
            decision = self.machine.handle(self._moment(), token, request)
        except KafkaError as error:
            decision = Decision(replies=[Reply(token, error)])
        self._take(decision)
        if decision.records and self._owner.turn.alone() and self._flush_at is None:
            self._flush()
        self._outbox.send_off()

    def answered(self, call: Call, answer: Any) -> None:
        """What came of a call that the machine made."""
        if self.state is State.ACTIVE:
            self._take(self.machine.answered(self._moment(), call, answer))
            self._outbox.send_off()

    def topics_changed(self, changed: frozenset[str], deleted: frozenset[str]) -> None:
        if self.state is State.ACTIVE:
            self._take(self.machine.topics_changed(self._moment(), changed, deleted))
            self._outbox.send_off()

    async def end_transaction(
        self, producer: Producer, coordinator_epoch: int, committed: bool, version: int
    ) -> None:
        """Write the marker of a transaction into this partition; return when it is committed. Raises KafkaError."""
        self._check_active()
        self._flush()
        done: Future[None] = self._clock.future()
        marker = EndTransaction(committed, coordinator_epoch)
        data = build_end_transaction(producer.id, producer.epoch, marker, self._clock.wall())
        unguard(self.partition, producer.id, producer.epoch)
        appended = self.partition.append(data, -1, origin=Origin.COORDINATOR, transaction_version=version)
        self.machine.ended(producer.id, committed)
        self.partition.when_safe(appended.last_offset + 1, -1, lambda code: settle(done, code))
        self._outbox.send_off()
        await done

    def close(self, code: ErrorCode) -> None:
        """This node does not lead the partition any more: whoever waits hears `code`."""
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            self._drop(code)

    # -- decisions

    def _take(self, decision: Decision) -> None:
        for note in decision.notes:
            _log.info("%s", note)
        try:
            encoded = [batches.encode(record) for record in decision.records]
        except EncodeError as error:
            _log.error("%s: a record cannot be written: %s", self.partition.name, error, exc_info=error)
            unknown = KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
            decision, encoded = Decision(replies=refused(decision.replies, unknown)), []
        moment = self._moment()
        limit = record_bytes_max(self.partition.log)
        if not decision.divisible and sum(map(record_size, encoded)) > limit:
            too_large = KafkaError(
                ErrorCode.RECORD_LIST_TOO_LARGE,
                f"The records of one change to {self.partition.name} are larger than max.message.bytes allows",
            )
            decision, encoded = Decision(replies=refused(decision.replies, too_large)), []
        for record, pair in zip(decision.records, encoded, strict=True):
            self._write(pair, moment, decision.producer, limit)
            if self.state is not State.ACTIVE:
                return
            if self._owner.kind.placing and self._open is not None:
                self._open.placed.append(record)
            self.machine.apply(moment, record.key, record.value, decision.producer)
        batch = self._open or (self._under_way[-1] if self._under_way else None)
        if batch is None:
            self._outbox.release(decision.replies, decision.calls)
        else:
            batch.replies += decision.replies
            batch.calls += decision.calls
            self._limit_wait(batch)
        if decision.producer is not None:
            self._flush()
        if self.state is State.ACTIVE:
            self._arm()

    def _write(
        self, record: tuple[bytes, bytes | None], moment: Moment, producer: Producer | None, limit: int
    ) -> None:
        """Put a record into the open batch, which goes first where it has no room or is somebody else's."""
        batch = self._open
        if batch is not None and (
            batch.producer != producer or batch.builder.size + record_size(record) > limit
        ):
            self._flush()
            batch = None
        if batch is None:
            batch = self._open = Batch(self._owner.codec, producer)
            self._schedule()
        batch.builder.append(moment.wall, *record)

    def _schedule(self) -> None:
        linger = self._owner.linger_ms
        if linger > 0:
            if self._flush_at is None:
                self._flush_at = self._owner.deadlines.add(self._clock.now() + linger, self._turn_ended)
        elif not self._scheduled:
            self._scheduled = True
            self._owner.turn.at_end(self._turn_ended)

    def _turn_ended(self) -> None:
        self._scheduled = False
        self._flush()
        self._outbox.send_off()

    def _flush(self) -> None:
        """Append what is open."""
        if self._flush_at is not None:
            self._flush_at.cancel()
            self._flush_at = None
        batch, self._open = self._open, None
        if batch is None:
            return
        producer = batch.producer
        data = (
            batch.builder.finish()
            if producer is None
            else batch.builder.finish(
                producer_id=producer.id, producer_epoch=producer.epoch, transactional=True
            )
        )
        self._under_way.append(batch)
        try:
            appended = self.partition.append(data, -1, origin=Origin.COORDINATOR)
        except KafkaError as error:
            _log.warning("%s cannot be written: %s", self.partition.name, error)
            self._fail(error.code)
            return
        for offset, record in enumerate(batch.placed, appended.base_offset):
            cast(Placing, self.machine).placed(offset, record.key, record.value)
        end = appended.last_offset + 1
        if self.partition.safe(end, -1):
            self._committed(batch, ErrorCode.NONE)
        else:
            self.partition.when_safe(end, -1, lambda code: self._replicated(batch, code))
            self._limit_wait(batch)

    def _limit_wait(self, batch: Batch) -> None:
        """Who waits for replicas of a batch does not wait forever."""
        timeout = self._owner.write_timeout_ms
        if timeout is not None and batch is not self._open and batch.replies and batch.patience is None:
            due = self._clock.now() + timeout
            batch.patience = self._owner.deadlines.add(due, lambda: self._overdue(batch))

    def _overdue(self, batch: Batch) -> None:
        batch.patience = None
        replies, batch.replies = batch.replies, []
        self._outbox.release(refused(replies, refusal(ErrorCode.REQUEST_TIMED_OUT)), ())
        self._outbox.send_off()

    def _replicated(self, batch: Batch, code: ErrorCode) -> None:
        self._committed(batch, code)
        self._outbox.send_off()

    def _committed(self, batch: Batch, code: ErrorCode) -> None:
        if batch not in self._under_way:
            return
        if code:
            self._fail(code)
        else:
            while self._under_way:
                done = self._under_way.popleft()
                done.at_rest()
                self._outbox.release(done.replies, done.calls)
                if done is batch:
                    break

    # -- time

    def _moment(self) -> Moment:
        return Moment(self._clock.now(), self._clock.wall())

    def _arm(self) -> None:
        when = self.machine.deadline
        if self._deadline is not None:
            if self._deadline.when == when:
                return
            self._deadline.cancel()
            self._deadline = None
        if when is not None:
            self._deadline = self._owner.deadlines.add(when, self._due)

    def _due(self) -> None:
        self._deadline = None
        if self.state is State.ACTIVE:
            self._take(self.machine.tick(self._moment()))
            self._outbox.send_off()

    # -- life

    async def _load(self) -> None:
        began = self._clock.now()
        machine = self.machine
        log = self.partition.log

        def wanted() -> bool:
            return self.state is State.LOADING and self.machine is machine

        try:
            if log is None:
                raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "its directory is offline")
            types = getattr(coordinator_records, self._owner.kind.types)
            kind, size = self._owner.kind, self._owner.load_bytes
            placing = cast(Placing, machine) if kind.placing else None
            found = await load(log, machine, types, self._clock, size, wanted, placing, kind.newest_only)
        except (KafkaError, OSError) as error:
            if wanted():
                _log.error("%s cannot be loaded: %s", self.partition.name, error)
                self._fail(ErrorCode.COORDINATOR_NOT_AVAILABLE)
            return
        if not wanted():
            return
        spent = self._clock.now() - began
        self._owner.loads.append((self._clock.now(), spent))
        if found.records:
            _log.info(
                "loaded %s: records=%d bytes=%d ms=%d", self.partition.name, found.records, found.bytes, spent
            )
        self.state = State.ACTIVE
        self._take(machine.loaded(self._moment()))
        self._outbox.send_off()

    def _fail(self, code: ErrorCode) -> None:
        """Back to what the log holds."""
        if self.state is State.CLOSED:
            return
        self.state = State.FAILED
        self._drop(code)
        self._owner.deadlines.add(self._clock.now() + RETRY_MS, self._again)

    def _again(self) -> None:
        if self.state is State.FAILED:
            self.state = State.LOADING
            self.machine = self._owner.kind.make()
            self._clock.spawn(self._load(), name=f"load {self.partition.name}")

    def _drop(self, code: ErrorCode) -> None:
        """Everybody who waits hears `code`; nothing that was not appended will be."""
        self._open = None
        for batch in self._under_way:
            batch.at_rest()
        self._under_way.clear()
        for each in (self._deadline, self._flush_at):
            if each is not None:
                each.cancel()
        self._deadline = self._flush_at = None
        self._outbox.refuse(refusal(code))

    def _check_active(self) -> None:
        if self.state is State.LOADING:
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        if self.state is not State.ACTIVE:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        if not self.partition.leading:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)

    def _abandoned(self, token: Token) -> None:
        if self.state is State.ACTIVE:
            self.machine.abandoned(token)
