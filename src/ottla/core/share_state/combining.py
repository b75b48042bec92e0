"""Batches of delivery state, joined: what is stored already, and what a leader says has changed.

Where two batches speak of one offset, the one that is further on counts: more deliveries, then the later state. So a write
that is repeated, or comes behind its successor, changes nothing. The answer is the shortest list that says the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ottla.core.share_state.requests import UNINITIALIZED, StateBatch


def combine(
    stored: Sequence[StateBatch], changes: Iterable[StateBatch], start_offset: int
) -> tuple[StateBatch, ...]:
    """In order of offsets, without overlap, nothing below `start_offset` (-1: no bound), equal neighbours as one."""
    batches = [each for each in (*stored, *changes) if each.last_offset >= each.first_offset]
    if start_offset != UNINITIALIZED:
        batches = [
            each if each.first_offset >= start_offset else each._replace(first_offset=start_offset)
            for each in batches
            if each.last_offset >= start_offset
        ]
    if len(batches) < 2:
        return tuple(batches)
    return tuple(_swept(sorted(batches)))


def _swept(batches: list[StateBatch]) -> list[StateBatch]:
    """Walk over the offsets where a batch begins or ends; in between one batch, of those under way, counts."""
    edges = sorted({edge for each in batches for edge in (each.first_offset, each.last_offset + 1)})
    under_way: list[tuple[int, int, int]] = []
    joined: list[StateBatch] = []
    coming = 0
    for edge, end in pairwise(edges):
        while coming < len(batches) and batches[coming].first_offset == edge:
            _, last, state, count = batches[coming]
            heapq.heappush(under_way, (-count, -state, last))
            coming += 1
        while under_way and under_way[0][2] < edge:
            heapq.heappop(under_way)
        if not under_way:
            continue
        count, state = -under_way[0][0], -under_way[0][1]
        before = joined[-1] if joined else None
        if before is not None and before[1:] == (edge - 1, state, count):
            joined[-1] = before._replace(last_offset=end - 1)
        else:
            joined.append(StateBatch(edge, end - 1, state, count))
    return joined
