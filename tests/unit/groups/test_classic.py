"""Classic groups, as the coordinator decides on them."""

from __future__ import annotations

from struct import pack
from typing import Any

import pytest

from ottla.core.groups.administration import DeleteGroup, DescribeClassic, ListAll
from ottla.core.groups.classic.group import ClassicGroup
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.heartbeat import HeartbeatRequest
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from ottla.core.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from ottla.core.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from tests.unit.groups.driving import Groups


def subscription(*topics: str) -> bytes:
    names = b"".join(pack(">h", len(topic)) + topic.encode() for topic in topics)
    return pack(">hi", 1, len(topics)) + names + pack(">i", -1)


def join(member: str = "", protocols: tuple[str, ...] = ("range",), **fields: Any) -> JoinGroupRequest:
    return JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=60_000,
        member_id=member,
        protocol_type="consumer",
        protocols=[
            JoinGroupRequestProtocol(name=name, metadata=subscription("orders")) for name in protocols
        ],
        **fields,
    )


def sync(
    member: str, generation: int, shares: dict[str, bytes] | None = None, **fields: Any
) -> SyncGroupRequest:
    return SyncGroupRequest(
        group_id="g",
        member_id=member,
        generation_id=generation,
        assignments=[
            SyncGroupRequestAssignment(member_id=each, assignment=share)
            for each, share in (shares or {}).items()
        ],
        **fields,
    )


def beat(member: str, generation: int, **fields: Any) -> HeartbeatRequest:
    return HeartbeatRequest(group_id="g", member_id=member, generation_id=generation, **fields)


def new_member(groups: Groups, **fields: Any) -> tuple[str, int]:
    """A member that has learnt its id and joins with it: (id, token of the JoinGroup)."""
    answer = groups.ask(join(**fields))
    assert answer.error_code == ErrorCode.MEMBER_ID_REQUIRED
    return answer.member_id, groups.begin(join(answer.member_id, **fields))


def stable_pair(groups: Groups) -> tuple[str, str]:
    """Two members in generation 2: the leader and another."""
    leader, token = new_member(groups)
    groups.pass_time(0)
    assert groups.answers[token].generation_id == 1
    groups.ask(sync(leader, 1, {leader: b"all"}))
    other, second = new_member(groups)
    again = groups.begin(join(leader))
    first_answer, second_answer = groups.answers[again], groups.answers[second]
    assert (first_answer.generation_id, second_answer.generation_id) == (2, 2)
    assert [each.member_id for each in first_answer.members] == [leader, other]
    assert second_answer.members == []
    waiting = groups.begin(sync(other, 2))
    assert waiting not in groups.answers
    assert groups.ask(sync(leader, 2, {leader: b"left", other: b"right"})).assignment == b"left"
    assert groups.answers[waiting].assignment == b"right"
    return leader, other


def group(groups: Groups) -> ClassicGroup:
    found = groups.state.groups["g"]
    assert isinstance(found, ClassicGroup)
    return found


def test_a_member_learns_its_id_before_it_counts() -> None:
    groups = Groups()
    answer = groups.ask(join(), client="web")
    assert (answer.error_code, answer.member_id) == (ErrorCode.MEMBER_ID_REQUIRED, "web-id1")
    assert group(groups).members == {}
    groups.pass_time(10_000)
    assert group(groups).pending_joins == set(), "an id that nobody came back with was kept"


def test_older_clients_count_at_once() -> None:
    groups = Groups()
    token = groups.begin(join(), version=3)
    groups.pass_time(0)
    assert groups.answers[token].generation_id == 1


def test_a_new_group_waits_for_more_members_as_long_as_they_come() -> None:
    groups = Groups(group_initial_rebalance_delay_ms=3000)
    _, first = new_member(groups)
    groups.pass_time(2900)
    _, second = new_member(groups)
    groups.pass_time(2000)
    assert first not in groups.answers
    groups.pass_time(1100)
    assert len(groups.answers[first].members) == 2
    assert groups.answers[second].generation_id == 1


