"""Offsets of members of consumer groups: an epoch says whether the partition is theirs."""

from __future__ import annotations

from typing import Any

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
from ottla.core.wire.messages.offset_fetch import OffsetFetchRequestGroup
from ottla.core.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from tests.unit.groups.consumer.driving import GROUP, Consumers, settle


def commit(groups: Consumers, member: str, epoch: int, partition: int = 0, version: int = 9) -> ErrorCode:
    body = OffsetCommitRequest(
        group_id=GROUP,
        member_id=member,
        generation_id_or_member_epoch=epoch,
        topics=[
            OffsetCommitRequestTopic(
                name="orders",
                topic_id=groups.world.topics["orders"].id,
                partitions=[OffsetCommitRequestPartition(partition_index=partition, committed_offset=7)],
            )
        ],
    )
    return _code(groups.ask(body, version))


def commit_in_transaction(groups: Consumers, member: str, epoch: int, partition: int = 0) -> ErrorCode:
    body = TxnOffsetCommitRequest(
        transactional_id="t",
        group_id=GROUP,
        producer_id=1,
        member_id=member,
        generation_id=epoch,
        topics=[
            TxnOffsetCommitRequestTopic(
                name="orders",
                partitions=[TxnOffsetCommitRequestPartition(partition_index=partition, committed_offset=7)],
            )
        ],
    )
    return _code(groups.ask(body, 5))


def _code(answer: Any) -> ErrorCode:
    if isinstance(answer, KafkaError):
        return answer.code
    return ErrorCode(answer.topics[0].partitions[0].error_code)


def test_a_member_commits_in_its_epoch() -> None:
    groups = Consumers()
    first = groups.member("one")
    assert commit(groups, "one", first.epoch) is ErrorCode.NONE
    assert commit(groups, "one", first.epoch + 1) is ErrorCode.STALE_MEMBER_EPOCH
    assert commit(groups, "two", first.epoch) is ErrorCode.UNKNOWN_MEMBER_ID
    assert commit(groups, "", -1) is ErrorCode.UNKNOWN_MEMBER_ID
    assert commit(groups, "one", first.epoch, version=8) is ErrorCode.UNSUPPORTED_VERSION


def test_an_older_epoch_will_do_for_what_the_member_had_then() -> None:
    groups = Consumers()
    first, second = groups.member("one"), groups.member("two")
    settle([first, second])
    kept, lost = min(first.has["orders"]), min(second.has["orders"])
    assert first.epoch == 3
    assert commit(groups, "one", 2, kept) is ErrorCode.NONE
    assert commit(groups, "one", 2, lost) is ErrorCode.STALE_MEMBER_EPOCH
    assert commit(groups, "two", 2, lost) is ErrorCode.STALE_MEMBER_EPOCH, "it has it since epoch 3"


def test_transactions_say_generation_for_epoch() -> None:
    groups = Consumers()
    first, second = groups.member("one"), groups.member("two")
    settle([first, second])
    assert commit_in_transaction(groups, "one", 3) is ErrorCode.NONE
    assert commit_in_transaction(groups, "", -1) is ErrorCode.NONE
    assert commit_in_transaction(groups, "one", 9) is ErrorCode.ILLEGAL_GENERATION
    lost = min(second.has["orders"])
    assert commit_in_transaction(groups, "one", 2, lost) is ErrorCode.ILLEGAL_GENERATION
    assert commit_in_transaction(groups, "three", 3) is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_member_is_told_offsets_in_its_epoch() -> None:
    groups = Consumers()
    first = groups.member("one")

    def fetch(member: str | None, epoch: int) -> ErrorCode:
        asked = OffsetFetchRequestGroup(group_id=GROUP, member_id=member, member_epoch=epoch, topics=None)
        answer = groups.ask(FetchOffsets(asked, False), 9)
        return answer.code if isinstance(answer, KafkaError) else ErrorCode.NONE

    assert fetch("one", first.epoch) is ErrorCode.NONE
    assert fetch(None, -1) is ErrorCode.NONE
    assert fetch("one", 1) is ErrorCode.STALE_MEMBER_EPOCH
    assert fetch("two", 1) is ErrorCode.UNKNOWN_MEMBER_ID


def test_offsets_that_somebody_reads_are_not_deleted() -> None:
    groups = Consumers()
    first = groups.member("one")
    commit(groups, "one", first.epoch)
    body = OffsetDeleteRequest(
        group_id=GROUP,
        topics=[
            OffsetDeleteRequestTopic(
                name="orders", partitions=[OffsetDeleteRequestPartition(partition_index=0)]
            )
        ],
    )
    assert groups.ask(body).topics[0].partitions[0].error_code == ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    first.leave()
    assert groups.ask(body).topics[0].partitions[0].error_code == ErrorCode.NONE


def test_an_empty_group_commits_without_members_and_can_be_deleted() -> None:
    groups = Consumers()
    first = groups.member("one")
    assert groups.ask(DeleteGroup(GROUP)).error_code == ErrorCode.NON_EMPTY_GROUP
    first.leave()
    assert commit(groups, "", -1) is ErrorCode.NONE
    assert groups.ask(DeleteGroup(GROUP)).error_code == ErrorCode.NONE
    assert GROUP not in groups.state.groups
    assert not groups.state.offsets.topics(GROUP)
    groups.restart()
    assert GROUP not in groups.state.groups
