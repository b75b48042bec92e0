"""A share partition: who gets which records, what acknowledgements do, and what is left after all."""

from __future__ import annotations

import pytest

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.sharing.aborted import Aborted
from ottla.core.partition.sharing.values import Acknowledgement, Limits, StateBatch, Wish
from tests.unit.sharing.share_log import (
    ACCEPT,
    ALL,
    REJECT,
    RELEASE,
    RENEW,
    batch,
    batches,
    fresh,
    say,
    shown,
    take,
)


def refused(code: ErrorCode, *arguments: object) -> None:
    with pytest.raises(KafkaError) as caught:
        say(*arguments)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_members_get_different_records_until_nothing_is_left() -> None:
    partition, log = fresh(), batches((0, 4), (5, 9), (10, 14))
    assert take(partition, "ada", log, Wish(5, 100)) == [(0, 4, 1)]
    assert take(partition, "bob", log, Wish(6, 100)) == [(5, 14, 1)]  # whole batches: more than six
    assert take(partition, "cyd", log) == []
    assert (partition.start_offset, partition.next_offset) == (0, 15)


def test_what_is_acquired_is_divided_about_every_batch_size_records() -> None:
    log = batches((0, 3), (4, 7), (8, 11), (12, 12))
    assert take(fresh(), "ada", log, Wish(100, 8)) == [(0, 7, 1), (8, 12, 1)]
    assert take(fresh(), "ada", log, Wish(100, 5)) == [(0, 7, 1), (8, 12, 1)]
    assert take(fresh(), "ada", log, Wish(100, 0)) == [(0, 3, 1), (4, 7, 1), (8, 11, 1), (12, 12, 1)]


def test_record_limit_takes_no_more_than_was_wanted() -> None:
    partition, log = fresh(), batches((0, 9))
    assert take(partition, "ada", log, Wish(3, 100, exact=True)) == [(0, 2, 1)]
    assert partition.next_fetch_offset() == 3
    assert take(partition, "bob", log, Wish(100, 100, exact=True)) == [(3, 9, 1)]
    assert partition.next_fetch_offset() == 10


def test_accepted_records_leave_and_the_start_follows() -> None:
    partition, log = fresh(), batches((0, 9), (10, 19))
    take(partition, "ada", log, Wish(10, 10))
    take(partition, "ada", log, Wish(10, 10))
    say(partition, "ada", 10, 19, ACCEPT)
    assert (partition.start_offset, partition.complete) == (0, 10)
    say(partition, "ada", 0, 4, ACCEPT)
    assert (partition.start_offset, partition.complete) == (5, 10)
    say(partition, "ada", 5, 9, REJECT)
    assert (partition.start_offset, partition.complete, partition.in_flight) == (20, 0, 0)


def test_nothing_counts_before_it_is_kept() -> None:
    partition, log = fresh(), batches((0, 9))
    take(partition, "ada", log)
    change = partition.acknowledge(0, "ada", [Acknowledgement(0, 9, [ACCEPT])])
    assert change is not None
    assert shown(change) == [(0, 9, 2, 1)]
    assert (partition.start_offset, partition.complete) == (0, 10)
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "ada", 0, 9, ACCEPT)
    partition.failed(0, change)
    assert partition.complete == 0
    say(partition, "ada", 0, 9, ACCEPT)
    assert partition.start_offset == 10


def test_a_change_that_fails_after_its_lock_ended_lets_the_records_go() -> None:
    partition, log = fresh(), batches((0, 9))
    take(partition, "ada", log)
    change = partition.acknowledge(0, "ada", [Acknowledgement(0, 9, [ACCEPT])])
    assert change is not None
    assert partition.expire(30_000) is None
    partition.failed(30_000, change)
    assert take(partition, "bob", log, now=30_000) == [(0, 9, 2)]


def test_released_records_come_first() -> None:
    partition, log = fresh(), batches((0, 9), (10, 19))
    take(partition, "ada", log, Wish(10, 10))
    say(partition, "ada", 0, 9, *[ACCEPT] * 3, *[RELEASE] * 3, *[ACCEPT] * 4)
    assert (partition.start_offset, partition.next_fetch_offset()) == (3, 3)
    assert take(partition, "bob", log, Wish(3, 10)) == [(3, 5, 2)]
    assert partition.next_fetch_offset() == 10


