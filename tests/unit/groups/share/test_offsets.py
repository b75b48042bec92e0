"""Where an empty share group goes on: set anew, forgotten in topics, forgotten with the group. And replay."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.groups.administration import DeleteGroup
from ottla.core.groups.share.describe import InitializedPartitions
from ottla.core.groups.share.group import ShareGroup
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestPartition,
    AlterShareGroupOffsetsRequestTopic,
)
from ottla.core.wire.messages.delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsRequestTopic,
)
from tests.unit.groups.share.driving import ShareGroups, heartbeat

ORDERS = b"\1" * 16


def alter(group: str = "g", **topics: dict[int, int]) -> AlterShareGroupOffsetsRequest:
    return AlterShareGroupOffsetsRequest(
        group_id=group,
        topics=[
            AlterShareGroupOffsetsRequestTopic(
                topic_name=name,
                partitions=[
                    AlterShareGroupOffsetsRequestPartition(partition_index=index, start_offset=start)
                    for index, start in partitions.items()
                ],
            )
            for name, partitions in topics.items()
        ],
    )


def forget(*topics: str, group: str = "g") -> DeleteShareGroupOffsetsRequest:
    asked = [DeleteShareGroupOffsetsRequestTopic(topic_name=each) for each in topics]
    return DeleteShareGroupOffsetsRequest(group_id=group, topics=asked)


def codes(answer: Any) -> dict[tuple[str, int], ErrorCode]:
    return {
        (topic.topic_name, each.partition_index): ErrorCode(each.error_code)
        for topic in answer.responses
        for each in topic.partitions
    }


def test_offsets_are_set_in_a_group_that_was_not_there() -> None:
    groups = ShareGroups()
    answer = groups.ask(alter(orders={0: 7, 1: 9}))
    assert codes(answer) == {("orders", 0): ErrorCode.NONE, ("orders", 1): ErrorCode.NONE}
    assert groups.stored == {("g", ORDERS, 0): 7, ("g", ORDERS, 1): 9}
    assert groups.ask(InitializedPartitions("g")) == {ORDERS: frozenset({0, 1})}
    assert groups.group().state == "Empty"
    groups.beat("a", 0, ["orders"])
    assert groups.stored["g", ORDERS, 0] == 7, "what was set stays when members come"
    assert groups.stored["g", ORDERS, 2] == -1


def test_what_cannot_be_set_is_told() -> None:
    groups = ShareGroups()
    groups.failing[ORDERS, 1] = ErrorCode.FENCED_STATE_EPOCH
    answer = groups.ask(alter(orders={0: 7, 1: 7, 4: 7, -1: 7}, nowhere={0: 7}))
    assert codes(answer) == {
        ("orders", 0): ErrorCode.NONE,
        ("orders", 1): ErrorCode.FENCED_STATE_EPOCH,
        ("orders", 4): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ("orders", -1): ErrorCode.INVALID_REQUEST,
        ("nowhere", 0): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    }
    assert groups.ask(InitializedPartitions("g")) == {ORDERS: frozenset({0})}


def test_a_group_with_members_keeps_its_offsets() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"])
    for body in (alter(orders={0: 1}), forget("orders")):
        assert groups.ask(body).code is ErrorCode.NON_EMPTY_GROUP
    assert groups.ask(DeleteGroup("g")).error_code == ErrorCode.NON_EMPTY_GROUP


def test_wrong_groups() -> None:
    groups = ShareGroups()
    assert groups.ask(alter("", orders={0: 1})).code is ErrorCode.INVALID_GROUP_ID
    assert groups.ask(forget("orders", group="")).code is ErrorCode.INVALID_GROUP_ID
    assert groups.ask(forget("orders", group="h")).code is ErrorCode.GROUP_ID_NOT_FOUND
    assert groups.ask(InitializedPartitions("h")) == {}


def test_offsets_are_forgotten_by_topic() -> None:
    groups = ShareGroups()
    groups.ask(alter(orders={0: 7}, bills={1: 3}))
    answer = groups.ask(forget("orders", "nowhere"))
    assert {each.topic_name: each.error_code for each in answer.responses} == {
        "orders": ErrorCode.NONE,
        "nowhere": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    }
    assert set(groups.stored) == {("g", b"\2" * 16, 1)}
    again = groups.ask(forget("orders")).responses[0]
    assert again.error_message == "There is no offset information to delete."


def test_forgetting_that_failed_can_be_tried_again() -> None:
    groups = ShareGroups()
    groups.ask(alter(orders={0: 7}))
    groups.failing[ORDERS, 0] = ErrorCode.COORDINATOR_NOT_AVAILABLE
    failed = groups.ask(forget("orders")).responses[0]
    assert failed.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert groups.group().state_partitions.deleting == {ORDERS}
    groups.failing.clear()
    assert groups.ask(forget("orders")).responses[0].error_code == ErrorCode.NONE
    assert not groups.group().state_partitions.deleting


def test_a_group_goes_with_all_it_has_stored() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"])
    groups.settle("a")
    groups.beat("a", -1)
    assert groups.ask(DeleteGroup("g")).error_code == ErrorCode.NONE
    assert not groups.stored
    assert "g" not in groups.state.groups
    assert groups.ask(DeleteGroup("g")).error_code == ErrorCode.GROUP_ID_NOT_FOUND
    replayed: Any = groups.replayed()
    assert "g" not in replayed.state.groups


def test_a_group_stays_when_what_it_stored_does() -> None:
    groups = ShareGroups()
    groups.ask(alter(orders={0: 7}))
    groups.failing[ORDERS, 0] = ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert groups.ask(DeleteGroup("g")).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    groups.failing.clear()
    assert groups.ask(DeleteGroup("g")).error_code == ErrorCode.NONE
    assert not groups.state.groups


def test_a_group_that_got_a_member_while_it_was_deleted_stays() -> None:
    groups = ShareGroups()
    groups.ask(alter(orders={0: 7}))
    groups.patient = True
    token = groups.begin(DeleteGroup("g"))
    groups.beat("a", 0, ["bills"])
    groups.patient = False
    groups.answer_calls()
    assert groups.answers[token].error_code == ErrorCode.NON_EMPTY_GROUP
    groups.settle("a")
    assert groups.assigned("a") == {"bills": [0, 1]}


steps = st.lists(
    st.tuples(
        st.sampled_from(["join", "beat", "beat", "leave", "alter", "forget", "delete", "wait", "fail"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([["orders"], ["bills"], ["orders", "bills"], ["nowhere"]]),
    ),
    max_size=30,
)


@given(steps=steps)
@settings(max_examples=60)
def test_a_replay_of_the_log_leads_to_the_same_groups(steps: list[tuple[str, str, list[str]]]) -> None:
    groups = ShareGroups()
    for what, member, topics in steps:
        group = groups.state.groups.get("g")
        known = group.members.get(member) if isinstance(group, ShareGroup) else None
        if what == "join":
            groups.ask(heartbeat(member, 0, topics))
        elif what == "beat" and known is not None:
            groups.ask(heartbeat(member, known.epoch))
        elif what == "leave":
            groups.ask(heartbeat(member, -1))
        elif what == "alter":
            groups.ask(alter("g", **{topics[0]: {0: 5, 1: 6}}))
        elif what == "forget":
            groups.ask(forget(*topics))
        elif what == "delete":
            groups.ask(DeleteGroup("g"))
        elif what == "wait":
            groups.pass_time(20_000)
        else:
            groups.failing = {} if groups.failing else {(ORDERS, 1): ErrorCode.NOT_COORDINATOR}
    replayed: Any = groups.replayed()
    assert {name: hard(each) for name, each in replayed.state.groups.items()} == {
        name: hard(each) for name, each in groups.state.groups.items()
    }
    for error in groups.answers.values():
        assert not isinstance(error, KafkaError) or error.code is not ErrorCode.UNKNOWN_SERVER_ERROR


def hard(group: Any) -> dict[str, Any]:
    """A group without what is soft."""
    soft = ("looked_at", "initializing_since", "complete_as_of")
    return {name: value for name, value in vars(group).items() if name not in soft}
