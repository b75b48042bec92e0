"""Where an empty share group goes on: set anew, forgotten in some topics, or forgotten with the group.

Each takes two steps, as the offsets lie with the share coordinators: what is about to happen is written down, they are asked,
and what came of it is written down and answered.
"""

from __future__ import annotations

from typing import NamedTuple

from ottla.core.coordination.contract import Call, Decision, Moment, Record, Reply, Request
from ottla.core.groups.share import records
from ottla.core.groups.share.group import ShareGroup
from ottla.core.groups.share.heartbeat import find
from ottla.core.groups.share.initializing import (
    DELETE,
    INITIALIZE,
    Outcomes,
    Place,
    ShareStates,
    settled,
)
from ottla.core.groups.share.partitions import StatePartitions, TopicShare
from ottla.core.groups.state import State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestTopic,
    AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsResponsePartition,
    AlterShareGroupOffsetsResponseTopic,
)
from ottla.core.wire.messages.delete_groups import DeletableGroupResult
from ottla.core.wire.messages.delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsResponseTopic,
)


class Altering(NamedTuple):
    """Who waits for the new offsets, and the answer as far as it is known."""

    token: object
    response: AlterShareGroupOffsetsResponse


class DeletingOffsets(NamedTuple):
    token: object
    refused: list[DeleteShareGroupOffsetsResponseTopic]


class DeletingGroup(NamedTuple):
    token: object


# -- set anew


def alter(state: State, moment: Moment, token: object, request: Request) -> Decision:
    """Raises KafkaError: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND for a group of another kind, NON_EMPTY_GROUP."""
    asked: AlterShareGroupOffsetsRequest = request.body
    _check_name(asked.group_id)
    group = find(state, asked.group_id, or_new=True)
    group.check_delete()
    response = AlterShareGroupOffsetsResponse()
    shares: dict[Uuid, TopicShare] = {}
    offsets: dict[Place, int] = {}
    for topic in asked.topics:
        response.responses.append(_altered(state, topic, shares, offsets))
    if not shares:
        return Decision(replies=[Reply(token, response)])
    wanted = ShareStates(group.name, group.epoch, shares, offsets, Altering(token, response))
    record = _record(state, group.name, group.state_partitions.begin(shares))
    return Decision([record], calls=[Call(INITIALIZE, wanted)])


