"""What one round of compaction keeps of a batch."""

from __future__ import annotations

import pytest

from ottla.core.log.compaction import LastRecord, Round, Transactions, keep, note_keys
from ottla.core.log.index import AbortedTransaction
from ottla.core.log.offset_map import OffsetMap
from ottla.core.records.batch import BatchHeader, check_crc, read_header
from ottla.core.records.build import build
from ottla.core.records.compression import Codec
from ottla.core.records.control import EndTransaction, build_control, build_end_transaction
from ottla.core.records.record import Record, records
from ottla.core.records.stamping import stamp
from ottla.core.wire.messages.records.control import LeaderChangeMessage

WALL = 1_700_000_000_000
RETENTION = 1000


def batch(
    offset: int, *pairs: tuple[bytes | None, bytes | None], codec: Codec = Codec.NONE, **fields: int
) -> bytes:
    made = [
        Record(offset + slot, WALL + offset + slot, key, value, (("h", b"x"),))
        for slot, (key, value) in enumerate(pairs)
    ]
    return build(made, codec, leader_epoch=4, **fields)  # type: ignore[arg-type]


def marker(offset: int, producer_id: int, committed: bool, epoch: int = 0) -> bytes:
    made = build_end_transaction(producer_id, epoch, EndTransaction(committed, 0), WALL)
    return b"".join(stamp(made, read_header(made), offset, 4))


class Pass:
    """A log of a few batches, cleaned whole."""

    def __init__(
        self,
        *batches: bytes,
        aborted: tuple[AbortedTransaction, ...] = (),
        start: int = 0,
        memory: int = 100_000,
    ) -> None:
        self.batches = list(batches)
        self.aborted = aborted
        self.offsets = OffsetMap(memory)
        transactions = Transactions(aborted)
        self.fits = all(
            note_keys(self.offsets, transactions, read_header(each), each, start) for each in batches
        )

    def clean(
        self, wall: int = WALL, last: dict[int, LastRecord] | None = None, end_offset: int = 10**6
    ) -> list[bytes]:
        cleaning = Round(self.offsets, last or {}, end_offset, wall, RETENTION)
        self.transactions = Transactions(self.aborted)
        out: list[bytes] = []
        for each in self.batches:
            kept = keep(cleaning, self.transactions, read_header(each), each)
            if kept is not None:
                data = b"".join(kept.parts)
                assert read_header(data) == kept.header
                check_crc(data, kept.header)
                out.append(data)
        return out


def pairs(batches: list[bytes]) -> list[tuple[int, bytes | None, bytes | None]]:
    return [
        (r.offset, r.key, r.value)
        for each in batches
        if not read_header(each).is_control
        for r in records(each)
    ]


def spans(batches: list[bytes]) -> list[tuple[int, int, int]]:
    found: list[BatchHeader] = [read_header(each) for each in batches]
    return [(header.base_offset, header.last_offset, header.count) for header in found]


@pytest.mark.parametrize("codec", Codec)
def test_the_last_record_of_a_key_stays_where_it_was(codec: Codec) -> None:
    out = Pass(
        batch(0, (b"a", b"1"), (b"b", b"2"), codec=codec),
        batch(2, (b"a", b"3"), (b"c", b"4"), (b"a", b"5"), codec=codec),
        batch(5, (b"d", b"6"), codec=codec),
    ).clean()
    assert pairs(out) == [(1, b"b", b"2"), (3, b"c", b"4"), (4, b"a", b"5"), (5, b"d", b"6")]
    assert spans(out) == [(0, 1, 1), (2, 4, 2), (5, 5, 1)]
    assert [read_header(each).codec for each in out] == [codec] * 3
    assert [record.timestamp for each in out for record in records(each)] == [WALL + n for n in (1, 3, 4, 5)]
    assert [record.headers for record in records(out[0])] == [(("h", b"x"),)]
    assert read_header(out[0]).leader_epoch == 4


def test_an_untouched_batch_keeps_its_bytes() -> None:
    only = batch(0, (b"a", b"1"), (b"b", b"2"), codec=Codec.ZSTD)
    assert Pass(only).clean() == [only]


def test_a_batch_without_records_goes() -> None:
    assert spans(Pass(batch(0, (b"a", b"1")), batch(1, (b"a", b"2"))).clean()) == [(1, 1, 1)]


