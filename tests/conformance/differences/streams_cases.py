"""Streams groups (KIP-1071): stories of members, topologies that fit and that do not, and what cannot be.

Members choose their own ids. Where there is a choice who gets a task, Kafka's goes by the order of its hash maps; the stories
are such that there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ottla.core.wire.apis import ApiKey
from ottla.core.wire.messages import delete_groups, join_group
from ottla.core.wire.messages import offset_commit as committing
from ottla.core.wire.messages import offset_delete as forgetting
from ottla.core.wire.messages import offset_fetch as fetching
from ottla.core.wire.messages.consumer_group_describe import ConsumerGroupDescribeRequest
from ottla.core.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from ottla.core.wire.messages.describe_groups import DescribeGroupsRequest
from ottla.core.wire.messages.list_groups import ListGroupsRequest
from ottla.core.wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest
from ottla.core.wire.messages.streams_group_describe import StreamsGroupDescribeRequest
from ottla.core.wire.messages.streams_group_heartbeat import (
    CopartitionGroup,
    EndpointRequest,
    KeyValue,
    StreamsGroupHeartbeatRequest,
    Subtopology,
    TaskIdsRequest,
    TaskOffset,
    TopicInfo,
    Topology,
)
from tests.conformance.differences.case import Case, id_of

TOPIC: Final = "data"
"""It has two partitions; "empty" has one, "growing" two."""

STREAMS_SETTINGS: Final = {
    "group.streams.initial.rebalance.delay.ms": "0",
    "group.streams.assignment.interval.ms": "0",
    "group.streams.max.session.timeout.ms": "600000",
    "group.streams.session.timeout.ms": "600000",
}
"""What a member is told would depend on time."""

STRANGE: Final = Topology(
    subtopologies=[
        Subtopology(
            subtopology_id="0",
            source_topics=["nowhere"],
            state_changelog_topics=[
                TopicInfo(
                    name="streamed-changelog",
                    replication_factor=1,
                    topic_configs=[KeyValue(key="cleanup.policy", value="compact")],
                )
            ],
            repartition_sink_topics=["streamed-repartition"],
            repartition_source_topics=[TopicInfo(name="streamed-repartition", partitions=2)],
            copartition_groups=[CopartitionGroup(source_topics=[0], repartition_source_topics=[0])],
        )
    ]
)
"""What it reads is not there, so that nobody gets a task however many join."""

STREAMS_BASES: Final[dict[ApiKey, dict[str, Any]]] = {
    ApiKey.STREAMS_GROUP_HEARTBEAT: {
        "group_id": "streamed",
        "member_id": "a stranger",
        "member_epoch": 0,
        "rack_id": "r",
        "rebalance_timeout_ms": 10_000,
        "topology": msgspec.to_builtins(STRANGE),
        "active_tasks": [],
        "standby_tasks": [],
        "warmup_tasks": [],
        "process_id": "process",
        "client_tags": [{"key": "zone", "value": "z"}],
    },
    ApiKey.STREAMS_GROUP_DESCRIBE: {
        "group_ids": ["tale", "nobody"],
        "include_authorized_operations": True,
    },
}


def streams_cases() -> Iterator[Case]:
    yield from tale()
    yield from topologies()
    yield from inner_topics()
    yield from refused()
    yield from offsets()
    yield from strangers()
    yield from the_end()


def subtopology(name: str = "0", *sources: str, **said: Any) -> Subtopology:
    """Reads "data" unless it is told what else."""
    return Subtopology(subtopology_id=name, source_topics=list(sources or (TOPIC,)), **said)


PASSING: Final = Topology(subtopologies=[subtopology()])


def ids(*partitions: int, name: str = "0") -> list[TaskIdsRequest]:
    return [TaskIdsRequest(subtopology_id=name, partitions=list(partitions))] if partitions else []


def beat(name: str, group: str, member: str, epoch: int = 0, **said: Any) -> Case:
    """`has`: the active tasks that it says it has."""
    fields: dict[str, Any] = dict(said)
    if epoch == 0:
        first = {"rebalance_timeout_ms": 60_000, "topology": PASSING, "process_id": f"process of {member}"}
        fields = {**first, "has": (), **fields}
    has = fields.pop("has", None)
    if has is not None:
        fields = {"active_tasks": ids(*has), "standby_tasks": [], "warmup_tasks": [], **fields}
    request = StreamsGroupHeartbeatRequest(
        **{"group_id": group, "member_id": member, "member_epoch": epoch, **fields}
    )
    return Case(f"StreamsGroupHeartbeat: streams group {group}, {name}", request)


def look(name: str, *groups: str) -> Case:
    request = StreamsGroupDescribeRequest(group_ids=list(groups), include_authorized_operations=True)
    return Case(f"StreamsGroupDescribe: {name}", request)


def pause(what: str) -> Case:
    """Something harmless after which time is given."""
    return Case(
        f"DeleteGroups: nothing, while streams have to wait: {what}",
        delete_groups.DeleteGroupsRequest(groups_names=[]),
        (2,),
    )


def tale() -> Iterator[Case]:
    """Two members and the way of a task from the first to the second."""
    group = "tale"
    here = EndpointRequest(host="here", port=65_535)
    yield look("before it is there", group)
    yield beat("stay where no group is", group, "a", 1)
    yield beat("leave where no group is", group, "a", -1)
    yield beat("the first joins", group, "a", user_endpoint=here, client_tags=[KeyValue(key="k", value="v")])
    yield look("with one member", group)
    yield beat("it goes on", group, "a", 2)
    yield beat("it says what it has", group, "a", 2, has=(0, 1))
    yield beat("it knows the endpoints", group, "a", 2, has=(0, 1), endpoint_information_epoch=0)
    yield beat("the second joins", group, "b", rack_id="r")
    yield look("while they share anew", group)
    yield beat("the first hears of it", group, "a", 2, has=(0, 1))
    yield beat("the second has to wait", group, "b", 3, has=())
    yield look("while a task is given up", group)
    yield beat("the first has given up", group, "a", 2, has=(0,))
    yield beat("the second gets it", group, "b", 3, has=())
    yield beat("and says so", group, "b", 3, has=(1,))
    yield look("at rest", group)
    yield beat("an answer was lost", group, "a", 2, has=(0,))
    yield beat("an answer was lost, and it does not say what it has", group, "a", 2)
    yield beat("an answer was lost, and it has too much", group, "a", 2, has=(0, 1))
    yield beat("an older epoch", group, "a", 1, has=(0,))
    yield beat("an epoch to come", group, "a", 4, has=(0,))
    yield beat("it begins again", group, "a")
    yield beat("its endpoint moves", group, "a", 4, user_endpoint=EndpointRequest(host="there", port=1))
    yield beat("it goes on there", group, "a", 5, endpoint_information_epoch=7)
    yield beat("the second follows", group, "b", 3, has=(1,))
    yield beat("it wants all to stop", group, "b", 5, shutdown_application=True)
    yield beat("the first hears that", group, "a", 5)
    yield beat("the second leaves", group, "b", -1, shutdown_application=True)
    yield beat("it is gone", group, "b", 5)
    yield beat("it leaves again", group, "b", -1)
    yield beat("the first gets everything", group, "a", 5, has=(0,))
    yield look("with one member again", group)
    yield Case("ListGroups: streams groups", ListGroupsRequest(types_filter=["Streams"]), (5,))
    yield Case(
        "ListGroups: stable streams groups",
        ListGroupsRequest(types_filter=["streams"], states_filter=["Stable"]),
        (5,),
    )


def topologies() -> Iterator[Case]:
    """What the topics make of a topology: each in a group of its own."""

    def tried(name: str, *subtopologies: Subtopology, epoch: int = 0) -> Iterator[Case]:
        group = f"topology: {name}"
        topology = Topology(epoch=epoch, subtopologies=list(subtopologies))
        yield beat("tried", group, "a", topology=topology)
        yield beat("again", group, "a", 2)
        yield look(group, group)

    inner, other = TopicInfo(name="inner"), TopicInfo(name="other")
    sink = {"repartition_sink_topics": ["inner"]}
    reads = {"repartition_source_topics": [inner]}
    keeps = {"state_changelog_topics": [TopicInfo(name="growing")]}
    both = CopartitionGroup(source_topics=[0, 1])
    yield from tried("two topics, one wider", subtopology("0", TOPIC, "empty"))
    yield from tried("two subtopologies", subtopology("0"), subtopology("1", "growing"))
    yield from tried("a topic that is not there", subtopology("0", "nowhere"))
    yield from tried("five topics that are not there", subtopology("0", *(f"nowhere-{n}" for n in range(5))))
    yield from tried("a changelog that is there", subtopology("0", **keeps))
    yield from tried("a changelog with other partitions", subtopology("0", "empty", **keeps))
    yield from tried(
        "joined topics that are alike", subtopology("0", TOPIC, "growing", copartition_groups=[both])
    )
    yield from tried(
        "joined topics that are not", subtopology("0", TOPIC, "empty", copartition_groups=[both])
    )
    yield from tried("a group of nothing", subtopology("0", copartition_groups=[CopartitionGroup()]))
    yield from tried(
        "a place that is not there",
        subtopology("0", copartition_groups=[CopartitionGroup(source_topics=[7])]),
    )
    yield from tried(
        "a place before the first",
        subtopology("0", copartition_groups=[CopartitionGroup(source_topics=[-1])]),
    )
    yield from tried(
        "joined with a repartition topic of another width",
        subtopology("0", **sink),
        subtopology(
            "1",
            TOPIC,
            repartition_source_topics=[TopicInfo(name="inner", partitions=3)],
            copartition_groups=[CopartitionGroup(source_topics=[0], repartition_source_topics=[0])],
        ),
    )
    yield from tried(
        "repartition topics of two widths",
        Subtopology(
            subtopology_id="0",
            repartition_source_topics=[
                TopicInfo(name="inner", partitions=3),
                TopicInfo(name="other", partitions=4),
            ],
            copartition_groups=[CopartitionGroup(repartition_source_topics=[0, 1])],
        ),
    )
    yield from tried(
        "a loop",
        Subtopology(subtopology_id="0", repartition_sink_topics=["other"], **reads),
        Subtopology(subtopology_id="1", repartition_source_topics=[other], **sink),
    )
    yield from tried("a repartition topic nobody writes", subtopology("0", **reads))
    yield from tried("nothing that is read", Subtopology(subtopology_id="0"))
    yield from tried(
        "a repartition topic of -1",
        subtopology("0", repartition_source_topics=[TopicInfo(name="inner", partitions=-1)]),
    )
    yield from tried("the same name twice", subtopology("0"), subtopology("0"))
    yield from tried("a negative epoch", subtopology("0"), epoch=-1)
    yield from tried("a great epoch", subtopology("0"), epoch=2**31 - 1)
    yield from tried("no subtopology")
    yield from tried(
        "a changelog that chooses",
        subtopology("0", state_changelog_topics=[TopicInfo(name="inner", partitions=2)]),
    )
    yield from tried("an internal topic of the brokers", subtopology("0", "__consumer_offsets"))
    yield from tried(
        "an internal topic to write", subtopology("0", repartition_sink_topics=["__transaction_state"])
    )
    yield from tried("names that cannot be", subtopology("0", "a/b", "", ".."))
    yield from tried("a pattern", subtopology("0", source_topic_regex=["d.*"]))
    yield beat("older", "topology: a great epoch", "b", topology=PASSING)
    yield beat("other", "topology: two subtopologies", "b", topology=PASSING)


def inner_topics() -> Iterator[Case]:
    """Topics that the broker creates for the group."""
    group = "inner"
    topology = Topology(
        subtopologies=[
            subtopology("0", repartition_sink_topics=["inner-repartition"]),
            Subtopology(
                subtopology_id="1",
                repartition_source_topics=[
                    TopicInfo(
                        name="inner-repartition",
                        replication_factor=1,
                        topic_configs=[KeyValue(key="cleanup.policy", value="delete")],
                    )
                ],
                state_changelog_topics=[TopicInfo(name="inner-changelog")],
                copartition_groups=[CopartitionGroup(repartition_source_topics=[0])],
            ),
        ]
    )
    yield beat("topics are missing", group, "a", topology=topology)
    for step in ("topics are made", "topics are known"):
        yield pause(step)
    yield beat("topics are there", group, "a", 2, has=())
    yield look("with inner topics", group)
    yield beat("leaves", group, "a", -1)
    yield beat("comes back", group, "a", topology=topology)
    yield beat("leaves for good", group, "a", -1)
    wide = TopicInfo(name="cannot-be-made", replication_factor=7)
    missing = Topology(subtopologies=[subtopology("0", "nowhere")])
    endpoint = EndpointRequest(host="here", port=1)
    yield beat("with an endpoint", "homeless", "a", topology=missing, user_endpoint=endpoint)
    yield beat("leaves", "homeless", "a", -1)
    # What is listed later is the same again.
    gone = delete_groups.DeleteGroupsRequest(groups_names=["homeless"])
    yield Case("DeleteGroups: homeless", gone, (2,))
    refused = Topology(subtopologies=[subtopology("0", state_changelog_topics=[wide])])
    yield beat("a topic cannot be made", "unmade", "a", topology=refused)
    yield pause("a topic cannot be made")
    yield beat("it still cannot be made", "unmade", "a", 2)
    yield look("that cannot begin", "unmade")


def refused() -> Iterator[Case]:
    """What cannot be, whoever asks."""
    group = "tale"
    offset = [TaskOffset(subtopology_id="0", partition=0, offset=1)]
    yield beat("no member", group, "")
    yield beat("a member of spaces", group, "  ")
    yield beat("no group", "", "a")
    yield beat("a group of spaces", "  ", "a")
    yield beat("an empty rack", group, "z", rack_id="")
    yield beat("a static member", group, "z", instance_id="desk")
    yield beat("an empty desk", group, "z", instance_id="")
    yield beat("a static member leaves", group, "a", -2, instance_id="desk")
    yield beat("an epoch of -2", group, "a", -2)
    yield beat("an epoch of -3", group, "a", -3)
    yield beat("no timeout", group, "z", rebalance_timeout_ms=-1)
    yield beat("no topology", group, "z", topology=None)
    yield beat("tasks from before", group, "z", has=(0,))
    yield beat("standbys from before", group, "z", standby_tasks=ids(0))
    yield beat("warm-ups", group, "z", warmup_tasks=ids(0))
    yield beat("a topology in passing", group, "a", 6, topology=PASSING)
    yield beat("offsets of tasks", group, "a", 6, task_offsets=offset)
    yield beat("end offsets of tasks", group, "a", 6, task_end_offsets=[])
    yield beat("half of what it has", group, "a", 6, active_tasks=ids(0))
    yield beat("a subtopology that is not there", group, "a", 6, has=(), standby_tasks=ids(0, name="7"))
    yield beat("a task that is not there", group, "a", 6, has=(2,))
    yield beat("a task of -1", group, "a", 6, has=(-1,))
    yield beat("a member that is not there", group, "z", 6)
    yield beat("a tag twice", group, "z", client_tags=[KeyValue(key="k"), KeyValue(key="k")])
    yield beat("the largest epoch", group, "a", 2**31 - 1)
    yield look("some", group, "nobody", "readers", "")
    yield look("none")
    yield look("twice", "nobody", "nobody")
    for number in range(20):
        yield look(f"not there {number}", f"nobody-{number}")


def offsets() -> Iterator[Case]:
    """Who may commit, and for what."""

    def commit(
        name: str, member: str, epoch: int, partition: int = 0, version: int = 9, topic: str = TOPIC
    ) -> Case:
        each = committing.OffsetCommitRequestPartition(partition_index=partition, committed_offset=1)
        request = committing.OffsetCommitRequest(
            group_id="tale",
            member_id=member,
            generation_id_or_member_epoch=epoch,
            topics=[
                committing.OffsetCommitRequestTopic(name=topic, topic_id=id_of(topic), partitions=[each])
            ],
        )
        return Case(f"OffsetCommit: in a streams group, {name}", request, (version,))

    def empty_beside_full() -> Case:
        each = committing.OffsetCommitRequestPartition(partition_index=0, committed_offset=1)
        topics = [
            committing.OffsetCommitRequestTopic(name=TOPIC, topic_id=id_of(TOPIC), partitions=some)
            for some in ([], [each])
        ]
        request = committing.OffsetCommitRequest(group_id="nobody's", topics=topics)
        return Case("OffsetCommit: a topic without partitions beside one with", request, (8, 9))

    def fetch(name: str, member: str | None, epoch: int) -> Case:
        topic = fetching.OffsetFetchRequestTopics(name=TOPIC, partition_indexes=[0, 1])
        group = fetching.OffsetFetchRequestGroup(
            group_id="tale", member_id=member, member_epoch=epoch, topics=[topic]
        )
        return Case(
            f"OffsetFetch: in a streams group, {name}", fetching.OffsetFetchRequest(groups=[group]), (9,)
        )

    yield empty_beside_full()
    yield commit("as it should be", "a", 6)
    yield commit("in an old epoch, of a task it had", "a", 5)
    yield commit("in an old epoch, of a task it had not", "a", 5, partition=1)
    yield commit("in an old epoch, of a topic it does not read", "a", 5, topic="empty")
    yield commit("in the first epoch", "a", 1)
    yield commit("in an epoch to come", "a", 7)
    yield commit("in a version without epochs", "a", 6, version=8)
    yield commit("a stranger", "z", 6)
    yield commit("nobody", "", -1)
    yield fetch("as it should be", "a", 6)
    yield fetch("in an old epoch", "a", 5)
    yield fetch("a stranger", "z", 6)
    yield fetch("nobody", None, -1)
    topic = forgetting.OffsetDeleteRequestTopic(
        name=TOPIC, partitions=[forgetting.OffsetDeleteRequestPartition(partition_index=0)]
    )
    other = forgetting.OffsetDeleteRequestTopic(
        name="empty", partitions=[forgetting.OffsetDeleteRequestPartition(partition_index=0)]
    )
    yield Case(
        "OffsetDelete: in a streams group",
        forgetting.OffsetDeleteRequest(group_id="tale", topics=[topic, other]),
    )


def strangers() -> Iterator[Case]:
    """Members of other kinds of groups, here; members of ours, elsewhere."""
    yield beat("of another kind of group", "readers", "a")
    yield beat("stay in another kind of group", "pair-0", "a", 1)
    yield beat("leave another kind of group", "pair-0", "a", -1)
    yield Case(
        "ConsumerGroupHeartbeat: in a streams group",
        ConsumerGroupHeartbeatRequest(
            group_id="tale",
            member_id="c",
            rebalance_timeout_ms=1_000,
            subscribed_topic_names=[TOPIC],
            topic_partitions=[],
        ),
    )
    yield Case("ConsumerGroupDescribe: a streams group", ConsumerGroupDescribeRequest(group_ids=["tale"]))
    yield Case(
        "ShareGroupHeartbeat: in a streams group",
        ShareGroupHeartbeatRequest(group_id="tale", member_id="s", subscribed_topic_names=[TOPIC]),
    )
    yield Case("DescribeGroups: a streams group", DescribeGroupsRequest(groups=["tale"]))
    protocol = join_group.JoinGroupRequestProtocol(name="range")
    yield Case(
        "JoinGroup: in a streams group",
        join_group.JoinGroupRequest(
            group_id="tale",
            session_timeout_ms=10_000,
            rebalance_timeout_ms=10_000,
            protocol_type="consumer",
            protocols=[protocol],
        ),
    )


def the_end() -> Iterator[Case]:
    request = delete_groups.DeleteGroupsRequest(groups_names=["tale"])
    yield Case("DeleteGroups: a streams group with a member", request, (2,))
    yield beat("the last leaves", "tale", "a", -1)
    yield look("without members", "tale")
    yield Case(
        "DeleteGroups: a streams group", delete_groups.DeleteGroupsRequest(groups_names=["inner"]), (2,)
    )
    yield look("that was deleted", "inner")
    yield beat("of the strangers", "streamed", "first", topology=STRANGE)
