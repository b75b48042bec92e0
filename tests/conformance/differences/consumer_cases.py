"""Consumer groups (KIP-848): stories of members, and what cannot be.

Members choose their own ids and the assignor "range" goes by these, so both brokers tell the same story. Each version of the
heartbeat has a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ottla.core.wire.declaration import Body
from ottla.core.wire.messages import delete_groups, heartbeat, join_group, leave_group, sync_group
from ottla.core.wire.messages import offset_commit as committing
from ottla.core.wire.messages import offset_delete as forgetting
from ottla.core.wire.messages import offset_fetch as fetching
from ottla.core.wire.messages.consumer_group_describe import ConsumerGroupDescribeRequest
from ottla.core.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    TopicPartitionsRequest,
)
from ottla.core.wire.messages.describe_groups import DescribeGroupsRequest
from ottla.core.wire.messages.list_groups import ListGroupsRequest
from tests.conformance.differences.case import Case, id_of

TOPIC = "data"
ID = id_of(TOPIC)
LONG = "m" * 300


def consumer_cases() -> Iterator[Case]:
    yield from pair_cases()
    yield from static_cases()
    yield from changing_cases()
    yield from refused_cases()
    yield from classic_cases()
    yield from offset_cases()
    yield from deletion_cases()
    yield from pattern_cases()


def beat(name: str, group: str, member: str, epoch: int = 0, **said: Any) -> Case:
    """One heartbeat in each version. `has` names partitions of the topic."""

    def build(version: int) -> Body:
        fields = dict(said)
        if epoch == 0:
            first = {
                "rebalance_timeout_ms": 60_000,
                "topic_partitions": [],
                "subscribed_topic_names": [TOPIC],
                "server_assignor": "range",
            }
            fields = {**first, **fields}
        has = fields.pop("has", None)
        if has is not None:
            fields["topic_partitions"] = [TopicPartitionsRequest(topic_id=ID, partitions=has)] if has else []
        return ConsumerGroupHeartbeatRequest(
            group_id=f"{group}-{version}", member_id=member, member_epoch=epoch, **fields
        )

    return Case(f"ConsumerGroupHeartbeat: consumer group {group}, {name}", build)


def look(name: str, group: str) -> Case:
    return Case(
        f"ConsumerGroupDescribe: consumer group {group}, {name}",
        lambda version: ConsumerGroupDescribeRequest(
            group_ids=[f"{group}-0", f"{group}-1"], include_authorized_operations=True
        ),
    )


def pair_cases() -> Iterator[Case]:
    """Two members and the way of a partition from the first to the second."""
    group = "pair"
    yield look("before there is one", group)
    yield beat("the first joins", group, "a")
    yield beat("it goes on", group, "a", 2)
    yield beat("it says what it has", group, "a", 2, has=[0, 1])
    yield look("with one member", group)
    yield beat("the second joins", group, "b")
    yield look("while they share anew", group)
    yield beat("the first hears of it", group, "a", 2, has=[0, 1])
    yield beat("the second has to wait", group, "b", 3, has=[])
    yield look("while a partition is given up", group)
    yield beat("the first has given up", group, "a", 2, has=[0])
    yield beat("the second gets it", group, "b", 3, has=[])
    yield beat("and says so", group, "b", 3, has=[1])
    yield look("at rest", group)
    yield beat("an answer was lost", group, "a", 2, has=[0])
    yield beat("an answer was lost, and it does not say what it has", group, "a", 2)
    yield beat("an answer was lost, and it has too much", group, "a", 2, has=[0, 1])
    yield beat("an older epoch", group, "a", 1, has=[0])
    yield beat("an epoch to come", group, "a", 4, has=[0])
    yield beat("it begins again", group, "a", 0)
    yield beat(
        "it says everything",
        group,
        "a",
        3,
        has=[0],
        rebalance_timeout_ms=5_000,
        subscribed_topic_names=[TOPIC],
    )
    yield beat("the second leaves", group, "b", -1)
    yield beat("it is gone", group, "b", 3)
    yield beat("it leaves again", group, "b", -1)
    yield beat("the first gets everything", group, "a", 3, has=[0])
    yield look("with one member again", group)
    yield beat("it leaves too", group, "a", -1)
    yield look("when it is empty", group)
    yield beat("somebody comes back", group, "c")
    yield look("when it lives again", group)


def static_cases() -> Iterator[Case]:
    group = "desks"
    yield beat("a static member joins", group, "s1", instance_id="desk", rack_id="r1")
    yield beat("its desk is not free", group, "s2", instance_id="desk")
    yield beat("somebody else at its desk", group, "s2", 2, instance_id="desk")
    yield beat("a desk that is not there", group, "s1", 2, instance_id="other")
    yield beat("somebody else leaves its desk", group, "s2", -1, instance_id="desk")
    yield beat("a dynamic member leaves for a while", group, "s1", -2)
    yield beat("it leaves for a while", group, "s1", -2, instance_id="desk")
    yield look("while it is away", group)
    yield beat("it comes back as another", group, "s3", instance_id="desk")
    yield look("when it is back", group)
    yield beat("the one it was is fenced", group, "s1", 2, instance_id="desk")
    yield beat("without its desk it is known too", group, "s3", 2)
    yield beat("it leaves for good", group, "s3", -1, instance_id="desk")
    yield look("when it is gone", group)


def changing_cases() -> Iterator[Case]:
    group = "moods"
    yield beat("two topics", group, "a", subscribed_topic_names=[TOPIC, "empty", "nowhere"])
    yield look("with two topics", group)
    yield beat("one of them", group, "a", 2, has=[0, 1], subscribed_topic_names=["empty"])
    yield look("while it gives up the other", group)
    yield beat("the other is given up", group, "a", 2, has=[])
    yield beat("and once more", group, "a", 3, has=[])
    yield look("with one topic", group)
    yield beat("nothing at all", group, "a", 3, subscribed_topic_names=[], has=[])
    yield look("with nothing", group)
    yield beat("another assignor", group, "a", 4, server_assignor="uniform")
    yield beat("another rack", group, "a", 4, rack_id="elsewhere")
    yield beat("another timeout", group, "a", 4, rebalance_timeout_ms=77)
    yield look("after all that", group)


def refused_cases() -> Iterator[Case]:
    group = "refused"
    whatever: list[tuple[str, dict[str, Any]]] = [
        ("no rebalance timeout", {"rebalance_timeout_ms": -1}),
        ("a rebalance timeout of nothing", {"rebalance_timeout_ms": 0}),
        ("a negative rebalance timeout", {"rebalance_timeout_ms": -7}),
        ("no partitions told", {"topic_partitions": None}),
        ("partitions told", {"has": [0]}),
        ("no subscription", {"subscribed_topic_names": None}),
        ("an unknown assignor", {"server_assignor": "sticky"}),
        ("an assignor without name", {"server_assignor": ""}),
        ("an assignor in capitals", {"server_assignor": "RANGE"}),
        ("an empty instance id", {"instance_id": ""}),
        ("a blank rack", {"rack_id": " \t"}),
        ("a topic twice", {"subscribed_topic_names": [TOPIC, TOPIC]}),
        ("a topic whose name is none", {"subscribed_topic_names": ["/", ""]}),
    ]
    for name, said in whatever:
        yield beat(name, group, "m", **said)
    for epoch in (1, -1, -2, -3, 2**31 - 1, -(2**31)):
        yield beat(f"epoch {epoch} in a group that is not there", "absent", "m", epoch)
        yield beat(f"epoch {epoch} of a desk there is not", "absent", "m", epoch, instance_id="i")
    for name, member in (("no", ""), ("a blank", "  "), ("a long", LONG)):
        yield beat(f"{name} member id in epoch 1", group, member, 1)
        yield beat(f"{name} member id that leaves", group, member, -1)
    yield beat("a blank member id that joins", "blank", " ")
    yield beat("a long member id that joins", "long", LONG)
    yield Case(
        "ConsumerGroupHeartbeat: consumer group without id",
        ConsumerGroupHeartbeatRequest(
            member_id="m", rebalance_timeout_ms=1, topic_partitions=[], subscribed_topic_names=[]
        ),
    )
    yield Case(
        "ConsumerGroupDescribe: consumer group without name",
        ConsumerGroupDescribeRequest(group_ids=["", "x"]),
    )
    yield Case("ConsumerGroupDescribe: no consumer group", ConsumerGroupDescribeRequest(group_ids=[]))
    yield Case(
        "ConsumerGroupDescribe: consumer group, twice",
        ConsumerGroupDescribeRequest(group_ids=["pair-1", "pair-1"]),
    )
    yield Case(
        "ConsumerGroupDescribe: no consumer group but a classic one",
        ConsumerGroupDescribeRequest(group_ids=["readers"]),
    )
    yield beat("joining a group that has only offsets", "readers", "m")


def pattern_cases() -> Iterator[Case]:
    """What a pattern matches is found out a moment later, so nothing is asked of that."""
    for name, pattern in (
        ("no end", "("),
        ("nothing to repeat", "*"),
        ("a range that runs backwards", "[z-a]"),
        ("a look ahead", "(?=a)"),
        ("a reference back", r"(a)\1"),
        ("a count beyond all measure", "a{1001}"),
        ("a class that is none", r"\p{Nonsense}"),
    ):
        yield from one_version(beat(f"a pattern with {name}", "pattern", "m", subscribed_topic_regex=pattern))
    for name, pattern in (("nothing", ""), ("everything", ".*"), ("a letter", "[[:alpha:]]")):
        yield from one_version(
            beat(
                f"a pattern for {name}",
                f"pattern {name}",
                "m",
                subscribed_topic_regex=pattern,
                subscribed_topic_names=None,
            )
        )


def one_version(case: Case) -> Iterator[Case]:
    """Only the version that knows patterns."""
    yield case._replace(versions=(1,))


def classic_cases() -> Iterator[Case]:
    """A classic member in a consumer group. It brings its id, so that both brokers know it by the same."""
    group = "mixed"
    metadata = b"\0\1\0\0\0\1\0\4data\xff\xff\xff\xff\0\0\0\0"
    has_both = metadata[:-4] + b"\0\0\0\1\0\4data\0\0\0\2\0\0\0\0\0\0\0\1"
    has_first = metadata[:-4] + b"\0\0\0\1\0\4data\0\0\0\1\0\0\0\0"
    yield beat("a member of the new protocol", group, "z")
    for name, said in (
        ("with another type", {"protocol_type": "connect"}),
        ("without protocols", {"protocols": []}),
        ("with metadata that is none", {"protocols": [("range", b"\0")]}),
        ("with a negative version", {"protocols": [("range", b"\xff\xff\0\0")]}),
        ("at a desk that is not there", {"group_instance_id": "nobody"}),
        ("well", {}),
        ("with another protocol than the first", {"member_id": "y", "protocols": [("mine", metadata)]}),
    ):
        yield _join(name, metadata, **said)
    yield from _classic("what it has", 3)
    yield look("while the new one gives up", group)
    yield beat("it gives up", group, "z", 2, has=[0, 1])
    yield beat("it has given up", group, "z", 2, has=[1])
    yield from _classic("what it has when the other gave up", 3)
    yield _join("again", metadata)
    yield from _classic("what it has now", 3)
    yield look("with a classic member", group)
    yield beat("another of the new protocol", group, "a")
    yield from _classic("in an epoch that is over", 3)
    yield _join("with all it has", has_both)
    yield from _classic("what it is to give up", 3)
    yield _join("with what is left to it", has_first)
    yield from _classic("what it has at last", 4)
    yield look("with three", group)
    yield Case(
        "LeaveGroup: consumer group, strangers",
        leave_group.LeaveGroupRequest(
            group_id=f"{group}-1",
            members=[
                leave_group.MemberIdentity(member_id="nobody"),
                leave_group.MemberIdentity(member_id="", group_instance_id="nobody"),
            ],
        ),
        (3, 4, 5),
    )
    yield Case("DescribeGroups: consumer group", DescribeGroupsRequest(groups=[f"{group}-1"]), (5, 6))
    yield beat("the new one leaves", group, "z", -1)
    yield beat("and the other: the group is a classic one", group, "a", -1)
    yield look("when it is classic", group)
    yield Case("DescribeGroups: consumer group that was", DescribeGroupsRequest(groups=[f"{group}-1"]), (6,))
    yield from _classic("in a classic group", 4)
    yield beat("and back again", group, "z")
    yield look("when it is a consumer group again", group)


def _join(name: str, metadata: bytes, **said: Any) -> Case:
    fields = {"member_id": "x", "protocol_type": "consumer", "protocols": [("range", metadata)], **said}
    fields["protocols"] = [
        join_group.JoinGroupRequestProtocol(name=each, metadata=data) for each, data in fields["protocols"]
    ]
    return Case(
        f"JoinGroup: consumer group, {name}",
        join_group.JoinGroupRequest(
            group_id="mixed-1", session_timeout_ms=600_000, rebalance_timeout_ms=600_000, **fields
        ),
        (7,),
    )


def _classic(name: str, generation: int) -> Iterator[Case]:
    """Heartbeat and SyncGroup of the classic member, and of others who are none."""
    others: list[tuple[str, Callable[..., Body]]] = [
        ("Heartbeat", heartbeat.HeartbeatRequest),
        ("SyncGroup", sync_group.SyncGroupRequest),
    ]
    for api, cls in others:
        for who, fields in (
            ("", {"member_id": "x"}),
            (", in another generation", {"member_id": "x", "generation_id": 99}),
            (", asked by one of the new protocol", {"member_id": "z"}),
            (", asked by a stranger", {"member_id": "nobody"}),
            (", asked from a desk there is not", {"member_id": "x", "group_instance_id": "nobody"}),
        ):
            told = {"group_id": "mixed-1", "generation_id": generation, **fields}
            yield Case(f"{api}: consumer group, {name}{who}", cls(**told), (4,))
    yield Case(
        f"SyncGroup: consumer group, {name}, by another protocol",
        sync_group.SyncGroupRequest(
            group_id="mixed-1",
            generation_id=generation,
            member_id="x",
            protocol_type="consumer",
            protocol_name="mine",
        ),
        (5,),
    )


def offset_cases() -> Iterator[Case]:
    group = "committing"
    join = beat("a member that commits joins", group, "a")
    yield join
    yield beat("another one", group, "b")
    yield beat("the first gives up", group, "a", 2, has=[0, 1])
    yield beat("the first has given up", group, "a", 2, has=[0])
    yield beat("the second gets it", group, "b", 3, has=[])
    for who, epoch, partition in (
        ("a", 3, 0),
        ("a", 2, 0),
        ("a", 1, 0),
        ("a", 2, 1),
        ("b", 3, 1),
        ("b", 2, 1),
        ("a", 4, 0),
        ("x", 3, 0),
        ("", -1, 0),
        ("a", -1, 0),
    ):
        yield Case(
            f"OffsetCommit: consumer group, {who or 'nobody'} in epoch {epoch} for partition {partition}",
            committing.OffsetCommitRequest(
                group_id=f"{group}-1",
                member_id=who,
                generation_id_or_member_epoch=epoch,
                topics=[
                    committing.OffsetCommitRequestTopic(
                        name=TOPIC,
                        topic_id=ID,
                        partitions=[
                            committing.OffsetCommitRequestPartition(
                                partition_index=partition, committed_offset=1
                            )
                        ],
                    )
                ],
            ),
            (8, 9, 10),
        )
    for member, epoch in (("a", 3), ("a", 2), ("x", 3), (None, -1), ("", -1), ("a", -1)):
        yield Case(
            f"OffsetFetch: consumer group, {member!r} in epoch {epoch}",
            fetching.OffsetFetchRequest(
                groups=[
                    fetching.OffsetFetchRequestGroup(
                        group_id=f"{group}-1",
                        member_id=member,
                        member_epoch=epoch,
                        topics=[
                            fetching.OffsetFetchRequestTopics(
                                name=TOPIC, topic_id=ID, partition_indexes=[0, 1]
                            )
                        ],
                    )
                ]
            ),
            (8, 9, 10),
        )
    yield Case(
        "OffsetDelete: consumer group, what it reads and what it does not",
        forgetting.OffsetDeleteRequest(
            group_id=f"{group}-1",
            topics=[
                forgetting.OffsetDeleteRequestTopic(
                    name=name, partitions=[forgetting.OffsetDeleteRequestPartition(partition_index=0)]
                )
                for name in (TOPIC, "empty")
            ],
        ),
    )


def deletion_cases() -> Iterator[Case]:
    yield Case("ListGroups: consumer group, all", ListGroupsRequest(types_filter=["consumer"]), (5,))
    yield Case(
        "ListGroups: consumer group, by state",
        ListGroupsRequest(states_filter=["Reconciling", "assigning"]),
        (4, 5),
    )
    for group in ("committing-1", "desks-1", "desks-1"):
        yield Case(
            f"DeleteGroups: consumer group {group}",
            delete_groups.DeleteGroupsRequest(groups_names=[group]),
            (2,),
        )