def test_a_lock_ends_and_somebody_else_gets_the_record() -> None:
    partition, log = fresh(Limits(lock_ms=100)), batches((0, 9))
    take(partition, "ada", log)
    assert partition.deadline == 100
    assert partition.expire(99) is None
    assert shown(partition.expire(100)) == [(0, 9, 0, 1)]
    assert take(partition, "bob", log, now=100) == [(0, 9, 2)]
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "ada", 0, 9, ACCEPT)


def test_a_renewed_lock_lasts_longer() -> None:
    partition, log = fresh(Limits(lock_ms=100)), batches((0, 9))
    take(partition, "ada", log)
    say(partition, "ada", 0, 4, RENEW, now=60)
    assert shown(partition.expire(100)) == [(5, 9, 0, 1)]
    assert partition.expire(159) is None
    assert shown(partition.expire(160)) == [(0, 4, 0, 1)]


def test_renewal_may_be_forbidden() -> None:
    partition = fresh(Limits(renews=False))
    take(partition, "ada", batches((0, 9)))
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "ada", 0, 9, RENEW)


def test_who_leaves_lets_everything_go() -> None:
    partition, log = fresh(), batches((0, 4), (5, 9))
    take(partition, "ada", log, Wish(5, 5))
    take(partition, "bob", log, Wish(5, 5))
    change = partition.release("ada")
    assert change is not None and shown(change) == [(0, 4, 0, 1)]
    assert take(partition, "cyd", log) == []
    partition.kept(change)
    assert take(partition, "cyd", log) == [(0, 4, 2)]
    assert partition.release("nobody") is None


def test_a_record_that_fails_too_often_is_archived() -> None:
    partition, log = fresh(Limits(deliveries=2, lock_ms=10)), batches((0, 0))
    for now in (0, 10):
        assert take(partition, "ada", log, now=now) == [(0, 0, 1 + now // 10)]
        change = partition.expire(now + 10)
        assert change is not None
        partition.kept(change)
    assert partition.start_offset == 1
    assert take(partition, "ada", log) == []


def test_the_start_waits_until_the_last_expiry_is_kept() -> None:
    """Below the start every late word is answered as if it counted: so what lies there must be durable."""
    partition, log = fresh(Limits(deliveries=1, lock_ms=10)), batches((0, 4), (5, 9))
    take(partition, "ada", log, Wish(5, 5))
    take(partition, "bob", log, Wish(5, 5), now=5)
    expired = partition.expire(10)
    assert shown(expired) == [(0, 4, 4, 1)]
    say(partition, "bob", 5, 9, ACCEPT, now=10)
    assert take(partition, "cyd", batches((10, 14)), now=10) == [(10, 14, 1)]
    assert partition.start_offset == 0
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "ada", 0, 4, ACCEPT)
    assert partition.complete == 10
    assert expired is not None
    partition.kept(expired)
    assert partition.start_offset == 10
    say(partition, "ada", 0, 4, ACCEPT)


def test_a_last_expiry_that_is_not_kept_is_tried_again() -> None:
    partition, log = fresh(Limits(deliveries=1, lock_ms=10)), batches((0, 4))
    take(partition, "ada", log)
    expired = partition.expire(10)
    assert expired is not None
    partition.failed(20, expired)
    assert (partition.start_offset, partition.complete) == (0, 0)
    assert take(partition, "bob", log, now=20) == []
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "ada", 0, 4, ACCEPT)
    again = partition.deadline
    assert again is not None and again > 20
    expired = partition.expire(again)
    assert shown(expired) == [(0, 4, 4, 1)]
    assert expired is not None
    partition.kept(expired)
    assert partition.start_offset == 5


