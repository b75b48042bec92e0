"""IncrementalAlterConfigs (key 44): sets, deletes, appends to or subtracts from single configs."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int8, int16, int32, message


class AlterableConfig(Body):
    name: str = ""
    config_operation: int8 = 0
    value: str | None = ""


class AlterConfigsResource(Body):
    resource_type: int8 = 0
    resource_name: str = ""
    configs: list[AlterableConfig] = []


@message("0-1", flexible="1+", key=44)
class IncrementalAlterConfigsRequest(Body):
    resources: list[AlterConfigsResource] = []
    validate_only: bool = False


class AlterConfigsResourceResponse(Body):
    error_code: int16 = 0
    error_message: str | None = ""
    resource_type: int8 = 0
    resource_name: str = ""


@message("0-1", flexible="1+", key=44)
class IncrementalAlterConfigsResponse(Body):
    throttle_time_ms: int32 = 0
    responses: list[AlterConfigsResourceResponse] = []
