"""ShareAcknowledge (key 79): acknowledges records acquired for a share group (KIP-932)."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int8, int16, int32, int64, message


class AcknowledgementBatch(Body):
    first_offset: int64 = 0
    last_offset: int64 = 0
    acknowledge_types: list[int8] = []


class AcknowledgePartition(Body):
    partition_index: int32 = 0
    acknowledgement_batches: list[AcknowledgementBatch] = []


class AcknowledgeTopic(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[AcknowledgePartition] = []


@message("1-2", flexible="1+", key=79)
class ShareAcknowledgeRequest(Body):
    group_id: str | None = None
    member_id: str | None = ""
    share_session_epoch: int32 = 0
    is_renew_ack: Annotated[bool, In("2+")] = False
    topics: list[AcknowledgeTopic] = []


class LeaderIdAndEpoch(Body):
    leader_id: int32 = 0
    leader_epoch: int32 = 0


class PartitionData(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    current_leader: LeaderIdAndEpoch = field(default_factory=LeaderIdAndEpoch)


class ShareAcknowledgeTopicResponse(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = []


class NodeEndpoint(Body):
    node_id: int32 = 0
    host: str = ""
    port: int32 = 0
    rack: str | None = None


@message("1-2", flexible="1+", key=79)
class ShareAcknowledgeResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    acquisition_lock_timeout_ms: Annotated[int32, In("2+", ignorable=True)] = 0
    responses: list[ShareAcknowledgeTopicResponse] = []
    node_endpoints: list[NodeEndpoint] = []
