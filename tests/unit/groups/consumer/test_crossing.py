"""From the classic protocol to the consumer protocol and back, while members live."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.core.groups.administration import ListAll
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.consumer import embedded
from ottla.core.groups.consumer.group import ConsumerGroup, ConsumerState
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.codec import encode
from ottla.core.wire.messages.consumer_protocol import (
    ConsumerProtocolAssignment,
    ConsumerProtocolAssignmentTopicPartition,
    ConsumerProtocolSubscription,
    ConsumerProtocolSubscriptionTopicPartition,
)
from ottla.core.wire.messages.heartbeat import HeartbeatRequest
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from ottla.core.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from ottla.core.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from tests.unit.groups.consumer.driving import GROUP, Consumers, settle


def share(user_data: bytes | None = None, **topics: set[int]) -> bytes:
    value = ConsumerProtocolAssignment(
        assigned_partitions=[
            ConsumerProtocolAssignmentTopicPartition(topic=name, partitions=sorted(partitions))
            for name, partitions in topics.items()
        ],
        user_data=user_data,
    )
    return b"\x00\x03" + encode(value, 3)


class Classic:
    """A consumer of the classic protocol with a cooperative assignor: it gives up what it is not to have any more, and
    says what it has whenever it joins."""

    def __init__(self, groups: Consumers, **said: Any) -> None:
        self.groups = groups
        self.said = {"protocol": "cooperative-sticky", "topics": ["orders"], **said}
        self.id = ""
        self.generation = -1
        self.has: dict[str, set[int]] = {}

    def join(self) -> Any:
        """The answer, or the token of a request that waits."""
        answer = self._join()
        if getattr(answer, "error_code", 0) == ErrorCode.MEMBER_ID_REQUIRED:
            self.id = answer.member_id
            answer = self._join()
        return answer

    def _join(self) -> Any:
        told = ConsumerProtocolSubscription(
            topics=self.said["topics"],
            owned_partitions=[
                ConsumerProtocolSubscriptionTopicPartition(topic=name, partitions=sorted(each))
                for name, each in self.has.items()
            ],
        )
        body = JoinGroupRequest(
            group_id=GROUP,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=60_000,
            member_id=self.id,
            group_instance_id=self.said.get("instance_id"),
            protocol_type="consumer",
            protocols=[
                JoinGroupRequestProtocol(name=self.said["protocol"], metadata=b"\x00\x03" + encode(told, 3))
            ],
        )
        token = self.groups.begin(body)
        answer = self.groups.answers.get(token)
        if answer is None:
            return token
        return self.joined(answer)

    def joined(self, answer: Any) -> Any:
        if not isinstance(answer, KafkaError) and not answer.error_code:
            self.id, self.generation = answer.member_id, answer.generation_id
        return answer

    def sync(self, shares: dict[str, bytes] | None = None) -> ErrorCode:
        body = SyncGroupRequest(
            group_id=GROUP,
            member_id=self.id,
            generation_id=self.generation,
            group_instance_id=self.said.get("instance_id"),
            protocol_type="consumer",
            protocol_name=self.said["protocol"],
            assignments=[
                SyncGroupRequestAssignment(member_id=each, assignment=data)
                for each, data in (shares or {}).items()
            ],
        )
        answer = self.groups.ask(body, 5)
        if isinstance(answer, KafkaError):
            return answer.code
        if not answer.error_code:
            told = embedded.assignment(bytes(answer.assignment))
            self.has = {each.topic: set(each.partitions) for each in told.assigned_partitions}
        return ErrorCode(answer.error_code)

    def beat(self) -> ErrorCode:
        body = HeartbeatRequest(
            group_id=GROUP,
            member_id=self.id,
            generation_id=self.generation,
            group_instance_id=self.said.get("instance_id"),
        )
        return self.groups.code(body, 4)

    def round(self) -> None:
        """A heartbeat, and what follows from it."""
        if self.beat() is ErrorCode.REBALANCE_IN_PROGRESS:
            answer = self.join()
            assert not answer.error_code
            assert self.sync() is ErrorCode.NONE

    def leave(self) -> Any:
        who = MemberIdentity(member_id=self.id, group_instance_id=self.said.get("instance_id"))
        return self.groups.ask(LeaveGroupRequest(group_id=GROUP, members=[who]), 5)


def classic_group(groups: Consumers, **said: Any) -> Classic:
    """A stable classic group of one member, which has everything."""
    member = Classic(groups, **said)
    token = member.join()
    groups.pass_time(0)
    member.joined(groups.answers[token])
    assert member.sync({member.id: share(orders=set(range(6)))}) is ErrorCode.NONE
    return member


def crossed(groups: Consumers) -> tuple[Classic, Any]:
    """A consumer group with one member of each protocol, at rest."""
    classic = classic_group(groups)
    modern = groups.member("modern")
    for _ in range(6):
        classic.round()
        modern.beat()
    return classic, modern


def test_a_classic_group_becomes_a_consumer_group_when_a_new_member_comes() -> None:
    groups = Consumers()
    classic, modern = crossed(groups)
    assert isinstance(groups.state.groups[GROUP], ConsumerGroup)
    assert len(classic.has["orders"]) == len(modern.has["orders"]) == 3
    assert classic.has["orders"] | modern.has["orders"] == set(range(6))
    assert groups.group.state is ConsumerState.STABLE
    assert [each.member_type for each in groups.described().members] == [0, 1]
    (listed,) = groups.ask(ListAll([], [])).groups
    assert (listed.group_type, listed.group_state) == ("consumer", "Stable")


def test_partitions_pass_between_the_protocols_one_owner_at_a_time() -> None:
    groups = Consumers()
    classic = classic_group(groups)
    modern = groups.member("modern")
    assert modern.has == {}
    assert classic.beat() is ErrorCode.REBALANCE_IN_PROGRESS
    classic.join()
    assert classic.generation == 1, "it has to give up first"
    assert classic.sync() is ErrorCode.NONE
    assert len(classic.has["orders"]) == 3
    modern.beat()
    assert modern.has == {}
    assert classic.beat() is ErrorCode.REBALANCE_IN_PROGRESS
    classic.join()
    assert classic.generation == 2
    assert classic.sync() is ErrorCode.NONE
    modern.beat()
    assert len(modern.has["orders"]) == 3


def test_members_that_wait_in_a_classic_group_are_sent_back() -> None:
    groups = Consumers(group_initial_rebalance_delay_ms=3_000)
    waiting = Classic(groups)
    token = waiting.join()
    assert token not in groups.answers
    groups.member("modern")
    assert groups.answers[token].error_code == ErrorCode.REBALANCE_IN_PROGRESS
    waiting.join()
    assert waiting.sync() is ErrorCode.NONE


def test_the_group_becomes_classic_again_when_the_last_new_member_goes() -> None:
    groups = Consumers()
    classic, modern = crossed(groups)
    modern.leave()
    group = groups.state.groups[GROUP]
    assert isinstance(group, ClassicGroup)
    assert group.state is ClassicState.PREPARING_REBALANCE
    assert classic.beat() is ErrorCode.REBALANCE_IN_PROGRESS
    answer = classic.join()
    assert answer.leader == classic.id
    assert answer.generation_id == group.generation
    assert classic.sync({classic.id: share(orders=set(range(6)))}) is ErrorCode.NONE
    assert group.state is ClassicState.STABLE


def test_a_silent_new_member_takes_the_group_back_too() -> None:
    groups = Consumers()
    classic, _ = crossed(groups)
    for _ in range(9):
        classic.round()
        groups.pass_time(5_000)
    assert isinstance(groups.state.groups[GROUP], ClassicGroup)


def test_a_static_member_that_comes_back_classic_takes_the_group_along() -> None:
    groups = Consumers()
    classic = classic_group(groups)
    static = groups.member("modern", instance_id="i")
    for _ in range(6):
        classic.round()
        static.beat()
    had = static.has
    back = Classic(groups, instance_id="i")
    back.join()
    group = groups.state.groups[GROUP]
    assert isinstance(group, ClassicGroup)
    assert group.state is ClassicState.STABLE, "nothing changed for anybody"
    assert group.static_members == {"i": back.id}
    assert back.sync() is ErrorCode.NONE
    assert back.has == had


def test_classic_members_alone_in_a_consumer_group_after_a_restart() -> None:
    groups = Consumers()
    classic, modern = crossed(groups)
    before = groups.described()
    groups.restart()
    assert groups.described() == before
    classic.round()
    modern.beat()
    modern.leave()
    groups.restart()
    assert isinstance(groups.state.groups[GROUP], ClassicGroup)
    assert classic.beat() is ErrorCode.NONE, "its group is stable as the log has it"


@pytest.mark.parametrize(
    ("policy", "up", "down"),
    [
        ("disabled", False, False),
        ("upgrade", True, False),
        ("downgrade", False, True),
        ("BIDIRECTIONAL", True, True),
    ],
)
def test_the_policy_says_which_way_is_open(policy: str, up: bool, down: bool) -> None:
    groups = Consumers(group_consumer_migration_policy=policy)
    classic_group(groups)
    answer = groups.beat("modern")
    assert isinstance(answer, KafkaError) is not up
    if not up:
        assert answer.code == ErrorCode.GROUP_ID_NOT_FOUND
        assert isinstance(groups.state.groups[GROUP], ClassicGroup)

    groups = Consumers()
    _, modern = crossed(groups)
    groups.settings["group.consumer.migration.policy"] = policy
    modern.leave()
    assert isinstance(groups.state.groups[GROUP], ClassicGroup) is down


def test_where_nothing_may_change_classic_members_stay_outside() -> None:
    groups = Consumers(group_consumer_migration_policy="disabled")
    groups.member("modern")
    assert Classic(groups).join().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_an_assignor_with_data_of_its_own_stays_classic() -> None:
    groups = Consumers()
    member = Classic(groups)
    token = member.join()
    groups.pass_time(0)
    member.joined(groups.answers[token])
    member.sync({member.id: share(b"mine", orders={0})})
    assert groups.refused("modern") is ErrorCode.GROUP_ID_NOT_FOUND


def test_an_empty_classic_group_makes_way() -> None:
    groups = Consumers()
    classic_group(groups).leave()
    assert groups.state.groups[GROUP].state == "Empty"
    assert groups.member("modern").has == {"orders": set(range(6))}
    groups.restart()
    assert isinstance(groups.state.groups[GROUP], ConsumerGroup)


def test_an_empty_consumer_group_makes_way() -> None:
    groups = Consumers()
    groups.member("modern").leave()
    classic_group(groups)
    assert isinstance(groups.state.groups[GROUP], ClassicGroup)
    groups.restart()
    assert isinstance(groups.state.groups[GROUP], ClassicGroup)


def test_classic_members_may_be_the_first_to_join_a_consumer_group() -> None:
    groups = Consumers()
    modern = groups.member("modern")
    classic = Classic(groups)
    classic.join()
    assert classic.sync() is ErrorCode.NONE
    for _ in range(4):
        modern.beat()
        classic.round()
    assert len(classic.has["orders"]) == 3
    assert Classic(groups, protocol="mine").join().error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_classic_members_are_known_by_generation() -> None:
    groups = Consumers()
    classic, modern = crossed(groups)
    classic.generation += 1
    assert classic.beat() is ErrorCode.ILLEGAL_GENERATION
    assert classic.sync() is ErrorCode.ILLEGAL_GENERATION
    classic.generation -= 1
    assert classic.beat() is ErrorCode.NONE
    unknown = groups.code(HeartbeatRequest(group_id=GROUP, member_id="modern", generation_id=modern.epoch))
    assert unknown is ErrorCode.UNKNOWN_MEMBER_ID, "it does not speak the classic protocol"


def test_a_classic_member_that_does_not_join_again_is_out() -> None:
    groups = Consumers()
    classic, modern = crossed(groups)
    third = groups.member("third")
    for _ in range(13):
        classic.beat()
        modern.beat()
        third.beat()
        groups.pass_time(5_000)
    assert sorted(groups.group.members) == ["modern", "third"]
    settle([modern, third])
    assert groups.group.state is ConsumerState.STABLE


def test_leaving_answers_for_each_member() -> None:
    groups = Consumers()
    classic, modern = crossed(groups)
    groups.member("third")
    body = LeaveGroupRequest(
        group_id=GROUP,
        members=[
            MemberIdentity(member_id="nobody"),
            MemberIdentity(group_instance_id="nothing"),
            MemberIdentity(member_id=classic.id),
        ],
    )
    codes = [each.error_code for each in groups.ask(body, 5).members]
    assert codes == [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.NONE]
    assert sorted(groups.group.members) == ["modern", "third"]
    modern.beat()
