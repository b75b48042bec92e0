"""Electing leaders on request and in the background (ElectLeaders; KIP-460)."""

from __future__ import annotations

import enum
from typing import Final

from ottla.core.metadata.change import Election, Wish, change_partition
from ottla.core.metadata.nouns import NO_LEADER
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)

MAX_ELECTIONS_PER_ROUND: Final = 1_000
"""A background round moves no more leaders than this; the next round goes on."""


class ElectionType(enum.IntEnum):
    """As the wire numbers it."""

    PREFERRED = 0
    UNCLEAN = 1


def elect_leaders(
    state: State, now: int, command: Command, request: ElectLeadersRequest
) -> Outcome[object, ElectLeadersResponse]:
    """Named partitions, or all of them (then those that need no election are left out of the answer)."""
    if request.election_type not in (ElectionType.PREFERRED, ElectionType.UNCLEAN):
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown election type {request.election_type}")
    kind = ElectionType(request.election_type)
    everything = request.topic_partitions is None
    if request.topic_partitions is None:
        wanted = [(name, list(topic.partitions)) for name, topic in state.image.topics_by_name.items()]
    else:
        wanted = [(each.topic, each.partitions) for each in request.topic_partitions]
    records: list[object] = []
    results: list[ReplicaElectionResult] = []
    for name, numbers in wanted:
        result = ReplicaElectionResult(topic=name)
        for number in numbers:
            answer = PartitionResult(partition_id=number, error_message=None)
            try:
                records.append(_elect(state, name, number, kind))
            except KafkaError as error:
                if everything and error.code == ErrorCode.ELECTION_NOT_NEEDED:
                    continue
                answer.error_code, answer.error_message = error.code, error.text
            result.partition_result.append(answer)
        results.append(result)
    return Outcome(records, ElectLeadersResponse(replica_election_results=results))


def _elect(state: State, name: str, number: int, kind: ElectionType) -> object:
    topic = state.image.topics_by_name.get(name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such topic as {name}")
    partition = topic.partitions.get(number)
    if partition is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such partition as {name}-{number}")
    preferred = kind is ElectionType.PREFERRED
    if partition.leader == partition.preferred_leader if preferred else partition.leader != NO_LEADER:
        raise KafkaError(ErrorCode.ELECTION_NOT_NEEDED)
    wish = Wish(election=Election.PREFERRED if preferred else Election.UNCLEAN)
    record = change_partition(topic.id, number, partition, wish, state.change_rules(topic, partition))
    if record is None:
        raise KafkaError(
            ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE
            if preferred
            else ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE
        )
    return record


def rebalance(state: State) -> list[object]:
    """Records that give leadership back to preferred replicas, and leaders to partitions that have none and may
    have an unclean one; no more than `MAX_ELECTIONS_PER_ROUND`."""
    records: list[object] = []
    for topic in state.image.topics_by_id.values():
        for number, partition in topic.partitions.items():
            if len(records) >= MAX_ELECTIONS_PER_ROUND:
                return records
            if partition.leader == partition.preferred_leader:
                continue
            election = Election.PREFERRED
            if partition.leader == NO_LEADER:
                if not state.unclean_election_allowed(topic.name):
                    continue
                election = Election.UNCLEAN
            wish = Wish(election=election)
            record = change_partition(topic.id, number, partition, wish, state.change_rules(topic, partition))
            if record is not None:
                records.append(record)
    return records
