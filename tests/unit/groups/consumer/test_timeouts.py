"""Nobody waits for ever: a member has the rebalance timeout to give up what it was told to, however lively it is."""

from __future__ import annotations

from ottla.core.model.errors import ErrorCode
from tests.unit.groups.consumer.driving import Client, Consumers

REBALANCE_MS = 10_000
ALL = set(range(6))


def told_to_share() -> tuple[Consumers, Client, Client]:
    """The first has everything, and was told just now to give half of it up."""
    groups = Consumers()
    first = groups.member("one", rebalance_timeout_ms=REBALANCE_MS)
    second = groups.member("two")
    first.beat()
    return groups, first, second


def passes(groups: Consumers, first: Client, second: Client, for_ms: int) -> None:
    """Time in which the first says nothing of what it has, and the second beats as ever."""
    for _ in range(for_ms // 1_000):
        groups.pass_time(1_000)
        groups.beat("one", first.epoch)
        second.beat()


def test_who_does_not_give_up_in_time_is_out() -> None:
    groups, first, second = told_to_share()
    passes(groups, first, second, REBALANCE_MS - 1_000)
    groups.pass_time(999)
    assert "one" in groups.group.members
    groups.pass_time(1)
    assert "one" not in groups.group.members
    assert groups.refused("one", first.epoch) is ErrorCode.UNKNOWN_MEMBER_ID
    second.beat()
    assert second.has == {"orders": ALL}


def test_who_gives_up_in_time_stays() -> None:
    groups, first, second = told_to_share()
    first.beat()
    passes(groups, first, second, 2 * REBALANCE_MS)
    assert first.has["orders"] | second.has["orders"] == ALL
    assert sorted(groups.group.members) == ["one", "two"]


def test_after_a_restart_the_time_begins_anew() -> None:
    groups, first, second = told_to_share()
    passes(groups, first, second, REBALANCE_MS - 1_000)
    groups.restart()
    passes(groups, first, second, REBALANCE_MS - 1_000)
    groups.pass_time(999)
    assert "one" in groups.group.members
    groups.pass_time(1)
    assert "one" not in groups.group.members
