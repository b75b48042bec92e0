"""AlterConfigs, the older request: the given configs become the only ones of their resource."""

from __future__ import annotations

from ottla.broker.apis.incremental_alter_configs import stored
from ottla.broker.config.preprocess import preprocess_legacy
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)


async def handle(services: Services, context: Context, request: AlterConfigsRequest) -> AlterConfigsResponse:
    """Answers resource by resource, in the order they were asked for."""
    settled = preprocess_legacy(services.settings, stored(services), request)
    remaining = [one for position, one in enumerate(request.resources) if position not in settled]
    decided: dict[tuple[int, str], AlterConfigsResourceResponse] = {}
    if remaining:
        forwarded = AlterConfigsRequest(resources=remaining, validate_only=request.validate_only)
        reply = await services.controller.request(context, ApiKey.ALTER_CONFIGS, forwarded)
        assert isinstance(reply, AlterConfigsResponse)
        decided = {(one.resource_type, one.resource_name): one for one in reply.responses}
    responses: list[AlterConfigsResourceResponse] = []
    for position, resource in enumerate(request.resources):
        error = settled.get(position)
        answer = decided.get((resource.resource_type, resource.resource_name))
        if answer is None or error is not None:
            answer = AlterConfigsResourceResponse(
                error_code=ErrorCode.UNKNOWN_SERVER_ERROR if error is None else error.code,
                error_message=None if error is None else error.text,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
            )
        responses.append(answer)
    return AlterConfigsResponse(responses=responses)
