"""One producer, as a log remembers it: its epoch, its last five batches, the transaction it has open.

Sequence numbers run from 0 to 2^31-1 and wrap to 0. Five batches, because that is how many requests a producer may have
in flight: a batch that is among them is a retry and gets the answer of the first attempt.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ottla.core.model.ids import NO_EPOCH, NO_OFFSET, NO_TIMESTAMP

MAX_SEQUENCE: Final = (1 << 31) - 1
MAX_EPOCH: Final = (1 << 15) - 1
BATCHES_KEPT: Final = 5
NO_SEQUENCE: Final = -1


def sequence_after(sequence: int, count: int) -> int:
    """`sequence` moved on by `count`, around the end of the numbers."""
    return (sequence + count) & MAX_SEQUENCE


def sequence_before(sequence: int, count: int) -> int:
    return (sequence - count) & MAX_SEQUENCE


class KeptBatch(NamedTuple):
    """One of a producer's last batches."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_sequence(self) -> int:
        return sequence_before(self.last_sequence, self.offset_delta)

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta


class ProducerState:
    """One producer. `transaction_start` is -1 when no transaction is open."""

    __slots__ = ("batches", "coordinator_epoch", "epoch", "producer_id", "timestamp", "transaction_start")

    def __init__(self, producer_id: int, epoch: int = NO_EPOCH) -> None:
        self.producer_id = producer_id
        self.epoch = epoch
        self.coordinator_epoch = -1
        self.timestamp = NO_TIMESTAMP
        self.transaction_start = NO_OFFSET
        self.batches: list[KeptBatch] = []

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    def duplicate(self, first_sequence: int, last_sequence: int) -> KeptBatch | None:
        for batch in self.batches:
            if batch.last_sequence == last_sequence and batch.first_sequence == first_sequence:
                return batch
        return None

    def _adopt_epoch(self, epoch: int) -> None:
        self.batches.clear()
        self.epoch = epoch

    def add(self, epoch: int, batch: KeptBatch) -> None:
        if self.epoch != epoch:
            self._adopt_epoch(epoch)
        if len(self.batches) == BATCHES_KEPT:
            del self.batches[0]
        self.batches.append(batch)
        self.timestamp = batch.timestamp

    def mark(self, epoch: int, coordinator_epoch: int, timestamp: int) -> None:
        """A marker ended the open transaction, if there was one."""
        if self.epoch != epoch:
            self._adopt_epoch(epoch)
        self.coordinator_epoch = coordinator_epoch
        self.timestamp = timestamp
        self.transaction_start = NO_OFFSET
