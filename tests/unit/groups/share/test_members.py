"""Members of a share group: joining, staying, what they get, and how they go."""

from __future__ import annotations

import pytest

from ottla.core.groups.administration import ListAll
from ottla.core.groups.share.describe import DescribeShare
from ottla.core.groups.share.heartbeat import check
from ottla.core.model.errors import ErrorCode, KafkaError
from tests.unit.coordination.driving import World
from tests.unit.groups.share.driving import ShareGroups, heartbeat
from tests.unit.groups.test_offsets import commit


def test_a_member_gets_its_partitions_once_they_have_state() -> None:
    groups = ShareGroups()
    joined = groups.beat("a", 0, ["orders"])
    assert joined.member_epoch == 2
    assert joined.assignment is not None
    assert joined.assignment.topic_partitions == []
    assert set(groups.stored) == {("g", b"\1" * 16, index) for index in range(4)}
    next_one = groups.beat("a", 2)
    assert next_one.member_epoch == 3
    assert next_one.assignment is not None
    assert next_one.assignment.topic_partitions[0].partitions == [0, 1, 2, 3]
    assert groups.beat("a", 3).assignment is None


def test_partitions_are_shared_out_again_when_members_come_and_go() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"])
    groups.settle("a")
    groups.beat("b", 0, ["orders"])
    groups.settle("a", "b")
    assert groups.assigned("a") == {"orders": [0, 1]}
    assert groups.assigned("b") == {"orders": [2, 3]}
    for member in ("c", "d", "e"):
        groups.beat(member, 0, ["orders"])
    groups.settle("a", "b", "c", "d", "e")
    sizes = [len(groups.assigned(each)["orders"]) for each in "abcde"]
    assert sorted(sizes) == [1, 1, 2, 2, 2], "each partition has two members"
    for member in ("b", "c", "d", "e"):
        left = groups.beat(member, -1)
        assert (left.member_id, left.member_epoch) == (member, -1)
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 2, 3]}


def test_a_member_reads_something_else() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"])
    groups.settle("a")
    epoch = groups.group().members["a"].epoch
    changed = groups.beat("a", epoch, ["bills"])
    assert changed.assignment is not None, "a full request is answered in full"
    groups.settle("a")
    assert groups.assigned("a") == {"bills": [0, 1]}


def test_an_epoch_that_is_not_the_members_is_fenced() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"])
    groups.settle("a")
    known = groups.group().members["a"]
    assert groups.beat("a", known.previous_epoch).member_epoch == known.epoch, "the answer before was lost"
    for epoch, word in ((known.epoch + 1, "greater"), (known.previous_epoch - 1, "smaller")):
        error = groups.ask(heartbeat("a", epoch))
        assert error.code is ErrorCode.FENCED_MEMBER_EPOCH
        assert word in error.text
    assert groups.beat("a", 0, ["orders"]).member_epoch == known.epoch, "joining again changes nothing"


@pytest.mark.parametrize(
    ("member", "epoch", "code"),
    [
        ("a", 1, ErrorCode.GROUP_ID_NOT_FOUND),
        ("a", -1, ErrorCode.GROUP_ID_NOT_FOUND),
    ],
)
def test_a_group_that_is_not_there(member: str, epoch: int, code: ErrorCode) -> None:
    assert ShareGroups().ask(heartbeat(member, epoch)).code is code


def test_strangers_and_groups_of_another_kind() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"])
    assert groups.ask(heartbeat("b", 1)).code is ErrorCode.UNKNOWN_MEMBER_ID
    assert groups.ask(heartbeat("b", -1)).code is ErrorCode.UNKNOWN_MEMBER_ID
    groups.ask(commit(1, group="readers"))
    for epoch in (0, 1, -1):
        error = groups.ask(heartbeat("a", epoch, ["orders"], "readers"))
        assert error.code is ErrorCode.GROUP_ID_NOT_FOUND
    error = groups.ask(commit(1, group="g"))
    code = error.code if isinstance(error, KafkaError) else error.topics[0].partitions[0].error_code
    assert code == ErrorCode.GROUP_ID_NOT_FOUND


def test_a_group_takes_so_many_members() -> None:
    groups = ShareGroups(group_share_max_size=1)
    groups.beat("a", 0, ["orders"])
    assert groups.ask(heartbeat("b", 0, ["orders"])).code is ErrorCode.GROUP_MAX_SIZE_REACHED
    assert groups.beat("a", 0, ["orders"]).member_epoch


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (heartbeat(" ", 0, ["orders"]), "MemberId can't be empty."),
        (heartbeat("a", 0, ["orders"], ""), "GroupId can't be empty."),
        (heartbeat("a", 0, ["orders"], rack_id=""), "RackId can't be empty."),
        (heartbeat("a", 0), "SubscribedTopicNames must be set in first request."),
        (heartbeat("a", 0, []), "SubscribedTopicNames must be set in first request."),
        (heartbeat("a", -2), "MemberEpoch is invalid."),
    ],
)
def test_requests_that_are_wrong_in_themselves(wrong: object, words: str) -> None:
    with pytest.raises(KafkaError, match=words) as raised:
        check(wrong)  # type: ignore[arg-type]
    assert raised.value.code is ErrorCode.INVALID_REQUEST


