"""DescribeClientQuotas (key 48): finds client quotas by a filter over their entities."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, float64, int8, int16, int32, message


class ComponentData(Body):
    entity_type: str = ""
    match_type: int8 = 0
    match: str | None = ""


@message("0-1", flexible="1+", key=48)
class DescribeClientQuotasRequest(Body):
    components: list[ComponentData] = []
    strict: bool = False


class EntityData(Body):
    entity_type: str = ""
    entity_name: str | None = ""


class ValueData(Body):
    key: str = ""
    value: float64 = 0.0


class EntryData(Body):
    entity: list[EntityData] = []
    values: list[ValueData] = []


@message("0-1", flexible="1+", key=48)
class DescribeClientQuotasResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
    entries: list[EntryData] | None = []