def test_keyless_records_go_once_the_topic_compacts() -> None:
    assert pairs(Pass(batch(0, (None, b"1"), (b"a", b"2"))).clean()) == [(1, b"a", b"2")]


def test_what_lies_beyond_the_map_stays() -> None:
    round_ = Pass(batch(0, (b"a", b"1")))
    round_.batches += [batch(1, (b"a", b"2"), (None, b"x")), batch(3, (b"a", b"3"))]
    assert pairs(round_.clean()) == [(0, b"a", b"1"), (1, b"a", b"2"), (2, None, b"x"), (3, b"a", b"3")]


def test_a_full_map_ends_the_round_inside_a_batch() -> None:
    round_ = Pass(
        batch(0, (b"a", b"1"), (b"b", b"1")),
        batch(2, (b"a", b"2"), (b"c", b"1"), (b"b", b"2")),
        memory=24 * 3,
    )
    assert not round_.fits
    assert round_.offsets.latest_offset == 2
    assert pairs(round_.clean()) == [(1, b"b", b"1"), (2, b"a", b"2"), (3, b"c", b"1"), (4, b"b", b"2")]


def test_log_append_time_survives() -> None:
    made = build(
        [Record(0, 1, b"a", b"1"), Record(1, 2, b"b", b"2"), Record(2, 3, b"a", b"3")], log_append_time=WALL
    )
    out = Pass(made).clean()
    assert {record.timestamp for record in records(out[0])} == {WALL}
    assert len(list(records(out[0]))) == 2


# -- tombstones --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", Codec)
def test_a_tombstone_stays_until_its_horizon(codec: Codec) -> None:
    first = Pass(batch(0, (b"a", b"1"), (b"b", b"1"), (b"a", None), codec=codec)).clean()
    header = read_header(first[0])
    assert pairs(first) == [(1, b"b", b"1"), (2, b"a", None)]
    assert header.delete_horizon == WALL + RETENTION
    assert header.max_timestamp == WALL + 2
    assert [record.timestamp for record in records(first[0])] == [WALL + 1, WALL + 2]
    later = Pass(*first).clean(WALL + RETENTION - 1)
    assert later == first
    last = Pass(*first).clean(WALL + RETENTION)
    assert pairs(last) == [(1, b"b", b"1")]
    assert read_header(last[0]).delete_horizon == WALL + RETENTION
    assert [record.timestamp for record in records(last[0])] == [WALL + 1]


def test_a_newer_tombstone_does_not_move_an_older_horizon() -> None:
    first = Pass(batch(0, (b"a", None), (b"b", None))).clean()
    second = Pass(*first, batch(2, (b"b", b"back"))).clean(WALL + 10)
    assert pairs(second) == [(0, b"a", None), (2, b"b", b"back")]
    assert read_header(second[0]).delete_horizon == WALL + RETENTION


# -- producers and the end of the round --------------------------------------------------------------------------


def test_the_last_batch_of_an_active_producer_stays_empty() -> None:
    given = (
        batch(0, (b"a", b"1"), producer_id=9, producer_epoch=1, base_sequence=5),
        batch(
            1, (b"a", b"2"), (b"a", b"3"), producer_id=9, producer_epoch=1, base_sequence=6, codec=Codec.GZIP
        ),
        batch(3, (b"a", b"4")),
    )
    out = Pass(*given).clean(last={9: LastRecord(2, 1)})
    assert spans(out) == [(1, 2, 0), (3, 3, 1)]
    empty = read_header(out[0])
    assert (empty.producer_id, empty.producer_epoch, empty.base_sequence, empty.last_sequence) == (9, 1, 6, 7)
    assert (empty.size, empty.codec, empty.base_timestamp, empty.max_timestamp) == (
        61,
        Codec.NONE,
        -1,
        WALL + 2,
    )
    assert empty.leader_epoch == 4
    again = Pass(*out).clean(last={9: LastRecord(2, 1)})
    assert again == out
    assert spans(Pass(*out).clean()) == [(3, 3, 1)]


def test_the_last_batch_of_the_round_stays_empty() -> None:
    out = Pass(batch(0, (b"a", b"1")), batch(1, (None, b"2"))).clean(end_offset=2)
    assert spans(out) == [(0, 0, 1), (1, 1, 0)]


