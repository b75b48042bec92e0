"""Groups of all kinds: list, describe, delete; and the members of classic and consumer groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from ottla.client.admin.base import AdminCalls, Done, Each, check, error_or_none
from ottla.client.connection import BrokerConnection
from ottla.client.coordinators import GROUP
from ottla.client.errors import ClientError, VersionMismatch
from ottla.client.groups.subscription import read_assignment, read_subscription
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.codec import DecodeError
from ottla.core.wire.messages.consumer_group_describe import (
    Assignment,
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    Member,
)
from ottla.core.wire.messages.consumer_group_describe import DescribedGroup as DescribedConsumerGroup
from ottla.core.wire.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from ottla.core.wire.messages.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from ottla.core.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from ottla.core.wire.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse

CONSUMER_PROTOCOL: Final = "consumer"
DEAD: Final = "Dead"
"""How a broker that has no word for it says that a classic group does not exist."""
TYPES_SINCE: Final = 5
STATES_SINCE: Final = 4


class GroupListing(msgspec.Struct, frozen=True):
    """A group as a list shows it. `type`: classic, consumer, share or streams, in small letters."""

    group_id: str
    type: str
    protocol_type: str
    state: str


class MemberDescription(msgspec.Struct, frozen=True):
    """A member: who it is, what it subscribes to, and which partitions it has. -1: an epoch that it does not have."""

    member_id: str
    group_instance_id: str | None
    rack: str | None
    client_id: str
    host: str
    epoch: int
    topics: tuple[str, ...]
    topic_pattern: str | None
    assignment: dict[str, tuple[int, ...]]
    target: dict[str, tuple[int, ...]] | None
    """What it shall have, where the broker shares partitions out itself."""
    upgraded: bool | None = None
    """Whether it speaks the new protocol, where members of both are in the group."""


class GroupDescription(msgspec.Struct, frozen=True):
    """A classic group or a consumer group. `assignor` is empty while none was chosen."""

    group_id: str
    type: str
    state: str
    protocol_type: str
    assignor: str
    epoch: int
    assignment_epoch: int
    members: tuple[MemberDescription, ...]
    coordinator: int


class Groups(AdminCalls):
    """Administration of groups."""

    async def list_groups(
        self, *, states: Sequence[str] = (), types: Sequence[str] = ()
    ) -> tuple[list[GroupListing], dict[int, KafkaError | ClientError]]:
        """Groups of all brokers, by id, and the brokers that gave no answer.

        A broker that is too old to know of types or states leaves them empty; asking it for some raises VersionMismatch.
        """
        await self.cluster.refresh(())
        found: dict[str, GroupListing] = {}
        silent: dict[int, KafkaError | ClientError] = {}
        for node in sorted(self.cluster.view.nodes):
            try:
                answer = await self._groups_of(node, states, types)
            except VersionMismatch:
                raise
            except (KafkaError, ClientError) as error:
                silent[node] = error
            else:
                found |= {each.group_id: listing(each) for each in answer.groups}
        return [found[name] for name in sorted(found)], silent

    async def _groups_of(self, node: int, states: Sequence[str], types: Sequence[str]) -> ListGroupsResponse:
        connection = await self.cluster.connection(node)
        version = connection.version_of(ListGroupsRequest)
        for asked, since, what in ((types, TYPES_SINCE, "type"), (states, STATES_SINCE, "state")):
            if asked and version < since:
                raise VersionMismatch(f"{connection.address} cannot list groups by {what}")

        async def attempt() -> ListGroupsResponse:
            request = ListGroupsRequest(states_filter=list(states), types_filter=list(types))
            answer = await self.cluster.on_node(node, request, ListGroupsResponse)
            check(answer.error_code, None, f"groups of broker {node}")
            return answer

        return await self.cluster.retrying(attempt)

    async def describe_groups(self, group_ids: Sequence[str]) -> Each[str, GroupDescription]:
        """Consumer groups and classic groups, by id. For other kinds: `describe_share_groups`, `describe_streams_groups`."""

        async def ask(node: int, ids: list[str]) -> Mapping[str, GroupDescription | KafkaError]:
            connection = await self.cluster.connection(node)
            found: dict[str, GroupDescription | KafkaError] = {}
            if speaks(connection, ConsumerGroupDescribeRequest):
                answer = await connection.call(
                    ConsumerGroupDescribeRequest(group_ids=ids), ConsumerGroupDescribeResponse
                )
                found |= {each.group_id: consumer_group(each, node) for each in answer.groups}
            classic = [name for name in ids if may_be_classic(found.get(name))]
            if classic:
                older = await connection.call(DescribeGroupsRequest(groups=classic), DescribeGroupsResponse)
                found |= {each.group_id: classic_group(each, node) for each in older.groups}
            return found

        return await self._from_coordinators(GROUP, group_ids, ask)

    async def delete_groups(self, group_ids: Sequence[str]) -> Done[str]:
        """Delete groups of any kind, with what they have committed. A group must have no members."""

        async def ask(node: int, ids: list[str]) -> Mapping[str, KafkaError | None]:
            answer = await self.cluster.on_node(
                node, DeleteGroupsRequest(groups_names=ids), DeleteGroupsResponse
            )
            return {
                each.group_id: error_or_none(each.error_code, None, f"group {each.group_id!r}")
                for each in answer.results
            }

        return await self._from_coordinators(GROUP, group_ids, ask)

    async def remove_members(
        self, group_id: str, *, group_instance_ids: Iterable[str] = (), member_ids: Iterable[str] = ()
    ) -> Done[str]:
        """Take members out of a classic or consumer group, by instance id or by member id. Raises KafkaError."""
        gone = [MemberIdentity(group_instance_id=each) for each in group_instance_ids]
        gone += [MemberIdentity(member_id=each) for each in member_ids]
        answer = await self._coordinators.ask(
            GROUP, group_id, LeaveGroupRequest(group_id=group_id, members=gone), LeaveGroupResponse
        )
        check(answer.error_code, None, f"group {group_id!r}")
        return {
            each.group_instance_id or each.member_id: error_or_none(
                each.error_code, None, f"member {each.group_instance_id or each.member_id!r}"
            )
            for each in answer.members
        }


def speaks(connection: BrokerConnection, request: type[ConsumerGroupDescribeRequest]) -> bool:
    try:
        connection.version_of(request)
    except VersionMismatch:
        return False
    return True


def may_be_classic(found: GroupDescription | KafkaError | None) -> bool:
    """Whether to ask the older API: it is not the newer one's group, or nobody asked the newer one."""
    return found is None or (
        isinstance(found, KafkaError)
        and found.code in (ErrorCode.GROUP_ID_NOT_FOUND, ErrorCode.UNSUPPORTED_VERSION)
    )


