"""What goes in and out of a share partition: limits, wishes, acknowledgements, what was acquired, what is to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple


class RecordState(IntEnum):
    """Where a record stands. The values are those of `__share_group_state`."""

    AVAILABLE = 0
    """Nobody has it: it may be delivered."""
    ACQUIRED = 1
    """A member holds it until its lock ends. Never written down: who takes over begins with AVAILABLE."""
    ACKNOWLEDGED = 2
    """Processed: it is never delivered again."""
    ARCHIVED = 4
    """Given up: rejected, delivered too often, or not there any more."""


class AcknowledgeType(IntEnum):
    """What a member says of a record."""

    GAP = 0
    """There is no such record: compaction took it, or it is a transaction's marker."""
    ACCEPT = 1
    RELEASE = 2
    """Somebody else may try."""
    REJECT = 3
    RENEW = 4
    """Still at work: the lock begins anew (KIP-1222)."""


class Limits(NamedTuple):
    """What counts for the group at the moment."""

    deliveries: int = 5
    """A record that was delivered so often is archived when it is let go."""
    in_flight: int = 2000
    """Offsets between the start offset and the end of what was delivered."""
    lock_ms: int = 30_000
    renews: bool = True
    """Whether locks may be renewed."""


class Wish(NamedTuple):
    """How much a member wants."""

    max_records: int
    batch_size: int
    """About so many records make one batch of what is acquired; batches of the log are not divided for it."""
    exact: bool = False
    """KIP-1206, record_limit: never more than `max_records`. Else the last batch of the log comes whole."""


class Acknowledgement(NamedTuple):
    """One type for all offsets from `first` to `last`, or one for each of them."""

    first: int
    last: int
    types: Sequence[int]


class Acquired(NamedTuple):
    """Offsets that a member holds from now on; `deliveries` counts this one."""

    first: int
    last: int
    deliveries: int


class StateBatch(NamedTuple):
    """Offsets of one state, as the share coordinator keeps them."""

    first: int
    last: int
    state: int
    deliveries: int


def joined(batches: Sequence[StateBatch]) -> list[StateBatch]:
    """Neighbours of one state in one batch. `batches` are in the order of their offsets."""
    result: list[StateBatch] = []
    for each in batches:
        if result:
            before = result[-1]
            if before.last + 1 == each.first and before[2:] == each[2:]:
                result[-1] = before._replace(last=each.last)
                continue
        result.append(each)
    return result
