"""How share groups look to who administers them."""

from __future__ import annotations

from typing import NamedTuple

from ottla.core.coordination.contract import Decision, Moment, Reply, Request
from ottla.core.groups.share.group import Assignment, ShareGroup
from ottla.core.groups.share.heartbeat import find
from ottla.core.groups.state import State
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.share_group_describe import (
    Assignment as DescribedAssignment,
)
from ottla.core.wire.messages.share_group_describe import (
    DescribedGroup,
    Member,
    TopicPartitions,
)


class DescribeShare(NamedTuple):
    """Answered by a `DescribedGroup`."""

    group: str


class InitializedPartitions(NamedTuple):
    """Answered by topic id → partitions: those that have state with the share coordinators. A group that is not there
    has none."""

    group: str


def describe(state: State, moment: Moment, token: object, request: Request) -> Decision:
    asked: DescribeShare = request.body
    try:
        answer = _described(state, find(state, asked.group))
    except KafkaError as error:
        answer = DescribedGroup(group_id=asked.group, error_code=error.code, error_message=error.text)
    return Decision(replies=[Reply(token, answer)])


def _described(state: State, group: ShareGroup) -> DescribedGroup:
    return DescribedGroup(
        group_id=group.name,
        group_state=group.state,
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        assignor_name=state.settings["group.share.assignors"][0],
        members=[
            Member(
                member_id=each.id,
                rack_id=each.rack_id,
                member_epoch=each.epoch,
                client_id=each.client_id,
                client_host=each.client_host,
                subscribed_topic_names=sorted(each.topics),
                assignment=_assigned(state, each.assigned),
            )
            for each in group.members.values()
        ],
    )


def _assigned(state: State, assigned: Assignment) -> DescribedAssignment:
    return DescribedAssignment(
        topic_partitions=[
            TopicPartitions(topic_id=topic_id, topic_name=topic.name, partitions=sorted(partitions))
            for topic_id, partitions in assigned.items()
            if (topic := state.topics.with_id(topic_id)) is not None
        ]
    )


def initialized_partitions(state: State, moment: Moment, token: object, request: Request) -> Decision:
    asked: InitializedPartitions = request.body
    group = state.groups.get(asked.group)
    found: dict[Uuid, frozenset[int]] = {}
    if isinstance(group, ShareGroup):
        found = {each: share.partitions for each, share in group.state_partitions.initialized.items()}
    return Decision(replies=[Reply(token, found)])
