"""Metadata (key 3): the brokers, topics and partition leaders a client needs to know whom to talk to."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Nullable, int16, int32, message


class MetadataRequestTopic(Body):
    topic_id: Annotated[Uuid, In("10+", ignorable=True)] = ZERO_UUID
    name: Annotated[str | None, Nullable("10+")] = ""


@message("0-13", flexible="9+", key=3)
class MetadataRequest(Body):
    topics: Annotated[list[MetadataRequestTopic] | None, Nullable("1+")] = []
    allow_auto_topic_creation: Annotated[bool, In("4+")] = True
    include_cluster_authorized_operations: Annotated[bool, In("8-10")] = False
    include_topic_authorized_operations: Annotated[bool, In("8+")] = False


class MetadataResponseBroker(Body):
    node_id: int32 = 0
    host: str = ""
    port: int32 = 0
    rack: Annotated[str | None, In("1+", ignorable=True)] = None


class MetadataResponsePartition(Body):
    error_code: int16 = 0
    partition_index: int32 = 0
    leader_id: int32 = 0
    leader_epoch: Annotated[int32, In("7+", ignorable=True)] = -1
    replica_nodes: list[int32] = []
    isr_nodes: list[int32] = []
    offline_replicas: Annotated[list[int32], In("5+", ignorable=True)] = []


class MetadataResponseTopic(Body):
    error_code: int16 = 0
    name: Annotated[str | None, Nullable("12+")] = ""
    topic_id: Annotated[Uuid, In("10+", ignorable=True)] = ZERO_UUID
    is_internal: Annotated[bool, In("1+", ignorable=True)] = False
    partitions: list[MetadataResponsePartition] = []
    topic_authorized_operations: Annotated[int32, In("8+")] = -2147483648


@message("0-13", flexible="9+", key=3)
class MetadataResponse(Body):
    throttle_time_ms: Annotated[int32, In("3+", ignorable=True)] = 0
    brokers: list[MetadataResponseBroker] = []
    cluster_id: Annotated[str | None, In("2+", ignorable=True)] = None
    controller_id: Annotated[int32, In("1+", ignorable=True)] = -1
    topics: list[MetadataResponseTopic] = []
    cluster_authorized_operations: Annotated[int32, In("8-10")] = -2147483648
    error_code: Annotated[int16, In("13+", ignorable=True)] = 0
