"""Records of `__consumer_offsets` about committed offsets and classic groups. Key: the record type."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Tag, int32, int64, message


@message("0", key=0)
class LegacyOffsetCommitKey(Body):
    group: str = ""
    topic: str = ""
    partition: int32 = 0


@message("0", key=0)
class LegacyOffsetCommitValue(Body):
    offset: int64 = 0
    metadata: str = ""
    commit_timestamp: int64 = 0


@message("0", key=1)
class OffsetCommitKey(Body):
    group: str = ""
    topic: str = ""
    partition: int32 = 0


@message("0-4", flexible="4+", key=1)
class OffsetCommitValue(Body):
    offset: int64 = 0
    leader_epoch: Annotated[int32, In("3+", ignorable=True)] = -1
    metadata: str = ""
    commit_timestamp: int64 = 0
    expire_timestamp: Annotated[int64, In("1", ignorable=True)] = -1
    topic_id: Annotated[Uuid, Tag(0, "4+", ignorable=True)] = ZERO_UUID


@message("0", key=2)
class GroupMetadataKey(Body):
    group: str = ""


class MemberMetadata(Body):
    member_id: str = ""
    group_instance_id: Annotated[str | None, In("3+", ignorable=True)] = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout: Annotated[int32, In("1+", ignorable=True)] = -1
    session_timeout: int32 = 0
    subscription: bytes = b""
    assignment: bytes = b""


@message("0-4", flexible="4+", key=2)
class GroupMetadataValue(Body):
    protocol_type: str = ""
    generation: int32 = 0
    protocol: str | None = ""
    leader: str | None = ""
    current_state_timestamp: Annotated[int64, In("2+", ignorable=True)] = -1
    members: list[MemberMetadata] = []
