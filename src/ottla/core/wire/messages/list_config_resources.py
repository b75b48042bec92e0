"""ListConfigResources (key 74): the resources that have configs: topics, brokers, groups, client metrics."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int8, int16, int32, message


@message("0-1", flexible="0+", key=74)
class ListConfigResourcesRequest(Body):
    resource_types: Annotated[list[int8], In("1+")] = []


class ConfigResource(Body):
    resource_name: str = ""
    resource_type: Annotated[int8, In("1+", ignorable=True)] = 16


@message("0-1", flexible="0+", key=74)
class ListConfigResourcesResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    config_resources: list[ConfigResource] = []
