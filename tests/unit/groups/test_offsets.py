"""Committed offsets: plain ones, those of transactions, and how they go."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.coordination.contract import Decision
from ottla.core.groups.administration import DeleteGroup
from ottla.core.groups.offsets.fetch import FetchOffsets
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from ottla.core.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from ottla.core.wire.messages.offset_fetch import OffsetFetchRequestGroup, OffsetFetchRequestTopics
from ottla.core.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from tests.unit.coordination.driving import World
from tests.unit.groups.driving import Groups
from tests.unit.groups.test_classic import stable_pair

DAY = 24 * 3600 * 1000


def commit(offset: int, group: str = "g", metadata: str = "", **fields: Any) -> OffsetCommitRequest:
    each = OffsetCommitRequestPartition(
        partition_index=0, committed_offset=offset, committed_metadata=metadata
    )
    return OffsetCommitRequest(
        group_id=group, topics=[OffsetCommitRequestTopic(name="orders", partitions=[each])], **fields
    )


def in_transaction(offset: int, producer: int = 7, **fields: Any) -> TxnOffsetCommitRequest:
    each = TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=offset)
    return TxnOffsetCommitRequest(
        group_id="g",
        producer_id=producer,
        topics=[TxnOffsetCommitRequestTopic(name="orders", partitions=[each])],
        **fields,
    )


def fetched(groups: Groups, group: str = "g", *, stable: bool = False, index: int = 0) -> tuple[int, int]:
    """(offset, error)."""
    topics = [OffsetFetchRequestTopics(name="orders", partition_indexes=[index])]
    wanted = OffsetFetchRequestGroup(group_id=group, topics=topics)
    each = groups.ask(FetchOffsets(wanted, stable)).topics[0].partitions[0]
    return each.committed_offset, each.error_code


def everything(groups: Groups, group: str = "g") -> dict[tuple[str, int], int]:
    found = groups.ask(FetchOffsets(OffsetFetchRequestGroup(group_id=group, topics=None), False))
    return {
        (topic.name, each.partition_index): each.committed_offset
        for topic in found.topics
        for each in topic.partitions
    }


def test_the_last_offset_counts_and_survives() -> None:
    groups = Groups()
    assert fetched(groups) == (-1, 0)
    for offset in (5, 9):
        assert groups.ask(commit(offset, metadata="here")).topics[0].partitions[0].error_code == 0
    groups.restart()
    assert fetched(groups) == (9, 0)
    assert fetched(groups, index=1) == (-1, 0)
    assert everything(groups) == {("orders", 0): 9}
    assert everything(groups, "other") == {}


def test_metadata_has_a_limit() -> None:
    groups = Groups(offset_metadata_max_bytes=4)
    refused = groups.ask(commit(5, metadata="12345")).topics[0].partitions[0]
    assert refused.error_code == ErrorCode.OFFSET_METADATA_TOO_LARGE
    assert fetched(groups) == (-1, 0)


def test_who_may_commit() -> None:
    groups = Groups()
    assert groups.code(commit(1, generation_id_or_member_epoch=3)) == ErrorCode.GROUP_ID_NOT_FOUND
    assert groups.code(commit(1, generation_id_or_member_epoch=3), 8) == ErrorCode.ILLEGAL_GENERATION
    assert groups.code(in_transaction(1, generation_id=3)) == ErrorCode.ILLEGAL_GENERATION
    leader, _ = stable_pair(groups)
    assert groups.code(commit(1)) == ErrorCode.UNKNOWN_MEMBER_ID
    who = {"member_id": leader, "generation_id_or_member_epoch": 1}
    assert groups.code(commit(1, **who)) == ErrorCode.ILLEGAL_GENERATION
    who["member_id"] = "stranger"
    assert groups.code(commit(1, **who)) == ErrorCode.UNKNOWN_MEMBER_ID
    groups.ask(commit(4, member_id=leader, generation_id_or_member_epoch=2))
    groups.ask(in_transaction(5))  # older transactional clients do not say who they are
    assert fetched(groups) == (4, 0)


def test_a_commit_keeps_the_session_of_its_member() -> None:
    groups = Groups()
    leader, _ = stable_pair(groups)
    for _ in range(4):
        groups.pass_time(6000)
        groups.ask(commit(4, member_id=leader, generation_id_or_member_epoch=2))
    assert list(groups.state.groups["g"].members) == [leader]  # type: ignore[attr-defined]


def test_offsets_of_a_transaction_count_when_it_has_ended_well() -> None:
    groups = Groups()
    groups.ask(commit(5))
    groups.ask(in_transaction(8))
    assert fetched(groups) == (5, 0)
    assert fetched(groups, stable=True) == (-1, ErrorCode.UNSTABLE_OFFSET_COMMIT)
    groups.machine.ended(7, True)
    assert fetched(groups, stable=True) == (8, 0)
    groups.ask(in_transaction(11))
    groups.machine.ended(7, False)
    assert fetched(groups, stable=True) == (8, 0)


def test_of_a_transaction_and_a_plain_commit_the_one_written_last_counts() -> None:
    groups = Groups()
    groups.ask(in_transaction(8))
    groups.ask(commit(5))
    groups.machine.ended(7, True)
    assert fetched(groups) == (5, 0)


def forget(*indexes: int, topic: str = "orders") -> OffsetDeleteRequest:
    partitions = [OffsetDeleteRequestPartition(partition_index=index) for index in indexes]
    return OffsetDeleteRequest(
        group_id="g", topics=[OffsetDeleteRequestTopic(name=topic, partitions=partitions)]
    )


def test_offsets_are_deleted_unless_members_read_the_topic() -> None:
    groups = Groups()
    assert groups.code(forget(0)) == ErrorCode.GROUP_ID_NOT_FOUND
    groups.ask(commit(5))
    groups.ask(in_transaction(8))
    assert groups.ask(forget(0, 1)).topics[0].partitions[0].error_code == 0
    groups.machine.ended(7, True)
    assert everything(groups) == {}
    stable_pair(groups)
    refused = groups.ask(forget(0)).topics[0].partitions[0]
    assert refused.error_code == ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC


def test_offsets_of_a_group_that_nobody_uses_expire_and_the_group_with_them() -> None:
    groups = Groups()
    groups.ask(commit(5, "old"))
    groups.pass_time(6 * DAY)
    groups.ask(commit(5, "young"))
    groups.pass_time(DAY + 3600 * 1000)
    assert list(groups.state.groups) == ["young"]
    assert everything(groups, "old") == {}
    assert everything(groups, "young") == {("orders", 0): 5}
    assert groups.replayed().state.groups.keys() == {"young"}  # type: ignore[attr-defined]


def test_a_deleted_group_takes_its_offsets_along() -> None:
    groups = Groups()
    groups.ask(commit(5))
    assert groups.ask(DeleteGroup("g")).error_code == 0
    groups.restart()
    assert everything(groups) == {} and not groups.state.groups


def test_offsets_of_a_deleted_topic_go() -> None:
    groups = Groups(World(orders=6, other=1))
    groups.ask(commit(5))
    decision: Decision = groups.machine.topics_changed(groups.moment, frozenset(), frozenset(["orders"]))
    groups.take(decision)
    assert everything(groups) == {}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(0, 50)),
        st.tuples(st.just("transaction"), st.integers(0, 50), st.integers(1, 3)),
        st.tuples(st.just("end"), st.integers(1, 3), st.booleans()),
        st.tuples(st.just("forget")),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(steps)
def test_a_replay_of_the_log_knows_the_same(story: list[tuple[Any, ...]]) -> None:
    groups = Groups()
    ends: list[tuple[int, int, bool]] = []
    for step in story:
        if step[0] == "commit":
            groups.ask(commit(step[1]))
        elif step[0] == "transaction":
            groups.ask(in_transaction(step[1], step[2]))
        elif step[0] == "end":
            ends.append((len(groups.log), step[1], step[2]))
            groups.machine.ended(step[1], step[2])
        elif not isinstance(groups.ask(forget(0)), KafkaError):
            assert everything(groups) == {}
    known, stable = everything(groups), fetched(groups, stable=True)
    log, groups.log = groups.log, []
    groups.machine = groups.make()
    for position in range(len(log) + 1):
        for at, producer, committed in ends:
            if at == position:
                groups.machine.ended(producer, committed)
        if position < len(log):
            groups._apply(groups.machine, *log[position])
    assert (everything(groups), fetched(groups, stable=True)) == (known, stable)
