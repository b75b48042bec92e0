"""Who may commit offsets in a streams group, and for what."""

from __future__ import annotations

import pytest

from ottla.core.groups.group import Commit
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID
from tests.unit.coordination.driving import World
from tests.unit.groups.streams.talking import Streams, beat, join, leave


def member_of_epoch_5() -> Streams:
    """The member "a" has had partition 0 and 1 since epoch 2, and 2 since epoch 5; "b" came and went."""
    streams = Streams(World(words=2, other=1))
    streams.tell(join("a"))
    streams.tell(join("b"))
    streams.tell(leave("b"))
    streams.have(words=3)
    assert streams.tell(beat("a", 2)).member_epoch == 5
    return streams


def refusal(streams: Streams, epoch: int, topic: str, partition: int, **said: object) -> ErrorCode | None:
    try:
        check = streams.group.check_commit(Commit("a", None, epoch, 9)._replace(**said))  # type: ignore[arg-type]
        if check is not None:
            known = streams.world.named(topic)
            check(ZERO_UUID if known is None else known.id, partition)
    except KafkaError as error:
        return error.code
    return None


def test_the_epoch_it_is_in() -> None:
    assert refusal(member_of_epoch_5(), 5, "words", 2) is None


@pytest.mark.parametrize(
    ("epoch", "topic", "partition"),
    [(4, "words", 2), (1, "words", 0), (4, "words", 7), (4, "other", 0), (4, "gone", 0), (6, "words", 0)],
)
def test_an_epoch_in_which_it_did_not_have_the_task(epoch: int, topic: str, partition: int) -> None:
    assert refusal(member_of_epoch_5(), epoch, topic, partition) == ErrorCode.STALE_MEMBER_EPOCH


@pytest.mark.parametrize("partition", [0, 1])
def test_an_old_epoch_in_which_it_had_the_task(partition: int) -> None:
    assert refusal(member_of_epoch_5(), 2, "words", partition) is None


def test_who_else() -> None:
    streams = member_of_epoch_5()
    assert refusal(streams, 5, "words", 0, member_id="z") == ErrorCode.UNKNOWN_MEMBER_ID
    assert refusal(streams, -1, "words", 0, member_id="") == ErrorCode.UNKNOWN_MEMBER_ID
    assert refusal(streams, -1, "words", 0, member_id="", transactional=True) is None
    assert refusal(streams, 5, "words", 0, version=8) == ErrorCode.UNSUPPORTED_VERSION
    assert refusal(streams, 5, "words", 0, version=3, transactional=True) is None
    streams.tell(leave("a"))
    assert refusal(streams, -1, "words", 0, member_id="") is None


def test_who_may_read_them() -> None:
    group = member_of_epoch_5().group
    group.check_fetch(Commit("", None, -1, 9))
    group.check_fetch(Commit("a", None, 5, 9))
    for who, code in (
        (Commit("a", None, 4, 9), ErrorCode.STALE_MEMBER_EPOCH),
        (Commit("z", None, 5, 9), ErrorCode.UNKNOWN_MEMBER_ID),
    ):
        with pytest.raises(KafkaError) as refused:
            group.check_fetch(who)
        assert refused.value.code == code


def test_what_is_read_is_kept() -> None:
    streams = member_of_epoch_5()
    assert [streams.group.subscribed(topic) for topic in ("words", "other")] == [True, False]
    streams.tell(leave("a"))
    assert not streams.group.subscribed("words")
