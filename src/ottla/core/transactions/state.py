"""Everything that one transaction coordinator (one partition of `__transaction_state`) knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ottla.core.coordination.ages import written_at
from ottla.core.coordination.contract import Call, Decision, Moment, Record, Reply
from ottla.core.coordination.settings import Settings
from ottla.core.coordination.timers import Timers
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.transactions import records
from ottla.core.transactions.requests import Markers
from ottla.core.transactions.transaction import Place, Status, Transaction

MARKERS: Final = "markers"
PRODUCER_ID: Final = "producer id"
"""Names of the calls a coordinator makes."""

RETRY_MARKERS: Final = "retry markers"
ABORT_TIMED_OUT: Final = "abort timed out transactions"
EXPIRE: Final = "expire transactional ids"
"""What alarms are for."""


class State:
    """One per shard. `transactions` is what the log says; the rest is soft."""

    __slots__ = ("begun", "last_epochs", "level", "settings", "timers", "transactions", "unmarked")

    def __init__(self, settings: Settings, level: Callable[[], int]) -> None:
        """`level` tells the transaction version of the cluster (the feature `transaction.version`)."""
        self.settings = settings
        self.level = level
        self.transactions: dict[str, Transaction] = {}
        self.begun: dict[str, int] = {}
        """When those under way began, in monotonic milliseconds."""
        self.last_epochs: dict[str, int] = {}
        """The epoch a producer had before its last one, by which a retried InitProducerId is known."""
        self.unmarked: dict[str, frozenset[Place]] = {}
        """Partitions of ending transactions that have no marker yet."""
        self.timers: Timers[tuple[str, str]] = Timers()

    def take(self, moment: Moment, name: str, transaction: Transaction) -> None:
        """It stands so from now on."""
        before = self.transactions.get(name)
        self.transactions[name] = transaction
        if transaction.status is not Status.ONGOING:
            self.begun.pop(name, None)
        elif before is None or before.status is not Status.ONGOING or before.started != transaction.started:
            self.begun[name] = written_at(moment, transaction.started)

    def forget(self, name: str) -> None:
        self.transactions.pop(name, None)
        self.begun.pop(name, None)
        self.last_epochs.pop(name, None)

    def known(self, transactional_id: str, producer_id: int | None = None) -> Transaction:
        """Raises INVALID_PRODUCER_ID_MAPPING when there is no such transactional id, or another producer has it."""
        found = self.transactions.get(transactional_id)
        if found is None or producer_id not in (None, found.producer_id):
            raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
        return found

    def record(self, transactional_id: str, transaction: Transaction) -> Record:
        return records.written(transactional_id, transaction, self.level())

    def end(self, transactional_id: str, prepared: Transaction, replies: list[Reply], note: str) -> Decision:
        """Write the decision, then have it marked."""
        self.unmarked[transactional_id] = prepared.partitions
        return Decision(
            [self.record(transactional_id, prepared)],
            replies,
            [mark(transactional_id, prepared, prepared.partitions)],
            notes=[note] if note else [],
        )

    def every(self, what: str, setting: str, moment: Moment) -> None:
        self.timers.set((what, ""), moment.now + self.settings[setting])


def mark(transactional_id: str, prepared: Transaction, partitions: frozenset[Place]) -> Call:
    body = Markers(
        transactional_id,
        prepared.producer_id,
        prepared.producer_epoch,
        prepared.status.name == "PREPARE_COMMIT",
        partitions,
        prepared.client_version,
    )
    return Call(MARKERS, body)
