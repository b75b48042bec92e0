"""Batches of a log, as a share partition sees them."""

from __future__ import annotations

from collections.abc import Sequence

from ottla.core.partition.sharing.share_partition import Change, SharePartition
from ottla.core.partition.sharing.values import Acknowledgement, Acquired, Limits, StateBatch, Wish
from ottla.core.records.batch import CONTROL_BIT, TRANSACTIONAL_BIT, BatchHeader

ALL = Wish(max_records=10_000, batch_size=10_000)
ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4


def batch(first: int, last: int, *, producer: int = -1, control: bool = False) -> BatchHeader:
    attributes = (TRANSACTIONAL_BIT if producer >= 0 else 0) | (CONTROL_BIT if control else 0)
    return BatchHeader(first, 0, 0, 2, 0, attributes, last - first, 0, 0, producer, 0, -1, last - first + 1)


def batches(*spans: tuple[int, int]) -> list[BatchHeader]:
    return [batch(first, last) for first, last in spans]


def fresh(limits: Limits = Limits(), start: int = 0, stored: Sequence[StateBatch] = ()) -> SharePartition:
    partition = SharePartition(limits)
    partition.load(start, 0, stored)
    return partition


def take(
    partition: SharePartition,
    member: str,
    log: Sequence[BatchHeader],
    wish: Wish = ALL,
    now: int = 0,
) -> list[tuple[int, int, int]]:
    """Acquire what lies in `log` at the next fetch offset: (first, last, deliveries)."""
    offset = partition.next_fetch_offset()
    found = [each for each in log if each.last_offset >= offset]
    return [tuple(each) for each in partition.acquire(now, member, wish, offset, found)]  # type: ignore[misc]


def say(partition: SharePartition, member: str, first: int, last: int, *types: int, now: int = 0) -> None:
    """Acknowledge, and let the change be kept at once."""
    change = partition.acknowledge(now, member, [Acknowledgement(first, last, types)])
    if change is not None:
        partition.kept(change)


def shown(change: Change | None) -> list[tuple[int, int, int, int]]:
    """(first, last, state, deliveries) of what is to be kept."""
    return [] if change is None else [tuple(map(int, each)) for each in change.batches]  # type: ignore[misc]


def offsets(acquired: Sequence[Acquired]) -> list[int]:
    return [offset for each in acquired for offset in range(each.first, each.last + 1)]
