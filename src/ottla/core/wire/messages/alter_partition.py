"""AlterPartition (key 56): a partition leader proposes another in-sync set to the controller."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int8, int16, int32, int64, message


class BrokerState(Body):
    broker_id: int32 = 0
    broker_epoch: int64 = -1


class PartitionDataRequest(Body):
    partition_index: int32 = 0
    leader_epoch: int32 = 0
    new_isr: Annotated[list[int32], In("2")] = []
    new_isr_with_epochs: Annotated[list[BrokerState], In("3+")] = []
    leader_recovery_state: int8 = 0
    partition_epoch: int32 = 0


class TopicDataRequest(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionDataRequest] = []


@message("2-3", flexible="2+", key=56)
class AlterPartitionRequest(Body):
    broker_id: int32 = 0
    broker_epoch: int64 = -1
    topics: list[TopicDataRequest] = []


class PartitionDataResponse(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    leader_id: int32 = 0
    leader_epoch: int32 = 0
    isr: list[int32] = []
    leader_recovery_state: int8 = 0
    partition_epoch: int32 = 0


class TopicDataResponse(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionDataResponse] = []


@message("2-3", flexible="2+", key=56)
class AlterPartitionResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    topics: list[TopicDataResponse] = []
