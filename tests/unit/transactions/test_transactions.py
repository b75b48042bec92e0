"""The transaction coordinator: producers, partitions, ends, and what becomes of them when something fails."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ottla.core.coordination.contract import Call
from ottla.core.model.errors import ErrorCode
from ottla.core.transactions.requests import (
    AddPartitions,
    Describe,
    Ended,
    Initialised,
    InitProducer,
    ListAll,
    VerifyPartitions,
)
from ottla.core.transactions.transaction import MAX_EPOCH, Status
from tests.unit.coordination.driving import WALL
from tests.unit.transactions.driving import PLACES, V2, Transactions, code


def test_each_new_producer_has_a_higher_epoch() -> None:
    each = Transactions()
    assert each.begin_producer() == Initialised(100, 0)
    assert each.begin_producer() == Initialised(100, 1)
    each.restart()
    assert each.begin_producer() == Initialised(100, 2)


def test_a_producer_goes_on_with_the_epoch_it_has_and_may_ask_twice() -> None:
    each = Transactions()
    each.begin_producer()
    assert each.begin_producer((100, 0)) == Initialised(100, 1)
    assert each.begin_producer((100, 0)) == Initialised(100, 1)
    assert each.begin_producer() == Initialised(100, 2)
    assert code(each.begin_producer((100, 1))) == ErrorCode.PRODUCER_FENCED
    assert code(each.begin_producer((99, 2))) == ErrorCode.PRODUCER_FENCED


@pytest.mark.parametrize("committed", [True, False])
def test_a_transaction_ends_when_every_partition_is_marked(committed: bool) -> None:
    each = Transactions()
    producer = each.ongoing()
    assert each.end(committed, producer) == Ended(100, 1)
    assert each.one.status.ending
    (call,) = each.calls
    assert (call.body.committed, call.body.partitions, call.body.producer_epoch) == (committed, PLACES, 1)
    assert code(each.ask(AddPartitions("t", 100, 1, PLACES, V2))) == ErrorCode.CONCURRENT_TRANSACTIONS
    assert code(each.begin_producer()) == ErrorCode.CONCURRENT_TRANSACTIONS
    each.mark()
    assert each.one.status is (Status.COMPLETE_COMMIT if committed else Status.COMPLETE_ABORT)
    assert each.one.partitions == frozenset()


def test_markers_are_sent_again_until_they_are_written_also_by_who_takes_over() -> None:
    each = Transactions()
    each.end(True, each.ongoing())
    each.mark(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    assert each.one.status is Status.PREPARE_COMMIT and not each.calls
    each.pass_time(100)
    assert [call.body.partitions for call in each.calls] == [PLACES]
    each.calls.clear()
    each.restart()
    assert [call.body.partitions for call in each.calls] == [PLACES]
    each.mark()
    assert each.one.status is Status.COMPLETE_COMMIT


def test_only_partitions_without_a_marker_are_asked_again() -> None:
    each = Transactions()
    each.end(True, each.ongoing())
    (call,) = each.calls
    each.calls.clear()
    some = {("orders", 0): ErrorCode.NONE, ("orders", 1): ErrorCode.KAFKA_STORAGE_ERROR}
    each.take(each.machine.answered(each.moment, call, some))
    each.pass_time(100)
    assert [again.body.partitions for again in each.calls] == [frozenset([("orders", 1)])]
    each.mark(ErrorCode.TRANSACTION_COORDINATOR_FENCED)
    each.pass_time(1000)
    assert each.one.status is Status.PREPARE_COMMIT and not each.calls, "it is another coordinator's now"


def test_an_answer_that_comes_late_changes_nothing() -> None:
    each = Transactions()
    each.end(True, each.ongoing())
    late: Call = each.calls[0]
    each.mark()
    assert each.ask(AddPartitions("t", 100, 1, PLACES, V2)) is None
    each.end(False, (100, 1))
    each.take(each.machine.answered(each.moment, late, dict.fromkeys(PLACES, ErrorCode.NONE)))
    assert each.one.status is Status.PREPARE_ABORT


def test_a_new_producer_aborts_what_the_old_one_left_open() -> None:
    each = Transactions()
    old = each.ongoing()
    assert code(each.begin_producer()) == ErrorCode.CONCURRENT_TRANSACTIONS
    assert each.one.status is Status.PREPARE_ABORT
    assert code(each.end(True, old)) == ErrorCode.INVALID_TXN_STATE
    each.mark()
    assert each.begin_producer() == Initialised(100, 2)
    assert code(each.ask(AddPartitions("t", *old, PLACES, V2))) == ErrorCode.PRODUCER_FENCED


def test_a_transaction_that_takes_too_long_is_aborted() -> None:
    each = Transactions()
    old = each.ongoing()
    each.pass_time(59_000)
    assert each.one.status is Status.ONGOING
    each.pass_time(20_000)
    assert each.one.status is Status.PREPARE_ABORT
    each.mark()
    assert code(each.end(True, old)) == ErrorCode.INVALID_TXN_STATE
    assert code(each.ask(AddPartitions("t", *old, PLACES, V2))) == ErrorCode.PRODUCER_FENCED


@pytest.mark.parametrize(
    ("set_by_ms", "restarts"), [(-3_600_000, False), (-3_600_000, True), (3_600_000, False)]
)
def test_a_calendar_that_is_set_changes_nothing_of_that(set_by_ms: int, restarts: bool) -> None:
    each = Transactions()
    each.ongoing()
    each.wall += set_by_ms
    if restarts:
        each.restart()
    each.pass_time(59_000)
    assert each.one.status is Status.ONGOING
    each.pass_time(20_000)
    assert each.one.status is Status.PREPARE_ABORT


class Ends:
    """What EndTxn answers with version 2 when nothing is under way (KIP-890)."""

    TABLE = (
        # state before, committed, retried: error (None: fine), whether a transaction is ended anew
        ("empty", False, True, ErrorCode.PRODUCER_FENCED, False),
        ("empty", False, False, None, True),
        ("empty", True, True, ErrorCode.PRODUCER_FENCED, False),
        ("empty", True, False, ErrorCode.INVALID_TXN_STATE, False),
        ("aborted", False, True, None, False),
        ("aborted", False, False, None, True),
        ("aborted", True, True, ErrorCode.INVALID_TXN_STATE, False),
        ("aborted", True, False, ErrorCode.INVALID_TXN_STATE, False),
        ("committed", False, True, ErrorCode.INVALID_TXN_STATE, False),
        ("committed", False, False, None, True),
        ("committed", True, True, None, False),
        ("committed", True, False, ErrorCode.INVALID_TXN_STATE, False),
    )


@pytest.mark.parametrize(("before", "committed", "retried", "error", "anew"), Ends.TABLE)
def test_ends_without_a_transaction(
    before: str, committed: bool, retried: bool, error: ErrorCode | None, anew: bool
) -> None:
    each = Transactions()
    if before == "empty":
        each.begin_producer()
        each.begin_producer()
    else:
        each.end(before == "committed", each.ongoing())
        each.mark()
    epoch = each.one.producer_epoch
    records = len(each.written)
    answer = each.end(committed, (100, epoch - 1 if retried else epoch))
    if error is not None:
        assert code(answer) == error
    else:
        assert answer == Ended(100, epoch + 1 if anew else epoch)
    assert (len(each.written) > records) == anew
    if anew:
        each.mark()
        assert each.one.status is Status.COMPLETE_ABORT


@pytest.mark.parametrize("committed", [True, False])
def test_older_clients_keep_their_epoch_and_end_twice_without_harm(committed: bool) -> None:
    each = Transactions()
    producer = each.begin_producer()
    each.ask(AddPartitions("t", *producer, PLACES))
    assert each.end(committed, producer, 0) == Ended()
    assert code(each.end(committed, producer, 0)) == ErrorCode.CONCURRENT_TRANSACTIONS
    assert code(each.end(not committed, producer, 0)) == ErrorCode.INVALID_TXN_STATE
    each.mark()
    assert each.end(committed, producer, 0) == Ended()
    assert code(each.end(not committed, producer, 0)) == ErrorCode.INVALID_TXN_STATE
    assert each.one.producer_epoch == 0


def test_before_the_epochs_run_out_the_producer_gets_a_new_id() -> None:
    each = Transactions()
    each.ongoing()
    machine: Any = each.machine
    last = MAX_EPOCH - 1
    machine.state.transactions["t"] = msgspec.structs.replace(each.one, producer_epoch=last)
    assert each.end(True, (100, last)) == Ended(101, 0)
    (call,) = each.calls
    assert (call.body.producer_id, call.body.producer_epoch) == (100, MAX_EPOCH)
    each.restart()
    each.calls = each.calls[-1:]
    each.mark()
    assert (each.one.producer_id, each.one.producer_epoch, each.one.status.name) == (
        101,
        0,
        "COMPLETE_COMMIT",
    )
    assert each.end(True, (100, last)) == Ended(101, 0), "a retry across the change of ids"
    assert each.ask(AddPartitions("t", 101, 0, PLACES, V2)) is None


def test_an_exhausted_producer_that_begins_anew_gets_a_new_id() -> None:
    each = Transactions()
    each.begin_producer()
    machine: Any = each.machine
    machine.state.transactions["t"] = msgspec.structs.replace(each.one, producer_epoch=MAX_EPOCH - 1)
    assert each.begin_producer((100, MAX_EPOCH - 1)) == Initialised(101, 0)
    assert each.begin_producer((100, MAX_EPOCH - 1)) == Initialised(101, 0), "asked twice"


def test_partitions_are_verified_before_they_are_written_to() -> None:
    each = Transactions()
    producer = each.ongoing()
    asked = frozenset([("orders", 0), ("others", 0)])
    assert each.ask(VerifyPartitions("t", *producer, asked)).errors == {
        ("orders", 0): ErrorCode.NONE,
        ("others", 0): ErrorCode.TRANSACTION_ABORTABLE,
    }
    assert code(each.ask(VerifyPartitions("t", 100, 9, asked))) == ErrorCode.PRODUCER_FENCED
    assert code(each.ask(VerifyPartitions("t", 9, 0, asked))) == ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert code(each.ask(VerifyPartitions("u", 9, 0, asked))) == ErrorCode.INVALID_PRODUCER_ID_MAPPING
    each.end(True, producer)
    assert code(each.ask(VerifyPartitions("t", 100, 1, asked))) == ErrorCode.CONCURRENT_TRANSACTIONS


def test_what_administrators_are_told() -> None:
    each = Transactions()
    each.ongoing()
    each.ask(InitProducer("u", 60_000))
    found = each.ask(ListAll((), ())).transaction_states
    assert [(one.transactional_id, one.transaction_state) for one in found] == [
        ("t", "Ongoing"),
        ("u", "Empty"),
    ]
    each.now = 1
    for states, ids, duration, count in (
        (("Ongoing",), (), -1, 1),
        (("NoSuchState",), (), -1, 0),
        ((), (101,), -1, 1),
        ((), (), 70_000, 1),
        ((), (), 0, 2),
    ):
        assert len(each.ask(ListAll(states, ids, duration)).transaction_states) == count
    told = each.ask(Describe("t"))
    assert (told.transaction_state, told.transaction_timeout_ms, told.transaction_start_time_ms) == (
        "Ongoing",
        60_000,
        WALL,
    )
    assert [(topic.topic, topic.partitions) for topic in told.topics] == [("orders", [0, 1])]
    assert each.ask(Describe("v")).error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND


def test_transactional_ids_that_nobody_uses_are_forgotten() -> None:
    each = Transactions()
    each.begin_producer()
    each.pass_time(8 * 24 * 3600 * 1000)
    machine: Any = each.machine
    assert machine.state.transactions == {}
    assert each.replayed().state.transactions == {}  # type: ignore[attr-defined]


def test_records_before_transaction_version_1_are_written_as_older_brokers_read_them() -> None:
    each = Transactions(level=0)
    each.ongoing()
    assert {record.version for record in each.written} == {0}
    each.pass_time(80_000)
    assert each.one.producer_epoch == 1, "an abort that was not asked for fences the producer"
    each.mark()
    each.restart()
    assert each.begin_producer() == Initialised(100, 2)
