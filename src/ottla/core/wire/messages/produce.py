"""Produce (key 0): appends record batches to partitions, and answers when as many replicas as asked for have them."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Records, Tag, int16, int32, int64, message


class PartitionProduceData(Body):
    index: int32 = 0
    records: Records | None = None


class TopicProduceData(Body):
    name: Annotated[str, In("3-12", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("13+", ignorable=True)] = ZERO_UUID
    partition_data: list[PartitionProduceData] = []


@message("3-13", flexible="9+", key=0)
class ProduceRequest(Body):
    transactional_id: str | None = None
    acks: int16 = 0
    timeout_ms: int32 = 0
    topic_data: list[TopicProduceData] = []


class BatchIndexAndErrorMessage(Body):
    batch_index: int32 = 0
    batch_index_error_message: str | None = None


class LeaderIdAndEpoch(Body):
    leader_id: int32 = -1
    leader_epoch: int32 = -1


class PartitionProduceResponse(Body):
    index: int32 = 0
    error_code: int16 = 0
    base_offset: int64 = 0
    log_append_time_ms: int64 = -1
    log_start_offset: Annotated[int64, In("5+", ignorable=True)] = -1
    record_errors: Annotated[list[BatchIndexAndErrorMessage], In("8+", ignorable=True)] = []
    error_message: Annotated[str | None, In("8+", ignorable=True)] = None
    current_leader: Annotated[LeaderIdAndEpoch, Tag(0, "10+")] = field(default_factory=LeaderIdAndEpoch)


class TopicProduceResponse(Body):
    name: Annotated[str, In("3-12", ignorable=True)] = ""
    topic_id: Annotated[Uuid, In("13+", ignorable=True)] = ZERO_UUID
    partition_responses: list[PartitionProduceResponse] = []


class NodeEndpoint(Body):
    node_id: int32 = 0
    host: str = ""
    port: int32 = 0
    rack: str | None = None


@message("3-13", flexible="9+", key=0)
class ProduceResponse(Body):
    responses: list[TopicProduceResponse] = []
    throttle_time_ms: int32 = 0
    node_endpoints: Annotated[list[NodeEndpoint], Tag(0, "10+")] = []
