"""Adding partitions and changing ISRs (CreatePartitions, AlterPartition)."""

from __future__ import annotations

from collections import Counter

from ottla.core.metadata.assignments import manual_partition, placed_partitions
from ottla.core.metadata.change import Election, Wish, change_partition
from ottla.core.metadata.nouns import LeaderRecoveryState, PartitionImage, TopicImage
from ottla.core.metadata.replay import NO_LEADER_CHANGE, merge
from ottla.core.metadata.snapshot import partition_record
from ottla.core.metadata.state import MAX_RECORDS_PER_BATCH, Command, State, too_many_records
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_EPOCH
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.alter_partition import (
    AlterPartitionRequest,
    AlterPartitionResponse,
    BrokerState,
    PartitionDataRequest,
    PartitionDataResponse,
    TopicDataResponse,
)
from ottla.core.wire.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)


def create_partitions(
    state: State, now: int, command: Command, request: CreatePartitionsRequest
) -> Outcome[object, CreatePartitionsResponse]:
    """Grow topics to the given counts; each succeeds or fails by itself. Raises KafkaError when they would get more new
    partitions than one request may write: looked at before they are placed, as the count is whatever the client says.
    """
    times = Counter(topic.name for topic in request.topics)
    records: list[object] = []
    results: dict[str, CreatePartitionsTopicResult] = {}
    room = MAX_RECORDS_PER_BATCH
    for topic in request.topics:
        known = state.image.topics_by_name.get(topic.name)
        if known is not None and topic.assignments is None:
            room -= max(topic.count - len(known.partitions), 0)
            if room < 0:
                raise too_many_records()
        result = CreatePartitionsTopicResult(name=topic.name)
        try:
            if times[topic.name] > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            records += _more_partitions(state, topic)
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.message
        results[topic.name] = result
    answer = CreatePartitionsResponse(results=list(results.values()))
    return Outcome([] if request.validate_only else records, answer)


def _more_partitions(state: State, wanted: CreatePartitionsTopic) -> list[object]:
    topic = state.image.topics_by_name.get(wanted.name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    have = len(topic.partitions)
    if wanted.count == have:
        raise KafkaError(ErrorCode.INVALID_PARTITIONS, f"Topic already has {have} partition(s).")
    if wanted.count < have:
        raise KafkaError(
            ErrorCode.INVALID_PARTITIONS,
            f"The topic {wanted.name} currently has {have} partition(s); {wanted.count} would not be an increase.",
        )
    more = wanted.count - have
    factor = len(topic.partitions[0].replicas)
    if wanted.assignments is None:
        partitions = placed_partitions(state, more, factor)
    else:
        if len(wanted.assignments) != more:
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"Attempted to add {more} additional partition(s), but only {len(wanted.assignments)} "
                "assignment(s) were specified.",
            )
        partitions = [
            manual_partition(state, have + index, assignment.broker_ids, factor)
            for index, assignment in enumerate(wanted.assignments)
        ]
    return [partition_record(topic.id, have + index, partition) for index, partition in enumerate(partitions)]


def alter_partition(
    state: State, now: int, command: Command, request: AlterPartitionRequest
) -> Outcome[object, AlterPartitionResponse]:
    """A leader proposes its new ISR (KIP-497), naming the epochs it knows; version 3 adds broker epochs (KIP-903)."""
    state.check_broker_epoch(request.broker_id, request.broker_epoch)
    records: list[object] = []
    topics: list[TopicDataResponse] = []
    for wanted in request.topics:
        answer = TopicDataResponse(topic_id=wanted.topic_id)
        topic = state.image.topics_by_id.get(wanted.topic_id)
        for proposal in wanted.partitions:
            try:
                if topic is None:
                    raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
                if command.version < 3:
                    proposal.new_isr_with_epochs = [BrokerState(broker_id=id_) for id_ in proposal.new_isr]
                partition = _alter_one(state, request.broker_id, topic, proposal, records)
            except KafkaError as error:
                refused = PartitionDataResponse(
                    partition_index=proposal.partition_index, error_code=error.code
                )
                answer.partitions.append(refused)
                continue
            answer.partitions.append(_altered(proposal.partition_index, partition))
        topics.append(answer)
    return Outcome(records, AlterPartitionResponse(topics=topics))


def _altered(number: int, partition: PartitionImage) -> PartitionDataResponse:
    return PartitionDataResponse(
        partition_index=number,
        leader_id=partition.leader,
        isr=partition.isr,
        leader_recovery_state=partition.leader_recovery_state,
        leader_epoch=partition.leader_epoch,
        partition_epoch=partition.partition_epoch,
    )


def _alter_one(
    state: State, broker_id: int, topic: TopicImage, proposal: PartitionDataRequest, records: list[object]
) -> PartitionImage:
    partition = topic.partitions.get(proposal.partition_index)
    if partition is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    _check_proposal(state, broker_id, partition, proposal)
    unclean = state.unclean_election_allowed(topic.name)
    wish = Wish(
        election=Election.UNCLEAN if unclean else Election.ONLINE,
        isr=[each.broker_id for each in proposal.new_isr_with_epochs],
        recovery_state=proposal.leader_recovery_state,
    )
    rules = state.change_rules(topic, partition)
    record = change_partition(topic.id, proposal.partition_index, partition, wish, rules)
    if record is None:
        return partition
    records.append(record)
    if record.leader not in (broker_id, NO_LEADER_CHANGE):
        # The change completed a reassignment that moved leadership: the sender has to read the metadata first.
        raise KafkaError(ErrorCode.NEW_LEADER_ELECTED)
    return merge(partition, record)


def _check_proposal(
    state: State, broker_id: int, partition: PartitionImage, proposal: PartitionDataRequest
) -> None:
    ahead = (
        proposal.leader_epoch > partition.leader_epoch or proposal.partition_epoch > partition.partition_epoch
    )
    if ahead:
        raise KafkaError(ErrorCode.NOT_CONTROLLER)
    if proposal.leader_epoch < partition.leader_epoch:
        raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
    if broker_id != partition.leader:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if proposal.partition_epoch < partition.partition_epoch:
        raise KafkaError(ErrorCode.INVALID_UPDATE_VERSION)
    isr = [each.broker_id for each in proposal.new_isr_with_epochs]
    recovering = proposal.leader_recovery_state == LeaderRecoveryState.RECOVERING
    if (
        not isr
        or proposal.leader_recovery_state not in tuple(LeaderRecoveryState)
        or len(set(isr)) != len(isr)
        or not set(isr) <= set(partition.replicas)
        or partition.leader not in isr
        or (recovering and len(isr) > 1)
        or (recovering and partition.leader_recovery_state == LeaderRecoveryState.RECOVERED)
    ):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    for each in proposal.new_isr_with_epochs:
        broker = state.image.brokers.get(each.broker_id)
        if broker is None or not broker.active or each.broker_epoch not in (NO_EPOCH, broker.epoch):
            raise KafkaError(ErrorCode.INELIGIBLE_REPLICA)
