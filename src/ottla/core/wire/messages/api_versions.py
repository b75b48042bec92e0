"""ApiVersions (key 18): what a node can do: its APIs with their versions, and the features of the cluster."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, Tag, int16, int32, int64, message


@message("0-4", flexible="3+", key=18)
class ApiVersionsRequest(Body):
    client_software_name: Annotated[str, In("3+", ignorable=True)] = ""
    client_software_version: Annotated[str, In("3+", ignorable=True)] = ""


class ApiVersion(Body):
    api_key: int16 = 0
    min_version: int16 = 0
    max_version: int16 = 0


class SupportedFeatureKey(Body):
    name: str = ""
    min_version: int16 = 0
    max_version: int16 = 0


class FinalizedFeatureKey(Body):
    name: str = ""
    max_version_level: int16 = 0
    min_version_level: int16 = 0


@message("0-4", flexible="3+", key=18)
class ApiVersionsResponse(Body):
    error_code: int16 = 0
    api_keys: list[ApiVersion] = []
    throttle_time_ms: Annotated[int32, In("1+", ignorable=True)] = 0
    supported_features: Annotated[list[SupportedFeatureKey], Tag(0, "3+", ignorable=True)] = []
    finalized_features_epoch: Annotated[int64, Tag(1, "3+", ignorable=True)] = -1
    finalized_features: Annotated[list[FinalizedFeatureKey], Tag(2, "3+", ignorable=True)] = []
    zk_migration_ready: Annotated[bool, Tag(3, "3+", ignorable=True)] = False
