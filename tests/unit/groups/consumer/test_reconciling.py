"""Members come and go, and partitions change hands: never one with two of them."""

from __future__ import annotations

from ottla.core.coordination.contract import Decision, Record
from ottla.core.groups.consumer.group import ConsumerState
from ottla.core.groups.consumer.member import MemberState
from ottla.core.groups.consumer.records import gone, no_member
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.records.consumer_groups import (
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupPartitionMetadataKey,
    ConsumerGroupPartitionMetadataValue,
    TopicPartitions,
)
from tests.unit.groups.consumer.driving import GROUP, Consumers, settle


def test_the_first_member_gets_everything_at_once() -> None:
    groups = Consumers()
    first = groups.member("one")
    assert first.has == {"orders": {0, 1, 2, 3, 4, 5}}
    assert first.epoch == 2
    assert groups.group.state is ConsumerState.STABLE


def test_a_second_member_waits_until_the_first_has_given_up_its_half() -> None:
    groups = Consumers()
    first, second = groups.member("one"), groups.member("two")
    assert second.has == {}
    assert groups.group.members["two"].state is MemberState.UNRELEASED_PARTITIONS
    assert groups.group.state is ConsumerState.RECONCILING

    first.beat()
    assert len(first.has["orders"]) == 3
    assert groups.group.members["one"].state is MemberState.UNREVOKED_PARTITIONS
    assert first.epoch == 2, "it stays in its epoch until it has given up"
    second.beat()
    assert second.has == {}, "the first has not said that it gave up"

    first.beat()
    assert first.epoch == 3
    second.beat()
    assert second.epoch == 3
    assert first.has["orders"] | second.has["orders"] == set(range(6))
    assert not first.has["orders"] & second.has["orders"]
    assert groups.group.state is ConsumerState.STABLE


def test_what_a_member_leaves_goes_to_the_others() -> None:
    groups = Consumers()
    first, second = groups.member("one"), groups.member("two")
    settle([first, second])
    second.leave()
    first.beat()
    assert first.has == {"orders": set(range(6))}
    assert list(groups.group.members) == ["one"]


def test_the_last_one_leaves_an_empty_group() -> None:
    groups = Consumers()
    groups.member("one").leave()
    assert groups.group.state is ConsumerState.EMPTY
    assert groups.group.epoch == 3


def test_more_partitions_of_a_topic_are_shared_out() -> None:
    groups = Consumers()
    first = groups.member("one")
    groups.new_partitions("orders", 8)
    first.beat()
    assert first.has == {"orders": set(range(8))}
    assert first.epoch == 3


def test_a_topic_that_comes_later_is_noticed() -> None:
    groups = Consumers()
    first = groups.member("one", subscribed_topic_names=["orders", "bills"])
    assert first.has == {"orders": set(range(6))}
    groups.new_partitions("bills", 2)
    first.beat()
    assert first.has == {"orders": set(range(6)), "bills": {0, 1}}


def test_another_subscription_takes_the_partitions_that_are_not_read_any_more() -> None:
    groups = Consumers()
    groups.new_partitions("bills", 2)
    first = groups.member("one", subscribed_topic_names=["orders", "bills"])
    first.beat(subscribed_topic_names=["bills"])
    assert first.has == {"bills": {0, 1}}
    settle([first])
    assert groups.group.state is ConsumerState.STABLE


def test_assignments_keep_their_distance() -> None:
    groups = Consumers(group_consumer_assignment_interval_ms=1_000)
    first = groups.member("one")
    second = groups.member("two")
    first.beat()
    assert first.has == {"orders": set(range(6))}
    assert groups.group.state is ConsumerState.ASSIGNING
    groups.pass_time(1_000)
    settle([first, second])
    assert len(first.has["orders"]) == len(second.has["orders"]) == 3


def test_a_calendar_that_is_set_back_puts_no_assignment_off() -> None:
    groups = Consumers(group_consumer_assignment_interval_ms=1_000)
    first, second = groups.member("one"), groups.member("two")
    groups.wall -= 3_600_000
    groups.pass_time(1_000)
    settle([first, second])
    assert len(first.has["orders"]) == len(second.has["orders"]) == 3


