"""What `__transaction_state` holds of a transactional id."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from ottla.core.coordination.contract import Record
from ottla.core.transactions.transaction import Status, Transaction
from ottla.core.wire.codec import DecodeError
from ottla.core.wire.messages.records.transaction_state import (
    PartitionsSchema,
    TransactionLogKey,
    TransactionLogValue,
)

FLEXIBLE_FROM: Final = 1
"""The transaction version from which on the value is written in its version 1."""


def written(transactional_id: str, transaction: Transaction, level: int) -> Record:
    """`level` is the transaction version of the cluster."""
    by_topic: dict[str, list[int]] = defaultdict(list)
    for topic, partition in sorted(transaction.partitions):
        by_topic[topic].append(partition)
    value = TransactionLogValue(
        producer_id=transaction.producer_id,
        previous_producer_id=transaction.previous_producer_id,
        next_producer_id=transaction.next_producer_id,
        producer_epoch=transaction.producer_epoch,
        transaction_timeout_ms=transaction.timeout_ms,
        transaction_status=transaction.status,
        transaction_partitions=None
        if transaction.status is Status.EMPTY
        else [PartitionsSchema(topic=topic, partition_ids=ids) for topic, ids in by_topic.items()],
        transaction_last_update_timestamp_ms=transaction.updated,
        transaction_start_timestamp_ms=transaction.started,
        client_transaction_version=transaction.client_version,
    )
    if level < FLEXIBLE_FROM:
        value.previous_producer_id = value.next_producer_id = -1
        value.client_transaction_version = 0
    return Record(TransactionLogKey(transactional_id=transactional_id), value, min(level, FLEXIBLE_FROM))


def gone(transactional_id: str) -> Record:
    return Record(TransactionLogKey(transactional_id=transactional_id), None)


def read(value: TransactionLogValue) -> Transaction:
    """Raises DecodeError for a status that is not known here."""
    return Transaction(
        producer_id=value.producer_id,
        producer_epoch=value.producer_epoch,
        timeout_ms=value.transaction_timeout_ms,
        status=_status(value.transaction_status),
        partitions=frozenset(
            (each.topic, partition)
            for each in value.transaction_partitions or []
            for partition in each.partition_ids
        ),
        started=value.transaction_start_timestamp_ms,
        updated=value.transaction_last_update_timestamp_ms,
        previous_producer_id=value.previous_producer_id,
        next_producer_id=value.next_producer_id,
        client_version=value.client_transaction_version,
    )


def _status(number: int) -> Status:
    try:
        return Status(number)
    except ValueError:
        raise DecodeError(f"a transaction's status {number} is not known") from None