def test_a_last_acknowledgement_that_is_not_kept_in_time_is_archived_durably() -> None:
    partition, log = fresh(Limits(deliveries=1, lock_ms=10)), batches((0, 4))
    take(partition, "ada", log)
    change = partition.acknowledge(0, "ada", [Acknowledgement(0, 4, [ACCEPT])])
    assert change is not None and partition.expire(10) is None
    partition.failed(20, change)
    assert partition.deadline is not None
    expired = partition.expire(partition.deadline)
    assert shown(expired) == [(0, 4, 4, 1)]


def test_an_expiry_that_is_kept_late_leaves_the_next_holder_alone() -> None:
    partition, log = fresh(Limits(lock_ms=10)), batches((0, 4))
    take(partition, "ada", log)
    expired = partition.expire(10)
    assert take(partition, "bob", log, now=10) == [(0, 4, 2)]
    change = partition.acknowledge(10, "bob", [Acknowledgement(0, 4, [ACCEPT])])
    assert expired is not None and change is not None
    partition.kept(expired)
    assert partition.start_offset == 0
    partition.kept(change)
    assert partition.start_offset == 5


def test_a_batch_that_keeps_failing_is_taken_apart_until_the_bad_record_stands_alone() -> None:
    partition, log = fresh(Limits(deliveries=5, lock_ms=10)), batches((0, 7))
    now, delivered = 0, []
    while partition.start_offset < 8:
        now += 10
        taken = take(partition, "ada", log, now=now)
        delivered.append(taken)
        for first, last, _ in taken:
            if first <= 5 <= last:
                say(partition, "ada", first, last, RELEASE, now=now)
            else:
                say(partition, "ada", first, last, ACCEPT, now=now)
    assert delivered[:3] == [[(0, 7, 1)], [(0, 7, 2)], [(0, 7, 3)]]
    assert delivered[3] == [(0, 3, 4)]
    assert delivered[4] == [(4, 7, 4)]
    assert delivered[5:] == [[(4, 4, 5)], [(5, 5, 5)], [(6, 6, 5)], [(7, 7, 5)]]


def test_acknowledgements_of_others_and_of_nothing() -> None:
    partition, log = fresh(), batches((0, 9))
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "ada", 0, 9, ACCEPT)
    take(partition, "ada", log)
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "bob", 0, 9, ACCEPT)
    refused(ErrorCode.INVALID_REQUEST, partition, "ada", 0, 10, ACCEPT)
    refused(ErrorCode.INVALID_REQUEST, partition, "ada", 20, 30, ACCEPT)
    say(partition, "ada", 0, 4, ACCEPT)
    say(partition, "ada", 0, 4, ACCEPT)  # below the start: done already
    say(partition, "ada", 3, 9, ACCEPT)
    assert partition.start_offset == 10


def test_one_wrong_acknowledgement_takes_all_of_a_request_back() -> None:
    partition, log = fresh(), batches((0, 9))
    take(partition, "ada", log)
    with pytest.raises(KafkaError):
        partition.acknowledge(0, "ada", [Acknowledgement(0, 4, [ACCEPT]), Acknowledgement(5, 15, [ACCEPT])])
    assert partition.complete == 0
    say(partition, "ada", 0, 9, ACCEPT)
    assert partition.start_offset == 10


def test_no_more_than_so_many_records_are_in_flight() -> None:
    partition, log = fresh(Limits(in_flight=10)), batches((0, 5), (6, 11), (12, 17))
    assert take(partition, "ada", log) == [(0, 11, 1)]
    assert not partition.has_room
    assert take(partition, "ada", log) == []
    say(partition, "ada", 3, 3, RELEASE)
    assert partition.has_room
    assert take(partition, "bob", log) == [(3, 3, 2)]
    say(partition, "ada", 0, 2, ACCEPT)
    assert partition.has_room
    assert take(partition, "bob", log, Wish(1, 100, exact=True)) == [(12, 12, 1)]


def test_records_of_aborted_transactions_are_archived() -> None:
    partition = fresh()
    log = [
        batch(0, 2, producer=7),
        batch(3, 5, producer=8),
        batch(6, 6, producer=7, control=True),
        batch(7, 9, producer=7),
        batch(10, 12),
    ]
    acquired = partition.acquire(0, "ada", ALL, 0, log, [Aborted(7, 0)])
    assert [tuple(each) for each in acquired] == [(3, 12, 1)]
    assert partition.start_offset == 3
    say(partition, "ada", 3, 12, ACCEPT)
    assert partition.start_offset == 13


