"""Which batches of a log belong to aborted transactions (isolation level read_committed)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ottla.core.partition.sharing.values import Acquired
from ottla.core.records.batch import BatchHeader


class Aborted(NamedTuple):
    """A transaction that was aborted, as the log's index tells of it."""

    producer_id: int
    first_offset: int


def aborted_batches(headers: Iterable[BatchHeader], aborted: Iterable[Aborted]) -> list[BatchHeader]:
    """Those of `headers`, in the order of the log, that aborted transactions wrote.

    A producer has one transaction at a time. So once the first offset of an aborted one lies behind us, everything
    transactional of that producer belongs to it, up to its next marker.
    """
    waiting = sorted(aborted, key=lambda each: each.first_offset, reverse=True)
    open_: set[int] = set()
    found: list[BatchHeader] = []
    for header in headers:
        if header.producer_id < 0:
            continue
        while waiting and waiting[-1].first_offset <= header.last_offset:
            open_.add(waiting.pop().producer_id)
        if header.is_control:
            open_.discard(header.producer_id)
        elif header.is_transactional and header.producer_id in open_:
            found.append(header)
    return found


def without(acquired: Sequence[Acquired], batches: Sequence[BatchHeader]) -> list[Acquired]:
    """What is left of `acquired` without the offsets of `batches`. Both are in the order of their offsets."""
    left: list[Acquired] = []
    for each in acquired:
        first = each.first
        for batch in batches:
            if batch.last_offset < first or batch.base_offset > each.last:
                continue
            if batch.base_offset > first:
                left.append(each._replace(first=first, last=batch.base_offset - 1))
            first = batch.last_offset + 1
        if first <= each.last:
            left.append(each._replace(first=first))
    return left