def _altered(
    state: State,
    asked: AlterShareGroupOffsetsRequestTopic,
    shares: dict[Uuid, TopicShare],
    offsets: dict[Place, int],
) -> AlterShareGroupOffsetsResponseTopic:
    """What is answered about a topic before the share coordinators are asked."""
    topic = state.topics.named(asked.topic_name)
    answer = AlterShareGroupOffsetsResponseTopic(topic_name=asked.topic_name)
    valid: set[int] = set()
    for each in asked.partitions:
        told = AlterShareGroupOffsetsResponsePartition(partition_index=each.partition_index)
        answer.partitions.append(told)
        if topic is None or each.partition_index >= topic.partitions:
            _refuse(told, KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
        elif each.partition_index < 0:
            _refuse(
                told,
                KafkaError(ErrorCode.INVALID_REQUEST, "The partition id cannot be a negative number."),
            )
        else:
            valid.add(each.partition_index)
            offsets[topic.id, each.partition_index] = each.start_offset
    if topic is not None:
        answer.topic_id = topic.id
        if valid:
            shares[topic.id] = TopicShare(topic.name, frozenset(valid))
    return answer


def altered(state: State, moment: Moment, wanted: ShareStates, answer: Outcomes) -> Decision:
    waiting = wanted.waiting
    assert isinstance(waiting, Altering)
    for topic in waiting.response.responses:
        for told in topic.partitions:
            error = answer.get((topic.topic_id, told.partition_index))
            if error is not None:
                _refuse(told, error)
    reply = Reply(waiting.token, waiting.response)
    group = state.groups.get(wanted.group)
    if not isinstance(group, ShareGroup):
        return Decision(replies=[reply])
    after = settled(group.state_partitions, wanted, answer)
    return Decision([_record(state, group.name, after)], [reply])


def _refuse(told: AlterShareGroupOffsetsResponsePartition, error: KafkaError) -> None:
    told.error_code, told.error_message = error.code, error.text


# -- forgotten in some topics


def delete_offsets(state: State, moment: Moment, token: object, request: Request) -> Decision:
    """Raises KafkaError: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP."""
    asked: DeleteShareGroupOffsetsRequest = request.body
    _check_name(asked.group_id)
    group = find(state, asked.group_id)
    group.check_delete()
    refused: list[DeleteShareGroupOffsetsResponseTopic] = []
    if group.partitions is None:
        return Decision(replies=[Reply(token, DeleteShareGroupOffsetsResponse())])
    known = group.partitions
    going: dict[Uuid, TopicShare] = {}
    for each in asked.topics:
        topic = state.topics.named(each.topic_name)
        error = KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if topic is not None and topic.id in known.initialized:
            going[topic.id] = known.initialized[topic.id]._replace(name=topic.name)
            continue
        if topic is not None and topic.id in known.deleting:
            going.setdefault(topic.id, TopicShare(topic.name, frozenset(range(topic.partitions))))
            continue
        if topic is not None:
            error = KafkaError(error.code, "There is no offset information to delete.")
        refused.append(
            DeleteShareGroupOffsetsResponseTopic(
                topic_name=each.topic_name, error_code=error.code, error_message=error.text
            )
        )
    record = _record(state, group.name, known.delete(going))
    if not going:
        return Decision([record], [Reply(token, DeleteShareGroupOffsetsResponse(responses=refused))])
    wanted = ShareStates(group.name, group.epoch, going, {}, DeletingOffsets(token, refused))
    return Decision([record], calls=[Call(DELETE, wanted)])


def offsets_deleted(state: State, moment: Moment, wanted: ShareStates, answer: Outcomes) -> Decision:
    waiting = wanted.waiting
    assert isinstance(waiting, DeletingOffsets)
    told: list[DeleteShareGroupOffsetsResponseTopic] = []
    failed: list[DeleteShareGroupOffsetsResponseTopic] = []
    for topic_id, share in wanted.shares.items():
        result = DeleteShareGroupOffsetsResponseTopic(topic_name=share.name, topic_id=topic_id)
        error = next((each for place, each in answer.items() if place[0] == topic_id and each), None)
        if error is None:
            told.append(result)
        else:
            result.error_code, result.error_message = error.code, error.code.sentence
            failed.append(result)
    response = DeleteShareGroupOffsetsResponse(responses=[*told, *waiting.refused, *failed])
    reply = Reply(waiting.token, response)
    group = state.groups.get(wanted.group)
    if not told or not isinstance(group, ShareGroup):
        return Decision(replies=[reply])
    gone = group.state_partitions.deleted(each.topic_id for each in told)
    return Decision([_record(state, group.name, gone)], [reply])


# -- forgotten with the group


def delete_group(state: State, token: object, group: ShareGroup) -> Decision | None:
    """Delete what is stored of an empty group first, and then the group; None when nothing is stored."""
    if group.partitions is None:
        return None
    left, going = group.partitions.delete_all(state.topics)
    if not going:
        return None
    wanted = ShareStates(group.name, group.epoch, going, {}, DeletingGroup(token))
    return Decision([_record(state, group.name, left)], calls=[Call(DELETE, wanted)])


def group_deleted(state: State, moment: Moment, wanted: ShareStates, answer: Outcomes) -> Decision:
    """A group that got members in the meantime stays, and begins its share partitions anew."""
    waiting = wanted.waiting
    assert isinstance(waiting, DeletingGroup)
    group = state.groups.get(wanted.group)
    error = next((each for each in answer.values() if each), None)
    if error is None and not isinstance(group, ShareGroup):
        error = KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
    if error is None and isinstance(group, ShareGroup) and group.members:
        error = KafkaError(ErrorCode.NON_EMPTY_GROUP)
    result = DeletableGroupResult(group_id=wanted.group, error_code=error.code if error else 0)
    reply = Reply(waiting.token, result)
    if error is not None or not isinstance(group, ShareGroup):
        return Decision(replies=[reply])
    return Decision(records.tombstones(group), [reply], notes=[f"Deleting share group={group.name}"])


# -- topics


def without_topics(state: State) -> list[Record]:
    """The state of topics that are gone goes with them; what groups know of it goes here."""
    written: list[Record] = []
    for group in state.groups.values():
        if isinstance(group, ShareGroup) and group.partitions is not None:
            gone = frozenset(
                each for each in group.partitions.topic_ids if state.topics.with_id(each) is None
            )
            if gone:
                written.append(_record(state, group.name, group.partitions.without(gone)))
    return written


def _check_name(group: str) -> None:
    if not group:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)


def _record(state: State, group: str, partitions: StatePartitions) -> Record:
    return records.state_partitions(group, partitions, state.topics)
