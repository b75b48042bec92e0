"""Share sessions: epochs, news, order, and how many there may be."""

from __future__ import annotations

import pytest

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.partition.share_sessions import Key, Owner, ShareSessions
from ottla.core.partition.sharing.reset import duration_ms

T = Uuid(b"t" * 16)
ADA = Owner("g", "ada")
A, B, C = ((T, index) for index in range(3))


def named(*keys: Key) -> list[tuple[Key, str | None]]:
    return [(key, "t") for key in keys]


def test_every_request_carries_the_next_epoch() -> None:
    sessions = ShareSessions(5)
    session = sessions.open(ADA, named(A))
    assert sessions.advance(ADA, 1) is session
    assert sessions.advance(ADA, 2) is session
    for epoch in (2, 4, 0, -2):
        with pytest.raises(KafkaError) as caught:
            sessions.advance(ADA, epoch)
        assert caught.value.code == ErrorCode.INVALID_SHARE_SESSION_EPOCH
    session.epoch = (1 << 31) - 1
    sessions.advance(ADA, (1 << 31) - 1)
    assert session.epoch == 1


def test_there_are_so_many_and_no_more() -> None:
    sessions = ShareSessions(1)
    first = sessions.open(ADA, [])
    second = sessions.open(ADA, [])  # in the place of the first
    with pytest.raises(KafkaError) as caught:
        sessions.open(Owner("g", "bob"), [])
    assert caught.value.code == ErrorCode.SHARE_SESSION_LIMIT_REACHED
    assert not sessions.close(first)
    assert sessions.of_group("g")
    assert sessions.close(second)
    assert (len(sessions), sessions.of_group("g")) == (0, False)
    with pytest.raises(KafkaError) as caught:
        sessions.of(ADA)
    assert caught.value.code == ErrorCode.SHARE_SESSION_NOT_FOUND


def test_later_answers_name_what_is_news() -> None:
    session = ShareSessions(1).open(ADA, named(A, B))
    session.update(named(B, C), [])
    assert [session.is_worth_telling(key, error=0, size=0) for key in (A, B, C, C)] == [
        False,
        False,
        True,
        False,
    ]
    assert session.is_worth_telling(A, error=6, size=0)
    assert session.is_worth_telling(A, error=0, size=0)  # that the error is over
    assert not session.is_worth_telling(A, error=0, size=0)


def test_who_gave_records_stands_behind_the_others() -> None:
    session = ShareSessions(1).open(ADA, named(A, B, C))
    assert session.is_worth_telling(A, error=0, size=10)
    assert list(session.partitions) == [B, C, A]
    session.update([], [B])
    assert list(session.partitions) == [C, A]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("by_duration:PT0S", 0),
        ("by_duration:PT1.5S", 1_500),
        ("by_duration:P1DT2H3M4S", 93_784_000),
        ("by_duration:pt0,25s", 250),
        ("by_duration:P3D", 259_200_000),
    ],
)
def test_durations(text: str, ms: int) -> None:
    assert duration_ms(text) == ms


def test_what_is_no_duration_is_refused() -> None:
    for text in ("earliest", "by_duration:", "by_duration:1D", "by_duration:P1W"):
        with pytest.raises(ValueError):
            duration_ms(text)