def test_who_is_silent_is_removed() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"])
    groups.beat("b", 0, ["orders"])
    groups.settle("a", "b")
    groups.pass_time(30_000)
    groups.settle("a")
    groups.pass_time(30_000)
    assert list(groups.group().members) == ["a"]
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 2, 3]}


def test_after_a_restart_members_have_their_time_to_be_heard_of() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"])
    groups.settle("a")
    groups.restart()
    groups.pass_time(44_000)
    epoch = groups.group().members["a"].epoch
    assert groups.beat("a", epoch).member_epoch == epoch
    groups.pass_time(46_000)
    assert groups.group().state == "Empty"


def test_assignments_come_no_faster_than_the_interval() -> None:
    groups = ShareGroups(group_share_assignment_interval_ms=1000)
    groups.beat("a", 0, ["orders"])
    groups.settle("a")
    assert groups.assigned("a") == {}
    groups.pass_time(1000)
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 2, 3]}


@pytest.mark.parametrize("restarts", [False, True])
def test_a_calendar_that_is_set_back_puts_no_assignment_off(restarts: bool) -> None:
    groups = ShareGroups(group_share_assignment_interval_ms=1000)
    groups.beat("a", 0, ["orders"])
    groups.wall -= 3_600_000
    if restarts:
        groups.restart()
    groups.settle("a")
    assert groups.assigned("a") == {}
    groups.pass_time(1000)
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 2, 3]}


def test_the_interval_goes_on_over_a_restart() -> None:
    groups = ShareGroups(group_share_assignment_interval_ms=1000)
    groups.beat("a", 0, ["orders"])
    groups.pass_time(600)
    groups.now, groups.wall = 50, groups.wall + 550  # another process: its monotonic clock is another
    groups.restart()
    groups.settle("a")
    assert groups.assigned("a") == {}
    groups.pass_time(400)
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 2, 3]}


def test_new_partitions_are_seen() -> None:
    world = World(orders=1)
    groups = ShareGroups(world)
    groups.beat("a", 0, ["orders"])
    groups.settle("a")
    world.topics["orders"] = world.topics["orders"]._replace(partitions=3)
    groups.take(groups.machine.topics_changed(groups.moment, frozenset({"orders"}), frozenset()))
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 2]}


def test_a_topic_that_is_gone_is_forgotten() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders", "bills"])
    groups.settle("a")
    del groups.world.topics["orders"]
    groups.take(groups.machine.topics_changed(groups.moment, frozenset(), frozenset({"orders"})))
    assert [share.name for share in groups.group().state_partitions.initialized.values()] == ["bills"]
    groups.settle("a")
    assert groups.assigned("a") == {"bills": [0, 1]}


def test_state_that_could_not_begin_is_begun_again() -> None:
    groups = ShareGroups()
    groups.failing[b"\1" * 16, 2] = ErrorCode.COORDINATOR_NOT_AVAILABLE
    groups.beat("a", 0, ["orders"])
    assert not groups.group().state_partitions.initializing
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 3]}
    groups.failing.clear()
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 2, 3]}


def test_state_whose_beginning_was_left_half_done_is_begun_again() -> None:
    groups = ShareGroups()
    groups.patient = True
    groups.beat("a", 0, ["orders"])
    groups.calls.clear()
    groups.restart()
    groups.settle("a")
    assert not groups.calls, "it may still be under way"
    groups.pass_time(30_000)
    groups.patient = False
    groups.settle("a")
    assert groups.assigned("a") == {"orders": [0, 1, 2, 3]}


def test_groups_are_listed_and_described() -> None:
    groups = ShareGroups()
    groups.beat("a", 0, ["orders"], rack_id="r1")
    groups.settle("a")
    listed = groups.ask(ListAll(["stable"], ["share"])).groups
    assert [(each.group_id, each.group_type, each.protocol_type) for each in listed] == [
        ("g", "share", "share")
    ]
    described = groups.ask(DescribeShare("g"))
    assert (described.group_state, described.assignor_name) == ("Stable", "simple")
    assert (described.group_epoch, described.assignment_epoch) == (3, 3)
    (member,) = described.members
    assert (member.member_id, member.rack_id, member.client_host) == ("a", "r1", "/127.0.0.1")
    assert member.subscribed_topic_names == ["orders"]
    assert member.assignment.topic_partitions[0].topic_name == "orders"
    assert groups.ask(DescribeShare("h")).error_code == ErrorCode.GROUP_ID_NOT_FOUND
