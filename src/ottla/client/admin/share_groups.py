"""Share groups (KIP-932): who is in them, and where they begin to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ottla.client.admin.base import AdminCalls, Done, Each, check, error_or_none
from ottla.client.coordinators import GROUP
from ottla.client.offsets import TopicPartition
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.wire.messages.alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestPartition,
    AlterShareGroupOffsetsRequestTopic,
    AlterShareGroupOffsetsResponse,
)
from ottla.core.wire.messages.delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsRequestTopic,
    DeleteShareGroupOffsetsResponse,
)
from ottla.core.wire.messages.describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
    DescribeShareGroupOffsetsResponsePartition,
)
from ottla.core.wire.messages.share_group_describe import (
    DescribedGroup,
    Member,
    ShareGroupDescribeRequest,
    ShareGroupDescribeResponse,
)


class ShareMember(msgspec.Struct, frozen=True):
    """A member of a share group. Partitions may be assigned to several members at once."""

    member_id: str
    rack: str | None
    client_id: str
    host: str
    epoch: int
    topics: tuple[str, ...]
    assignment: dict[str, tuple[int, ...]]


class ShareGroupDescription(msgspec.Struct, frozen=True):
    """A share group and its members."""

    group_id: str
    state: str
    assignor: str
    epoch: int
    assignment_epoch: int
    members: tuple[ShareMember, ...]
    coordinator: int


class ShareStart(msgspec.Struct, frozen=True):
    """Where a group begins in a partition. `offset` -1: nobody has read yet; `lag` -1: unknown."""

    offset: int
    leader_epoch: int
    lag: int


class ShareGroups(AdminCalls):
    """Administration of share groups."""

    async def describe_share_groups(self, group_ids: Sequence[str]) -> Each[str, ShareGroupDescription]:
        """Share groups, by id."""

        async def ask(node: int, ids: list[str]) -> Mapping[str, ShareGroupDescription | KafkaError]:
            request = ShareGroupDescribeRequest(group_ids=ids)
            answer = await self.cluster.on_node(node, request, ShareGroupDescribeResponse)
            return {each.group_id: share_group(each, node) for each in answer.groups}

        return await self._from_coordinators(GROUP, group_ids, ask)

    async def share_group_offsets(
        self, group_ids: Sequence[str]
    ) -> Each[str, dict[TopicPartition, ShareStart | KafkaError]]:
        """Where each group begins in all partitions that it has read."""

        async def ask(
            node: int, ids: list[str]
        ) -> Mapping[str, dict[TopicPartition, ShareStart | KafkaError] | KafkaError]:
            groups = [DescribeShareGroupOffsetsRequestGroup(group_id=each, topics=None) for each in ids]
            request = DescribeShareGroupOffsetsRequest(groups=groups)
            answer = await self.cluster.on_node(node, request, DescribeShareGroupOffsetsResponse)
            return {each.group_id: starts_in(each) for each in answer.groups}

        return await self._from_coordinators(GROUP, group_ids, ask)

    async def alter_share_group_offsets(
        self, group_id: str, offsets: Mapping[TopicPartition, int]
    ) -> Done[TopicPartition]:
        """Move the start of an empty group. Raises KafkaError for the group."""
        topics: dict[str, AlterShareGroupOffsetsRequestTopic] = {}
        for (name, partition), offset in offsets.items():
            topic = topics.setdefault(name, AlterShareGroupOffsetsRequestTopic(name, []))
            topic.partitions.append(AlterShareGroupOffsetsRequestPartition(partition, offset))
        request = AlterShareGroupOffsetsRequest(group_id, list(topics.values()))
        answer = await self._coordinators.ask(GROUP, group_id, request, AlterShareGroupOffsetsResponse)
        check(answer.error_code, answer.error_message, f"group {group_id!r}")
        return {
            (told.topic_name, part.partition_index): error_or_none(
                part.error_code, part.error_message, f"{told.topic_name}-{part.partition_index}"
            )
            for told in answer.responses
            for part in told.partitions
        }

    async def delete_share_group_offsets(self, group_id: str, topics: Iterable[str]) -> Done[str]:
        """Forget topics of an empty group. Raises KafkaError for the group."""
        named = [DeleteShareGroupOffsetsRequestTopic(name) for name in topics]
        request = DeleteShareGroupOffsetsRequest(group_id, named)
        answer = await self._coordinators.ask(GROUP, group_id, request, DeleteShareGroupOffsetsResponse)
        check(answer.error_code, answer.error_message, f"group {group_id!r}")
        return {
            told.topic_name: error_or_none(told.error_code, told.error_message, f"topic {told.topic_name!r}")
            for told in answer.responses
        }


def share_group(group: DescribedGroup, node: int) -> ShareGroupDescription | KafkaError:
    if group.error_code:
        known = error_of(group.error_code)
        return KafkaError(known, f"share group {group.group_id!r}: {group.error_message or known.sentence}")
    return ShareGroupDescription(
        group.group_id,
        group.group_state,
        group.assignor_name,
        group.group_epoch,
        group.assignment_epoch,
        tuple(share_member(each) for each in group.members),
        node,
    )


def share_member(member: Member) -> ShareMember:
    given = sorted(member.assignment.topic_partitions, key=lambda each: each.topic_name)
    return ShareMember(
        member.member_id,
        member.rack_id,
        member.client_id,
        member.client_host,
        member.member_epoch,
        tuple(sorted(member.subscribed_topic_names)),
        {each.topic_name: tuple(sorted(each.partitions)) for each in given},
    )


def starts_in(
    group: DescribeShareGroupOffsetsResponseGroup,
) -> dict[TopicPartition, ShareStart | KafkaError] | KafkaError:
    error = error_or_none(group.error_code, group.error_message, f"share group {group.group_id!r}")
    if error is not None:
        return error
    return {
        (topic.topic_name, part.partition_index): share_start(topic.topic_name, part)
        for topic in group.topics
        for part in topic.partitions
    }


def share_start(topic: str, part: DescribeShareGroupOffsetsResponsePartition) -> ShareStart | KafkaError:
    error = error_or_none(part.error_code, part.error_message, f"{topic}-{part.partition_index}")
    return error or ShareStart(part.start_offset, part.leader_epoch, part.lag)
