"""DeleteShareGroupOffsets (key 92): forgets where an empty share group stands in some topics (KIP-932)."""

from __future__ import annotations

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, int16, int32, message


class DeleteShareGroupOffsetsRequestTopic(Body):
    topic_name: str = ""


@message("0", flexible="0+", key=92)
class DeleteShareGroupOffsetsRequest(Body):
    group_id: str = ""
    topics: list[DeleteShareGroupOffsetsRequestTopic] = []


class DeleteShareGroupOffsetsResponseTopic(Body):
    topic_name: str = ""
    topic_id: Uuid = ZERO_UUID
    error_code: int16 = 0
    error_message: str | None = None


@message("0", flexible="0+", key=92)
class DeleteShareGroupOffsetsResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    responses: list[DeleteShareGroupOffsetsResponseTopic] = []
