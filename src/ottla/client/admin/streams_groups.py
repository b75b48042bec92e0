"""Streams groups (KIP-1071): topology, members, tasks. Their offsets are those of other groups (`group_offsets`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ottla.client.admin.base import AdminCalls, Each
from ottla.client.coordinators import GROUP
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.wire.messages.streams_group_describe import (
    Assignment,
    DescribedGroup,
    Member,
    StreamsGroupDescribeRequest,
    StreamsGroupDescribeResponse,
    Subtopology,
    TaskIds,
)
from ottla.world.doors import Address

Tasks = dict[str, tuple[int, ...]]
"""Partitions by subtopology: one task each."""


class StreamsTasks(msgspec.Struct, frozen=True):
    """The tasks of a member: those it works on, those it follows, those it warms up."""

    active: Tasks
    standby: Tasks
    warmup: Tasks


class StreamsMember(msgspec.Struct, frozen=True):
    """A member, that is a thread, of a streams application."""

    member_id: str
    group_instance_id: str | None
    rack: str | None
    client_id: str
    host: str
    process_id: str
    epoch: int
    topology_epoch: int
    endpoint: Address | None
    tags: dict[str, str]
    assignment: StreamsTasks
    target: StreamsTasks


class StreamsSubtopology(msgspec.Struct, frozen=True):
    """A part of the topology that is worked on as a whole, and the topics it touches."""

    id: str
    source_topics: tuple[str, ...]
    repartition_sink_topics: tuple[str, ...]
    repartition_source_topics: tuple[str, ...]
    changelog_topics: tuple[str, ...]


class StreamsGroupDescription(msgspec.Struct, frozen=True):
    """A streams group."""

    group_id: str
    state: str
    epoch: int
    assignment_epoch: int
    topology_epoch: int
    subtopologies: tuple[StreamsSubtopology, ...]
    members: tuple[StreamsMember, ...]
    coordinator: int

    @property
    def source_topics(self) -> list[str]:
        """What the application reads, its own repartition topics among it."""
        named = {
            topic
            for each in self.subtopologies
            for topic in (*each.source_topics, *each.repartition_source_topics)
        }
        return sorted(named)


class StreamsGroups(AdminCalls):
    """Administration of streams groups."""

    async def describe_streams_groups(self, group_ids: Sequence[str]) -> Each[str, StreamsGroupDescription]:
        """Streams groups, by id."""

        async def ask(node: int, ids: list[str]) -> Mapping[str, StreamsGroupDescription | KafkaError]:
            request = StreamsGroupDescribeRequest(group_ids=ids)
            answer = await self.cluster.on_node(node, request, StreamsGroupDescribeResponse)
            return {each.group_id: streams_group(each, node) for each in answer.groups}

        return await self._from_coordinators(GROUP, group_ids, ask)


def streams_group(group: DescribedGroup, node: int) -> StreamsGroupDescription | KafkaError:
    if group.error_code:
        known = error_of(group.error_code)
        return KafkaError(known, f"streams group {group.group_id!r}: {group.error_message or known.sentence}")
    topology = group.topology
    return StreamsGroupDescription(
        group.group_id,
        group.group_state,
        group.group_epoch,
        group.assignment_epoch,
        topology.epoch if topology else -1,
        tuple(subtopology(each) for each in (topology.subtopologies or [] if topology else [])),
        tuple(streams_member(each) for each in group.members),
        node,
    )


def subtopology(told: Subtopology) -> StreamsSubtopology:
    return StreamsSubtopology(
        told.subtopology_id,
        tuple(told.source_topics),
        tuple(told.repartition_sink_topics),
        tuple(each.name for each in told.repartition_source_topics),
        tuple(each.name for each in told.state_changelog_topics),
    )


def streams_member(member: Member) -> StreamsMember:
    endpoint = member.user_endpoint
    return StreamsMember(
        member.member_id,
        member.instance_id,
        member.rack_id,
        member.client_id,
        member.client_host,
        member.process_id,
        member.member_epoch,
        member.topology_epoch,
        Address(endpoint.host, endpoint.port) if endpoint else None,
        {each.key: each.value for each in member.client_tags},
        tasks_of(member.assignment),
        tasks_of(member.target_assignment),
    )


def tasks_of(given: Assignment) -> StreamsTasks:
    return StreamsTasks(
        by_subtopology(given.active_tasks),
        by_subtopology(given.standby_tasks),
        by_subtopology(given.warmup_tasks),
    )


def by_subtopology(tasks: Sequence[TaskIds]) -> Tasks:
    return {each.subtopology_id: tuple(sorted(each.partitions)) for each in tasks}
