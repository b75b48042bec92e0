"""One transactional id: who produces under it, and how far its transaction is.

    Empty ──partitions──> Ongoing ──EndTxn──> PrepareCommit ──all marked──> CompleteCommit ──partitions──> Ongoing
                             └───────────────> PrepareAbort  ──all marked──> CompleteAbort

A value that never changes; each step makes a new one. The producer's epoch tells its incarnations apart: InitProducerId
raises it, and from transaction version 2 on (KIP-890) so does the end of every transaction, so that a late write of
the one before can be told from one of the next. Before the epochs run out the transactional id gets a new producer id.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

from ottla.core.model.ids import NO_EPOCH, NO_PRODUCER, NO_TIMESTAMP

MAX_EPOCH: Final = (1 << 15) - 1
EPOCH_BUMP: Final = 2
"""The transaction version from which on every end of a transaction raises the epoch."""

Place: TypeAlias = "tuple[str, int]"
"""Topic and partition."""


class Status(IntEnum):
    """As the log numbers them."""

    EMPTY = 0
    ONGOING = 1
    PREPARE_COMMIT = 2
    PREPARE_ABORT = 3
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5
    DEAD = 6
    PREPARE_EPOCH_FENCE = 7

    @property
    def words(self) -> str:
        """As ListTransactions and DescribeTransactions print it: "PrepareCommit"."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def ending(self) -> bool:
        return self in (Status.PREPARE_COMMIT, Status.PREPARE_ABORT)

    @property
    def ended(self) -> bool:
        return self in (Status.COMPLETE_COMMIT, Status.COMPLETE_ABORT)


STATUSES: Final = {each.words: each for each in Status}


def exhausted(epoch: int) -> bool:
    """Whether no further epoch can be given to a client: the last one is kept for fencing."""
    return epoch >= MAX_EPOCH - 1


class Transaction(msgspec.Struct, frozen=True):
    """Times are ms since 1970, -1 for none; `client_version` is the transaction version its client speaks."""

    producer_id: int
    producer_epoch: int = NO_EPOCH
    timeout_ms: int = 0
    status: Status = Status.EMPTY
    partitions: frozenset[Place] = frozenset()
    started: int = NO_TIMESTAMP
    updated: int = NO_TIMESTAMP
    previous_producer_id: int = NO_PRODUCER
    next_producer_id: int = NO_PRODUCER
    client_version: int = 0

    def _then(self, wall: int, **changes: object) -> Transaction:
        """The next value. The producer id of this one is its previous one, whether it changes or not."""
        # Every step says what the next producer id is to be; only the end of a transaction announces one.
        known: dict[str, object] = {
            "previous_producer_id": self.producer_id,
            "next_producer_id": NO_PRODUCER,
            "updated": wall,
        }
        return msgspec.structs.replace(self, **{**known, **changes})

    def initialised(
        self, epoch: int, timeout_ms: int, wall: int, *, producer_id: int | None = None
    ) -> Transaction:
        """InitProducerId: nothing is under way, the producer has this epoch, and this id if it gets a new one."""
        return self._then(
            wall,
            producer_id=self.producer_id if producer_id is None else producer_id,
            producer_epoch=epoch,
            timeout_ms=timeout_ms,
            status=Status.EMPTY,
            partitions=frozenset(),
            started=NO_TIMESTAMP,
        )

    def with_partitions(self, added: frozenset[Place], client_version: int, wall: int) -> Transaction:
        """Partitions take part; the first of them begin the transaction."""
        going_on = self.status is Status.ONGOING
        return self._then(
            wall,
            status=Status.ONGOING,
            partitions=(self.partitions if going_on else frozenset()) | added,
            started=self.started if going_on else wall,
            client_version=client_version,
        )

    def fenced(self) -> Transaction:
        """The same under an epoch that no producer has: before an abort that its producer did not ask for."""
        return msgspec.structs.replace(self, producer_epoch=min(self.producer_epoch + 1, MAX_EPOCH))

    def ending(
        self, committed: bool, client_version: int, wall: int, *, next_producer_id: int = NO_PRODUCER
    ) -> Transaction:
        """The decision is made and the markers are to be written."""
        epoch = self.producer_epoch
        if client_version >= EPOCH_BUMP and epoch < MAX_EPOCH:
            epoch += 1
        return self._then(
            wall,
            producer_epoch=epoch,
            status=Status.PREPARE_COMMIT if committed else Status.PREPARE_ABORT,
            next_producer_id=next_producer_id,
            # An abort without partitions has no beginning of its own, and yet must have one.
            started=self.started if self.status is Status.ONGOING else wall,
            client_version=client_version,
        )

    def completed(self, wall: int) -> Transaction:
        """Every partition has its marker."""
        renewed = self.client_version >= EPOCH_BUMP and self.next_producer_id != NO_PRODUCER
        return self._then(
            wall,
            producer_id=self.next_producer_id if renewed else self.producer_id,
            producer_epoch=0 if renewed else self.producer_epoch,
            status=Status.COMPLETE_COMMIT if self.status is Status.PREPARE_COMMIT else Status.COMPLETE_ABORT,
            partitions=frozenset(),
        )
