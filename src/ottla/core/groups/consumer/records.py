"""What the log holds of a consumer group: the records, made from values. How they count is in `applying`."""

from __future__ import annotations

from collections.abc import Iterable

from ottla.core.coordination.contract import Record
from ottla.core.groups.assignors.spec import Assignment
from ottla.core.groups.consumer.member import ClassicTraits, Member, Owned
from ottla.core.wire.messages.records.consumer_groups import (
    ClassicMemberMetadata,
    ClassicProtocol,
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMemberMetadataValue,
    ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue,
    ConsumerGroupPartitionMetadataKey,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue,
    TopicPartition,
    TopicPartitions,
)


def group_epoch(group: str, epoch: int, metadata_hash: int) -> Record:
    value = ConsumerGroupMetadataValue(epoch=epoch, metadata_hash=metadata_hash)
    return Record(ConsumerGroupMetadataKey(group_id=group), value)


def no_old_metadata(group: str) -> Record:
    """What Kafka 4.0 wrote in the place of the hash goes."""
    return Record(ConsumerGroupPartitionMetadataKey(group_id=group), None)


def subscription(group: str, member: Member) -> Record:
    value = ConsumerGroupMemberMetadataValue(
        instance_id=member.instance_id,
        rack_id=member.rack,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=sorted(member.topics),
        subscribed_topic_regex=member.pattern,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        server_assignor=member.assignor,
        classic_member_metadata=_classic(member.classic),
    )
    return Record(ConsumerGroupMemberMetadataKey(group_id=group, member_id=member.id), value)


def _classic(traits: ClassicTraits | None) -> ClassicMemberMetadata | None:
    if traits is None:
        return None
    return ClassicMemberMetadata(
        session_timeout_ms=traits.session_timeout_ms,
        supported_protocols=[ClassicProtocol(name=name, metadata=data) for name, data in traits.protocols],
    )


def target(group: str, member_id: str, assignment: Assignment) -> Record:
    value = ConsumerGroupTargetAssignmentMemberValue(
        topic_partitions=[
            TopicPartition(topic_id=topic, partitions=sorted(partitions))
            for topic, partitions in sorted(assignment.items())
        ]
    )
    return Record(ConsumerGroupTargetAssignmentMemberKey(group_id=group, member_id=member_id), value)


def assignment_epoch(group: str, epoch: int, timestamp: int) -> Record:
    value = ConsumerGroupTargetAssignmentMetadataValue(assignment_epoch=epoch, assignment_timestamp=timestamp)
    return Record(ConsumerGroupTargetAssignmentMetadataKey(group_id=group), value)


def current(group: str, member: Member) -> Record:
    value = ConsumerGroupCurrentMemberAssignmentValue(
        member_epoch=member.epoch,
        previous_member_epoch=member.previous_epoch,
        state=member.state,
        assigned_partitions=_owned(member.assigned),
        partitions_pending_revocation=_owned(member.revoking),
    )
    return Record(ConsumerGroupCurrentMemberAssignmentKey(group_id=group, member_id=member.id), value)


def _owned(owned: Owned) -> list[TopicPartitions]:
    return [
        TopicPartitions(
            topic_id=topic,
            partitions=sorted(partitions),
            assignment_epochs=[partitions[index] for index in sorted(partitions)],
        )
        for topic, partitions in sorted(owned.items())
        if partitions
    ]


def pattern(group: str, expression: str, topics: Iterable[str], version: int, timestamp: int) -> Record:
    value = ConsumerGroupRegularExpressionValue(topics=sorted(topics), version=version, timestamp=timestamp)
    key = ConsumerGroupRegularExpressionKey(group_id=group, regular_expression=expression)
    return Record(key, value)


def no_pattern(group: str, expression: str) -> Record:
    key = ConsumerGroupRegularExpressionKey(group_id=group, regular_expression=expression)
    return Record(key, None)


def no_member(group: str, member_id: str) -> list[Record]:
    """The tombstones of a member, in the order in which Kafka wants to read them."""
    return [
        Record(ConsumerGroupCurrentMemberAssignmentKey(group_id=group, member_id=member_id), None),
        Record(ConsumerGroupTargetAssignmentMemberKey(group_id=group, member_id=member_id), None),
        Record(ConsumerGroupMemberMetadataKey(group_id=group, member_id=member_id), None),
    ]


def gone(group: str, members: Iterable[str], patterns: Iterable[str]) -> list[Record]:
    """The tombstones of a group. Kafka refuses to read them in another order: what a group has goes before the group."""
    ids = list(members)
    found = [
        Record(ConsumerGroupCurrentMemberAssignmentKey(group_id=group, member_id=each), None) for each in ids
    ]
    found += [
        Record(ConsumerGroupTargetAssignmentMemberKey(group_id=group, member_id=each), None) for each in ids
    ]
    found.append(Record(ConsumerGroupTargetAssignmentMetadataKey(group_id=group), None))
    found += [Record(ConsumerGroupMemberMetadataKey(group_id=group, member_id=each), None) for each in ids]
    found += [no_pattern(group, each) for each in patterns]
    found.append(no_old_metadata(group))
    found.append(Record(ConsumerGroupMetadataKey(group_id=group), None))
    return found
