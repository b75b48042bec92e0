"""Offsets that go: by OffsetDelete, with their topic, or because nobody has read for `offsets.retention.minutes`."""

from __future__ import annotations

from typing import Final

from ottla.core.coordination.contract import Decision, Moment, Record, Reply, Request
from ottla.core.groups.group import Group
from ottla.core.groups.offsets import records
from ottla.core.groups.offsets.table import Committed
from ottla.core.groups.state import State, TimerKey
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)

EXPIRY: Final[TimerKey] = TimerKey("offsets-expiry", "")
MINUTE_MS = 60_000


def delete(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: OffsetDeleteRequest = request.body
    group = state.groups.get(body.group_id)
    if group is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
    group.check_delete_offsets()
    gone: list[Record] = []
    response = OffsetDeleteResponse()
    for topic in body.topics:
        code = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if group.subscribed(topic.name) else ErrorCode.NONE
        answers = []
        for each in topic.partitions:
            index = each.partition_index
            answers.append(OffsetDeleteResponsePartition(partition_index=index, error_code=code))
            known = state.offsets.get(body.group_id, topic.name, index) is not None
            if not code and (known or state.offsets.unstable(body.group_id, topic.name, index)):
                gone.append(records.forgotten((body.group_id, topic.name, index)))
        response.topics.append(OffsetDeleteResponseTopic(name=topic.name, partitions=answers))
    state.counts.offset_deletions += len(gone)
    return Decision(gone, [Reply(token, response)])


def all_of(state: State, group: str) -> list[Record]:
    """The tombstones of everything a group has committed, pending offsets too."""
    places = {(topic, index) for topic, each in state.offsets.topics(group).items() for index in each}
    places.update(state.offsets.open_places(group))
    return [records.forgotten((group, topic, index)) for topic, index in sorted(places)]


def with_topics(state: State, deleted: frozenset[str]) -> list[Record]:
    """Tombstones for the offsets of topics that are gone."""
    places = {place: None for topic in deleted for place, _ in state.offsets.of_topic(topic)}
    return [records.forgotten(place) for place in places]


# -- by age


def loaded(state: State, moment: Moment) -> None:
    state.timers.set(EXPIRY, moment.now + state.settings["offsets.retention.check.interval.ms"])


def expire(state: State, moment: Moment, _: TimerKey) -> Decision:
    """One round over all groups: old offsets go, and groups that have nothing left."""
    loaded(state, moment)
    gone: list[Record] = []
    for group in list(state.groups.values()):
        expired, all_expired = _expired(state, group, moment)
        gone += expired
        state.counts.offset_expirations += len(expired)
        if all_expired and group.may_go(moment):
            gone += group.tombstones()
    return Decision(gone, divisible=True)


def _expired(state: State, group: Group, moment: Moment) -> tuple[list[Record], bool]:
    """(tombstones, whether nothing is left)."""
    topics = state.offsets.topics(group.name)
    left = state.offsets.has_open_transactions(group.name)
    expiry = group.expiry()
    if not expiry.may:
        return [], not topics and not left
    retention_ms = state.settings["offsets.retention.minutes"] * MINUTE_MS
    gone: list[Record] = []
    for topic, partitions in topics.items():
        subscribed = group.subscribed(topic)
        for index, offset in partitions.items():
            old = _is_old(offset, expiry.since, moment.wall, retention_ms)
            if subscribed or not old or state.offsets.unstable(group.name, topic, index):
                left = True
            else:
                gone.append(records.forgotten((group.name, topic, index)))
    return gone, not left


def _is_old(offset: Committed, since: int | None, wall: int, retention_ms: int) -> bool:
    if offset.expire_timestamp >= 0:
        return wall >= offset.expire_timestamp
    return wall - (offset.commit_timestamp if since is None else since) >= retention_ms
