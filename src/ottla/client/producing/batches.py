"""Records on their way out: batches in the making, one queue a partition.

An idempotent producer (KIP-98) has up to five batches of a partition under way at once. Each carries its place in the
partition's sequence, and a broker takes only the one that comes next, so a batch whose predecessor was refused is
refused as well. From these rules the order of records follows:

- The oldest batch that is not under way goes next, never one behind it.
- Once a batch has to be tried again, nothing more goes before all that were under way have come back; then those go
  again one by one until the partition has caught up.
- A partition goes on with several at once only after the broker has taken one under the present producer id: a broker
  that knows nothing of a producer takes any place in its sequence for the first.
- All batches under way go to one leader, and carry one producer id.

A producer that is not idempotent has one batch of a partition under way.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from ottla.client.view import NO_LEADER
from ottla.core.model.ids import NO_EPOCH, NO_PRODUCER
from ottla.core.records.batch import advance_sequence
from ottla.core.records.build import Builder
from ottla.core.records.compression import Codec
from ottla.core.records.record import Header

NO_SEQUENCE: Final = -1

RECORD_OVERHEAD: Final = 25
"""Bytes a record takes beside its key, value and headers, at most."""


def estimate(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    """What a record takes in a batch, in bytes, before compression; rather more than less."""
    size = RECORD_OVERHEAD + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += 3 * len(name) + len(content or b"") + 10
    return size


class Batch:
    """Records of one partition that travel together."""

    __slots__ = (
        "attempts",
        "builder",
        "created",
        "done",
        "encoded",
        "is_flying",
        "last_error",
        "partition",
        "producer",
        "retry_at",
        "sequence",
        "topic",
    )

    def __init__(
        self, topic: str, partition: int, codec: Codec, level: int | None, created: int, done: Future[Any]
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.builder = Builder(codec, level)
        self.created = created
        self.done = done
        """Holds a `Delivered` in the end, in success and in failure."""
        self.encoded: bytes | None = None
        self.is_flying = False
        """Sent, and not answered yet."""
        self.producer = (NO_PRODUCER, NO_EPOCH)
        self.sequence = NO_SEQUENCE
        self.attempts = 0
        """Attempts that have failed."""
        self.retry_at = 0
        self.last_error: Exception | None = None

    @property
    def count(self) -> int:
        return self.builder.count


class PartitionQueue:
    """Batches that wait for one partition or are under way to it, and the sequence its next batch gets."""

    __slots__ = (
        "batches",
        "flying",
        "is_established",
        "is_torn",
        "leader",
        "partition",
        "producer",
        "sequence",
        "topic",
    )

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.batches: deque[Batch] = deque()
        self.flying = 0
        """How many are under way, all to `leader`."""
        self.leader = NO_LEADER
        self.producer = (NO_PRODUCER, NO_EPOCH)
        self.sequence = 0
        self.is_established = False
        """The broker has taken a batch of the present producer id."""
        self.is_torn = False
        """A batch was given up while some behind it had their place in the sequence already."""

    def next_up(self, window: int, producer: tuple[int, int]) -> Batch | None:
        """The batch that goes next, None when it has to wait for those under way (`window` at once)."""
        if not self.flying:
            return self.batches[0]
        if not self.is_established or self.flying >= window:
            return None
        for batch in self.batches:
            if batch.attempts:
                return None
            if not batch.is_flying:
                return batch if producer == self.producer else None
        return None

    def is_ready(self, batch: Batch, now: int, linger: int, batch_size: int, *, flushing: bool) -> bool:
        """Whether a batch should go: it is full, old enough, tried before, or everything should."""
        return (
            batch.attempts > 0
            or flushing
            or batch is not self.batches[-1]
            or batch.builder.size >= batch_size
            or now >= batch.created + linger
        )

    def launch(self, batch: Batch, leader: int, producer: tuple[int, int], *, transactional: bool) -> None:
        """Encode a batch that is about to be sent. Its place in the sequence is kept through every attempt."""
        self.leader = leader
        self.flying += 1
        batch.is_flying = True
        if batch.encoded is not None:
            return
        if producer[0] != NO_PRODUCER:
            if producer != self.producer:
                self.producer, self.sequence, self.is_established = producer, 0, False
            batch.sequence = self.sequence
            self.sequence = advance_sequence(self.sequence, batch.count)
        batch.producer = producer
        batch.encoded = batch.builder.finish(
            producer_id=producer[0],
            producer_epoch=producer[1],
            base_sequence=batch.sequence,
            transactional=transactional,
        )

    def land(self, batch: Batch) -> None:
        """A batch is not under way any more."""
        self.flying -= 1
        batch.is_flying = False

    def taken(self, batch: Batch) -> None:
        """The broker has written a batch."""
        if batch.producer == self.producer:
            self.is_established = True
        self.is_torn = False

    def leave_out(self, batch: Batch, *, unwritten: bool) -> None:
        """A batch ends in failure. `unwritten`: the broker has certainly not written it.

        Then the next one takes its place in the sequence, unless those behind it have their own already.
        """
        if any(each.encoded is not None for each in self.batches if each is not batch):
            self.is_torn = True
        elif unwritten and batch.sequence != NO_SEQUENCE and batch.producer == self.producer:
            self.sequence = batch.sequence

    def forget_places(self) -> None:
        """None of these batches is written: they are to be encoded anew, under another producer id."""
        for batch in self.batches:
            batch.encoded = None
            batch.sequence = NO_SEQUENCE
        self.is_torn = False
