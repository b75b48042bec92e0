"""Fetch sessions (KIP-227): epochs, news, order, and who makes room for whom."""

from __future__ import annotations

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.partition.fetch_sessions import LAST_EPOCH, FetchContext, FetchSessions, Key, Wanted
from ottla.core.wire.messages.fetch import EpochEndOffset, PartitionData

QUIET = 5_000


def wanted(topic: str, partition: int, offset: int = 0) -> Wanted:
    return Wanted(topic, ZERO_UUID, partition, offset, 1_000)


def answer(high_watermark: int = 0, **fields: object) -> PartitionData:
    return PartitionData(high_watermark=high_watermark, log_start_offset=0, **fields)  # type: ignore[arg-type]


def full(
    sessions: FetchSessions, *partitions: Wanted, now: int = 0, privileged: bool = False
) -> FetchContext:
    return sessions.begin(now, 0, 0, partitions, [], uses_ids=False, privileged=privileged)


def made(sessions: FetchSessions, count: int, *, id_: int, now: int = 0, privileged: bool = False) -> int:
    context = full(sessions, *(wanted("t", each) for each in range(count)), now=now, privileged=privileged)
    answers = {key: answer() for key in context.partitions}
    return sessions.end(now, context, answers, id_, {})[1]


def test_a_session_remembers_what_it_was_told_and_names_only_news() -> None:
    sessions = FetchSessions(10)
    assert made(sessions, 3, id_=77) == 77
    context = sessions.begin(1, 77, 1, [wanted("t", 1, 5)], [("t", 2)], uses_ids=False)
    assert [(each.partition, each.fetch_offset) for each in context.partitions.values()] == [(0, 0), (1, 5)]
    answers: dict[Key, PartitionData] = {("t", 0): answer(), ("t", 1): answer(9)}
    assert sessions.end(1, context, answers, 0, {}) == (ErrorCode.NONE, 77, [("t", 1)])
    context = sessions.begin(2, 77, 2, [], [], uses_ids=False)
    assert sessions.end(2, context, answers, 0, {}) == (ErrorCode.NONE, 77, [])


def test_an_error_is_news_twice_when_it_comes_and_when_it_goes() -> None:
    sessions = FetchSessions(10)
    made(sessions, 1, id_=5)
    key = ("t", 0)
    for epoch, data, named in (
        (1, answer(error_code=6), [key]),
        (2, answer(), [key]),
        (3, answer(), []),
        (4, answer(diverging_epoch=EpochEndOffset(epoch=1, end_offset=3)), [key]),
        (5, answer(preferred_read_replica=2), [key]),
    ):
        context = sessions.begin(epoch, 5, epoch, [], [], uses_ids=False)
        assert sessions.end(epoch, context, {key: data}, 0, {})[2] == named


def test_a_partition_that_was_served_goes_to_the_end_of_the_line() -> None:
    sessions = FetchSessions(10)
    made(sessions, 3, id_=5)
    context = sessions.begin(1, 5, 1, [], [], uses_ids=False)
    answers = {key: answer() for key in context.partitions}
    sessions.end(1, context, answers, 0, {("t", 0): 100})
    context = sessions.begin(2, 5, 2, [], [], uses_ids=False)
    assert [key[1] for key in context.partitions] == [1, 2, 0]


def test_wrong_ids_epochs_and_kinds() -> None:
    sessions = FetchSessions(10)
    made(sessions, 1, id_=5)
    assert sessions.begin(0, 6, 1, [], [], uses_ids=False).error == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert sessions.begin(0, 5, 2, [], [], uses_ids=False).error == ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert sessions.begin(0, 5, 1, [], [], uses_ids=True).error == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
    assert not sessions.begin(0, 5, 1, [], [], uses_ids=False).error


def test_the_final_epoch_closes_and_an_empty_session_ends() -> None:
    sessions = FetchSessions(10)
    made(sessions, 1, id_=5)
    context = sessions.begin(0, 5, -1, [wanted("t", 0)], [], uses_ids=False)
    assert sessions.end(0, context, {("t", 0): answer()}, 9, {})[1] == 0
    assert len(sessions) == 0
    made(sessions, 1, id_=6)
    assert sessions.begin(0, 6, 1, [], [("t", 0)], uses_ids=False).session is None
    assert len(sessions) == 0


def test_a_request_that_was_overtaken_is_told_so() -> None:
    sessions = FetchSessions(10)
    made(sessions, 1, id_=5)
    slow = sessions.begin(0, 5, 1, [], [], uses_ids=False)
    sessions.begin(0, 5, 2, [], [], uses_ids=False)
    assert sessions.end(0, slow, {("t", 0): answer()}, 0, {})[0] == ErrorCode.INVALID_FETCH_SESSION_EPOCH


def test_epochs_wrap_to_1_and_ids_that_are_taken_move_on() -> None:
    sessions = FetchSessions(10)
    made(sessions, 1, id_=LAST_EPOCH)
    assert made(sessions, 1, id_=LAST_EPOCH) == 1
    session = sessions.begin(0, 1, 1, [], [], uses_ids=False).session
    assert session is not None
    session.epoch = LAST_EPOCH
    sessions.begin(0, 1, LAST_EPOCH, [], [], uses_ids=False)
    assert session.epoch == 1


def test_topics_are_told_apart_by_id() -> None:
    sessions = FetchSessions(10)
    old, new = Uuid(b"a" * 16), Uuid(b"b" * 16)
    context = sessions.begin(0, 0, 0, [Wanted("", each, 0, 0, 9) for each in (old, new)], [], uses_ids=True)
    assert list(context.partitions) == [(old, 0), (new, 0)]


def test_when_the_cache_is_full_the_stale_go_then_the_small_that_are_not_young() -> None:
    sessions = FetchSessions(2, eviction_ms=100)
    made(sessions, 1, id_=1, now=0)
    made(sessions, 5, id_=2, now=0)
    assert made(sessions, 9, id_=3, now=50) == 0  # nobody is old enough
    sessions.begin(90, 1, 1, [], [], uses_ids=False)
    sessions.begin(90, 2, 1, [], [], uses_ids=False)
    assert made(sessions, 3, id_=3, now=150) == 3  # the smaller one made room
    assert sessions.begin(150, 1, 2, [], [], uses_ids=False).error
    assert made(sessions, 1, id_=4, now=160) == 0  # smaller than what is there
    assert made(sessions, 1, id_=4, now=195) == 4  # session 2 was silent since 90
    assert sessions.evictions == 2


def test_a_follower_goes_before_a_consumer() -> None:
    sessions = FetchSessions(1, eviction_ms=100)
    made(sessions, 9, id_=1)
    assert made(sessions, 1, id_=2, privileged=True) == 2
    assert made(sessions, 9, id_=3) == 0


def test_what_was_settled_on_other_terms_is_due_again() -> None:
    sessions = FetchSessions(slots=10)
    session_id = made(sessions, 2, id_=7)
    context = sessions.begin(0, session_id, 1, [], [], uses_ids=False, terms="committed")
    assert context.session is not None
    context.session.due.clear()
    again = sessions.begin(0, session_id, 2, [], [], uses_ids=False, terms="committed")
    assert not again.partitions and again.has_settled
    other = sessions.begin(0, session_id, 3, [], [], uses_ids=False, terms="uncommitted")
    assert len(other.partitions) == 2 and not other.has_settled
