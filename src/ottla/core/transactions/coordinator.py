"""The transaction coordinator: the machine over one partition of `__transaction_state`.

Its decisions are on one `Transaction` each. Ending one takes three steps: the decision is written (Prepare…), markers go to
every partition that took part, and when all have it that is written too (Complete…). A coordinator that takes over in
between finds Prepare… in the log and sends the markers again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ottla.core.coordination.contract import NOTHING, Call, Decision, Moment, Producer, Reply, Request
from ottla.core.coordination.settings import Settings
from ottla.core.model.errors import KafkaError
from ottla.core.transactions import administration, ending, producing, records
from ottla.core.transactions.requests import (
    AddPartitions,
    Describe,
    End,
    InitProducer,
    ListAll,
    NewProducerId,
    VerifyPartitions,
)
from ottla.core.transactions.state import ABORT_TIMED_OUT, EXPIRE, MARKERS, RETRY_MARKERS, State
from ottla.core.wire.messages.records.transaction_state import TransactionLogKey, TransactionLogValue

HANDLERS: Final[Mapping[type, Callable[[State, Moment, object, Any], Decision]]] = {
    InitProducer: producing.init_producer,
    AddPartitions: producing.add_partitions,
    VerifyPartitions: producing.verify_partitions,
    End: ending.end,
    ListAll: administration.list_all,
    Describe: administration.describe,
}


class TransactionCoordinator:
    """A `core.coordination.contract.Coordinator`."""

    def __init__(self, settings: Settings, level: Callable[[], int]) -> None:
        self.state = State(settings, level)

    @property
    def deadline(self) -> int | None:
        return self.state.timers.first

    def handle(self, moment: Moment, token: object, request: Request) -> Decision:
        return HANDLERS[type(request.body)](self.state, moment, token, request.body)

    def abandoned(self, token: object) -> None:
        """Nothing waits here but for the log."""

    def apply(self, moment: Moment, key: Any, value: Any, producer: Producer | None) -> None:
        assert isinstance(key, TransactionLogKey)
        if value is None:
            self.state.forget(key.transactional_id)
        else:
            assert isinstance(value, TransactionLogValue)
            self.state.take(moment, key.transactional_id, records.read(value))

    def ended(self, producer_id: int, committed: bool) -> None:
        """Nobody writes to this topic in a transaction."""

    def loaded(self, moment: Moment) -> Decision:
        self.state.every(ABORT_TIMED_OUT, ending.ABORT_INTERVAL, moment)
        self.state.every(EXPIRE, administration.EXPIRY_INTERVAL, moment)
        return Decision(calls=ending.resume(self.state))

    def tick(self, moment: Moment) -> Decision:
        key = self.state.timers.next_due(moment.now)
        if key is None:
            return NOTHING
        what, name = key
        if what == RETRY_MARKERS:
            return ending.retry_markers(self.state, moment, name)
        if what == EXPIRE:
            return administration.expire(self.state, moment)
        return ending.abort_timed_out(self.state, moment)

    def answered(self, moment: Moment, call: Call, answer: Any) -> Decision:
        if call.name == MARKERS:
            return ending.marked(self.state, moment, call.body, answer)
        wanted: NewProducerId = call.body
        try:
            return self._with_producer_id(moment, wanted, answer)
        except KafkaError as error:
            return NOTHING if wanted.token is None else Decision(replies=[Reply(wanted.token, error)])

    def _with_producer_id(self, moment: Moment, wanted: NewProducerId, answer: Any) -> Decision:
        """Decide anew, for meanwhile others may have decided. Raises KafkaError."""
        if isinstance(answer, KafkaError):
            raise answer
        if isinstance(wanted.request, InitProducer):
            return producing.init_producer(self.state, moment, wanted.token, wanted.request, answer)
        if wanted.from_client:
            return ending.end(self.state, moment, wanted.token, wanted.request, answer)
        known = self.state.known(wanted.request.transactional_id, wanted.request.producer_id)
        if known.producer_epoch != wanted.request.producer_epoch or known.status.name != "ONGOING":
            return NOTHING
        name = wanted.request.transactional_id
        return ending.abort(self.state, moment, name, [], "its epochs are used up", answer)

    def topics_changed(self, moment: Moment, changed: frozenset[str], deleted: frozenset[str]) -> Decision:
        return NOTHING
