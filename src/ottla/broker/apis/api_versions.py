"""ApiVersions (key 18): what this listener serves, in which versions, and the features of the cluster.

Behaviour: an unknown version is answered by the router, in version 0. From version 3 on the client names its software;
a name or version that no software has is INVALID_REQUEST.

Versions: features ride in tagged fields from 3 on. Up to 3, supported features whose lowest level is 0 are left out,
because older clients stumble over them (KAFKA-17492); a finalised level 0 means "off" and is never told.
"""

from __future__ import annotations

import re
from typing import Final

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.metadata.levels import KRAFT_VERSION, SUPPORTED
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)

SOFTWARE: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def handle(services: Services, context: Context, request: ApiVersionsRequest) -> ApiVersionsResponse:
    if context.version >= 3:
        name, version = request.client_software_name, request.client_software_version
        if not SOFTWARE.fullmatch(name) or not SOFTWARE.fullmatch(version):
            return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
        context.caller.software_name, context.caller.software_version = name, version
    image = services.image
    levels = dict(image.features)
    if services.kraft_version:
        levels[KRAFT_VERSION] = services.kraft_version
    return ApiVersionsResponse(
        api_keys=[
            ApiVersion(api_key=each.key, min_version=each.min_version, max_version=each.max_version)
            for each in services.advertised[context.caller.role]
        ],
        supported_features=[
            SupportedFeatureKey(name=feature, min_version=lowest, max_version=highest)
            for feature, (lowest, highest) in SUPPORTED.items()
            if lowest > 0 or context.version >= 4
        ],
        finalized_features_epoch=image.offset,
        finalized_features=[
            FinalizedFeatureKey(name=feature, max_version_level=level, min_version_level=level)
            for feature, level in sorted(levels.items())
            if level
        ],
    )
