"""How the records of streams groups count: the only place where hard state changes."""

from __future__ import annotations

from typing import Any, Final

from ottla.core.coordination.ages import written_at
from ottla.core.coordination.contract import Moment, Producer
from ottla.core.groups.applying import group_of
from ottla.core.groups.state import State, TimerKey
from ottla.core.groups.streams.group import StreamsGroup
from ottla.core.groups.streams.member import Endpoint, Member, MemberState
from ottla.core.groups.streams.targeting import INITIAL_DELAY
from ottla.core.groups.streams.tasks import NOTHING_HELD, Held, Since, Tasks, read
from ottla.core.groups.streams.topology import from_record
from ottla.core.wire.messages.records.streams_groups import (
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupCurrentMemberAssignmentTaskIds,
    StreamsGroupCurrentMemberAssignmentValue,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMemberMetadataValue,
    StreamsGroupMetadataKey,
    StreamsGroupMetadataValue,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMemberValue,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMetadataValue,
    StreamsGroupTopologyKey,
    StreamsGroupTopologyValue,
)

NO_ASSIGNMENT_EPOCH: Final = -1
GONE_EPOCH: Final = -1


def _group(state: State, name: str, value: object) -> StreamsGroup | None:
    return group_of(state, name, value, StreamsGroup, lambda: StreamsGroup(name, state.topics))


def group_epoch(
    state: State,
    moment: Moment,
    key: StreamsGroupMetadataKey,
    value: StreamsGroupMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        del state.groups[key.group_id]
        state.timers.cancel(TimerKey(INITIAL_DELAY, key.group_id))
    else:
        group.epoch = value.epoch
        group.metadata_hash = value.metadata_hash
        group.validated_topology_epoch = value.validated_topology_epoch
        group.last_configs = {each.key: each.value for each in value.last_assignment_configs or []}


def topology(
    state: State,
    moment: Moment,
    key: StreamsGroupTopologyKey,
    value: StreamsGroupTopologyValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is not None:
        group.topology = None if value is None else from_record(value)


def metadata(
    state: State,
    moment: Moment,
    key: StreamsGroupMemberMetadataKey,
    value: StreamsGroupMemberMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.remove(key.member_id)
        return
    endpoint = value.user_endpoint
    member = group.members.get(key.member_id) or Member(key.member_id)
    group.put(
        member._replace(
            instance_id=value.instance_id,
            rack=value.rack_id,
            client_id=value.client_id,
            client_host=value.client_host,
            rebalance_timeout_ms=value.rebalance_timeout_ms,
            topology_epoch=value.topology_epoch,
            process_id=value.process_id,
            endpoint=None if endpoint is None else Endpoint(endpoint.host, endpoint.port),
            client_tags=tuple(sorted((each.key, each.value) for each in value.client_tags)),
        )
    )


def assignment_epoch(
    state: State,
    moment: Moment,
    key: StreamsGroupTargetAssignmentMetadataKey,
    value: StreamsGroupTargetAssignmentMetadataValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.assignment_epoch, group.assigned_at = NO_ASSIGNMENT_EPOCH, None
    else:
        group.assignment_epoch = value.assignment_epoch
        group.assigned_at = written_at(moment, value.assignment_timestamp)


def target(
    state: State,
    moment: Moment,
    key: StreamsGroupTargetAssignmentMemberKey,
    value: StreamsGroupTargetAssignmentMemberValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    if value is None:
        group.targets.pop(key.member_id, None)
    else:
        group.targets[key.member_id] = Tasks(
            read(value.active_tasks), read(value.standby_tasks), read(value.warmup_tasks)
        )


def current(
    state: State,
    moment: Moment,
    key: StreamsGroupCurrentMemberAssignmentKey,
    value: StreamsGroupCurrentMemberAssignmentValue | None,
    _: Producer | None,
) -> None:
    group = _group(state, key.group_id, value)
    if group is None:
        return
    member = group.members.get(key.member_id)
    if value is not None:
        group.put(
            (member or Member(key.member_id))._replace(
                epoch=value.member_epoch,
                previous_epoch=value.previous_member_epoch,
                state=MemberState(value.state),
                assigned=Held(
                    _since(value.active_tasks, value.member_epoch),
                    read(value.standby_tasks),
                    read(value.warmup_tasks),
                ),
                revoking=Held(
                    _since(value.active_tasks_pending_revocation, value.member_epoch),
                    read(value.standby_tasks_pending_revocation),
                    read(value.warmup_tasks_pending_revocation),
                ),
            )
        )
    elif member is not None:
        group.put(
            member._replace(
                epoch=GONE_EPOCH, previous_epoch=GONE_EPOCH, assigned=NOTHING_HELD, revoking=NOTHING_HELD
            )
        )


def _since(tasks: list[StreamsGroupCurrentMemberAssignmentTaskIds], member_epoch: int) -> Since:
    """Records of Kafka before 4.3 do not say since when: since now, then."""
    found: dict[str, dict[int, int]] = {}
    for each in tasks:
        epochs = each.assignment_epochs
        if not epochs or len(epochs) != len(each.partitions):
            epochs = [member_epoch] * len(each.partitions)
        if each.partitions:
            found[each.subtopology_id] = dict(zip(each.partitions, epochs, strict=True))
    return found


RECORDS: Final[dict[Any, Any]] = {
    StreamsGroupMetadataKey: group_epoch,
    StreamsGroupTopologyKey: topology,
    StreamsGroupMemberMetadataKey: metadata,
    StreamsGroupTargetAssignmentMetadataKey: assignment_epoch,
    StreamsGroupTargetAssignmentMemberKey: target,
    StreamsGroupCurrentMemberAssignmentKey: current,
}
