"""Who is who: epochs, instance ids, and what is refused."""

from __future__ import annotations

import pytest

from ottla.core.groups.consumer.requests import check
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    TopicPartitionsRequest,
)
from tests.unit.groups.consumer.driving import Consumers, settle

FIRST = {"rebalance_timeout_ms": 1, "topic_partitions": [], "subscribed_topic_names": ["orders"]}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, ErrorCode.NONE),
        ({"group_id": ""}, ErrorCode.INVALID_REQUEST),
        ({"group_id": " \t"}, ErrorCode.INVALID_REQUEST),
        ({"member_id": ""}, ErrorCode.INVALID_REQUEST),
        ({"instance_id": ""}, ErrorCode.INVALID_REQUEST),
        ({"rack_id": " "}, ErrorCode.INVALID_REQUEST),
        ({"rebalance_timeout_ms": -1}, ErrorCode.INVALID_REQUEST),
        ({"topic_partitions": None}, ErrorCode.INVALID_REQUEST),
        ({"topic_partitions": [TopicPartitionsRequest()]}, ErrorCode.INVALID_REQUEST),
        ({"subscribed_topic_names": None}, ErrorCode.INVALID_REQUEST),
        ({"subscribed_topic_names": None, "subscribed_topic_regex": ""}, ErrorCode.NONE),
        ({"member_epoch": -2}, ErrorCode.INVALID_REQUEST),
        ({"member_epoch": -2, "instance_id": "i"}, ErrorCode.NONE),
        ({"member_epoch": -3, "instance_id": "i"}, ErrorCode.INVALID_REQUEST),
        ({"server_assignor": "sticky"}, ErrorCode.UNSUPPORTED_ASSIGNOR),
        ({"server_assignor": "range"}, ErrorCode.NONE),
    ],
)
def test_a_heartbeat_has_to_make_sense_by_itself(said: dict[str, object], code: ErrorCode) -> None:
    body = ConsumerGroupHeartbeatRequest(**{"group_id": "g", "member_id": "m", **FIRST, **said})  # type: ignore[arg-type]
    found = ErrorCode.NONE
    try:
        check(body, 1, ["uniform", "range"])
    except KafkaError as error:
        found = error.code
    assert found is code


def test_version_0_gives_members_their_ids() -> None:
    check(ConsumerGroupHeartbeatRequest(group_id="g", **FIRST), 0, ["uniform"])  # type: ignore[arg-type]
    groups = Consumers()
    answer = groups.beat("")
    assert answer.member_id == "id1"
    assert list(groups.group.members) == ["id1"]


def test_an_unknown_group_or_member_is_told_so() -> None:
    groups = Consumers()
    assert groups.refused("one", 1) is ErrorCode.GROUP_ID_NOT_FOUND
    assert groups.refused("one", -1) is ErrorCode.GROUP_ID_NOT_FOUND
    groups.member("one")
    assert groups.refused("two", 1) is ErrorCode.UNKNOWN_MEMBER_ID
    assert groups.refused("two", -1) is ErrorCode.UNKNOWN_MEMBER_ID
    assert groups.refused("one", 2, instance_id="i") is ErrorCode.UNKNOWN_MEMBER_ID


def test_an_epoch_that_is_not_the_members_fences_it() -> None:
    groups = Consumers()
    first, second = groups.member("one"), groups.member("two")
    settle([first, second])
    assert groups.refused("one", 9) is ErrorCode.FENCED_MEMBER_EPOCH
    assert groups.refused("one", 1) is ErrorCode.FENCED_MEMBER_EPOCH


def test_the_previous_epoch_will_do_when_the_answer_was_lost() -> None:
    groups = Consumers()
    first = groups.member("one")
    groups.new_partitions("orders", 8)
    lost = groups.beat("one", first.epoch, has=first.has)
    assert lost.member_epoch == 3
    assert groups.refused("one", 2) is ErrorCode.FENCED_MEMBER_EPOCH, "it does not say what it has"
    assert groups.refused("one", 2, has={"orders": [0, 99]}) is ErrorCode.FENCED_MEMBER_EPOCH
    assert groups.beat("one", 2, has=first.has).member_epoch == 3


def test_a_member_that_was_fenced_joins_again_with_nothing() -> None:
    groups = Consumers()
    first = groups.member("one")
    answer = first.join()
    assert answer.member_epoch == 2
    assert first.has == {"orders": set(range(6))}


def test_a_group_takes_no_more_members_than_it_may() -> None:
    groups = Consumers(group_consumer_max_size=1)
    first = groups.member("one", instance_id="i")
    assert groups.refused("two") is ErrorCode.GROUP_MAX_SIZE_REACHED
    groups.beat("one", -2, instance_id="i")
    assert groups.beat("three", instance_id="i").member_epoch == first.epoch


def test_an_instance_id_belongs_to_one_member() -> None:
    groups = Consumers()
    first = groups.member("one", instance_id="i")
    assert groups.refused("two", instance_id="i") is ErrorCode.UNRELEASED_INSTANCE_ID
    assert groups.refused("two", first.epoch, instance_id="i") is ErrorCode.FENCED_INSTANCE_ID
    assert groups.refused("two", -1, instance_id="i") is ErrorCode.FENCED_INSTANCE_ID
    assert groups.refused("one", -1, instance_id="j") is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_static_member_comes_back_to_what_it_had() -> None:
    groups = Consumers()
    first, second = groups.member("one", instance_id="i"), groups.member("two")
    settle([first, second])
    had, epoch = first.has, groups.group.epoch
    assert groups.beat("one", -2, instance_id="i").member_epoch == -2
    second.beat()
    assert len(second.has["orders"]) == 3, "its place is kept"
    again = groups.member("three", instance_id="i")
    assert again.has == had
    assert groups.group.epoch == epoch
    assert sorted(groups.group.members) == ["three", "two"]
    assert groups.refused("one", 3, instance_id="i") is ErrorCode.FENCED_INSTANCE_ID


def test_a_static_member_that_stays_away_is_out() -> None:
    groups = Consumers()
    groups.member("one", instance_id="i")
    groups.beat("one", -2, instance_id="i")
    groups.pass_time(45_000)
    assert not groups.group.members
    assert not groups.group.static_members


def test_most_members_decide_on_the_assignor() -> None:
    groups = Consumers()
    assert groups.member("one").has == {"orders": set(range(6))}
    assert groups.described().assignor_name == "uniform"
    groups.member("two", server_assignor="range")
    assert groups.described().assignor_name == "range"
    groups.member("three", server_assignor="uniform")
    assert groups.described().assignor_name == "uniform"
    groups.member("four", server_assignor="range")
    assert groups.described().assignor_name == "range"


def test_a_heartbeat_without_news_writes_nothing() -> None:
    groups = Consumers()
    first = groups.member("one")
    written = len(groups.written)
    assert first.beat().assignment is None
    assert groups.beat("one", first.epoch).assignment is None
    assert len(groups.written) == written


def test_a_member_that_says_everything_hears_everything() -> None:
    groups = Consumers()
    first = groups.member("one")
    full = first.beat(rebalance_timeout_ms=60_000, subscribed_topic_names=["orders"])
    assert full.assignment is not None
