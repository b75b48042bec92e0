"""What the log holds of a streams group: the records, made from values. How they count is in `applying`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ottla.core.coordination.contract import Record
from ottla.core.groups.streams.member import Member
from ottla.core.groups.streams.tasks import Partitions, Since, Tasks, spell
from ottla.core.wire.messages.records.streams_groups import (
    Endpoint,
    KeyValue,
    LastAssignmentConfig,
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupCurrentMemberAssignmentTaskIds,
    StreamsGroupCurrentMemberAssignmentValue,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMemberMetadataValue,
    StreamsGroupMetadataKey,
    StreamsGroupMetadataValue,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMemberTaskIds,
    StreamsGroupTargetAssignmentMemberValue,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMetadataValue,
    StreamsGroupTopologyKey,
    StreamsGroupTopologyValue,
)


def group_epoch(
    group: str, epoch: int, metadata_hash: int, validated: int, configs: Mapping[str, str]
) -> Record:
    value = StreamsGroupMetadataValue(
        epoch=epoch,
        metadata_hash=metadata_hash,
        validated_topology_epoch=validated,
        last_assignment_configs=[
            LastAssignmentConfig(key=key, value=configs[key]) for key in sorted(configs)
        ],
    )
    return Record(StreamsGroupMetadataKey(group_id=group), value)


def topology(group: str, value: StreamsGroupTopologyValue) -> Record:
    return Record(StreamsGroupTopologyKey(group_id=group), value)


def metadata(group: str, member: Member) -> Record:
    endpoint = member.endpoint
    value = StreamsGroupMemberMetadataValue(
        instance_id=member.instance_id,
        rack_id=member.rack,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        topology_epoch=member.topology_epoch,
        process_id=member.process_id,
        user_endpoint=None if endpoint is None else Endpoint(host=endpoint.host, port=endpoint.port),
        client_tags=[KeyValue(key=key, value=text) for key, text in member.client_tags],
    )
    return Record(StreamsGroupMemberMetadataKey(group_id=group, member_id=member.id), value)


def assignment_epoch(group: str, epoch: int, timestamp: int) -> Record:
    value = StreamsGroupTargetAssignmentMetadataValue(assignment_epoch=epoch, assignment_timestamp=timestamp)
    return Record(StreamsGroupTargetAssignmentMetadataKey(group_id=group), value)


def target(group: str, member_id: str, tasks: Tasks) -> Record:
    def ids(partitions: Partitions) -> list[StreamsGroupTargetAssignmentMemberTaskIds]:
        return spell(
            lambda name, found: StreamsGroupTargetAssignmentMemberTaskIds(
                subtopology_id=name, partitions=found
            ),
            partitions,
        )

    value = StreamsGroupTargetAssignmentMemberValue(
        active_tasks=ids(tasks.active), standby_tasks=ids(tasks.standby), warmup_tasks=ids(tasks.warmup)
    )
    return Record(StreamsGroupTargetAssignmentMemberKey(group_id=group, member_id=member_id), value)


def current(group: str, member: Member) -> Record:
    value = StreamsGroupCurrentMemberAssignmentValue(
        member_epoch=member.epoch,
        previous_member_epoch=member.previous_epoch,
        state=member.state,
        active_tasks=_with_epochs(member.assigned.active),
        standby_tasks=_ids(member.assigned.standby),
        warmup_tasks=_ids(member.assigned.warmup),
        active_tasks_pending_revocation=_with_epochs(member.revoking.active),
        standby_tasks_pending_revocation=_ids(member.revoking.standby),
        warmup_tasks_pending_revocation=_ids(member.revoking.warmup),
    )
    return Record(StreamsGroupCurrentMemberAssignmentKey(group_id=group, member_id=member.id), value)


def _with_epochs(tasks: Since) -> list[StreamsGroupCurrentMemberAssignmentTaskIds]:
    return spell(
        lambda name, found: StreamsGroupCurrentMemberAssignmentTaskIds(
            subtopology_id=name,
            partitions=found,
            assignment_epochs=[tasks[name][index] for index in found],
        ),
        tasks,
    )


def _ids(tasks: Partitions) -> list[StreamsGroupCurrentMemberAssignmentTaskIds]:
    return spell(
        lambda name, found: StreamsGroupCurrentMemberAssignmentTaskIds(subtopology_id=name, partitions=found),
        tasks,
    )


def no_member(group: str, member_id: str) -> list[Record]:
    """The tombstones of a member, in the order in which Kafka wants to read them."""
    return [
        Record(StreamsGroupCurrentMemberAssignmentKey(group_id=group, member_id=member_id), None),
        Record(StreamsGroupTargetAssignmentMemberKey(group_id=group, member_id=member_id), None),
        Record(StreamsGroupMemberMetadataKey(group_id=group, member_id=member_id), None),
    ]


def gone(group: str, members: Iterable[str]) -> list[Record]:
    """The tombstones of a group. Kafka refuses to read them in another order: what a group has goes before the group."""
    ids = list(members)
    found = [
        Record(StreamsGroupCurrentMemberAssignmentKey(group_id=group, member_id=each), None) for each in ids
    ]
    found += [
        Record(StreamsGroupTargetAssignmentMemberKey(group_id=group, member_id=each), None) for each in ids
    ]
    found.append(Record(StreamsGroupTargetAssignmentMetadataKey(group_id=group), None))
    found += [Record(StreamsGroupMemberMetadataKey(group_id=group, member_id=each), None) for each in ids]
    found.append(Record(StreamsGroupMetadataKey(group_id=group), None))
    found.append(Record(StreamsGroupTopologyKey(group_id=group), None))
    return found
