"""The records of `__share_group_state`: snapshots of share partitions and updates to them. Key: the record type."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, Tag, int8, int16, int32, int64, message


@message("0", key=0)
class ShareSnapshotKey(Body):
    group_id: str = ""
    topic_id: Uuid = ZERO_UUID
    partition: int32 = 0


class ShareSnapshotStateBatch(Body):
    first_offset: int64 = 0
    last_offset: int64 = 0
    delivery_state: int8 = 0
    delivery_count: int16 = 0


@message("0", flexible="0+", key=0)
class ShareSnapshotValue(Body):
    snapshot_epoch: int32 = 0
    state_epoch: int32 = 0
    leader_epoch: int32 = 0
    start_offset: int64 = 0
    delivery_complete_count: Annotated[int32, Tag(0)] = -1
    create_timestamp: int64 = 0
    write_timestamp: int64 = 0
    state_batches: list[ShareSnapshotStateBatch] = []


@message("0", key=1)
class ShareUpdateKey(Body):
    group_id: str = ""
    topic_id: Uuid = ZERO_UUID
    partition: int32 = 0


class ShareUpdateStateBatch(Body):
    first_offset: int64 = 0
    last_offset: int64 = 0
    delivery_state: int8 = 0
    delivery_count: int16 = 0


@message("0", flexible="0+", key=1)
class ShareUpdateValue(Body):
    snapshot_epoch: int32 = 0
    leader_epoch: int32 = 0
    start_offset: int64 = 0
    delivery_complete_count: Annotated[int32, Tag(0)] = -1
    state_batches: list[ShareUpdateStateBatch] = []
