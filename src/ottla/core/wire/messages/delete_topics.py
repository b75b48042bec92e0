"""DeleteTopics (key 20): deletes topics by name or id."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Nullable, int16, int32, message


class DeleteTopicState(Body):
    name: str | None = None
    topic_id: Uuid = ZERO_UUID


@message("1-6", flexible="4+", key=20)
class DeleteTopicsRequest(Body):
    topics: Annotated[list[DeleteTopicState], In("6+")] = []
    topic_names: Annotated[list[str], In("1-5", ignorable=True)] = []
    timeout_ms: int32 = 0


class DeletableTopicResult(Body):
    name: Annotated[str | None, Nullable("6+")] = ""
    topic_id: Annotated[Uuid, In("6+", ignorable=True)] = ZERO_UUID
    error_code: int16 = 0
    error_message: Annotated[str | None, In("5+", ignorable=True)] = None


@message("1-6", flexible="4+", key=20)
class DeleteTopicsResponse(Body):
    throttle_time_ms: int32 = 0
    responses: list[DeletableTopicResult] = []
