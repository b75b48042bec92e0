"""What this room serves: see `core.groups.coordinator`."""

from __future__ import annotations

from typing import Any, Final

from ottla.core.coordination.contract import Decision, Moment
from ottla.core.groups.share import describe, heartbeat, initializing, offsets, records
from ottla.core.groups.share.group import ShareGroup
from ottla.core.groups.share.initializing import DELETE, INITIALIZE, Outcomes, ShareStates
from ottla.core.groups.state import State
from ottla.core.wire.messages.alter_share_group_offsets import AlterShareGroupOffsetsRequest
from ottla.core.wire.messages.delete_share_group_offsets import DeleteShareGroupOffsetsRequest
from ottla.core.wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest

REQUESTS: Final[dict[Any, Any]] = {
    ShareGroupHeartbeatRequest: heartbeat.heartbeat,
    AlterShareGroupOffsetsRequest: offsets.alter,
    DeleteShareGroupOffsetsRequest: offsets.delete_offsets,
    describe.DescribeShare: describe.describe,
    describe.InitializedPartitions: describe.initialized_partitions,
}
RECORDS: Final[dict[Any, Any]] = records.RECORDS
ALARMS: Final[dict[Any, Any]] = {heartbeat.SESSION: heartbeat.session_ended}


def _initialized(state: State, moment: Moment, wanted: ShareStates, answer: Outcomes) -> Decision:
    altering = isinstance(wanted.waiting, offsets.Altering)
    follow = offsets.altered if altering else initializing.initialized
    return follow(state, moment, wanted, answer)


def _deleted(state: State, moment: Moment, wanted: ShareStates, answer: Outcomes) -> Decision:
    group = isinstance(wanted.waiting, offsets.DeletingGroup)
    follow = offsets.group_deleted if group else offsets.offsets_deleted
    return follow(state, moment, wanted, answer)


ANSWERS: Final[dict[str, Any]] = {INITIALIZE: _initialized, DELETE: _deleted}


def loaded(state: State, moment: Moment) -> None:
    for group in state.groups.values():
        if isinstance(group, ShareGroup):
            heartbeat.expect(state, moment, group)
