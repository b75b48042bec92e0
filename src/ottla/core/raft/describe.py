"""DescribeQuorum: who votes, who reads along, who leads (KIP-595, KIP-836, KIP-853)."""

from __future__ import annotations

from collections.abc import Mapping

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import METADATA_TOPIC
from ottla.core.raft.facts import Facts
from ottla.core.raft.observers import Observer
from ottla.core.raft.voters import ReplicaKey
from ottla.core.wire.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    Listener,
    Node,
    PartitionDataResponse,
    ReplicaState,
    TopicDataResponse,
)


def describe_quorum(
    facts: Facts,
    request: DescribeQuorumRequest,
    version: int,
    *,
    wall: int,
    observers: Mapping[ReplicaKey, Observer],
) -> DescribeQuorumResponse:
    """The leader's view; `wall` is its idea of when it last read its own log: now."""
    asked = [
        (topic.topic_name, [each.partition_index for each in topic.partitions]) for topic in request.topics
    ]
    if asked != [(METADATA_TOPIC, [0])]:
        return _failed(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if not facts.leading:
        return _failed(asked, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    voter = facts.voters.voters[facts.me.id]
    me = ReplicaState(
        replica_id=facts.me.id,
        replica_directory_id=voter.key.directory_id,
        log_end_offset=facts.end_offset,
        last_fetch_timestamp=wall,
        last_caught_up_timestamp=wall,
    )
    others = [
        ReplicaState(
            replica_id=key.id,
            replica_directory_id=key.directory_id,
            log_end_offset=each.end_offset,
            last_fetch_timestamp=each.fetched_at,
            last_caught_up_timestamp=each.caught_up_at,
        )
        for key, each in observers.items()
    ]
    if version < 2:
        for state in (me, *others):
            state.replica_directory_id = ReplicaKey(0).directory_id
    partition = PartitionDataResponse(
        leader_id=facts.leader_id,
        leader_epoch=facts.epoch,
        high_watermark=facts.high_watermark,
        current_voters=[me],
        observers=others,
    )
    answer = DescribeQuorumResponse(
        topics=[TopicDataResponse(topic_name=METADATA_TOPIC, partitions=[partition])],
    )
    if version >= 2:
        endpoints = voter.endpoints or facts.endpoints
        listeners = [Listener(name=e.name, host=e.host, port=e.port) for e in endpoints]
        answer.nodes = [Node(node_id=facts.me.id, listeners=listeners)]
    return answer


def _failed(asked: list[tuple[str, list[int]]], error: ErrorCode) -> DescribeQuorumResponse:
    return DescribeQuorumResponse(
        topics=[
            TopicDataResponse(
                topic_name=topic,
                partitions=[
                    PartitionDataResponse(
                        partition_index=partition, error_code=error, error_message=error.sentence
                    )
                    for partition in partitions
                ],
            )
            for topic, partitions in asked
        ],
    )
