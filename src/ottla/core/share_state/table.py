"""What one share coordinator remembers: the state of every share partition that hashes to its partition of the topic.

It changes only where records are applied. A snapshot says everything about a share partition, an update what changed
since; no value is the end of it.
"""

from __future__ import annotations

from typing import NamedTuple

from ottla.core.share_state.combining import combine
from ottla.core.share_state.requests import UNINITIALIZED, PartitionState, SharePartitionKey, StateBatch
from ottla.core.wire.messages.records.share_group_state import ShareSnapshotValue, ShareUpdateValue


class Entry(NamedTuple):
    """A share partition. The times are wall clock, ms; `updates` are those since the snapshot that they made due.

    `newest_leader` and `newest_state` are the highest epochs ever seen: they fence, also when the state began anew.
    """

    snapshot_epoch: int
    state: PartitionState
    created: int
    written: int
    updates: int
    newest_leader: int
    newest_state: int


class Table:
    """Share partition → its entry, and where in the log its newest snapshot lies."""

    __slots__ = ("_highest", "_offsets", "entries")

    def __init__(self) -> None:
        self.entries: dict[SharePartitionKey, Entry] = {}
        self._offsets: dict[SharePartitionKey, int] = {}
        self._highest = 0

    # -- records

    def snapshot(self, key: SharePartitionKey, value: ShareSnapshotValue, updates_max: int) -> None:
        known = self.entries.get(key)
        updates = 0 if known is None or known.updates >= updates_max else known.updates
        self.entries[key] = Entry(
            value.snapshot_epoch,
            PartitionState(
                value.state_epoch,
                value.leader_epoch,
                value.start_offset,
                value.delivery_complete_count,
                _batches(value),
            ),
            value.create_timestamp,
            value.write_timestamp,
            updates,
            value.leader_epoch if known is None else max(known.newest_leader, value.leader_epoch),
            value.state_epoch if known is None else max(known.newest_state, value.state_epoch),
        )

    def update(self, key: SharePartitionKey, value: ShareUpdateValue) -> None:
        known = self.entries.get(key)
        if known is None:
            # Its snapshot is behind it in a log cut off too far: what it says is all there is.
            fresh = PartitionState(
                0, value.leader_epoch, value.start_offset, value.delivery_complete_count, _batches(value)
            )
            self.entries[key] = Entry(value.snapshot_epoch, fresh, 0, 0, 1, value.leader_epoch, 0)
            return
        before = known.state
        start = before.start_offset if value.start_offset == UNINITIALIZED else value.start_offset
        leader = before.leader_epoch if value.leader_epoch == -1 else value.leader_epoch
        self.entries[key] = known._replace(
            state=PartitionState(
                before.state_epoch,
                leader,
                start,
                value.delivery_complete_count,
                combine(before.batches, _batches(value), start),
            ),
            updates=known.updates + 1,
            newest_leader=max(known.newest_leader, value.leader_epoch),
        )

    def forget(self, key: SharePartitionKey) -> None:
        self.entries.pop(key, None)

    # -- what the log need not keep

    def placed(self, key: SharePartitionKey, offset: int, *, gone: bool) -> None:
        """The newest snapshot of a share partition, or its end, lies at this offset of the log."""
        self._highest = offset
        if gone:
            self._offsets.pop(key, None)
        else:
            self._offsets[key] = offset

    @property
    def redundant_below(self) -> int:
        """Records below this offset say nothing that later ones do not say."""
        return min(self._offsets.values(), default=self._highest)


def _batches(value: ShareSnapshotValue | ShareUpdateValue) -> tuple[StateBatch, ...]:
    return tuple(
        StateBatch(each.first_offset, each.last_offset, each.delivery_state, each.delivery_count)
        for each in value.state_batches
    )
