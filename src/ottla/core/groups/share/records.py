"""What the log holds of a share group: made here, and applied here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ottla.core.coordination.ages import written_at
from ottla.core.coordination.contract import Moment, Producer, Record, Topics
from ottla.core.groups.share.group import LEAVES, NOTHING_ASSIGNED, Assignment, Member, ShareGroup
from ottla.core.groups.share.partitions import UNKNOWN_NAME, StatePartitions, TopicShare
from ottla.core.groups.state import State
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.records.share_groups import (
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupCurrentMemberAssignmentValue,
    ShareGroupMemberMetadataKey,
    ShareGroupMemberMetadataValue,
    ShareGroupMetadataKey,
    ShareGroupMetadataValue,
    ShareGroupStatePartitionMetadataKey,
    ShareGroupStatePartitionMetadataValue,
    ShareGroupTargetAssignmentMemberKey,
    ShareGroupTargetAssignmentMemberValue,
    ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMetadataValue,
    TopicInfo,
    TopicPartition,
    TopicPartitions,
    TopicPartitionsInfo,
)

# -- made


def subscription(group: str, member: Member) -> Record:
    value = ShareGroupMemberMetadataValue(
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=sorted(member.topics),
    )
    return Record(ShareGroupMemberMetadataKey(group_id=group, member_id=member.id), value)


def epoch(group: str, number: int, metadata_hash: int) -> Record:
    value = ShareGroupMetadataValue(epoch=number, metadata_hash=metadata_hash)
    return Record(ShareGroupMetadataKey(group_id=group), value)


def target(group: str, member_id: str, assignment: Assignment) -> Record:
    value = ShareGroupTargetAssignmentMemberValue(
        topic_partitions=[
            TopicPartition(topic_id=topic_id, partitions=sorted(partitions))
            for topic_id, partitions in assignment.items()
        ]
    )
    return Record(ShareGroupTargetAssignmentMemberKey(group_id=group, member_id=member_id), value)


def target_epoch(group: str, number: int, timestamp: int) -> Record:
    value = ShareGroupTargetAssignmentMetadataValue(assignment_epoch=number, assignment_timestamp=timestamp)
    return Record(ShareGroupTargetAssignmentMetadataKey(group_id=group), value)


def current(group: str, member: Member) -> Record:
    value = ShareGroupCurrentMemberAssignmentValue(
        member_epoch=member.epoch,
        previous_member_epoch=member.previous_epoch,
        assigned_partitions=[
            TopicPartitions(topic_id=topic_id, partitions=sorted(partitions))
            for topic_id, partitions in member.assigned.items()
        ],
    )
    return Record(ShareGroupCurrentMemberAssignmentKey(group_id=group, member_id=member.id), value)


def state_partitions(group: str, partitions: StatePartitions, topics: Topics) -> Record:
    value = ShareGroupStatePartitionMetadataValue(
        initializing_topics=_infos(partitions.initializing),
        initialized_topics=_infos(partitions.initialized),
        deleting_topics=[
            TopicInfo(topic_id=each, topic_name=_name(topics, each)) for each in sorted(partitions.deleting)
        ],
    )
    return Record(ShareGroupStatePartitionMetadataKey(group_id=group), value)


def _infos(shares: Mapping[Uuid, TopicShare]) -> list[TopicPartitionsInfo]:
    return [
        TopicPartitionsInfo(topic_id=each, topic_name=share.name, partitions=sorted(share.partitions))
        for each, share in shares.items()
    ]


def _name(topics: Topics, topic_id: Uuid) -> str:
    topic = topics.with_id(topic_id)
    return UNKNOWN_NAME if topic is None else topic.name


def member_tombstones(group: str, member_id: str) -> list[Record]:
    return [
        Record(ShareGroupCurrentMemberAssignmentKey(group_id=group, member_id=member_id), None),
        Record(ShareGroupTargetAssignmentMemberKey(group_id=group, member_id=member_id), None),
        Record(ShareGroupMemberMetadataKey(group_id=group, member_id=member_id), None),
    ]


def tombstones(group: ShareGroup) -> list[Record]:
    """Everything that is left of a group without members."""
    return [
        Record(ShareGroupTargetAssignmentMetadataKey(group_id=group.name), None),
        Record(ShareGroupStatePartitionMetadataKey(group_id=group.name), None),
        Record(ShareGroupMetadataKey(group_id=group.name), None),
    ]


# -- applied


def _group(state: State, name: str, value: object) -> ShareGroup | None:
    """The group, made where a record says something of one that is not there yet; None for what is no share group."""
    group = state.groups.get(name)
    if group is None and value is not None:
        group = state.groups[name] = ShareGroup(name)
    return group if isinstance(group, ShareGroup) else None


def apply_subscription(
    state: State,
    moment: Moment,
    key: ShareGroupMemberMetadataKey,
    value: ShareGroupMemberMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.remove(key.member_id)
        return
    known = group.members.get(key.member_id) or Member(key.member_id)
    group.put(
        known._replace(
            rack_id=value.rack_id,
            client_id=value.client_id,
            client_host=value.client_host,
            topics=frozenset(value.subscribed_topic_names),
        )
    )


def apply_epoch(
    state: State,
    moment: Moment,
    key: ShareGroupMetadataKey,
    value: ShareGroupMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        del state.groups[key.group_id]
    else:
        group.epoch, group.metadata_hash = value.epoch, value.metadata_hash


def apply_target(
    state: State,
    moment: Moment,
    key: ShareGroupTargetAssignmentMemberKey,
    value: ShareGroupTargetAssignmentMemberValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.target.pop(key.member_id, None)
    else:
        group.target[key.member_id] = _assignment(value.topic_partitions)


def apply_target_epoch(
    state: State,
    moment: Moment,
    key: ShareGroupTargetAssignmentMetadataKey,
    value: ShareGroupTargetAssignmentMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is not None:
        group.assignment_epoch = -1 if value is None else value.assignment_epoch
        group.assigned_at = None if value is None else written_at(moment, value.assignment_timestamp)


def apply_current(
    state: State,
    moment: Moment,
    key: ShareGroupCurrentMemberAssignmentKey,
    value: ShareGroupCurrentMemberAssignmentValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    known = group.members.get(key.member_id)
    if value is not None:
        group.put(
            (known or Member(key.member_id))._replace(
                epoch=value.member_epoch,
                previous_epoch=value.previous_member_epoch,
                assigned=_assignment(value.assigned_partitions),
            )
        )
    elif known is not None:
        group.put(known._replace(epoch=LEAVES, previous_epoch=LEAVES, assigned=NOTHING_ASSIGNED))


def apply_state_partitions(
    state: State,
    moment: Moment,
    key: ShareGroupStatePartitionMetadataKey,
    value: ShareGroupStatePartitionMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    group.initializing_since = moment.now
    group.partitions = None if value is None else _read(value)


def _read(value: ShareGroupStatePartitionMetadataValue) -> StatePartitions:
    return StatePartitions(
        _shares(value.initializing_topics),
        _shares(value.initialized_topics),
        frozenset(each.topic_id for each in value.deleting_topics),
    )


def _shares(infos: list[TopicPartitionsInfo]) -> dict[Uuid, TopicShare]:
    return {each.topic_id: TopicShare(each.topic_name, frozenset(each.partitions)) for each in infos}


def _assignment(topics: list[TopicPartition] | list[TopicPartitions]) -> Assignment:
    return {each.topic_id: frozenset(each.partitions) for each in topics}


RECORDS: Final[dict[Any, Any]] = {
    ShareGroupMemberMetadataKey: apply_subscription,
    ShareGroupMetadataKey: apply_epoch,
    ShareGroupTargetAssignmentMetadataKey: apply_target_epoch,
    ShareGroupTargetAssignmentMemberKey: apply_target,
    ShareGroupCurrentMemberAssignmentKey: apply_current,
    ShareGroupStatePartitionMetadataKey: apply_state_partitions,
}
