"""Ending transactions: on request, because time is up, because a new producer takes over; and what follows until every
partition has its marker.

What EndTxn answers when the transaction is not ongoing depends on the transaction version of the client. Version 2 raises
the epoch at every end, so a retry is known by an epoch one below the current one (KIP-890):

                     abort, retried   abort        commit, retried   commit
    Empty            PRODUCER_FENCED  ends anew    PRODUCER_FENCED   INVALID_TXN_STATE
    CompleteAbort    fine             ends anew    INVALID_TXN_STATE INVALID_TXN_STATE
    CompleteCommit   INVALID_TXN_STATE ends anew   fine              INVALID_TXN_STATE

Before that a retry cannot be told from a second attempt; the same end is fine, the other is INVALID_TXN_STATE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ottla.core.coordination.contract import NOTHING, Call, Decision, Moment, Reply
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_PRODUCER
from ottla.core.transactions.requests import End, Ended, Markers, NewProducerId
from ottla.core.transactions.state import (
    ABORT_TIMED_OUT,
    PRODUCER_ID,
    RETRY_MARKERS,
    State,
    mark,
)
from ottla.core.transactions.transaction import (
    EPOCH_BUMP,
    MAX_EPOCH,
    Place,
    Status,
    Transaction,
    exhausted,
)

RETRY_MS: Final = 100
ABORT_INTERVAL: Final = "transaction.abort.timed.out.transaction.cleanup.interval.ms"

PERMANENT: Final = frozenset({ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.TRANSACTION_COORDINATOR_FENCED})
"""A partition has seen a later epoch of the producer or coordinator: this end is no longer ours to bring about."""
MARKED_ENOUGH: Final = frozenset(
    {ErrorCode.NONE, ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, ErrorCode.UNSUPPORTED_VERSION}
)


def end(
    state: State, moment: Moment, token: object, request: End, producer_id: int | None = None
) -> Decision:
    """EndTxn of a client. `producer_id` is a new one, where one was asked for."""
    name = request.transactional_id
    if request.client_version < EPOCH_BUMP:
        known = state.known(name, request.producer_id)
        if request.producer_epoch != known.producer_epoch:
            raise KafkaError(ErrorCode.PRODUCER_FENCED)
        if known.status is not Status.ONGOING:
            _check_repeated(known, request.committed)
            return Decision(replies=[Reply(token, Ended())])
        return _end(state, moment, name, known, request, [Reply(token, Ended())], NO_PRODUCER)
    known = state.known(name)
    overflown = (
        known.previous_producer_id == request.producer_id
        and request.producer_epoch == MAX_EPOCH - 1
        and known.producer_epoch == 0
    )
    if request.producer_id != known.producer_id and not overflown:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    retried = overflown or known.producer_epoch == request.producer_epoch + 1
    _check_epoch(known, request.producer_epoch, retried)
    if known.status is not Status.ONGOING:
        if retried:
            _check_repeated(known, request.committed)
            return Decision(replies=[Reply(token, Ended(known.producer_id, known.producer_epoch))])
        if request.committed:
            raise KafkaError(ErrorCode.INVALID_TXN_STATE)
    if exhausted(known.producer_epoch) and producer_id is None:
        return Decision(calls=[Call(PRODUCER_ID, NewProducerId(token, request, True))])
    fresh = NO_PRODUCER if producer_id is None else producer_id
    return _end(state, moment, name, known, request, None, fresh, token)


def _check_epoch(known: Transaction, epoch: int, retried: bool) -> None:
    """Version 2: in each state, which epochs may speak."""
    if known.status.ending:
        allowed = retried
    elif known.status.ended:
        allowed = retried or epoch == known.producer_epoch
    else:
        allowed = epoch == known.producer_epoch
    if not allowed:
        raise KafkaError(ErrorCode.PRODUCER_FENCED)


def _check_repeated(known: Transaction, committed: bool) -> None:
    """The transaction has ended: was it this way? Raises CONCURRENT_TRANSACTIONS while it is still being marked."""
    same = (
        (Status.PREPARE_COMMIT, Status.COMPLETE_COMMIT)
        if committed
        else (
            Status.PREPARE_ABORT,
            Status.COMPLETE_ABORT,
        )
    )
    if known.status not in same:
        raise KafkaError(ErrorCode.INVALID_TXN_STATE)
    if known.status.ending:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)


def _end(
    state: State,
    moment: Moment,
    name: str,
    known: Transaction,
    request: End,
    replies: list[Reply] | None,
    next_producer_id: int,
    token: object = None,
) -> Decision:
    version = request.client_version
    prepared = known.ending(
        request.committed,
        version if version >= EPOCH_BUMP else 0,
        moment.wall,
        next_producer_id=next_producer_id,
    )
    if version >= EPOCH_BUMP:
        state.last_epochs[name] = known.producer_epoch
    if replies is None:
        after = prepared.completed(moment.wall)
        replies = [Reply(token, Ended(after.producer_id, after.producer_epoch))]
    return state.end(name, prepared, replies, "")


def abort(
    state: State,
    moment: Moment,
    name: str,
    replies: list[Reply],
    reason: str,
    producer_id: int | None = None,
) -> Decision:
    """End a transaction that its producer did not ask to end: under an epoch that the producer does not have."""
    known = state.transactions[name]
    level = state.level()
    note = f"Aborting the transaction of transactional_id={name}: {reason}"
    if level < EPOCH_BUMP:
        return state.end(name, known.fenced().ending(False, 0, moment.wall), replies, note)
    if exhausted(known.producer_epoch) and producer_id is None:
        request = End(name, known.producer_id, known.producer_epoch, False, level)
        call = Call(PRODUCER_ID, NewProducerId(None, request, False))
        return Decision(replies=replies, calls=[call])
    fresh = NO_PRODUCER if producer_id is None else producer_id
    state.last_epochs[name] = known.producer_epoch
    prepared = known.ending(False, level, moment.wall, next_producer_id=fresh)
    return state.end(name, prepared, replies, note)


# -- time is up


def abort_timed_out(state: State, moment: Moment) -> Decision:
    """One round over all transactions. They are ended one by one, each with its own records and markers."""
    state.every(ABORT_TIMED_OUT, ABORT_INTERVAL, moment)
    ends = [
        abort(state, moment, name, [], f"it takes longer than {each.timeout_ms} ms")
        for name, each in list(state.transactions.items())
        if each.status is Status.ONGOING and state.begun[name] + each.timeout_ms < moment.now
    ]
    return Decision(
        [record for each in ends for record in each.records],
        calls=[call for each in ends for call in each.calls],
        divisible=True,
        notes=[note for each in ends for note in each.notes],
    )


# -- markers


def marked(
    state: State, moment: Moment, markers: Markers, answer: Mapping[Place, ErrorCode] | KafkaError
) -> Decision:
    """Partitions have answered; when none is left the end is complete."""
    name = markers.transactional_id
    known = state.transactions.get(name)
    if known is None or not known.status.ending or known.producer_epoch != markers.producer_epoch:
        return NOTHING  # an answer to a question that somebody else has settled
    errors = dict.fromkeys(markers.partitions, answer.code) if isinstance(answer, KafkaError) else answer
    fenced = sorted({code.name for code in errors.values() if code in PERMANENT})
    if fenced:
        state.unmarked.pop(name, None)
        return Decision(notes=[f"The end of transactional_id={name} is no longer ours: {', '.join(fenced)}"])
    done = {place for place, code in errors.items() if code in MARKED_ENOUGH}
    left = state.unmarked.get(name, frozenset()) - done
    state.unmarked[name] = left
    if left:
        state.timers.set((RETRY_MARKERS, name), moment.now + RETRY_MS)
        return NOTHING
    del state.unmarked[name]
    return Decision([state.record(name, known.completed(moment.wall))])


def retry_markers(state: State, moment: Moment, name: str) -> Decision:
    known, left = state.transactions.get(name), state.unmarked.get(name)
    if known is None or not left or not known.status.ending:
        return NOTHING
    return Decision(calls=[mark(name, known, left)])


def resume(state: State) -> list[Call]:
    """After loading: the markers of every end that was decided and not completed."""
    calls: list[Call] = []
    for name, known in state.transactions.items():
        if known.status.ending:
            state.unmarked[name] = known.partitions
            calls.append(mark(name, known, known.partitions))
    return calls
