"""StreamsGroupDescribe: a group, its topology and its members."""

from __future__ import annotations

from typing import NamedTuple

from ottla.core.coordination.contract import Decision, Moment, Reply, Request
from ottla.core.groups.state import State
from ottla.core.groups.streams.group import StreamsGroup
from ottla.core.groups.streams.leaving import not_streams
from ottla.core.groups.streams.member import Member
from ottla.core.groups.streams.shaping import InternalTopic, Shape, Shaped
from ottla.core.groups.streams.tasks import Held, Tasks, spell
from ottla.core.groups.streams.topology import Topology
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages import streams_group_describe as told
from ottla.core.wire.messages.records.streams_groups import Subtopology, TopicInfo


class DescribeStreams(NamedTuple):
    group: str


def describe(state: State, moment: Moment, token: object, request: Request) -> Decision:
    """Raises GROUP_ID_NOT_FOUND."""
    name = request.body.group
    group = state.groups.get(name)
    if group is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {name} not found.")
    if not isinstance(group, StreamsGroup):
        raise not_streams(name)
    answer = told.DescribedGroup(
        group_id=name,
        group_state=str(group.state),
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        topology=_topology(group),
        members=[_member(each, group.target(each.id)) for each in group.members.values()],
    )
    return Decision(replies=[Reply(token, answer)])


def _topology(group: StreamsGroup) -> told.Topology | None:
    """With the partitions of internal topics, if they are known."""
    if group.shaped is not None and group.shaped.ready:
        return _shaped(group.shaped)
    return None if group.topology is None else _as_said(group.topology)


def _shaped(shaped: Shaped) -> told.Topology:
    return told.Topology(
        epoch=shaped.epoch,
        subtopologies=[_shape(name, each) for name, each in shaped.shapes.items()],
    )


def _shape(name: str, shape: Shape) -> told.Subtopology:
    return told.Subtopology(
        subtopology_id=name,
        source_topics=sorted(shape.source_topics),
        repartition_sink_topics=sorted(shape.repartition_sinks),
        state_changelog_topics=[_internal(shape.changelogs[topic]) for topic in sorted(shape.changelogs)],
        repartition_source_topics=[
            _internal(shape.repartition_sources[topic]) for topic in sorted(shape.repartition_sources)
        ],
    )


def _internal(topic: InternalTopic) -> told.TopicInfo:
    return told.TopicInfo(
        name=topic.name,
        partitions=topic.partitions,
        replication_factor=topic.replication_factor,
        topic_configs=[told.KeyValue(key=key, value=value) for key, value in topic.configs.items()],
    )


def _as_said(topology: Topology) -> told.Topology:
    return told.Topology(
        epoch=topology.epoch,
        subtopologies=[_subtopology(topology.subtopologies[name]) for name in sorted(topology.subtopologies)],
    )


def _subtopology(each: Subtopology) -> told.Subtopology:
    return told.Subtopology(
        subtopology_id=each.subtopology_id,
        source_topics=sorted(each.source_topics),
        repartition_sink_topics=sorted(each.repartition_sink_topics),
        state_changelog_topics=_infos(each.state_changelog_topics),
        repartition_source_topics=_infos(each.repartition_source_topics),
    )


def _infos(topics: list[TopicInfo]) -> list[told.TopicInfo]:
    return [
        told.TopicInfo(
            name=each.name,
            partitions=each.partitions,
            replication_factor=each.replication_factor,
            topic_configs=[told.KeyValue(key=one.key, value=one.value) for one in each.topic_configs],
        )
        for each in sorted(topics, key=lambda each: each.name)
    ]


def _member(member: Member, target: Tasks) -> told.Member:
    endpoint = member.endpoint
    return told.Member(
        member_id=member.id,
        member_epoch=member.epoch,
        instance_id=member.instance_id,
        rack_id=member.rack,
        client_id=member.client_id,
        client_host=member.client_host,
        topology_epoch=member.topology_epoch,
        process_id=member.process_id,
        user_endpoint=None if endpoint is None else told.Endpoint(host=endpoint.host, port=endpoint.port),
        client_tags=[told.KeyValue(key=key, value=value) for key, value in member.client_tags],
        assignment=_assignment(member.assigned),
        target_assignment=_assignment(target),
    )


def _assignment(tasks: Tasks | Held) -> told.Assignment:
    return told.Assignment(
        active_tasks=spell(_ids, tasks.active),
        standby_tasks=spell(_ids, tasks.standby),
        warmup_tasks=spell(_ids, tasks.warmup),
    )


def _ids(subtopology: str, partitions: list[int]) -> told.TaskIds:
    return told.TaskIds(subtopology_id=subtopology, partitions=partitions)