# -- transactions ------------------------------------------------------------------------------------------------


def transactional(offset: int, producer_id: int, *given: tuple[bytes, bytes | None]) -> bytes:
    return batch(
        offset, *given, producer_id=producer_id, producer_epoch=0, base_sequence=0, transactional=True
    )


def test_aborted_records_go_and_do_not_hide_others() -> None:
    aborted = AbortedTransaction(9, 1, 2, 1)
    round_ = Pass(
        batch(0, (b"a", b"1")),
        transactional(1, 9, (b"a", b"no")),
        marker(2, 9, False),
        batch(3, (b"b", b"2")),
        aborted=(aborted,),
    )
    out = round_.clean()
    assert pairs(out) == [(0, b"a", b"1"), (3, b"b", b"2")]
    # The marker outlives its records for a round, with its entry in the index.
    assert spans(out) == [(0, 0, 1), (2, 2, 1), (3, 3, 1)]
    assert read_header(out[1]).delete_horizon is None
    assert round_.transactions.retained == [aborted]


def test_a_marker_goes_after_its_records_and_its_horizon() -> None:
    for committed, aborted in ((True, ()), (False, (AbortedTransaction(9, 0, 1, 0),))):
        first = Pass(
            transactional(0, 9, (b"a", b"1")),
            marker(1, 9, committed),
            batch(2, (b"a", b"2")),
            aborted=aborted,
        )
        kept = first.clean()
        assert spans(kept) == [(1, 1, 1), (2, 2, 1)]
        second = Pass(*kept, aborted=tuple(first.transactions.retained))
        waiting = second.clean()
        assert read_header(waiting[0]).delete_horizon == WALL + RETENTION
        assert second.transactions.retained == []
        assert next(records(waiting[0])).key == next(records(kept[0])).key
        assert Pass(*waiting).clean(WALL + RETENTION - 1) == waiting
        assert spans(Pass(*waiting).clean(WALL + RETENTION)) == [(2, 2, 1)]


def test_a_marker_stays_with_its_records() -> None:
    given = [transactional(0, 9, (b"a", b"1")), marker(1, 9, True)]
    for _ in range(3):
        assert Pass(*given).clean(WALL + 10**9) == given


def test_the_marker_that_holds_a_producers_epoch_stays() -> None:
    expired = Pass(marker(0, 9, True, epoch=3)).clean()
    kept = Pass(*expired).clean(WALL + RETENTION, last={9: LastRecord(-1, 3)})
    assert spans(kept) == [(0, 0, 0)]
    assert read_header(kept[0]).is_control
    assert Pass(*expired).clean(WALL + RETENTION, last={9: LastRecord(-1, 4)}) == []
    # Emptied, it says nothing about any transaction.
    assert spans(Pass(*kept).clean(last={9: LastRecord(-1, 3)})) == [(0, 0, 0)]


def test_transactions_of_several_producers_interleave() -> None:
    aborted = (AbortedTransaction(1, 0, 3, 0), AbortedTransaction(1, 5, 7, 5))
    out = Pass(
        transactional(0, 1, (b"a", b"no")),
        transactional(1, 2, (b"b", b"yes")),
        transactional(2, 1, (b"b", b"no")),
        marker(3, 1, False),
        marker(4, 2, True),
        transactional(5, 1, (b"c", b"no")),
        transactional(6, 2, (b"c", b"yes")),
        marker(7, 1, False),
        marker(8, 2, True),
        transactional(9, 1, (b"d", b"yes")),
        marker(10, 1, True),
        aborted=aborted,
    ).clean()
    assert pairs(out) == [(1, b"b", b"yes"), (6, b"c", b"yes"), (9, b"d", b"yes")]
    assert [header for header in spans(out) if header[0] in (3, 4, 7, 8, 10)] == [
        (offset, offset, 1) for offset in (3, 4, 7, 8, 10)
    ]


def test_raft_control_batches_stay() -> None:
    change = build_control([LeaderChangeMessage(leader_id=1)], base_offset=0, leader_epoch=1, timestamp=WALL)
    assert Pass(change).clean(WALL + 10**9) == [change]
