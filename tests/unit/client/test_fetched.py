"""Which batches of an answer a reader may see."""

from __future__ import annotations

from ottla.client.fetched import visible_batches
from ottla.core.records.control import EndTransaction, build_end_transaction
from ottla.core.wire.messages.fetch import AbortedTransaction
from tests.unit.client.leader import batch


def marker(offset: int, producer_id: int, *, committed: bool) -> bytes:
    data = bytearray(build_end_transaction(producer_id, 0, EndTransaction(committed, 0), 1_700_000_000_000))
    data[:8] = offset.to_bytes(8, "big")
    return bytes(data)


def transactions() -> bytes:
    """Producer 1 aborts (0, 3), producer 2 commits (1), producer 3 has no transaction (2), 1 commits (5)."""
    return b"".join(
        (
            batch(0, b"aborted", producer_id=1, producer_epoch=0, base_sequence=0, transactional=True),
            batch(1, b"committed", producer_id=2, producer_epoch=0, base_sequence=0, transactional=True),
            batch(2, b"plain", producer_id=1, producer_epoch=0, base_sequence=9),
            marker(3, 1, committed=False),
            marker(4, 2, committed=True),
            batch(5, b"second", producer_id=1, producer_epoch=0, base_sequence=1, transactional=True),
            marker(6, 1, committed=True),
        )
    )


def shown(aborted: list[AbortedTransaction] | None, first: int = 0) -> tuple[list[bytes | None], int]:
    seen, next_offset = visible_batches(memoryview(transactions()), first, aborted, check_crcs=True)
    return [record.value for each in seen for record in each.records()], next_offset


def test_aborted_transactions_are_left_out_until_their_marker() -> None:
    assert shown([AbortedTransaction(1, 0)]) == ([b"committed", b"plain", b"second"], 7)
    assert shown(None) == ([b"aborted", b"committed", b"plain", b"second"], 7)
    assert shown([AbortedTransaction(1, 0)], first=2) == ([b"plain", b"second"], 7)


def test_a_batch_cut_short_by_the_limit_is_fetched_again() -> None:
    data = batch(0, b"0") + batch(1, b"1")[:-3]
    seen, next_offset = visible_batches(memoryview(data), 0, None, check_crcs=True)
    assert ([each.header.base_offset for each in seen], next_offset) == ([0], 1)
