"""OffsetCommit and TxnOffsetCommit: a member, or nobody in particular, says how far it has read.

Topics are named and known by id when a request comes here; partitions that do not exist have been answered already.
"""

from __future__ import annotations

from typing import Final

from ottla.core.coordination.contract import Decision, Moment, Producer, Record, Reply, Request
from ottla.core.groups.classic.group import ClassicGroup
from ottla.core.groups.classic.rebalancing import touch
from ottla.core.groups.group import Commit, Group, PartitionCheck
from ottla.core.groups.offsets import records
from ottla.core.groups.offsets.table import Committed
from ottla.core.groups.state import State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from ottla.core.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)

NO_RETENTION: Final = -1
LATEST: Final = (1 << 63) - 1
"""The last moment a record can tell."""
UNKNOWN_GROUPS_BY_NAME: Final = 9
"""From this version of OffsetCommit on, a group that is not there is GROUP_ID_NOT_FOUND."""


def commit(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: OffsetCommitRequest = request.body
    who = Commit(body.member_id, body.group_instance_id, body.generation_id_or_member_epoch, request.version)
    check = _check(
        state,
        body.group_id,
        who,
        ErrorCode.GROUP_ID_NOT_FOUND
        if request.version >= UNKNOWN_GROUPS_BY_NAME
        else ErrorCode.ILLEGAL_GENERATION,
        moment,
    )
    expires = -1
    if body.retention_time_ms != NO_RETENTION:
        expires = min(moment.wall + body.retention_time_ms, LATEST)
    longest: int = state.settings["offset.metadata.max.bytes"]
    written: list[Record] = []
    response = OffsetCommitResponse()
    for topic in body.topics:
        answers: list[OffsetCommitResponsePartition] = []
        for each in topic.partitions:
            metadata = each.committed_metadata or ""
            code = _metadata_error(metadata, longest)
            answers.append(
                OffsetCommitResponsePartition(partition_index=each.partition_index, error_code=code)
            )
            if not code:
                if check is not None:
                    check(topic.topic_id, each.partition_index)
                offset = Committed(
                    each.committed_offset,
                    each.committed_leader_epoch,
                    metadata,
                    moment.wall,
                    expires,
                    topic.topic_id,
                )
                place = (body.group_id, topic.name, each.partition_index)
                written.append(records.committed(place, offset))
        response.topics.append(
            OffsetCommitResponseTopic(name=topic.name, topic_id=topic.topic_id, partitions=answers)
        )
    state.counts.offset_commits += len(written)
    return Decision(written, [Reply(token, response)])


def commit_in_transaction(state: State, moment: Moment, token: object, request: Request) -> Decision:
    """A producer knows generations: an epoch that is stale is one that is illegal."""
    try:
        return _commit_in_transaction(state, moment, token, request)
    except KafkaError as error:
        if error.code == ErrorCode.STALE_MEMBER_EPOCH:
            raise KafkaError(ErrorCode.ILLEGAL_GENERATION) from error
        raise


def _commit_in_transaction(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: TxnOffsetCommitRequest = request.body
    who = Commit(
        body.member_id, body.group_instance_id, body.generation_id, request.version, transactional=True
    )
    check = _check(state, body.group_id, who, ErrorCode.ILLEGAL_GENERATION, moment)
    longest: int = state.settings["offset.metadata.max.bytes"]
    written: list[Record] = []
    response = TxnOffsetCommitResponse()
    for topic in body.topics:
        known = state.topics.named(topic.name) if check is not None else None
        answers: list[TxnOffsetCommitResponsePartition] = []
        for each in topic.partitions:
            metadata = each.committed_metadata or ""
            code = _metadata_error(metadata, longest)
            answers.append(
                TxnOffsetCommitResponsePartition(partition_index=each.partition_index, error_code=code)
            )
            if not code:
                if check is not None:
                    check(ZERO_UUID if known is None else known.id, each.partition_index)
                place = (body.group_id, topic.name, each.partition_index)
                offset = Committed(each.committed_offset, each.committed_leader_epoch, metadata, moment.wall)
                written.append(records.committed(place, offset))
        response.topics.append(TxnOffsetCommitResponseTopic(name=topic.name, partitions=answers))
    state.counts.offset_commits += len(written)
    producer = Producer(body.producer_id, body.producer_epoch) if written else None
    return Decision(written, [Reply(token, response)], producer=producer)


def _check(state: State, name: str, who: Commit, absent: ErrorCode, moment: Moment) -> PartitionCheck | None:
    """Raises KafkaError unless `who` may commit. A group that is not there is made by its first offset, if nobody in
    particular commits; for a member of it, its absence is `absent`."""
    group: Group | None = state.groups.get(name)
    if group is None:
        if who.epoch >= 0:
            raise KafkaError(absent)
        return None
    check = group.check_commit(who)
    if isinstance(group, ClassicGroup) and not who.transactional:
        touch(state, group, who.member_id, moment)
    return check


def _metadata_error(metadata: str, longest: int) -> ErrorCode:
    return ErrorCode.OFFSET_METADATA_TOO_LARGE if len(metadata) > longest else ErrorCode.NONE
