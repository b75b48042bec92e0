"""The records of `__share_group_state`, from what a coordinator decided."""

from __future__ import annotations

from collections.abc import Sequence

from ottla.core.coordination.contract import Record
from ottla.core.share_state.requests import PartitionState, SharePartitionKey, StateBatch
from ottla.core.wire.messages.records.share_group_state import (
    ShareSnapshotKey,
    ShareSnapshotStateBatch,
    ShareSnapshotValue,
    ShareUpdateKey,
    ShareUpdateStateBatch,
    ShareUpdateValue,
)


def snapshot(
    key: SharePartitionKey, epoch: int, state: PartitionState, *, created: int, written: int
) -> Record:
    """Everything about a share partition; times are wall clock, ms."""
    value = ShareSnapshotValue(
        snapshot_epoch=epoch,
        state_epoch=state.state_epoch,
        leader_epoch=state.leader_epoch,
        start_offset=state.start_offset,
        delivery_complete_count=state.delivery_complete_count,
        create_timestamp=created,
        write_timestamp=written,
        state_batches=[ShareSnapshotStateBatch(*each) for each in state.batches],
    )
    return Record(_snapshot_key(key), value)


def update(
    key: SharePartitionKey,
    epoch: int,
    *,
    leader_epoch: int,
    start_offset: int,
    delivery_complete_count: int,
    batches: Sequence[StateBatch],
) -> Record:
    """What changed since the snapshot of that epoch."""
    value = ShareUpdateValue(
        snapshot_epoch=epoch,
        leader_epoch=leader_epoch,
        start_offset=start_offset,
        delivery_complete_count=delivery_complete_count,
        state_batches=[ShareUpdateStateBatch(*each) for each in batches],
    )
    return Record(ShareUpdateKey(group_id=key.group, topic_id=key.topic_id, partition=key.partition), value)


def tombstone(key: SharePartitionKey) -> Record:
    return Record(_snapshot_key(key), None)


def key_of(key: ShareSnapshotKey | ShareUpdateKey) -> SharePartitionKey:
    return SharePartitionKey(key.group_id, key.topic_id, key.partition)


def _snapshot_key(key: SharePartitionKey) -> ShareSnapshotKey:
    return ShareSnapshotKey(group_id=key.group, topic_id=key.topic_id, partition=key.partition)
