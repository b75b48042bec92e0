"""ConsumerGroupHeartbeat (key 68): everything a member of a consumer group says and learns (KIP-848).

Behaviour: only topics that the caller may describe can be subscribed to by name; a regular expression matches those alone.

Versions: 1 subscriptions by regular expression, and members that choose their own ids.
"""

from __future__ import annotations

from collections.abc import Iterable

from ottla.broker.context import Context
from ottla.broker.coordination.asking import check_consumer_groups, relay_to_group
from ottla.broker.later import Later
from ottla.broker.services import Services
from ottla.core.groups.consumer.heartbeat import Beat
from ottla.core.groups.consumer.requests import check
from ottla.core.groups.consumer.work import offered_assignors
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType


def handle(
    services: Services, context: Context, request: ConsumerGroupHeartbeatRequest
) -> Later[ConsumerGroupHeartbeatResponse]:
    check_consumer_groups(services)
    if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, request.group_id):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)

    def visible(topics: Iterable[str]) -> set[str]:
        allows = services.authorizer.allows
        return {each for each in topics if allows(context, Operation.DESCRIBE, ResourceType.TOPIC, each)}

    named = set(request.subscribed_topic_names or ())
    if len(visible(named)) < len(named):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    check(request, context.version, offered_assignors(services.settings))
    beat = Beat(request, visible)
    return relay_to_group(services, context, request.group_id, beat, fresh=not request.member_id)
