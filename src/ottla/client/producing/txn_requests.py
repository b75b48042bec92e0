"""Requests of transactions, and the error codes inside their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ottla.client.consuming.committing import Committed
from ottla.client.group_metadata import GroupMetadata
from ottla.core.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
)
from ottla.core.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
)


def add_partitions_request(
    transactional_id: str, producer: tuple[int, int], partitions: Iterable[tuple[str, int]]
) -> AddPartitionsToTxnRequest:
    """The form of clients; later versions are for brokers among themselves."""
    topics: dict[str, AddPartitionsToTxnTopic] = {}
    for topic, partition in partitions:
        topics.setdefault(topic, AddPartitionsToTxnTopic(topic, [])).partitions.append(partition)
    return AddPartitionsToTxnRequest(
        v3_and_below_transactional_id=transactional_id,
        v3_and_below_producer_id=producer[0],
        v3_and_below_producer_epoch=producer[1],
        v3_and_below_topics=list(topics.values()),
    )


def codes_of_partitions(answer: AddPartitionsToTxnResponse) -> list[int]:
    """All of them; that a partition was left alone because of another says nothing and comes last."""
    codes = [
        partition.partition_error_code
        for topic in answer.results_by_topic_v3_and_below
        for partition in topic.results_by_partition
    ]
    return sorted(codes, key=lambda code: code == OPERATION_NOT_ATTEMPTED)


OPERATION_NOT_ATTEMPTED = 55


def offset_commit_request(
    transactional_id: str,
    producer: tuple[int, int],
    group: GroupMetadata,
    offsets: Mapping[tuple[str, int], int | Committed],
) -> TxnOffsetCommitRequest:
    topics: dict[str, TxnOffsetCommitRequestTopic] = {}
    for (topic, partition), given in offsets.items():
        kept = Committed(given) if isinstance(given, int) else given
        topics.setdefault(topic, TxnOffsetCommitRequestTopic(topic, [])).partitions.append(
            TxnOffsetCommitRequestPartition(partition, kept.offset, kept.leader_epoch, kept.metadata)
        )
    return TxnOffsetCommitRequest(
        transactional_id=transactional_id,
        group_id=group.group_id,
        producer_id=producer[0],
        producer_epoch=producer[1],
        generation_id=group.generation_id,
        member_id=group.member_id,
        group_instance_id=group.group_instance_id,
        topics=list(topics.values()),
    )


def codes_of_commit(answer: TxnOffsetCommitResponse) -> list[int]:
    return [partition.error_code for topic in answer.topics for partition in topic.partitions]