def test_who_joins_after_the_last_member_left_need_not_agree_with_it() -> None:
    """The group is not empty yet: it waits for somebody who was given an id and has not joined with it."""
    groups = Groups()
    first, _ = new_member(groups)
    groups.pass_time(0)
    groups.ask(sync(first, 1, {first: b"all"}))
    expected = groups.ask(join())
    assert expected.error_code == ErrorCode.MEMBER_ID_REQUIRED
    groups.ask(LeaveGroupRequest(group_id="g", members=[MemberIdentity(member_id=first)]), version=4)
    assert group(groups).state != "Empty"
    answer = groups.ask(join(protocols=("roundrobin",)))
    assert answer.error_code == ErrorCode.MEMBER_ID_REQUIRED
    token = groups.begin(join(answer.member_id, protocols=("roundrobin",)))
    groups.pass_time(10_000)
    assert groups.answers[token].error_code == ErrorCode.NONE


def test_members_share_and_the_log_knows_their_shares() -> None:
    groups = Groups()
    leader, other = stable_pair(groups)
    assert group(groups).state == "Stable"
    groups.restart()
    again = group(groups)
    assert (again.state, again.generation, again.leader, again.protocol) == ("Stable", 2, leader, "range")
    assert {each.id: each.assignment for each in again.members.values()} == {leader: b"left", other: b"right"}
    assert groups.code(beat(other, 2)) == ErrorCode.NONE
    assert again.subscribed("orders") and not again.subscribed("others")


def test_whoever_is_not_heard_of_is_out_and_the_others_join_again() -> None:
    groups = Groups()
    leader, other = stable_pair(groups)
    for _ in range(3):
        groups.pass_time(4000)
        groups.ask(beat(leader, 2))
    assert groups.code(beat(leader, 2)) == ErrorCode.REBALANCE_IN_PROGRESS
    assert groups.code(beat(other, 2)) == ErrorCode.UNKNOWN_MEMBER_ID
    assert groups.ask(join(leader)).generation_id == 3


def test_members_that_do_not_join_in_time_are_left_behind() -> None:
    groups = Groups()
    leader, other = stable_pair(groups)
    token = groups.begin(join(leader))
    for _ in range(10):
        groups.pass_time(6000)
        groups.ask(beat(other, 2))
    assert groups.answers[token].generation_id == 3
    assert list(group(groups).members) == [leader]


def test_members_that_never_ask_for_their_share_are_left_behind() -> None:
    groups = Groups()
    leader, other = stable_pair(groups)
    groups.begin(join(leader))
    groups.begin(join(other))
    groups.ask(sync(leader, 3, {leader: b"l", other: b"o"}))
    for _ in range(11):
        groups.pass_time(6000)
        groups.ask(beat(leader, 3))
        groups.ask(beat(other, 3))
    assert other not in group(groups).members


def test_a_member_that_leaves_is_out_at_once() -> None:
    groups = Groups()
    leader, other = stable_pair(groups)
    answer = groups.ask(LeaveGroupRequest(group_id="g", members=[MemberIdentity(member_id=other)]))
    assert answer.members[0].error_code == 0
    assert groups.code(beat(leader, 2)) == ErrorCode.REBALANCE_IN_PROGRESS
    groups.ask(LeaveGroupRequest(group_id="g", members=[MemberIdentity(member_id=leader)]))
    assert (group(groups).state, group(groups).generation) == ("Empty", 3)
    groups.restart()
    assert (group(groups).state, group(groups).generation) == ("Empty", 3)