def listing(group: ListedGroup) -> GroupListing:
    kind = group.group_type.lower() or "classic"
    return GroupListing(group.group_id, kind, group.protocol_type, group.group_state)


def refused_group(code: int, message: str | None, group_id: str) -> KafkaError:
    known = error_of(code)
    return KafkaError(known, f"group {group_id!r}: {message or known.sentence}")


def consumer_group(group: DescribedConsumerGroup, node: int) -> GroupDescription | KafkaError:
    if group.error_code:
        return refused_group(group.error_code, group.error_message, group.group_id)
    mixed = any(each.member_type == 0 for each in group.members)
    return GroupDescription(
        group.group_id,
        "consumer",
        group.group_state,
        CONSUMER_PROTOCOL,
        group.assignor_name,
        group.group_epoch,
        group.assignment_epoch,
        tuple(consumer_member(each, mixed) for each in group.members),
        node,
    )


def consumer_member(member: Member, mixed: bool) -> MemberDescription:
    return MemberDescription(
        member.member_id,
        member.instance_id,
        member.rack_id,
        member.client_id,
        member.client_host,
        member.member_epoch,
        tuple(sorted(member.subscribed_topic_names)),
        member.subscribed_topic_regex or None,
        partitions_in(member.assignment),
        partitions_in(member.target_assignment),
        member.member_type == 1 if mixed else None,
    )


def partitions_in(assignment: Assignment) -> dict[str, tuple[int, ...]]:
    return {
        each.topic_name: tuple(sorted(each.partitions))
        for each in sorted(assignment.topic_partitions, key=lambda each: each.topic_name)
    }


def classic_group(group: DescribedGroup, node: int) -> GroupDescription | KafkaError:
    if group.error_code:
        return refused_group(group.error_code, group.error_message, group.group_id)
    if group.group_state == DEAD:
        return refused_group(ErrorCode.GROUP_ID_NOT_FOUND, None, group.group_id)
    return GroupDescription(
        group.group_id,
        "classic",
        group.group_state,
        group.protocol_type,
        group.protocol_data,
        -1,
        -1,
        tuple(classic_member(each, group.protocol_type) for each in group.members),
        node,
    )


def classic_member(member: DescribedGroupMember, protocol_type: str) -> MemberDescription:
    """A member of a classic group. What it says in bytes is read where the group is one of consumers."""
    topics: tuple[str, ...] = ()
    rack = None
    share: dict[str, tuple[int, ...]] = {}
    if protocol_type in (CONSUMER_PROTOCOL, ""):
        try:
            subscription = read_subscription(member.member_metadata)
            topics, rack = tuple(sorted(subscription.topics)), subscription.rack
        except DecodeError:  # a protocol of its own, or a rebalance under way: nothing is known
            topics = ()
        try:
            given = read_assignment(member.member_assignment)
            share = {topic: tuple(sorted(given[topic])) for topic in sorted(given)}
        except DecodeError:
            share = {}
    return MemberDescription(
        member.member_id,
        member.group_instance_id,
        rack,
        member.client_id,
        member.client_host,
        -1,
        topics,
        None,
        share,
        None,
    )
