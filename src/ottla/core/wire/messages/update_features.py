"""UpdateFeatures (key 57): raises or lowers finalized feature levels."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int8, int16, int32, message


class FeatureUpdateKey(Body):
    feature: str = ""
    max_version_level: int16 = 0
    allow_downgrade: Annotated[bool, In("0")] = False
    upgrade_type: Annotated[int8, In("1+")] = 1


@message("0-2", flexible="0+", key=57)
class UpdateFeaturesRequest(Body):
    timeout_ms: int32 = 60000
    feature_updates: list[FeatureUpdateKey] = []
    validate_only: Annotated[bool, In("1+")] = False


class UpdatableFeatureResult(Body):
    feature: str = ""
    error_code: int16 = 0
    error_message: str | None = ""


@message("0-2", flexible="0+", key=57)
class UpdateFeaturesResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = ""
    results: Annotated[list[UpdatableFeatureResult], In("0-1", ignorable=True)] = []
