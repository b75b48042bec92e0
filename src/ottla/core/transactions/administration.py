"""What administrators ask of transactions, and what becomes of transactional ids that nobody uses."""

from __future__ import annotations

from collections import defaultdict

from ottla.core.coordination.contract import Decision, Moment, Reply
from ottla.core.model.errors import ErrorCode
from ottla.core.transactions import records
from ottla.core.transactions.requests import Describe, ListAll
from ottla.core.transactions.state import EXPIRE, State
from ottla.core.transactions.transaction import STATUSES, Status
from ottla.core.wire.messages import describe_transactions, list_transactions

EXPIRY_INTERVAL = "transaction.remove.expired.transaction.cleanup.interval.ms"


def list_all(state: State, moment: Moment, token: object, request: ListAll) -> Decision:
    states = {STATUSES[each] for each in request.states if each in STATUSES}
    found = [
        list_transactions.TransactionState(
            transactional_id=name, producer_id=each.producer_id, transaction_state=each.status.words
        )
        for name, each in state.transactions.items()
        if (not request.states or each.status in states)
        and (not request.producer_ids or each.producer_id in request.producer_ids)
        and (request.duration_ms < 0 or moment.wall - each.started > request.duration_ms)
    ]
    return Decision(
        replies=[Reply(token, list_transactions.ListTransactionsResponse(transaction_states=found))]
    )


def describe(state: State, moment: Moment, token: object, request: Describe) -> Decision:
    answer = describe_transactions.TransactionState(transactional_id=request.transactional_id)
    known = state.transactions.get(request.transactional_id)
    if known is None:
        answer.error_code = ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
        return Decision(replies=[Reply(token, answer)])
    by_topic: dict[str, list[int]] = defaultdict(list)
    for topic, partition in sorted(known.partitions):
        by_topic[topic].append(partition)
    answer.transaction_state = known.status.words
    answer.transaction_timeout_ms = known.timeout_ms
    answer.transaction_start_time_ms = known.started
    answer.producer_id = known.producer_id
    answer.producer_epoch = known.producer_epoch
    answer.topics = [
        describe_transactions.TopicData(topic=topic, partitions=ids) for topic, ids in by_topic.items()
    ]
    return Decision(replies=[Reply(token, answer)])


def expire(state: State, moment: Moment) -> Decision:
    """Forget transactional ids without a transaction that were not used for `transactional.id.expiration.ms`."""
    state.every(EXPIRE, EXPIRY_INTERVAL, moment)
    age: int = state.settings["transactional.id.expiration.ms"]
    gone = [
        name
        for name, each in state.transactions.items()
        if (each.status is Status.EMPTY or each.status.ended) and each.updated <= moment.wall - age
    ]
    return Decision([records.gone(name) for name in gone], divisible=True)