def test_a_static_member_that_is_back_disturbs_nobody() -> None:
    groups = Groups()
    first = groups.begin(join(group_instance_id="desk"))
    groups.pass_time(0)
    old = groups.answers[first].member_id
    groups.ask(sync(old, 1, {old: b"share"}, group_instance_id="desk"))
    back = groups.ask(join(group_instance_id="desk"))
    assert (back.generation_id, back.skip_assignment, back.leader) == (1, True, back.member_id)
    assert groups.ask(sync(back.member_id, 1, group_instance_id="desk")).assignment == b"share"
    assert groups.code(beat(old, 1, group_instance_id="desk")) == ErrorCode.FENCED_INSTANCE_ID
    older = groups.ask(join(group_instance_id="desk"), version=8)
    assert (older.skip_assignment, older.leader, older.members) == (False, back.member_id, [])
    groups.restart()
    assert list(group(groups).members) == [older.member_id]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (join("nobody"), ErrorCode.UNKNOWN_MEMBER_ID),
        (join(protocols=("roundrobin",)), ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        (join(protocols=()), ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        (sync("nobody", 2), ErrorCode.UNKNOWN_MEMBER_ID),
        (beat("nobody", 2), ErrorCode.UNKNOWN_MEMBER_ID),
        (beat("nobody", 2, group_instance_id="x"), ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_strangers_are_refused(request_: Any, code: ErrorCode) -> None:
    groups = Groups()
    stable_pair(groups)
    assert groups.code(request_) == code


def test_members_with_the_wrong_generation_or_protocol_are_refused() -> None:
    groups = Groups()
    leader, _ = stable_pair(groups)
    assert groups.code(beat(leader, 1)) == ErrorCode.ILLEGAL_GENERATION
    assert groups.code(sync(leader, 3)) == ErrorCode.ILLEGAL_GENERATION
    assert groups.code(sync(leader, 2, protocol_type="connect")) == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert groups.code(sync(leader, 2, protocol_name="sticky")) == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert groups.code(sync(leader, 2, protocol_name="range")) == ErrorCode.NONE
    groups.begin(join(leader))
    assert groups.code(sync(leader, 2)) == ErrorCode.REBALANCE_IN_PROGRESS


def test_a_full_group_takes_nobody_more() -> None:
    groups = Groups(group_max_size=2)
    leader, _ = stable_pair(groups)
    assert groups.code(join()) == ErrorCode.GROUP_MAX_SIZE_REACHED
    groups.begin(join(leader))
    assert group(groups).members[leader].joining


def test_the_protocol_is_what_most_members_like_best_among_what_all_speak() -> None:
    groups = Groups(group_initial_rebalance_delay_ms=100)
    tokens = [
        new_member(groups, protocols=protocols)[1] for protocols in (("a", "b", "c"), ("b", "c"), ("c", "b"))
    ]
    groups.pass_time(1000)
    assert {groups.answers[token].protocol_name for token in tokens} == {"b"}


def test_what_administrators_are_told() -> None:
    groups = Groups()
    assert groups.ask(DescribeClassic("g"), version=6).error_code == ErrorCode.GROUP_ID_NOT_FOUND
    assert groups.ask(DescribeClassic("g"), version=5).group_state == "Dead"
    _, other = stable_pair(groups)
    described = groups.ask(DescribeClassic("g"))
    assert (described.group_state, described.protocol_data) == ("Stable", "range")
    assert {each.member_id: each.member_assignment for each in described.members}[other] == b"right"
    for states, types, found in (
        ((), (), 1),
        (("stable",), (), 1),
        (("Empty",), (), 0),
        ((), ("Classic",), 1),
        ((), ("consumer",), 0),
    ):
        assert len(groups.ask(ListAll(states, types)).groups) == found
    assert groups.ask(DeleteGroup("g")).error_code == ErrorCode.NON_EMPTY_GROUP
    assert groups.ask(DeleteGroup("h")).error_code == ErrorCode.GROUP_ID_NOT_FOUND


def test_an_answer_waits_for_the_one_it_belongs_to() -> None:
    """A client that asks anew gets its answer there; the request it gave up is answered too."""
    groups = Groups()
    leader, _ = stable_pair(groups)
    first = groups.begin(join(leader))
    second = groups.begin(join(leader))
    assert isinstance(groups.answers[first], JoinGroupResponse | KafkaError)
    assert second not in groups.answers