def test_the_log_loses_its_beginning() -> None:
    partition, log = fresh(), batches((0, 9), (10, 19))
    take(partition, "ada", log, Wish(10, 10))
    change = partition.acknowledge(0, "ada", [Acknowledgement(0, 4, [ACCEPT])])
    assert change is not None
    partition.log_start_moved(7)
    partition.kept(change)
    assert (partition.start_offset, partition.complete) == (7, 0)
    say(partition, "ada", 0, 9, ACCEPT)
    assert partition.start_offset == 10
    partition.log_start_moved(15)
    assert (partition.start_offset, partition.next_fetch_offset()) == (15, 15)
    assert take(partition, "ada", log) == [(15, 19, 1)]


def test_what_compaction_took_is_not_waited_for() -> None:
    partition, log = fresh(), batches((0, 4), (5, 9), (10, 14))
    take(partition, "ada", log, Wish(5, 5))
    take(partition, "ada", log, Wish(5, 5))
    say(partition, "ada", 0, 9, RELEASE)
    assert take(partition, "bob", [log[2]]) == [(10, 14, 1)]
    assert partition.start_offset == 10


def test_the_stored_state_goes_on_where_it_was() -> None:
    """0-4 were acquired when the node went down; 5-9 are done; 10-14 were let go once; 15-19 were acquired, too."""
    stored = [StateBatch(5, 9, 2, 1), StateBatch(10, 14, 0, 1), StateBatch(20, 21, 4, 1)]
    partition, log = fresh(stored=stored), batches((0, 9), (10, 19), (20, 29))
    assert (partition.start_offset, partition.next_offset, partition.complete) == (0, 22, 7)
    assert take(partition, "ada", log, Wish(1, 100)) == [(0, 4, 1)]
    assert take(partition, "ada", log, Wish(5, 100)) == [(10, 14, 2)]
    assert take(partition, "ada", log, Wish(2, 100, exact=True)) == [(15, 16, 1)]
    assert take(partition, "ada", log, Wish(100, 100)) == [(17, 19, 1), (22, 29, 1)]


def test_a_stored_state_that_contradicts_itself_is_refused() -> None:
    for stored in (
        [StateBatch(5, 4, 2, 1)],
        [StateBatch(0, 9, 2, 1), StateBatch(9, 12, 2, 1)],
        [StateBatch(0, 9, 1, 1)],
        [StateBatch(0, 9, 3, 1)],
    ):
        with pytest.raises(ValueError):
            fresh(stored=stored)


def test_record_limit_counts_what_was_let_go_too() -> None:
    partition, log = fresh(), batches((0, 9), (10, 19))
    take(partition, "ada", log)
    say(partition, "ada", 0, 12, RELEASE)
    assert take(partition, "bob", log, Wish(3, 100, exact=True)) == [(0, 2, 2)]
    assert take(partition, "bob", log, Wish(9, 100, exact=True)) == [(3, 11, 2)]


def test_a_change_that_fails_behind_the_start_of_the_log_changes_nothing() -> None:
    partition, log = fresh(), batches((0, 9))
    take(partition, "ada", log)
    change = partition.acknowledge(
        0, "ada", [Acknowledgement(first, first + 3, [ACCEPT]) for first in (0, 4)]
    )
    assert change is not None
    partition.log_start_moved(5)
    assert partition.complete == 3
    partition.failed(0, change)
    assert partition.complete == 0


def test_nobody_can_say_anything_of_what_nobody_has_had() -> None:
    partition = fresh(stored=[StateBatch(5, 9, 2, 1), StateBatch(20, 21, 0, 1)])
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "ada", 0, 4, ACCEPT)
    refused(ErrorCode.INVALID_REQUEST, partition, "ada", 10, 12, ACCEPT)
    refused(ErrorCode.INVALID_RECORD_STATE, partition, "ada", 20, 21, ACCEPT)
    refused(ErrorCode.INVALID_REQUEST, partition, "ada", 20, 22, ACCEPT)
