"""AlterConfigs (key 33): replaces all configs of a resource at once; `IncrementalAlterConfigs` is the better way."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int8, int16, int32, message


class AlterableConfig(Body):
    name: str = ""
    value: str | None = ""


class AlterConfigsResource(Body):
    resource_type: int8 = 0
    resource_name: str = ""
    configs: list[AlterableConfig] = []


@message("0-2", flexible="2+", key=33)
class AlterConfigsRequest(Body):
    resources: list[AlterConfigsResource] = []
    validate_only: bool = False


class AlterConfigsResourceResponse(Body):
    error_code: int16 = 0
    error_message: str | None = ""
    resource_type: int8 = 0
    resource_name: str = ""


@message("0-2", flexible="2+", key=33)
class AlterConfigsResponse(Body):
    throttle_time_ms: int32 = 0
    responses: list[AlterConfigsResourceResponse] = []
