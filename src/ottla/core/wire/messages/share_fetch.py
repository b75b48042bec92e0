"""ShareFetch (key 78): acquires records for a share group, and acknowledges earlier ones (KIP-932)."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Records, int8, int16, int32, int64, message


class AcknowledgementBatch(Body):
    first_offset: int64 = 0
    last_offset: int64 = 0
    acknowledge_types: list[int8] = []


class FetchPartition(Body):
    partition_index: int32 = 0
    acknowledgement_batches: list[AcknowledgementBatch] = []


class FetchTopic(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[FetchPartition] = []


class ForgottenTopic(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[int32] = []


@message("1-2", flexible="1+", key=78)
class ShareFetchRequest(Body):
    group_id: str | None = None
    member_id: str | None = ""
    share_session_epoch: int32 = 0
    max_wait_ms: int32 = 0
    min_bytes: int32 = 0
    max_bytes: int32 = 2147483647
    max_records: int32 = 0
    batch_size: int32 = 0
    share_acquire_mode: Annotated[int8, In("2+", ignorable=True)] = 0
    is_renew_ack: Annotated[bool, In("2+")] = False
    topics: list[FetchTopic] = []
    forgotten_topics_data: list[ForgottenTopic] = []


class LeaderIdAndEpoch(Body):
    leader_id: int32 = 0
    leader_epoch: int32 = 0


class AcquiredRecords(Body):
    first_offset: int64 = 0
    last_offset: int64 = 0
    delivery_count: int16 = 0


class PartitionData(Body):
    partition_index: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    acknowledge_error_code: int16 = 0
    acknowledge_error_message: str | None = None
    current_leader: LeaderIdAndEpoch = field(default_factory=LeaderIdAndEpoch)
    records: Records = b""
    acquired_records: list[AcquiredRecords] = []


class ShareFetchableTopicResponse(Body):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = []


class NodeEndpoint(Body):
    node_id: int32 = 0
    host: str = ""
    port: int32 = 0
    rack: str | None = None


@message("1-2", flexible="1+", key=78)
class ShareFetchResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    acquisition_lock_timeout_ms: int32 = 0
    responses: list[ShareFetchableTopicResponse] = []
    node_endpoints: list[NodeEndpoint] = []
