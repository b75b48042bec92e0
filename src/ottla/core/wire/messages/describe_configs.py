"""DescribeConfigs (key 32): the configs of topics, brokers and groups, with where each value comes from."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int8, int16, int32, message


class DescribeConfigsResource(Body):
    resource_type: int8 = 0
    resource_name: str = ""
    configuration_keys: list[str] | None = []


@message("1-4", flexible="4+", key=32)
class DescribeConfigsRequest(Body):
    resources: list[DescribeConfigsResource] = []
    include_synonyms: bool = False
    include_documentation: Annotated[bool, In("3+")] = False


class DescribeConfigsSynonym(Body):
    name: str = ""
    value: str | None = ""
    source: int8 = 0


class DescribeConfigsResourceResult(Body):
    name: str = ""
    value: str | None = ""
    read_only: bool = False
    config_source: int8 = -1
    is_sensitive: bool = False
    synonyms: list[DescribeConfigsSynonym] = []
    config_type: Annotated[int8, In("3+", ignorable=True)] = 0
    documentation: Annotated[str | None, In("3+", ignorable=True)] = ""


class DescribeConfigsResult(Body):
    error_code: int16 = 0
    error_message: str | None = ""
    resource_type: int8 = 0
    resource_name: str = ""
    configs: list[DescribeConfigsResourceResult] = []


@message("1-4", flexible="4+", key=32)
class DescribeConfigsResponse(Body):
    throttle_time_ms: int32 = 0
    results: list[DescribeConfigsResult] = []
