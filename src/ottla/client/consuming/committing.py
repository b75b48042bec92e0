"""A group's offsets: how far it has read, kept by its coordinator (OffsetCommit, OffsetFetch)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from ottla.client.coordinators import GROUP, Coordinators
from ottla.client.groups.owner import Generation
from ottla.client.offsets import TopicPartition
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import NO_EPOCH, NO_OFFSET
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from ottla.core.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestTopic,
    OffsetFetchResponse,
)

COMMIT_BY_NAME: Final = 9
"""The last version of OffsetCommit that names topics."""
ONE_GROUP: Final = 7
"""The last version of OffsetFetch that asks for one group: every broker of Kafka 2.5 to 4.x speaks it."""

NOBODY: Final = Generation(-1, "")
"""Who commits without being a member: a consumer that was assigned its partitions by hand."""

OUTDATED: Final = frozenset(
    {
        ErrorCode.REBALANCE_IN_PROGRESS,
        ErrorCode.ILLEGAL_GENERATION,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.STALE_MEMBER_EPOCH,
        ErrorCode.FENCED_INSTANCE_ID,
    }
)


class CommitRefused(KafkaError):
    """The group has rebalanced since these records were handed out: others may read them again."""


class Committed(msgspec.Struct, frozen=True):
    """A committed offset: that of the next record to read. `leader_epoch` is that of the record before, -1: unknown."""

    offset: int
    leader_epoch: int = NO_EPOCH
    metadata: str = ""


class GroupOffsets:
    """Offsets of one group."""

    def __init__(self, coordinators: Coordinators, group_id: str, group_instance_id: str | None) -> None:
        self._coordinators = coordinators
        self._group_id = group_id
        self._group_instance_id = group_instance_id

    async def commit(self, offsets: Mapping[TopicPartition, Committed], by: Generation | None) -> None:
        """Store offsets. Raises CommitRefused, KafkaError for the first partition that is refused, ClientError."""
        if not offsets:
            return
        member = by or NOBODY
        topics: dict[str, OffsetCommitRequestTopic] = {}
        for (name, partition), each in offsets.items():
            topic = topics.get(name)
            if topic is None:
                topic = topics[name] = OffsetCommitRequestTopic(name=name, partitions=[])
            topic.partitions.append(
                OffsetCommitRequestPartition(partition, each.offset, each.leader_epoch, each.metadata)
            )
        request = OffsetCommitRequest(
            group_id=self._group_id,
            generation_id_or_member_epoch=member.id,
            member_id=member.member_id,
            group_instance_id=self._group_instance_id if by else None,
            topics=list(topics.values()),
        )
        answer = await self._coordinators.ask(
            GROUP, self._group_id, request, OffsetCommitResponse, codes=commit_codes, newest=COMMIT_BY_NAME
        )
        for topic_answer in answer.topics:
            for part in topic_answer.partitions:
                if part.error_code:
                    code = error_of(part.error_code)
                    kind = CommitRefused if code in OUTDATED else KafkaError
                    raise kind(
                        code,
                        f"commit of {topic_answer.name}-{part.partition_index} "
                        f"by group {self._group_id!r}: {code.sentence}",
                    )

    async def fetch(
        self, partitions: Iterable[TopicPartition], *, stable: bool = False
    ) -> dict[TopicPartition, Committed]:
        """What is stored; partitions without a committed offset are left out.

        `stable`: offsets that an open transaction has yet to commit are awaited. Raises KafkaError, ClientError.
        """
        topics: dict[str, list[int]] = {}
        for name, partition in partitions:
            topics.setdefault(name, []).append(partition)
        request = OffsetFetchRequest(
            group_id=self._group_id,
            topics=[OffsetFetchRequestTopic(name, indexes) for name, indexes in topics.items()],
            require_stable=stable,
        )

        async def attempt() -> dict[TopicPartition, Committed]:
            answer = await self._coordinators.ask(
                GROUP, self._group_id, request, OffsetFetchResponse, newest=ONE_GROUP
            )
            return fetched_offsets(answer, self._group_id)

        return await self._coordinators.cluster.retrying(attempt)


def commit_codes(answer: OffsetCommitResponse) -> Iterator[int]:
    for topic in answer.topics:
        for partition in topic.partitions:
            yield partition.error_code


def fetched_offsets(answer: OffsetFetchResponse, group_id: str) -> dict[TopicPartition, Committed]:
    """The offsets in an answer. Raises KafkaError for what was refused."""
    if answer.error_code:
        raise KafkaError(error_of(answer.error_code), f"offsets of group {group_id!r}")
    found: dict[TopicPartition, Committed] = {}
    for topic in answer.topics:
        for part in topic.partitions:
            if part.error_code:
                code = error_of(part.error_code)
                raise KafkaError(code, f"offset of {topic.name}-{part.partition_index}: {code.sentence}")
            if part.committed_offset != NO_OFFSET:
                found[topic.name, part.partition_index] = Committed(
                    part.committed_offset, part.committed_leader_epoch, part.metadata or ""
                )
    return found
