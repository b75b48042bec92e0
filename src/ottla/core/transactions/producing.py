"""Producers and their partitions: InitProducerId, AddPartitionsToTxn, and the question whether a partition takes part."""

from __future__ import annotations

from ottla.core.coordination.contract import Call, Decision, Moment, Reply
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_EPOCH
from ottla.core.transactions.ending import abort
from ottla.core.transactions.requests import (
    AddPartitions,
    Initialised,
    InitProducer,
    NewProducerId,
    Verified,
    VerifyPartitions,
)
from ottla.core.transactions.state import PRODUCER_ID, State
from ottla.core.transactions.transaction import Status, Transaction, exhausted


def init_producer(
    state: State, moment: Moment, token: object, request: InitProducer, producer_id: int | None = None
) -> Decision:
    """Give the producer its next epoch, and fence whoever had the last one. `producer_id` is a new one, where one was
    asked for."""
    name, expected = request.transactional_id, request.expected
    known = state.transactions.get(name)
    if known is None:
        if producer_id is None:
            return _ask_id(token, request)
        return _initialise(state, moment, token, request, Transaction(producer_id))
    if expected is not None and not _may_go_on(known, *expected):
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
    if known.status.ending:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    if known.status is Status.ONGOING:
        # The client tries again, and finds the transaction aborted and an epoch that nobody has had.
        again = Reply(token, KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS))
        return abort(state, moment, name, [again], f"its producer begins anew ({name})")
    if exhausted(known.producer_epoch) and (expected is None or expected[1] == known.producer_epoch):
        if producer_id is None:
            return _ask_id(token, request)
        state.last_epochs[name] = NO_EPOCH if expected is None else known.producer_epoch
        renewed = known.initialised(0, request.timeout_ms, moment.wall, producer_id=producer_id)
        return _done(state, token, name, renewed)
    return _initialise(state, moment, token, request, known)


def _may_go_on(known: Transaction, producer_id: int, epoch: int) -> bool:
    """Whether this producer may continue under the transactional id. Its epoch is looked at when it is raised."""
    return (
        known.producer_epoch == NO_EPOCH
        or producer_id == known.producer_id
        or (producer_id == known.previous_producer_id and exhausted(epoch))
    )


def _initialise(
    state: State, moment: Moment, token: object, request: InitProducer, known: Transaction
) -> Decision:
    name, epoch = request.transactional_id, known.producer_epoch
    expected = None if request.expected is None else request.expected[1]
    if expected is None:
        state.last_epochs[name] = NO_EPOCH
        epoch += 1
    elif epoch == NO_EPOCH or expected == epoch:
        state.last_epochs[name] = epoch
        epoch += 1
    elif expected != state.last_epochs.get(name, NO_EPOCH):
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
    # else: the answer to an earlier attempt was lost, and it is given again
    return _done(state, token, name, known.initialised(epoch, request.timeout_ms, moment.wall))


def _done(state: State, token: object, name: str, transaction: Transaction) -> Decision:
    answer = Initialised(transaction.producer_id, transaction.producer_epoch)
    note = (
        f"Initialized transactional_id={name} producer_id={answer.producer_id} epoch={answer.producer_epoch}"
    )
    return Decision([state.record(name, transaction)], [Reply(token, answer)], notes=[note])


def _ask_id(token: object, request: InitProducer) -> Decision:
    return Decision(calls=[Call(PRODUCER_ID, NewProducerId(token, request, True))])


def _check_writer(known: Transaction, epoch: int) -> None:
    if known.producer_epoch != epoch:
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
    if known.status.ending:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)


def add_partitions(state: State, moment: Moment, token: object, request: AddPartitions) -> Decision:
    name = request.transactional_id
    known = state.known(name, request.producer_id)
    _check_writer(known, request.producer_epoch)
    if known.status is Status.ONGOING and request.partitions <= known.partitions:
        return Decision(replies=[Reply(token, None)])
    more = known.with_partitions(request.partitions, request.client_version, moment.wall)
    return Decision([state.record(name, more)], [Reply(token, None)])


def verify_partitions(state: State, moment: Moment, token: object, request: VerifyPartitions) -> Decision:
    known = state.known(request.transactional_id, request.producer_id)
    _check_writer(known, request.producer_epoch)
    errors = {
        place: ErrorCode.NONE if place in known.partitions else ErrorCode.TRANSACTION_ABORTABLE
        for place in request.partitions
    }
    return Decision(replies=[Reply(token, Verified(errors))])
