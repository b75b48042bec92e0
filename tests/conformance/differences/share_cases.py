"""Share groups: members, what is stored of their partitions, and what administrators do to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ottla.core.model.ids import ZERO_UUID, Uuid, uuid_text
from ottla.core.wire.messages import (
    alter_share_group_offsets as altering,
)
from ottla.core.wire.messages import (
    consumer_group_describe,
    consumer_group_heartbeat,
    delete_groups,
    describe_groups,
    find_coordinator,
    heartbeat,
    initialize_share_group_state,
    join_group,
    leave_group,
    list_groups,
    offset_commit,
    offset_delete,
    offset_fetch,
    read_share_group_state,
    read_share_group_state_summary,
    sync_group,
    write_share_group_state,
)
from ottla.core.wire.messages import (
    delete_share_group_offsets as forgetting,
)
from ottla.core.wire.messages import (
    delete_share_group_state as deleting,
)
from ottla.core.wire.messages import (
    describe_share_group_offsets as telling,
)
from ottla.core.wire.messages.share_group_describe import ShareGroupDescribeRequest
from ottla.core.wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest
from tests.conformance.differences.case import Case, id_of
from tests.conformance.differences.share_bases import ID, TOPIC

LONG = "m" * 37


def share_cases() -> Iterator[Case]:
    yield from finding_cases()
    yield from member_cases()
    yield from state_cases()
    yield from offset_cases()
    yield from misled_cases()
    yield from deletion_cases()


def finding_cases() -> Iterator[Case]:
    known = uuid_text(b"0123456789abcdef")
    for name, key in (
        ("well", f"g:{known}:0"),
        ("a group with colons", f"g:h:{known}:7"),
        ("no group", f":{known}:0"),
        ("no topic", "g::0"),
        ("no partition", f"g:{known}:"),
        ("two parts", f"g:{known}"),
        ("no parts", "g"),
        ("a partition that is no number", f"g:{known}:x"),
        ("a negative partition", f"g:{known}:-1"),
        ("an id that is none", "g:short:0"),
        ("nothing", ""),
    ):
        yield Case(
            f"FindCoordinator: of a share partition, {name}",
            find_coordinator.FindCoordinatorRequest(key_type=2, coordinator_keys=[key]),
            (5, 6),
        )


def member_cases() -> Iterator[Case]:
    def beat(name: str, epoch: int, topics: list[str] | None = None, **fields: Any) -> Case:
        said = {"group_id": "sharing", "member_id": "first", **fields}
        request = ShareGroupHeartbeatRequest(member_epoch=epoch, subscribed_topic_names=topics, **said)
        return Case(f"ShareGroupHeartbeat: {name}", request)

    def described(name: str, *groups: str, operations: bool = False) -> Case:
        request = ShareGroupDescribeRequest(group_ids=list(groups), include_authorized_operations=operations)
        return Case(f"ShareGroupDescribe: {name}", request)

    yield described("before it is there", "sharing")
    yield beat("stay where no group is", 1)
    yield beat("leave where no group is", -1)
    yield beat("join without topics", 0)
    yield beat("join with no topic at all", 0, [])
    yield beat("join", 0, ["nowhere"])
    yield beat("stay", 2)
    yield beat("stay with an old epoch", 1)
    yield beat("join again", 0, ["nowhere"])
    yield beat("a greater epoch", 7)
    yield beat("an epoch of -2", -2)
    yield beat("an epoch of -9", -9)
    yield beat("the largest epoch", 2**31 - 1)
    yield beat("read something else", 2, ["nowhere else"], rack_id="r")
    yield beat("an epoch long gone", 5)
    yield beat("a stranger stays", 1, member_id="nobody")
    yield beat("a stranger leaves", -1, member_id="nobody")
    yield beat("no member", 0, ["nowhere"], member_id="")
    yield beat("a member of spaces", 0, ["nowhere"], member_id="   ")
    yield beat("a member with a long name", 0, ["nowhere"], member_id=LONG)
    yield beat("no group", 0, ["nowhere"], group_id="")
    yield beat("a group of spaces", 0, ["nowhere"], group_id="  ")
    yield beat("an empty rack", 0, ["nowhere"], rack_id="")
    yield beat("a rack of spaces", 0, ["nowhere"], rack_id=" ")
    yield beat("a topic twice", 0, ["nowhere", "nowhere"], member_id="second")
    yield beat("a topic that cannot be", 0, ["a/b", ""], member_id="third")
    yield beat("of another kind of group", 0, ["nowhere"], group_id="readers")
    yield beat("stay in another kind of group", 1, group_id="readers")
    yield beat("leave another kind of group", -1, group_id="readers")
    yield beat("the third leaves", -1, member_id="third")
    yield beat("the second leaves", -1, member_id="second")
    yield described("with a member", "sharing", operations=True)
    yield described("some", "sharing", "nobody", "readers", "")
    yield described("twice", "sharing", "sharing")
    yield described("none")
    yield Case(
        "ListGroups: share groups",
        list_groups.ListGroupsRequest(types_filter=["share"], states_filter=["Stable"]),
        (5,),
    )
    yield Case(
        "DeleteGroups: a share group with a member",
        delete_groups.DeleteGroupsRequest(groups_names=["sharing"]),
        (2,),
    )
    yield Case(
        "AlterShareGroupOffsets: with a member",
        altering.AlterShareGroupOffsetsRequest(group_id="sharing", topics=[_altered(TOPIC, (0, 1))]),
    )
    yield Case(
        "DeleteShareGroupOffsets: with a member",
        forgetting.DeleteShareGroupOffsetsRequest(group_id="sharing"),
    )
    yield beat("leave", -1)
    yield beat("leave again", -1)
    yield described("without members", "sharing", operations=True)


def state_cases() -> Iterator[Case]:
    """The state of share partitions, as brokers store it with each other."""

    def begin(name: str, partition: int, epoch: int, start: int, topic: Uuid = ID, group: str = "s") -> Case:
        each = initialize_share_group_state.PartitionData(
            partition=partition, state_epoch=epoch, start_offset=start
        )
        of = initialize_share_group_state.InitializeStateData(topic_id=topic, partitions=[each])
        return Case(
            f"InitializeShareGroupState: {name}",
            initialize_share_group_state.InitializeShareGroupStateRequest(group_id=group, topics=[of]),
        )

    def write(
        name: str, *batches: tuple[int, int, int, int], epochs: tuple[int, int] = (-1, -1), **said: Any
    ) -> Case:
        each = write_share_group_state.PartitionData(
            partition=said.get("partition", 0),
            state_epoch=epochs[0],
            leader_epoch=epochs[1],
            start_offset=said.get("start", -1),
            delivery_complete_count=said.get("complete", 0),
            state_batches=[
                write_share_group_state.StateBatch(
                    first_offset=first, last_offset=last, delivery_state=state, delivery_count=count
                )
                for first, last, state, count in batches
            ],
        )
        of = write_share_group_state.WriteStateData(topic_id=said.get("topic", ID), partitions=[each])
        return Case(
            f"WriteShareGroupState: {name}",
            lambda version: write_share_group_state.WriteShareGroupStateRequest(group_id="s", topics=[of]),
        )

    def read(name: str, partition: int = 0, leader: int = 4, topic: Uuid = ID, group: str = "s") -> Case:
        each = read_share_group_state.PartitionData(partition=partition, leader_epoch=leader)
        of = read_share_group_state.ReadStateData(topic_id=topic, partitions=[each])
        return Case(
            f"ReadShareGroupState: {name}",
            read_share_group_state.ReadShareGroupStateRequest(group_id=group, topics=[of]),
        )

    def sum_up(name: str, *partitions: int, topic: Uuid = ID, group: str = "s") -> Case:
        each = [read_share_group_state_summary.PartitionData(partition=index) for index in partitions]
        of = read_share_group_state_summary.ReadStateSummaryData(topic_id=topic, partitions=each)
        return Case(
            f"ReadShareGroupStateSummary: {name}",
            read_share_group_state_summary.ReadShareGroupStateSummaryRequest(group_id=group, topics=[of]),
        )

    def delete(name: str, *partitions: int, topic: Uuid = ID, group: str = "s") -> Case:
        each = [deleting.PartitionData(partition=index) for index in partitions]
        of = deleting.DeleteStateData(topic_id=topic, partitions=each)
        return Case(
            f"DeleteShareGroupState: {name}",
            deleting.DeleteShareGroupStateRequest(group_id=group, topics=[of]),
        )

    unknown = id_of("unknown")
    yield read("what is not begun", leader=0)
    yield write("what is not begun", (0, 1, 2, 1))
    yield sum_up("what is not begun", 0)
    yield delete("what is not begun", 0)
    yield begin("well", 0, 1, 5)
    yield begin("again", 0, 1, 5)
    yield begin("without a start", 1, 1, -1)
    yield begin("a negative partition", -1, 1, 0)
    yield begin("a partition that is not there", 2, 1, 0)
    yield begin("a topic that is not there", 0, 1, 0, unknown)
    yield begin("no topic", 0, 1, 0, ZERO_UUID)
    yield begin("no group", 0, 1, 0, group="")
    yield sum_up("both", 0, 1)
    yield read("from a leader", leader=3)
    yield read("from nobody", leader=-1)
    yield read("from an older leader", leader=2)
    yield read("without a start", 1, leader=0)
    yield read("a negative partition", -1)
    yield read("a partition that is not there", 2)
    yield read("a topic that is not there", 0, topic=unknown)
    yield read("no group", group="")
    yield write("well", (5, 9, 2, 1), epochs=(1, 3), start=5, complete=5)
    yield read("what was written", leader=3)
    yield sum_up("what was written", 0)
    yield write("from an older leader", (5, 9, 2, 1), epochs=(1, 2))
    yield write("from an older state", (5, 9, 2, 1), epochs=(0, 3))
    yield write("from a newer leader", (10, 19, 0, 1), epochs=(1, 4))
    yield write("from a newer state", (20, 29, 0, 1), epochs=(2, 4))
    yield write("a batch within another", (12, 14, 2, 1))
    yield write("a batch that ends another", (15, 19, 4, 2))
    yield write("an earlier state of it", (12, 14, 0, 1))
    yield write("batches that overlap", (30, 39, 0, 1), (35, 45, 2, 1), (33, 36, 0, 3))
    yield write("batches that touch", (46, 49, 2, 1), (50, 59, 2, 1), (60, 60, 2, 2))
    yield write("an unknown state", (70, 71, 9, 1))
    yield write("a negative count", (72, 73, 0, -1))
    yield read("after all that")
    yield write("a start within a batch", start=13, complete=2)
    yield read("after the start moved")
    yield write("a start beyond all", start=1000, complete=0)
    yield read("after the start moved far")
    yield write("a negative partition", (0, 1, 2, 1), partition=-1)
    yield write("a partition that is not there", (0, 1, 2, 1), partition=2)
    yield write("a topic that is not there", (0, 1, 2, 1), topic=unknown)
    yield begin("anew", 0, 2, 100)
    yield begin("an older epoch", 0, 1, 100)
    yield read("anew")
    yield sum_up("anew", 0)
    yield write("to the state before", (100, 101, 2, 1), epochs=(1, 4))
    yield sum_up("a negative partition", -1)
    yield sum_up("a partition that is not there", 2)
    yield sum_up("a topic that is not there", 0, topic=unknown)
    yield sum_up("no group", 0, group="")
    yield sum_up("no partitions")
    yield delete("well", 0)
    yield delete("again", 0)
    yield delete("a negative partition", -1)
    yield delete("a partition that is not there", 2)
    yield delete("a topic that is not there", 0, topic=unknown)
    yield delete("no group", 0, group="")
    yield delete("no partitions")
    yield read("what was deleted")
    yield begin("what was deleted", 0, 0, 1)
    yield read("what was begun again")


def _altered(topic: str, *partitions: tuple[int, int]) -> altering.AlterShareGroupOffsetsRequestTopic:
    return altering.AlterShareGroupOffsetsRequestTopic(
        topic_name=topic,
        partitions=[
            altering.AlterShareGroupOffsetsRequestPartition(partition_index=index, start_offset=start)
            for index, start in partitions
        ],
    )


def offset_cases() -> Iterator[Case]:
    def alter(name: str, *topics: altering.AlterShareGroupOffsetsRequestTopic, group: str = "moved") -> Case:
        request = altering.AlterShareGroupOffsetsRequest(group_id=group, topics=list(topics))
        return Case(f"AlterShareGroupOffsets: {name}", request)

    def tell(name: str, topics: dict[str, list[int]] | None, *groups: str) -> Case:
        asked = None
        if topics is not None:
            asked = [
                telling.DescribeShareGroupOffsetsRequestTopic(topic_name=topic, partitions=of)
                for topic, of in topics.items()
            ]
        each = [
            telling.DescribeShareGroupOffsetsRequestGroup(group_id=group, topics=asked)
            for group in groups or ("moved",)
        ]
        return Case(
            f"DescribeShareGroupOffsets: {name}", telling.DescribeShareGroupOffsetsRequest(groups=each)
        )

    def forget(name: str, *topics: str, group: str = "moved") -> Case:
        asked = [forgetting.DeleteShareGroupOffsetsRequestTopic(topic_name=each) for each in topics]
        request = forgetting.DeleteShareGroupOffsetsRequest(group_id=group, topics=asked)
        return Case(f"DeleteShareGroupOffsets: {name}", request)

    yield tell("of nobody", None)
    yield tell("of nobody by name", {TOPIC: [0]})
    yield alter("well", _altered(TOPIC, (0, 1), (1, 7)))
    yield tell("what was set", None)
    yield tell("what was set, by name", {TOPIC: [0, 1]})
    yield tell("a partition that is not there", {TOPIC: [0, 9, -1]})
    yield tell("a topic that is not there", {"nowhere": [0], TOPIC: [0]})
    yield tell("no partitions", {TOPIC: []})
    yield tell("no topics", {})
    yield tell("two groups", None, "moved", "nobody")
    yield tell("no group", None, "")
    yield tell("no group, by name", {TOPIC: [0]}, "")
    yield tell("another kind of group", None, "readers")
    yield alter("again", _altered(TOPIC, (0, 0)))
    yield alter("nothing")
    yield alter("no partitions", _altered(TOPIC))
    yield alter("a topic that is not there", _altered("nowhere", (0, 1)))
    yield alter("one that is there, one that is not", _altered(TOPIC, (1, 3)), _altered("nowhere", (0, 1)))
    yield alter("a partition that is not there", _altered(TOPIC, (9, 1), (0, 2)))
    yield alter("an offset of -1", _altered(TOPIC, (1, -1)))
    yield alter("no group", _altered(TOPIC, (0, 1)), group="")
    yield alter("another kind of group", _altered(TOPIC, (0, 1)), group="readers")
    yield tell("after all that", None)
    yield Case("ShareGroupDescribe: made by its offsets", ShareGroupDescribeRequest(group_ids=["moved"]))
    yield forget("of nobody", TOPIC, group="nobody")
    yield forget("of another kind of group", TOPIC, group="readers")
    yield forget("no group", TOPIC, group="")
    yield forget("nothing")
    yield forget("a topic that is not there", "nowhere")
    yield forget("a topic without offsets", "data")
    yield forget("well", TOPIC)
    yield forget("again", TOPIC)
    yield forget("twice", TOPIC, TOPIC)
    yield forget("of a group without state", TOPIC, group="sharing")
    yield tell("what was forgotten", None)
    yield alter("to be forgotten", _altered(TOPIC, (0, 1)), group="forgotten")
    yield alter("to be altered", _altered(TOPIC, (0, 1)), group="altered")


def misled_cases() -> Iterator[Case]:
    """What is for other kinds of groups, asked of a share group."""
    group = "moved"
    place = offset_commit.OffsetCommitRequestPartition(partition_index=0, committed_offset=1)
    topic = offset_commit.OffsetCommitRequestTopic(name=TOPIC, topic_id=ID, partitions=[place])
    yield Case(
        "OffsetCommit: of a share group",
        offset_commit.OffsetCommitRequest(group_id=group, topics=[topic]),
        (2, 8, 9, 10),
    )
    one = offset_fetch.OffsetFetchRequestTopics(name=TOPIC, topic_id=ID, partition_indexes=[0])
    asked = offset_fetch.OffsetFetchRequestGroup(group_id=group, topics=[one])
    yield Case("OffsetFetch: of a share group", offset_fetch.OffsetFetchRequest(groups=[asked]), (8, 9, 10))
    every = offset_fetch.OffsetFetchRequestGroup(group_id=group, topics=None)
    yield Case(
        "OffsetFetch: all of a share group", offset_fetch.OffsetFetchRequest(groups=[every]), (8, 9, 10)
    )
    forgotten = offset_delete.OffsetDeleteRequestTopic(
        name=TOPIC, partitions=[offset_delete.OffsetDeleteRequestPartition(partition_index=0)]
    )
    yield Case(
        "OffsetDelete: of a share group",
        offset_delete.OffsetDeleteRequest(group_id=group, topics=[forgotten]),
    )
    yield Case(
        "JoinGroup: a share group",
        join_group.JoinGroupRequest(
            group_id=group,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=10_000,
            protocol_type="consumer",
            protocols=[join_group.JoinGroupRequestProtocol(name="range", metadata=b"")],
        ),
        (4, 9),
    )
    yield Case("Heartbeat: in a share group", heartbeat.HeartbeatRequest(group_id=group, member_id="m"))
    yield Case(
        "LeaveGroup: a share group",
        leave_group.LeaveGroupRequest(
            group_id=group, member_id="m", members=[leave_group.MemberIdentity(member_id="m")]
        ),
    )
    yield Case("SyncGroup: a share group", sync_group.SyncGroupRequest(group_id=group, member_id="m"))
    yield Case(
        "DescribeGroups: a share group",
        describe_groups.DescribeGroupsRequest(groups=[group]),
    )
    yield Case(
        "ConsumerGroupDescribe: a share group",
        consumer_group_describe.ConsumerGroupDescribeRequest(group_ids=[group]),
    )
    for epoch in (0, 1, -1):
        yield Case(
            f"ConsumerGroupHeartbeat: a share group, epoch {epoch}",
            consumer_group_heartbeat.ConsumerGroupHeartbeatRequest(
                group_id=group,
                member_id="m",
                member_epoch=epoch,
                rebalance_timeout_ms=1_000,
                subscribed_topic_names=[TOPIC],
                topic_partitions=[],
            ),
        )


def deletion_cases() -> Iterator[Case]:
    def gone(name: str, *groups: str) -> Case:
        return Case(
            f"DeleteGroups: {name}", delete_groups.DeleteGroupsRequest(groups_names=list(groups)), (2,)
        )

    yield gone("a share group without state", "sharing")
    yield gone("a share group", "moved")
    yield gone("a share group again", "moved")
    yield Case(
        "DescribeShareGroupOffsets: of a group that was deleted",
        telling.DescribeShareGroupOffsetsRequest(
            groups=[telling.DescribeShareGroupOffsetsRequestGroup(group_id="moved", topics=None)]
        ),
    )
    join = ShareGroupHeartbeatRequest(
        group_id="sharing", member_id="last", subscribed_topic_names=["nowhere"]
    )
    yield Case("ShareGroupHeartbeat: join what was deleted", join)
    yield Case(
        "ShareGroupHeartbeat: leave what came again",
        ShareGroupHeartbeatRequest(group_id="sharing", member_id="last", member_epoch=-1),
    )
