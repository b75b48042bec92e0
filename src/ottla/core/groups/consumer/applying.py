"""How the records of consumer groups count: the only place where hard state changes."""

from __future__ import annotations

from typing import Any, Final

from ottla.core.coordination.ages import written_at
from ottla.core.coordination.contract import Moment, Producer
from ottla.core.groups.applying import group_of
from ottla.core.groups.consumer.group import ConsumerGroup, Resolved
from ottla.core.groups.consumer.member import NONE_OWNED, ClassicTraits, Member, MemberState, Owned
from ottla.core.groups.state import State
from ottla.core.wire.messages.records.consumer_groups import (
    ClassicMemberMetadata,
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMemberMetadataValue,
    ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue,
    ConsumerGroupPartitionMetadataKey,
    ConsumerGroupPartitionMetadataValue,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue,
    TopicPartitions,
)

NO_ASSIGNMENT_EPOCH: Final = -1
GONE_EPOCH: Final = -1


def _group(state: State, name: str, value: object) -> ConsumerGroup | None:
    return group_of(state, name, value, ConsumerGroup, lambda: ConsumerGroup(name))


def group_epoch(
    state: State,
    moment: Moment,
    key: ConsumerGroupMetadataKey,
    value: ConsumerGroupMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        del state.groups[key.group_id]
    else:
        group.epoch, group.metadata_hash = value.epoch, value.metadata_hash


def old_metadata(
    state: State,
    moment: Moment,
    key: ConsumerGroupPartitionMetadataKey,
    value: ConsumerGroupPartitionMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is not None:
        group.has_old_metadata = value is not None


def subscription(
    state: State,
    moment: Moment,
    key: ConsumerGroupMemberMetadataKey,
    value: ConsumerGroupMemberMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.remove(key.member_id)
        return
    member = group.members.get(key.member_id) or Member(key.member_id)
    group.put(
        member._replace(
            instance_id=value.instance_id,
            rack=value.rack_id,
            rebalance_timeout_ms=value.rebalance_timeout_ms,
            client_id=value.client_id,
            client_host=value.client_host,
            topics=frozenset(value.subscribed_topic_names),
            pattern=value.subscribed_topic_regex or "",
            assignor=value.server_assignor,
            classic=_traits(value.classic_member_metadata),
        )
    )


def _traits(value: ClassicMemberMetadata | None) -> ClassicTraits | None:
    if value is None:
        return None
    protocols = tuple((each.name, bytes(each.metadata)) for each in value.supported_protocols)
    return ClassicTraits(value.session_timeout_ms, protocols)


def assignment_epoch(
    state: State,
    moment: Moment,
    key: ConsumerGroupTargetAssignmentMetadataKey,
    value: ConsumerGroupTargetAssignmentMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.assignment_epoch, group.assigned_at = NO_ASSIGNMENT_EPOCH, None
    else:
        group.assignment_epoch = value.assignment_epoch
        group.assigned_at = written_at(moment, value.assignment_timestamp)


def target(
    state: State,
    moment: Moment,
    key: ConsumerGroupTargetAssignmentMemberKey,
    value: ConsumerGroupTargetAssignmentMemberValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.targets.pop(key.member_id, None)
    else:
        group.targets[key.member_id] = {
            each.topic_id: frozenset(each.partitions) for each in value.topic_partitions
        }


def current(
    state: State,
    moment: Moment,
    key: ConsumerGroupCurrentMemberAssignmentKey,
    value: ConsumerGroupCurrentMemberAssignmentValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    member = group.members.get(key.member_id)
    if value is not None:
        group.put(
            (member or Member(key.member_id))._replace(
                epoch=value.member_epoch,
                previous_epoch=value.previous_member_epoch,
                state=MemberState(value.state),
                assigned=_owned(value.assigned_partitions, value.member_epoch),
                revoking=_owned(value.partitions_pending_revocation, value.member_epoch),
            )
        )
    elif member is not None:
        group.put(
            member._replace(
                epoch=GONE_EPOCH, previous_epoch=GONE_EPOCH, assigned=NONE_OWNED, revoking=NONE_OWNED
            )
        )


def _owned(partitions: list[TopicPartitions], member_epoch: int) -> Owned:
    """Records of Kafka before 4.3 do not say since when: since now, then."""
    now = max(member_epoch, 0)
    found: dict[Any, dict[int, int]] = {}
    for each in partitions:
        epochs = each.assignment_epochs
        if not epochs or len(epochs) != len(each.partitions):
            epochs = [now] * len(each.partitions)
        found[each.topic_id] = dict(zip(each.partitions, epochs, strict=True))
    return found


def pattern(
    state: State,
    moment: Moment,
    key: ConsumerGroupRegularExpressionKey,
    value: ConsumerGroupRegularExpressionValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.patterns.pop(key.regular_expression, None)
    else:
        group.patterns[key.regular_expression] = Resolved(
            frozenset(value.topics), value.version, written_at(moment, value.timestamp)
        )


RECORDS: Final[dict[Any, Any]] = {
    ConsumerGroupMetadataKey: group_epoch,
    ConsumerGroupPartitionMetadataKey: old_metadata,
    ConsumerGroupMemberMetadataKey: subscription,
    ConsumerGroupTargetAssignmentMetadataKey: assignment_epoch,
    ConsumerGroupTargetAssignmentMemberKey: target,
    ConsumerGroupCurrentMemberAssignmentKey: current,
    ConsumerGroupRegularExpressionKey: pattern,
}