def test_a_member_that_does_not_give_up_in_time_is_out() -> None:
    groups = Consumers()
    first, second = groups.member("one"), groups.member("two")
    for _ in range(7):
        groups.beat("one", first.epoch)
        second.beat()
        groups.pass_time(10_000)
    assert list(groups.group.members) == ["two"]
    second.beat()
    assert second.has == {"orders": set(range(6))}


def test_a_silent_member_is_out() -> None:
    groups = Consumers()
    first, second = groups.member("one"), groups.member("two")
    settle([first, second])
    groups.pass_time(44_000)
    first.beat()
    groups.pass_time(1_000)
    assert list(groups.group.members) == ["one"]


def test_replaying_the_log_gives_the_same_group() -> None:
    groups = Consumers()
    first, second = groups.member("one"), groups.member("two", instance_id="static")
    settle([first, second])
    before = groups.described()
    groups.restart()
    assert groups.described() == before
    first.beat()
    second.beat()
    assert groups.described() == before


def test_a_topic_that_is_deleted_is_given_up() -> None:
    groups = Consumers()
    groups.new_partitions("bills", 2)
    first = groups.member("one", subscribed_topic_names=["orders", "bills"])
    hidden = groups.world.topics.pop("bills")
    groups.take(groups.machine.topics_changed(groups.moment, frozenset(), frozenset({"bills"})))
    answer = groups.beat("one", first.epoch)
    assert answer.assignment is not None
    assert hidden.id not in {each.topic_id for each in answer.assignment.topic_partitions}
    assert groups.group.epoch == 3


def test_a_topic_that_was_made_anew_is_another_one() -> None:
    groups = Consumers()
    first = groups.member("one")
    anew = groups.world.topics["orders"]._replace(id=Uuid(b"\x77" * 16))
    groups.world.topics["orders"] = anew
    groups.take(groups.machine.topics_changed(groups.moment, frozenset({"orders"}), frozenset()))
    groups.beat("one", first.epoch)
    answer = groups.beat("one", first.epoch, topic_partitions=[])
    assert [each.topic_id for each in answer.assignment.topic_partitions] == [anew.id]


def test_what_is_set_for_a_group_counts() -> None:
    groups = Consumers()
    overrides = {"consumer.session.timeout.ms": "50000", "consumer.heartbeat.interval.ms": "7000"}
    groups.state.configs = lambda group: overrides
    groups.member("one")
    assert groups.beat("one", 2).heartbeat_interval_ms == 7_000
    groups.pass_time(49_999)
    assert groups.group.members
    groups.pass_time(1)
    assert not groups.group.members


def test_records_of_kafka_4_0_are_read_and_cleared_away() -> None:
    """It kept the topics themselves in the place of their hash, and no epochs beside partitions."""
    groups = Consumers()
    first = groups.member("one")
    key = ConsumerGroupPartitionMetadataKey(group_id=GROUP)
    groups.take(Decision([Record(key, ConsumerGroupPartitionMetadataValue())]))
    current = ConsumerGroupCurrentMemberAssignmentKey(group_id=GROUP, member_id="one")
    orders = TopicPartitions(
        topic_id=groups.world.topics["orders"].id, partitions=list(range(6)), assignment_epochs=None
    )
    value = ConsumerGroupCurrentMemberAssignmentValue(
        member_epoch=2, previous_member_epoch=1, assigned_partitions=[orders]
    )
    groups.take(Decision([Record(current, value)]))
    groups.restart()
    assert groups.group.has_old_metadata
    assert groups.group.members["one"].since(orders.topic_id, 0) == 2
    first.beat()
    assert not groups.group.has_old_metadata
    assert groups.written[-1].key == key


def test_tombstones_for_what_was_never_seen_do_nothing() -> None:
    groups = Consumers()
    records = [
        *gone("nobody", ["a", "b"], ["p.*"]),
        *no_member("nobody", "c"),
    ]
    groups.take(Decision(records))
    assert not groups.state.groups
    groups.member("one")
    groups.take(Decision(no_member(GROUP, "never")))
    assert list(groups.group.members) == ["one"]
