"""What of a heartbeat can be refused before anybody looks at the group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ottla.core.groups.streams.member import Member
from ottla.core.groups.streams.shaping import Shape
from ottla.core.groups.streams.tasks import within
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest, TaskIdsRequest

JOINING_EPOCH: Final = 0
LEAVING_EPOCH: Final = -1
STATIC_LEAVING_EPOCH: Final = -2
NOT_SAID: Final = -1


def check(body: StreamsGroupHeartbeatRequest) -> None:
    """Raises INVALID_REQUEST for what makes no sense or what Kafka 4.3 does not do, STREAMS_INVALID_TOPOLOGY for a
    changelog topic that wants to choose its partitions."""
    _check_features(body)
    for name, value in (
        ("MemberId", body.member_id),
        ("GroupId", body.group_id),
        ("InstanceId", body.instance_id),
        ("RackId", body.rack_id),
    ):
        if value is not None and not value.strip():
            raise _invalid(f"{name} can't be empty.")
    if body.member_epoch == JOINING_EPOCH:
        _check_joining(body)
    elif body.member_epoch == STATIC_LEAVING_EPOCH and body.instance_id is None:
        raise _invalid("InstanceId can't be null.")
    elif body.member_epoch < STATIC_LEAVING_EPOCH:
        raise _invalid(f"MemberEpoch is {body.member_epoch}, but must be greater than or equal to -2.")
    told = (body.active_tasks, body.standby_tasks, body.warmup_tasks)
    if any(each is not None for each in told) and any(each is None for each in told):
        raise _invalid("If one task-type is non-null, all must be non-null.")
    if body.member_epoch != JOINING_EPOCH and body.topology is not None:
        raise _invalid("Topology can only be provided when (re-)joining.")


def _check_features(body: StreamsGroupHeartbeatRequest) -> None:
    if body.instance_id is not None:
        raise _invalid("Static membership is not yet supported.")
    if body.task_offsets is not None:
        raise _invalid("TaskOffsets are not supported yet.")
    if body.task_end_offsets is not None:
        raise _invalid("TaskEndOffsets are not supported yet.")
    if body.warmup_tasks:
        raise _invalid("WarmupTasks are not supported yet.")
    if body.topology is not None and any(each.source_topic_regex for each in body.topology.subtopologies):
        raise _invalid("Regular expressions for source topics are not supported yet.")


def _check_joining(body: StreamsGroupHeartbeatRequest) -> None:
    if body.rebalance_timeout_ms == NOT_SAID:
        raise _invalid("RebalanceTimeoutMs must be provided in first request.")
    for name, tasks in (
        ("ActiveTasks", body.active_tasks),
        ("StandbyTasks", body.standby_tasks),
        ("WarmupTasks", body.warmup_tasks),
    ):
        if tasks is None or tasks:
            raise _invalid(f"{name} must be empty when (re-)joining.")
    if body.topology is None:
        raise _invalid("Topology must be non-null when (re-)joining.")
    for subtopology in body.topology.subtopologies:
        for topic in subtopology.state_changelog_topics:
            if topic.partitions:
                raise KafkaError(
                    ErrorCode.STREAMS_INVALID_TOPOLOGY,
                    f"Changelog topic {topic.name} must have an undefined partition count, "
                    f"but it is set to {topic.partitions}.",
                )


def check_epoch(member: Member, body: StreamsGroupHeartbeatRequest) -> None:
    """Raises FENCED_MEMBER_EPOCH unless the epoch is the member's, or the one before and the answer that told of the new
    one may have been lost: the member has nothing then that it would not have now."""
    epoch = body.member_epoch
    if epoch in (JOINING_EPOCH, member.epoch):
        return
    ahead = epoch > member.epoch
    held = member.assigned
    if (
        not ahead
        and epoch == member.previous_epoch
        and within(body.active_tasks, held.active)
        and within(body.standby_tasks, held.standby)
        and within(body.warmup_tasks, held.warmup)
    ):
        return
    raise KafkaError(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"The streams group member has a {'greater' if ahead else 'smaller'} member epoch ({epoch}) "
        f"than the one known by the group coordinator ({member.epoch}). "
        "The member must abandon all its partitions and rejoin.",
    )


def check_tasks(shapes: Mapping[str, Shape], told: Iterable[TaskIdsRequest] | None) -> None:
    """Raises INVALID_REQUEST for tasks that the topology does not have."""
    for each in told or ():
        shape = shapes.get(each.subtopology_id)
        if shape is None:
            raise _invalid(f"Subtopology {each.subtopology_id} does not exist in the topology.")
        for partition in each.partitions:
            if not 0 <= partition < shape.tasks:
                raise _invalid(
                    f"Task {partition} for subtopology {each.subtopology_id} is invalid. "
                    f"Number of tasks for this subtopology: {shape.tasks}"
                )


def _invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, text)
