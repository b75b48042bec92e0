"""ConsumerGroupDescribe: a group as it is, with what every member has and is to have."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from ottla.core.coordination.contract import Decision, Moment, Reply, Request
from ottla.core.groups.consumer.group import ConsumerGroup
from ottla.core.groups.consumer.member import Member, together
from ottla.core.groups.consumer.work import offered_assignors
from ottla.core.groups.state import State
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.consumer_group_describe import (
    Assignment,
    DescribedGroup,
    TopicPartitions,
)
from ottla.core.wire.messages.consumer_group_describe import Member as DescribedMember

CLASSIC: Final = 0
CONSUMER: Final = 1


class DescribeConsumer(NamedTuple):
    group: str


def describe(state: State, moment: Moment, token: object, request: Request) -> Decision:
    asked: DescribeConsumer = request.body
    group = state.groups.get(asked.group)
    if not isinstance(group, ConsumerGroup):
        absent = "not found" if group is None else "is not a consumer group"
        answer = DescribedGroup(
            group_id=asked.group,
            error_code=ErrorCode.GROUP_ID_NOT_FOUND,
            error_message=f"Group {asked.group} {absent}.",
        )
        return Decision(replies=[Reply(token, answer)])
    answer = DescribedGroup(
        group_id=group.name,
        group_state=group.state,
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        assignor_name=group.preferred_assignor(group.members.values())
        or offered_assignors(state.settings)[0],
        members=[_member(state, group, member) for member in group.members.values()],
    )
    return Decision(replies=[Reply(token, answer)])


def _member(state: State, group: ConsumerGroup, member: Member) -> DescribedMember:
    # What it is to give up is still its own until it has.
    has = together([*member.assigned.items(), *member.revoking.items()])
    return DescribedMember(
        member_id=member.id,
        instance_id=member.instance_id,
        rack_id=member.rack,
        member_epoch=member.epoch,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=sorted(member.topics),
        subscribed_topic_regex=member.pattern,
        assignment=_assignment(state, has.items()),
        target_assignment=_assignment(state, group.target(member.id).items()),
        member_type=CONSUMER if member.classic is None else CLASSIC,
    )


def _assignment(state: State, share: Iterable[tuple[Uuid, Collection[int]]]) -> Assignment:
    return Assignment(
        topic_partitions=[
            TopicPartitions(topic_id=topic_id, topic_name=topic.name, partitions=sorted(partitions))
            for topic_id, partitions in share
            if (topic := state.topics.with_id(topic_id)) is not None
        ]
    )
