"""A rebalance now, by means that the protocols have themselves.

A classic group: somebody joins and leaves at once, so that all members are asked to join again, and give up their partitions
as their assignor demands. The newer kinds, where the broker assigns: the members are taken out as if their sessions had
ended; with their next heartbeat they learn that they own nothing, and join again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ottla.broker.context import Caller, Context
from ottla.broker.coordination.asking import ask_group
from ottla.core.groups.administration import DescribeClassic, ListAll
from ottla.core.groups.consumer.describing import DescribeConsumer
from ottla.core.groups.consumer.heartbeat import Beat
from ottla.core.groups.group import GroupKind
from ottla.core.groups.share.describe import DescribeShare
from ottla.core.groups.streams.describing import DescribeStreams
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import API, ListenerRole
from ottla.core.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from ottla.core.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from ottla.core.wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest
from ottla.core.wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest
from ottla.testing.words import BrokerFailed
from ottla.world.doors import Address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ottla.broker.services import Services

LEAVES: Final = -1
"""The member epoch of a heartbeat that says goodbye."""
STABLE: Final = "Stable"


async def rebalance(services: Services, group: str) -> None:
    """Raises BrokerFailed for a group that does not exist or has no members, KafkaError."""
    kind = await _kind(services, group)
    if kind == GroupKind.CLASSIC:
        await _stir(services, group)
    else:
        await _take_out(services, group, GroupKind(kind))


async def _kind(services: Services, group: str) -> str:
    listed = await _ask(services, ApiKey.LIST_GROUPS, group, ListAll((), ()))
    for each in listed.groups:
        if each.group_id == group:
            return str(each.group_type)
    raise BrokerFailed(f"there is no group {group!r}")


async def _stir(services: Services, group: str) -> None:
    """Let somebody come by. A group that is rebalancing already needs nobody."""
    described = await _ask(services, ApiKey.DESCRIBE_GROUPS, group, DescribeClassic(group))
    if not described.members:
        raise BrokerFailed(f"group {group!r} has no members")
    if described.group_state != STABLE:
        return
    join = JoinGroupRequest(
        group_id=group,
        session_timeout_ms=services.settings["group.max.session.timeout.ms"],
        rebalance_timeout_ms=services.settings["group.max.session.timeout.ms"],
        protocol_type=described.protocol_type,
        protocols=[JoinGroupRequestProtocol(described.protocol_data, described.members[0].member_metadata)],
    )
    named: JoinGroupResponse = await _ask(services, ApiKey.JOIN_GROUP, group, join, fresh=True)
    if named.error_code != ErrorCode.MEMBER_ID_REQUIRED:
        raise BrokerFailed(f"group {group!r} takes nobody: {ErrorCode(named.error_code).name}")
    join.member_id = named.member_id
    joined = _ask(services, ApiKey.JOIN_GROUP, group, join)
    leave = LeaveGroupRequest(group_id=group, members=[MemberIdentity(member_id=named.member_id)])
    await _ask(services, ApiKey.LEAVE_GROUP, group, leave)
    await joined  # leaving answers it


async def _take_out(services: Services, group: str, kind: GroupKind) -> None:
    question, key, goodbye = _GOODBYES[kind]
    described = await _ask(services, key, group, question(group))
    if not described.members:
        raise BrokerFailed(f"group {group!r} has no members")
    for member in described.members:
        await _ask(services, key, group, goodbye(group, member))


def _consumer_goodbye(group: str, member: Any) -> Beat:
    body = ConsumerGroupHeartbeatRequest(
        group_id=group, member_id=member.member_id, instance_id=member.instance_id, member_epoch=LEAVES
    )
    return Beat(body, set)


def _share_goodbye(group: str, member: Any) -> ShareGroupHeartbeatRequest:
    return ShareGroupHeartbeatRequest(group_id=group, member_id=member.member_id, member_epoch=LEAVES)


def _streams_goodbye(group: str, member: Any) -> StreamsGroupHeartbeatRequest:
    return StreamsGroupHeartbeatRequest(group_id=group, member_id=member.member_id, member_epoch=LEAVES)


_GOODBYES: Final[dict[GroupKind, tuple[Callable[[str], object], ApiKey, Callable[[str, Any], object]]]] = {
    GroupKind.CONSUMER: (DescribeConsumer, ApiKey.CONSUMER_GROUP_HEARTBEAT, _consumer_goodbye),
    GroupKind.SHARE: (DescribeShare, ApiKey.SHARE_GROUP_HEARTBEAT, _share_goodbye),
    GroupKind.STREAMS: (DescribeStreams, ApiKey.STREAMS_GROUP_HEARTBEAT, _streams_goodbye),
}
"""How its members are found, and what each says when it leaves."""


def _ask(services: Services, key: ApiKey, group: str, body: object, *, fresh: bool = False) -> Awaitable[Any]:
    nowhere = Address("", 0)
    caller = Caller("", ListenerRole.BROKER, "", nowhere, nowhere)
    context = Context(caller, key, API[key].max_stable_version, -1, "ottla.testing", 0)
    return ask_group(services, context, group, body, fresh=fresh)
