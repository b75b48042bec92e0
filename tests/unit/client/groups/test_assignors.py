"""How the leader of a classic group shares partitions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.client.groups.assignors import ASSIGNORS, COOPERATIVE_STICKY, RANGE, ROUND_ROBIN, STICKY, Assignor
from ottla.client.groups.subscription import (
    Share,
    Subscription,
    assignment_bytes,
    read_assignment,
    read_subscription,
    subscription_bytes,
)
from ottla.core.wire.codec import DecodeError


def reads(*topics: str, generation: int = -1, name: str | None = None, **owned: set[int]) -> Subscription:
    claims = {topic: frozenset(each) for topic, each in owned.items()}
    return Subscription(frozenset(topics), claims, generation, group_instance_id=name)


def shown(shares: dict[str, Share] | object) -> dict[str, dict[str, list[int]]]:
    assert isinstance(shares, dict)
    return {
        member: {topic: sorted(each) for topic, each in share.items() if each}
        for member, share in shares.items()
    }


def test_range_gives_neighbours_of_each_topic() -> None:
    shares = RANGE.assign({"b": reads("x", "y"), "a": reads("x", "y")}, {"x": 3, "y": 2})
    assert shown(shares) == {"a": {"x": [0, 1], "y": [0]}, "b": {"x": [2], "y": [1]}}


def test_static_members_come_first_and_by_their_own_names() -> None:
    shares = RANGE.assign({"a": reads("x"), "z": reads("x", name="desk")}, {"x": 3})
    assert shown(shares) == {"z": {"x": [0, 1]}, "a": {"x": [2]}}


def test_in_turn_goes_over_all_topics_and_passes_over_who_does_not_read_one() -> None:
    shares = ROUND_ROBIN.assign({"a": reads("x", "y"), "b": reads("y")}, {"x": 2, "y": 3})
    assert shown(shares) == {"a": {"x": [0, 1], "y": [1]}, "b": {"y": [0, 2]}}


def test_sticky_leaves_everybody_what_it_has() -> None:
    members = {"a": reads("x", x={1, 3}), "b": reads("x", x={0, 2}), "c": reads("x")}
    shares = shown(STICKY.assign(members, {"x": 6}))
    assert set(shares["a"]["x"]) >= {1, 3} or len(shares["a"]["x"]) == 2
    assert {len(each["x"]) for each in shares.values()} == {2}
    assert set(shares["a"]["x"]) == {1, 3}
    assert set(shares["b"]["x"]) == {0, 2}


def test_of_two_claims_the_later_generation_is_believed() -> None:
    members = {
        "a": reads("x", generation=3, x={0, 1}),
        "b": reads("x", generation=4, x={0}),
        "c": reads("x", generation=4),
    }
    shares = shown(STICKY.assign(members, {"x": 3}))
    assert shares == {"a": {"x": [1]}, "b": {"x": [0]}, "c": {"x": [2]}}


def test_cooperative_withholds_what_moves_until_its_owner_has_given_it_up() -> None:
    before = {"a": reads("x", generation=1, x={0, 1, 2, 3}), "b": reads("x")}
    first = shown(COOPERATIVE_STICKY.assign(before, {"x": 4}))
    assert (len(first["a"]["x"]), first["b"]) == (2, {})
    after = {"a": reads("x", generation=2, x=set(first["a"]["x"])), "b": reads("x", generation=2)}
    second = shown(COOPERATIVE_STICKY.assign(after, {"x": 4}))
    assert second["a"] == first["a"]
    assert sorted(second["a"]["x"] + second["b"]["x"]) == [0, 1, 2, 3]


TOPICS = st.sampled_from(["x", "y", "z"])
MEMBERS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(
        Subscription,
        st.frozensets(TOPICS, max_size=3),
        st.dictionaries(TOPICS, st.frozensets(st.integers(0, 9), max_size=5), max_size=3),
        st.integers(-1, 3),
    ),
    min_size=1,
)


@pytest.mark.parametrize("assignor", ASSIGNORS.values(), ids=list(ASSIGNORS))
@settings(max_examples=50, deadline=None)
@given(members=MEMBERS, partitions=st.dictionaries(TOPICS, st.integers(1, 7)))
def test_every_partition_has_one_reader_who_reads_its_topic(
    assignor: Assignor, members: dict[str, Subscription], partitions: dict[str, int]
) -> None:
    shares = assignor.assign(members, partitions)
    assert set(shares) == set(members)
    given_away = [
        (topic, index)
        for member, share in shares.items()
        for topic, each in share.items()
        for index in each
        if topic in members[member].topics
    ]
    assert (
        len(given_away)
        == len(set(given_away))
        == sum(map(len, [i for s in shares.values() for i in s.values()]))
    )
    wanted = {
        (topic, index)
        for topic, count in partitions.items()
        if any(topic in each.topics for each in members.values())
        for index in range(count)
    }
    if assignor is COOPERATIVE_STICKY:
        assert set(given_away) <= wanted
    else:
        assert set(given_away) == wanted


def test_the_bytes_of_subscriptions_and_assignments() -> None:
    owned = {"x": frozenset({1, 2})}
    told = read_subscription(subscription_bytes({"x", "y"}, owned, 7, "rack"), "desk")
    assert told == Subscription(frozenset({"x", "y"}), owned, 7, "rack", "desk")
    assert read_assignment(assignment_bytes({**owned, "y": frozenset()})) == owned
    assert read_assignment(b"") == {}
    with pytest.raises(DecodeError, match="too few"):
        read_subscription(b"\0")
    with pytest.raises(DecodeError, match="version -1"):
        read_assignment(b"\xff\xff\0")
