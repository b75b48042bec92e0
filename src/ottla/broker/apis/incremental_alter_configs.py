"""IncrementalAlterConfigs: what this broker can judge is judged here, the rest is the controller's.

Changes of log levels end here: they are made, or refused, at once. A request on a controller listener reaches the
controller as it is.
"""

from __future__ import annotations

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.config.preprocess import Configs, preprocess_incremental
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire import permissions
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import ListenerRole
from ottla.core.wire.messages.incremental_alter_configs import (
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)


async def handle(
    services: Services, context: Context, request: IncrementalAlterConfigsRequest
) -> IncrementalAlterConfigsResponse:
    """Answers resource by resource, in the order they were asked for."""
    may_change_levels = services.authorizer.allows(
        context, permissions.Operation.ALTER_CONFIGS, permissions.ResourceType.CLUSTER, CLUSTER_NAME
    )
    settled = preprocess_incremental(
        services.settings,
        stored(services),
        request,
        may_change_levels=may_change_levels,
        levels_only=context.caller.role is ListenerRole.CONTROLLER,
    )
    remaining = [one for position, one in enumerate(request.resources) if position not in settled]
    decided: dict[tuple[int, str], AlterConfigsResourceResponse] = {}
    if remaining:
        forwarded = IncrementalAlterConfigsRequest(resources=remaining, validate_only=request.validate_only)
        reply = await services.controller.request(context, ApiKey.INCREMENTAL_ALTER_CONFIGS, forwarded)
        assert isinstance(reply, IncrementalAlterConfigsResponse)
        decided = {(one.resource_type, one.resource_name): one for one in reply.responses}
    responses: list[AlterConfigsResourceResponse] = []
    for position, resource in enumerate(request.resources):
        error = settled.get(position)
        answer = decided.get((resource.resource_type, resource.resource_name))
        if position in settled or answer is None:
            missing = ErrorCode.NONE if position in settled else ErrorCode.UNKNOWN_SERVER_ERROR
            answer = AlterConfigsResourceResponse(
                error_code=missing if error is None else error.code,
                error_message=None if error is None else error.text,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
            )
        responses.append(answer)
    if context.caller.role is ListenerRole.CONTROLLER:  # a broker repeats its answer, a controller does not
        responses = list({(one.resource_type, one.resource_name): one for one in responses}.values())
    return IncrementalAlterConfigsResponse(responses=responses)


def stored(services: Services) -> Configs:
    """The dynamic broker configs in the metadata log."""
    image = services.image
    return Configs(
        image.config(ResourceType.BROKER, ""), image.config(ResourceType.BROKER, str(services.node_id))
    )
