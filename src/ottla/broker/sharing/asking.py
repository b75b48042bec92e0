"""What ShareFetch and ShareAcknowledge have in common: who may ask, and where a partition's leader is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ottla.broker.coordination.asking import check_share_groups, is_member_id
from ottla.broker.endpoints import Node, node_of
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.share_sessions import Owner
from ottla.core.wire.permissions import Operation, ResourceType

if TYPE_CHECKING:
    from ottla.broker.context import Context
    from ottla.broker.services import Services


class Leader(NamedTuple):
    """Who leads a partition, as far as this node knows."""

    id: int
    epoch: int
    node: Node | None


def owner_of(services: Services, context: Context, group: str | None, member: str | None) -> Owner:
    """Who asks. Raises UNSUPPORTED_VERSION, INVALID_REQUEST, GROUP_AUTHORIZATION_FAILED."""
    check_share_groups(services)
    if group is None:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Invalid group id in the request.")
    if not services.authorizer.allows(context, Operation.READ, ResourceType.GROUP, group):
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if member is None or not is_member_id(member):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Invalid member id in the request.")
    return Owner(group, member)


def leader_of(services: Services, context: Context, topic: str | None, index: int) -> Leader | None:
    """Told beside an error of LEADER_CHANGED, so that the member need not ask for metadata."""
    image = None if topic is None else services.image.partition(topic, index)
    if image is None:
        return None
    return Leader(image.leader, image.leader_epoch, node_of(services, context, image.leader))
