"""What administrators ask of groups, whatever their kind: which there are, and delete them; and how classic ones look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ottla.core.coordination.contract import Decision, Moment, Reply, Request
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.offsets import forget
from ottla.core.groups.share.group import ShareGroup
from ottla.core.groups.share.offsets import delete_group as delete_share_group
from ottla.core.groups.state import State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.delete_groups import DeletableGroupResult
from ottla.core.wire.messages.describe_groups import DescribedGroup, DescribedGroupMember
from ottla.core.wire.messages.list_groups import ListedGroup, ListGroupsResponse

NOT_FOUND_AT: Final = 6
"""From this version of DescribeGroups on, a group that is not there is an error (KIP-1043)."""


class ListAll(NamedTuple):
    """Every group of this shard whose state and type are among these; none named means all."""

    states: Sequence[str]
    types: Sequence[str]


class DescribeClassic(NamedTuple):
    group: str


class DeleteGroup(NamedTuple):
    group: str


def list_all(state: State, moment: Moment, token: object, request: Request) -> Decision:
    asked: ListAll = request.body
    states = {each.strip().lower() for each in asked.states}
    types = {each.strip().lower() for each in asked.types}
    groups = [
        ListedGroup(
            group_id=group.name,
            protocol_type=group.protocol_type,
            group_state=str(group.state),
            group_type=str(group.kind),
        )
        for group in state.groups.values()
        if (not states or group.state.lower() in states) and (not types or group.kind in types)
    ]
    return Decision(replies=[Reply(token, ListGroupsResponse(groups=groups))])


def describe_classic(state: State, moment: Moment, token: object, request: Request) -> Decision:
    asked: DescribeClassic = request.body
    group = state.groups.get(asked.group)
    answer = DescribedGroup(group_id=asked.group, group_state=ClassicState.DEAD)
    if isinstance(group, ClassicGroup):
        answer.group_state = str(group.state)
        answer.protocol_type = group.protocol_type
        agreed = group.state is ClassicState.STABLE
        if agreed:
            answer.protocol_data = group.protocol or ""
        answer.members = [
            DescribedGroupMember(
                member_id=member.id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                member_metadata=member.metadata(group.protocol or "") if agreed else b"",
                member_assignment=member.assignment,
            )
            for member in group.members.values()
        ]
    elif request.version >= NOT_FOUND_AT:
        answer.error_code = ErrorCode.GROUP_ID_NOT_FOUND
        answer.error_message = (
            f"Group {asked.group} not found."
            if group is None
            else f"Group {asked.group} is not a classic group."
        )
    return Decision(replies=[Reply(token, answer)])


def delete(state: State, moment: Moment, token: object, request: Request) -> Decision:
    asked: DeleteGroup = request.body
    group = state.groups.get(asked.group)
    try:
        if group is None:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
        group.check_delete()
    except KafkaError as error:
        refusal = DeletableGroupResult(group_id=asked.group, error_code=error.code)
        return Decision(replies=[Reply(token, refusal)])
    if isinstance(group, ShareGroup):
        stored = delete_share_group(state, token, group)
        if stored is not None:
            return stored
    records = [*forget.all_of(state, group.name), *group.tombstones()]
    note = f"Deleting group={group.name} and what it has committed: {len(records)} records"
    return Decision(
        records, [Reply(token, DeletableGroupResult(group_id=group.name))], divisible=True, notes=[note]
    )


REQUESTS: Final[dict[Any, Any]] = {ListAll: list_all, DescribeClassic: describe_classic, DeleteGroup: delete}
RECORDS: Final[dict[Any, Any]] = {}
ALARMS: Final[dict[Any, Any]] = {}


def loaded(state: State, moment: Moment) -> None:
    """Nothing here waits for time."""
