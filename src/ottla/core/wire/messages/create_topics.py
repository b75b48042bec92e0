"""CreateTopics (key 19): creates topics, with partitions, replicas and configs."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Tag, int8, int16, int32, message


class CreatableReplicaAssignment(Body):
    partition_index: int32 = 0
    broker_ids: list[int32] = []


class CreatableTopicConfig(Body):
    name: str = ""
    value: str | None = ""


class CreatableTopic(Body):
    name: str = ""
    num_partitions: int32 = 0
    replication_factor: int16 = 0
    assignments: list[CreatableReplicaAssignment] = []
    configs: list[CreatableTopicConfig] = []


@message("2-7", flexible="5+", key=19)
class CreateTopicsRequest(Body):
    topics: list[CreatableTopic] = []
    timeout_ms: int32 = 60000
    validate_only: bool = False


class CreatableTopicConfigs(Body):
    name: str = ""
    value: str | None = ""
    read_only: bool = False
    config_source: int8 = -1
    is_sensitive: bool = False


class CreatableTopicResult(Body):
    name: str = ""
    topic_id: Annotated[Uuid, In("7+", ignorable=True)] = ZERO_UUID
    error_code: int16 = 0
    error_message: str | None = ""
    topic_config_error_code: Annotated[int16, Tag(0, "5+", ignorable=True)] = 0
    num_partitions: Annotated[int32, In("5+", ignorable=True)] = -1
    replication_factor: Annotated[int16, In("5+", ignorable=True)] = -1
    configs: Annotated[list[CreatableTopicConfigs] | None, In("5+", ignorable=True)] = []


@message("2-7", flexible="5+", key=19)
class CreateTopicsResponse(Body):
    throttle_time_ms: int32 = 0
    topics: list[CreatableTopicResult] = []
