"""AlterClientQuotas (key 49): sets or removes client quotas."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, float64, int16, int32, message


class EntityDataRequest(Body):
    entity_type: str = ""
    entity_name: str | None = ""


class OpData(Body):
    key: str = ""
    value: float64 = 0.0
    remove: bool = False


class EntryDataRequest(Body):
    entity: list[EntityDataRequest] = []
    ops: list[OpData] = []


@message("0-1", flexible="1+", key=49)
class AlterClientQuotasRequest(Body):
    entries: list[EntryDataRequest] = []
    validate_only: bool = False


class EntityDataResponse(Body):
    entity_type: str = ""
    entity_name: str | None = ""


class EntryDataResponse(Body):
    error_code: int16 = 0
    error_message: str | None = ""
    entity: list[EntityDataResponse] = []


@message("0-1", flexible="1+", key=49)
class AlterClientQuotasResponse(Body):
    throttle_time_ms: int32 = 0
    entries: list[EntryDataResponse] = []
