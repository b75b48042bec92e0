"""Records on their way out: batches in the making, one queue a partition.

A partition has at most one batch in flight, so a batch that is tried again cannot be overtaken. What arrives
meanwhile fills the next batch: the slower the broker answers, the larger the batches become.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

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
        "last_error",
        "partition",
        "producer",
        "retry_at",
        "sequence",
        "topic",
    )

    def __init__(self, topic: str, partition: int, codec: Codec, created: int, done: Future[Any]) -> None:
        self.topic = topic
        self.partition = partition
        self.builder = Builder(codec)
        self.created = created
        self.done = done
        """Holds a `Delivered` in the end, in success and in failure."""
        self.encoded: bytes | None = None
        self.producer = (NO_PRODUCER, NO_EPOCH)
        self.sequence = NO_SEQUENCE
        self.attempts = 0
        self.retry_at = 0
        self.last_error: Exception | None = None

    @property
    def count(self) -> int:
        return self.builder.count


class PartitionQueue:
    """Batches that wait for one partition, and the sequence its next batch gets (KIP-98)."""

    __slots__ = ("batches", "in_flight", "partition", "producer", "sequence", "topic")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.batches: deque[Batch] = deque()
        self.in_flight = False
        self.producer = (NO_PRODUCER, NO_EPOCH)
        self.sequence = 0

    def is_ready(self, now: int, linger: int, batch_size: int, *, flushing: bool) -> bool:
        """Whether the oldest batch should go: it is full, old enough, tried before, or everything should."""
        head = self.batches[0]
        if head.attempts:
            return True
        return (
            flushing
            or len(self.batches) > 1
            or head.builder.size >= batch_size
            or now >= head.created + linger
        )

    def encode_head(self, producer: tuple[int, int]) -> bytes:
        """The oldest batch as bytes. Its place in the sequence is given once and kept through every attempt."""
        head = self.batches[0]
        if head.encoded is None:
            if producer[0] != NO_PRODUCER:
                if producer != self.producer:
                    self.producer, self.sequence = producer, 0
                head.sequence = self.sequence
                self.sequence = advance_sequence(self.sequence, head.count)
            head.producer = producer
            head.encoded = head.builder.finish(
                producer_id=producer[0], producer_epoch=producer[1], base_sequence=head.sequence
            )
        return head.encoded

    def take_back(self, batch: Batch) -> None:
        """The broker refused the batch without writing it: the next one takes its place in the sequence."""
        if batch.sequence != NO_SEQUENCE and batch.producer == self.producer:
            self.sequence = batch.sequence

    def forget_place(self, batch: Batch) -> None:
        """The batch is to be encoded anew, under another producer id."""
        batch.encoded = None
        batch.sequence = NO_SEQUENCE
