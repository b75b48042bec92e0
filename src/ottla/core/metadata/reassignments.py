"""Moving replicas (AlterPartitionReassignments, ListPartitionReassignments; KIP-455).

A reassignment first adds the new replicas beside the old ones; when all new ones are in the ISR the old ones leave.
One that only reorders, or only removes, is done at once.
"""

from __future__ import annotations

from ottla.core.metadata.assignments import check_manual_assignment
from ottla.core.metadata.change import Election, Wish, change_partition
from ottla.core.metadata.nouns import PartitionImage, TopicImage
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)
from ottla.core.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)


def alter_reassignments(
    state: State, now: int, command: Command, request: AlterPartitionReassignmentsRequest
) -> Outcome[object, AlterPartitionReassignmentsResponse]:
    """Start a move, or (with null replicas) take one back; each partition succeeds or fails by itself."""
    if not request.topics:
        return Outcome([], AlterPartitionReassignmentsResponse())
    allow = request.allow_replication_factor_change
    records: list[object] = []
    responses: list[ReassignableTopicResponse] = []
    for topic in request.topics:
        answer = ReassignableTopicResponse(name=topic.name)
        for partition in topic.partitions:
            result = ReassignablePartitionResponse(
                partition_index=partition.partition_index, error_message=None
            )
            try:
                records += _reassign(state, topic.name, partition.partition_index, partition.replicas, allow)
            except KafkaError as error:
                result.error_code, result.error_message = error.code, error.message
            answer.partitions.append(result)
        responses.append(answer)
    reply = AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=allow, error_message=None, responses=responses
    )
    return Outcome(records, reply)


def _reassign(
    state: State, name: str, number: int, target: list[int] | None, allow_factor_change: bool
) -> list[object]:
    topic = state.image.topics_by_name.get(name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find a topic named {name}.")
    partition = topic.partitions.get(number)
    if partition is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find partition {name}:{number}.")
    if target is None:
        wish = _cancelled(state, topic, number, partition)
    else:
        check_manual_assignment(state, target, None)
        if not allow_factor_change:
            _check_factor(partition, target)
        wish = _towards(partition, target)
    record = change_partition(topic.id, number, partition, wish, state.change_rules(topic, partition))
    return [] if record is None else [record]


def _in_progress(partition: PartitionImage) -> bool:
    return bool(partition.adding_replicas or partition.removing_replicas)


def _check_factor(partition: PartitionImage, target: list[int]) -> None:
    final = {*partition.replicas, *partition.adding_replicas} - set(partition.removing_replicas)
    if len(final) != len(target):
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"The replication factor is changed from {len(final)} to {len(target)}",
        )


def _towards(partition: PartitionImage, target: list[int]) -> Wish:
    removing = sorted(set(partition.replicas) - set(target))
    adding = sorted(set(target) - set(partition.replicas))
    replicas = [*target, *removing]
    return Wish(
        replicas=replicas if replicas != partition.replicas else None,
        removing=removing or None,
        adding=adding or None,
    )


def _cancelled(state: State, topic: TopicImage, number: int, partition: PartitionImage) -> Wish:
    if not _in_progress(partition):
        raise KafkaError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    replicas = [replica for replica in partition.replicas if replica not in partition.adding_replicas]
    isr = [replica for replica in partition.isr if replica not in partition.adding_replicas]
    unclean = state.unclean_election_allowed(topic.name)
    if not isr:
        if not replicas:
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                "Invalid replica assignment: addingReplicas contains all replicas.",
            )
        if not unclean:
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"Unable to revert partition assignment for {topic.name}:{number} because it would require an "
                "unclean leader election.",
            )
        isr = replicas[:1]
    return Wish(
        election=Election.UNCLEAN if unclean else Election.ONLINE,
        isr=isr,
        replicas=replicas,
        adding=[],
        removing=[],
    )


def list_reassignments(
    state: State, now: int, command: Command, request: ListPartitionReassignmentsRequest
) -> Outcome[object, ListPartitionReassignmentsResponse]:
    """The moves under way, of the named partitions or of all."""
    if request.topics is None:
        wanted = {name: list(topic.partitions) for name, topic in state.image.topics_by_name.items()}
    else:
        wanted = {topic.name: topic.partition_indexes for topic in request.topics}
    topics: list[OngoingTopicReassignment] = []
    for name, numbers in wanted.items():
        found = state.image.topics_by_name.get(name)
        if found is None:
            continue
        ongoing = [
            OngoingPartitionReassignment(
                partition_index=number,
                replicas=partition.replicas,
                adding_replicas=partition.adding_replicas,
                removing_replicas=partition.removing_replicas,
            )
            for number in numbers
            if (partition := found.partitions.get(number)) is not None and _in_progress(partition)
        ]
        if ongoing:
            topics.append(OngoingTopicReassignment(name=name, partitions=ongoing))
    return Outcome([], ListPartitionReassignmentsResponse(error_message=None, topics=topics))
