"""Subscriptions by regular expression."""

from __future__ import annotations

from collections.abc import Iterable

from ottla.core.model.errors import ErrorCode
from tests.unit.coordination.driving import World
from tests.unit.groups.consumer.driving import GROUP, Consumers, settle


def world() -> World:
    return World(orders=2, orders_eu=2, bills=2)


def test_a_pattern_is_resolved_right_after_the_heartbeat() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="orders.*")
    assert first.has == {}
    assert first.epoch == 1
    groups.pass_time(0)
    first.beat()
    assert first.has == {"orders": {0, 1}, "orders_eu": {0, 1}}
    assert groups.described().members[0].subscribed_topic_regex == "orders.*"


def test_the_whole_name_has_to_match() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="rders")
    groups.pass_time(0)
    first.beat()
    assert first.has == {}


def test_names_and_pattern_add_up() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="orders_.*", subscribed_topic_names=["bills"])
    groups.pass_time(0)
    first.beat()
    assert first.has == {"orders_eu": {0, 1}, "bills": {0, 1}}


def test_a_pattern_that_is_none_is_refused() -> None:
    groups = Consumers(world())
    assert groups.refused("one", subscribed_topic_regex="(") is ErrorCode.INVALID_REGULAR_EXPRESSION
    assert GROUP not in groups.state.groups
    assert not groups.written


def test_topics_that_the_member_may_not_see_do_not_match() -> None:
    def all_but_eu(topics: Iterable[str]) -> set[str]:
        return {each for each in topics if "eu" not in each}

    groups = Consumers(world(), may_see=all_but_eu)
    first = groups.member("one", subscribed_topic_regex="orders.*")
    groups.pass_time(0)
    first.beat()
    assert first.has == {"orders": {0, 1}}


def test_a_topic_that_comes_later_matches_after_ten_seconds() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="orders.*")
    groups.pass_time(0)
    groups.new_partitions("orders_us", 1)
    first.beat()
    groups.pass_time(9_000)
    first.beat()
    assert "orders_us" not in first.has
    groups.pass_time(1_001)
    first.beat()
    groups.pass_time(0)
    first.beat()
    assert first.has["orders_us"] == {0}


def test_a_calendar_that_is_set_back_puts_no_look_at_the_topics_off() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="orders.*")
    groups.pass_time(0)
    groups.wall -= 3_600_000
    groups.new_partitions("orders_us", 1)
    for ms in (10_001, 0):
        groups.pass_time(ms)
        first.beat()
    groups.pass_time(0)
    first.beat()
    assert "orders_us" in first.has


def test_a_pattern_that_another_member_has_counts_at_once() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="orders.*")
    groups.pass_time(0)
    first.beat()
    second = groups.member("two", subscribed_topic_regex="orders.*")
    settle([first, second])
    assert sum(map(len, first.has.values())) == sum(map(len, second.has.values())) == 2


def test_a_pattern_goes_with_its_last_member() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="orders.*")
    groups.member("two", subscribed_topic_names=["bills"])
    groups.pass_time(0)
    assert "orders.*" in groups.group.patterns
    assert groups.group.subscribed("orders_eu")
    first.leave()
    assert not groups.group.patterns
    assert not groups.group.subscribed("orders_eu")


def test_another_pattern_takes_the_place_of_the_first() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="orders.*")
    groups.pass_time(0)
    settle([first])
    first.beat(subscribed_topic_regex="bills")
    assert first.has == {}, "what it does not read any more it gives up at once"
    groups.pass_time(10_001)
    first.beat()
    groups.pass_time(0)
    settle([first])
    assert first.has == {"bills": {0, 1}}
    assert list(groups.group.patterns) == ["bills"]


def test_patterns_survive_a_restart() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="orders.*")
    groups.pass_time(0)
    settle([first])
    groups.restart()
    assert groups.group.patterns["orders.*"].topics == {"orders", "orders_eu"}
    first.beat()
    assert first.has == {"orders": {0, 1}, "orders_eu": {0, 1}}


def test_a_pattern_that_matches_nothing_changes_nothing() -> None:
    groups = Consumers(world())
    first = groups.member("one", subscribed_topic_regex="nothing.*")
    groups.pass_time(0)
    assert groups.group.patterns["nothing.*"].topics == frozenset()
    assert groups.group.epoch == first.epoch
