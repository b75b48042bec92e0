"""The leader machine: what is committed, who may be answered, and when."""

from __future__ import annotations

import pytest

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.events import (
    Advanced,
    Answer,
    Appended,
    Awaits,
    Changed,
    Effect,
    Elected,
    Event,
    Flushed,
    FollowerFetched,
    Resigned,
)
from ottla.core.partition.leader import Leader, check_leader_epoch


def elected(**options: object) -> Elected:
    facts: dict[str, object] = {
        "leader_epoch": 3,
        "replicas": [1],
        "isr": [1],
        "end_offset": 10,
        "high_watermark": 8,
        **options,
    }
    return Elected(**facts)  # type: ignore[arg-type]


def lead(**options: object) -> Leader:
    leader = Leader(1)
    leader.step(0, elected(**options))
    return leader


def run(leader: Leader, *events: Event) -> list[Effect]:
    return [effect for event in events for effect in leader.step(0, event)]


def test_alone_everything_is_committed_at_once() -> None:
    leader = Leader(1)
    assert run(leader, elected()) == [Advanced(10)]
    assert run(leader, Appended(12)) == [Advanced(12)]
    assert leader.safe(12, committed=True)
    assert not leader.safe(13, committed=True)


def test_a_flush_holds_back_what_follows_until_the_disk_has_answered() -> None:
    leader = lead()
    assert run(leader, Appended(11, flush=True)) == []
    assert leader.unflushed
    assert run(leader, Appended(12)) == []  # written behind it: not visible before it
    assert not leader.safe(11, committed=False)
    waiting = run(leader, Awaits(11, "a"), Awaits(12, "b", committed=False))
    assert waiting == []
    assert run(leader, Flushed(11)) == [
        Advanced(12),
        Answer("a", ErrorCode.NONE),
        Answer("b", ErrorCode.NONE),
    ]
    assert not leader.unflushed


def test_an_older_flush_frees_what_it_covers() -> None:
    leader = lead()
    run(leader, Appended(11, flush=True), Appended(12, flush=True), Awaits(11, "a"), Awaits(12, "b"))
    assert run(leader, Flushed(11)) == [Advanced(11), Answer("a", ErrorCode.NONE)]
    assert run(leader, Flushed(12)) == [Advanced(12), Answer("b", ErrorCode.NONE)]


def test_with_followers_the_slowest_in_sync_one_decides() -> None:
    leader = lead(replicas=[1, 2, 3], isr=[1, 2], high_watermark=8)
    assert run(leader, Appended(12), FollowerFetched(3, 12)) == []
    assert run(leader, FollowerFetched(2, 11)) == [Advanced(11)]
    assert run(leader, Awaits(12, "all")) == []
    assert run(leader, Awaits(12, "one", committed=False)) == [Answer("one", ErrorCode.NONE)]
    assert run(leader, FollowerFetched(2, 12)) == [Advanced(12), Answer("all", ErrorCode.NONE)]
    assert run(leader, FollowerFetched(9, 99)) == []


def test_a_follower_that_is_ahead_commits_nothing_the_others_lack() -> None:
    leader = lead(replicas=[1, 2, 3], isr=[1, 2, 3], high_watermark=8)
    assert run(leader, Appended(12), FollowerFetched(2, 12)) == []
    assert run(leader, FollowerFetched(3, 9)) == [Advanced(9)]
    assert run(leader, FollowerFetched(3, 12)) == [Advanced(12)]


def test_too_few_in_sync_take_nothing_and_commit_nothing() -> None:
    leader = lead(replicas=[1, 2, 3], isr=[1, 2], min_insync_replicas=2)
    leader.check_acks(-1)
    run(leader, Appended(11), Awaits(11, "a"), Changed([1, 2, 3], [1], 2))
    assert leader.high_watermark == 8
    with pytest.raises(KafkaError) as refused:
        leader.check_acks(-1)
    assert refused.value.code == ErrorCode.NOT_ENOUGH_REPLICAS
    leader.check_acks(1)
    assert run(leader, FollowerFetched(2, 11)) == []
    assert run(leader, Changed([1, 2, 3], [1, 2], 2)) == [Advanced(11), Answer("a", ErrorCode.NONE)]


def test_min_insync_counts_no_more_replicas_than_there_are() -> None:
    leader = lead(min_insync_replicas=2)
    leader.check_acks(-1)
    assert leader.effective_min_insync == 1


def test_who_waits_hears_of_the_end() -> None:
    leader = lead()
    run(leader, Appended(11, flush=True), Awaits(11, "a"), Awaits(11, "b", committed=False))
    assert run(leader, Resigned(ErrorCode.KAFKA_STORAGE_ERROR)) == [
        Answer("a", ErrorCode.KAFKA_STORAGE_ERROR),
        Answer("b", ErrorCode.KAFKA_STORAGE_ERROR),
    ]
    assert run(leader, Awaits(11, "late")) == [Answer("late", ErrorCode.NOT_LEADER_OR_FOLLOWER)]


def test_epochs_must_agree() -> None:
    check_leader_epoch(-1, 5)
    check_leader_epoch(5, 5)
    with pytest.raises(KafkaError, match="FENCED_LEADER_EPOCH"):
        check_leader_epoch(4, 5)
    with pytest.raises(KafkaError, match="UNKNOWN_LEADER_EPOCH"):
        check_leader_epoch(6, 5)
