"""OffsetFetch: how far a group has read. A reader that asks for stable offsets hears UNSTABLE_OFFSET_COMMIT where a
transaction is open."""

from __future__ import annotations

from typing import NamedTuple

from ottla.core.coordination.contract import Decision, Moment, Reply, Request
from ottla.core.groups.group import Commit
from ottla.core.groups.offsets.table import Committed
from ottla.core.groups.state import State
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.messages.offset_fetch import (
    OffsetFetchRequestGroup,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopics,
)

NO_OFFSET = -1


class FetchOffsets(NamedTuple):
    """One group of an OffsetFetch request, topics named. No topics: everything the group has committed."""

    group: OffsetFetchRequestGroup
    require_stable: bool


def fetch(state: State, moment: Moment, token: object, request: Request) -> Decision:
    asked: FetchOffsets = request.body
    wanted = asked.group
    response = OffsetFetchResponseGroup(group_id=wanted.group_id)
    group = state.groups.get(wanted.group_id)
    somebody = wanted.member_id is not None or wanted.member_epoch >= 0
    if group is not None and somebody:
        group.check_fetch(Commit(wanted.member_id or "", None, wanted.member_epoch, request.version))
    if wanted.topics is not None:
        for topic in wanted.topics:
            answers = [
                _answer(state, asked, topic.name, index, topic.topic_id) for index in topic.partition_indexes
            ]
            response.topics.append(
                OffsetFetchResponseTopics(name=topic.name, topic_id=topic.topic_id, partitions=answers)
            )
    elif group is not None:
        for name, partitions in state.offsets.topics(wanted.group_id).items():
            answers = [_answer(state, asked, name, index, ZERO_UUID) for index in partitions]
            response.topics.append(OffsetFetchResponseTopics(name=name, partitions=answers))
    return Decision(replies=[Reply(token, response)])


def _answer(
    state: State, asked: FetchOffsets, topic: str, index: int, topic_id: Uuid
) -> OffsetFetchResponsePartitions:
    group = asked.group.group_id
    if asked.require_stable and state.offsets.unstable(group, topic, index):
        return OffsetFetchResponsePartitions(
            partition_index=index, committed_offset=NO_OFFSET, error_code=ErrorCode.UNSTABLE_OFFSET_COMMIT
        )
    found: Committed | None = state.offsets.get(group, topic, index)
    if found is None or _of_another_topic(found, topic_id):
        return OffsetFetchResponsePartitions(partition_index=index, committed_offset=NO_OFFSET)
    return OffsetFetchResponsePartitions(
        partition_index=index,
        committed_offset=found.offset,
        committed_leader_epoch=found.leader_epoch,
        metadata=found.metadata,
    )


def _of_another_topic(found: Committed, topic_id: Uuid) -> bool:
    """The offset was committed to a topic that had this name before."""
    return ZERO_UUID not in (found.topic_id, topic_id) and found.topic_id != topic_id
