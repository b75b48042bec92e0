"""A transaction coordinator to drive."""

from __future__ import annotations

from typing import Any

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.settings.table import BROKER
from ottla.core.transactions.coordinator import TransactionCoordinator
from ottla.core.transactions.requests import AddPartitions, End, InitProducer
from ottla.core.transactions.state import MARKERS
from ottla.core.transactions.transaction import Status, Transaction
from ottla.core.wire.coordinator_records import TRANSACTION_STATE
from tests.unit.coordination.driving import Driver

PLACES = frozenset([("orders", 0), ("orders", 1)])
V2 = 2


class Transactions(Driver):
    """Producer ids are given at once (100, 101, …); markers only when a test says so."""

    def __init__(self, level: int = V2) -> None:
        self.level = level
        self.ids = iter(range(100, 200))
        settings = {name: each.default for name, each in BROKER.items()}
        super().__init__(lambda: TransactionCoordinator(settings, lambda: self.level), TRANSACTION_STATE)

    def take(self, decision: Any) -> None:
        super().take(decision)
        for call in list(self.calls):
            if call.name != MARKERS:
                self.calls.remove(call)
                self.take(self.machine.answered(self.moment, call, next(self.ids)))

    def mark(self, code: ErrorCode = ErrorCode.NONE) -> None:
        """Every partition answers its marker like this."""
        calls, self.calls = self.calls, []
        for call in calls:
            answer = dict.fromkeys(call.body.partitions, code)
            self.take(self.machine.answered(self.moment, call, answer))

    @property
    def one(self) -> Transaction:
        machine: Any = self.machine
        found: Transaction = machine.state.transactions["t"]
        return found

    def begin_producer(self, expected: tuple[int, int] | None = None) -> Any:
        return self.ask(InitProducer("t", 60_000, expected))

    def end(self, committed: bool, producer: tuple[int, int], version: int = V2) -> Any:
        return self.ask(End("t", *producer, committed, version))

    def ongoing(self) -> tuple[int, int]:
        """A transaction with two partitions under way; its producer."""
        producer = self.begin_producer()
        assert self.ask(AddPartitions("t", *producer, PLACES, V2)) is None
        assert self.one.status is Status.ONGOING
        return (producer.producer_id, producer.producer_epoch)


def code(answer: Any) -> ErrorCode:
    assert isinstance(answer, KafkaError), answer
    return answer.code
