"""Where a consumer stands in its partitions.

Two places a partition: `fetch_offset`, where the next fetch begins, and `offset`, what the application gets next.
Between them lies what has been fetched and not handed over; after a seek that is dropped, because it does not begin
where the position stands now.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ottla.client.offsets import EARLIEST, LATEST
from ottla.core.model.ids import NO_EPOCH, NO_OFFSET

RESETS: Final = {"earliest": EARLIEST, "latest": LATEST}
"""auto.offset.reset, as ListOffsets says it. "none" is not in it: the application is told."""

NO_REPLICA: Final = -1


class Position(msgspec.Struct, eq=False):
    """One partition's place. Epochs are leader epochs, of the record before the offset beside them."""

    topic: str
    partition: int
    offset: int = NO_OFFSET
    epoch: int = NO_EPOCH
    fetch_offset: int = NO_OFFSET
    fetch_epoch: int = NO_EPOCH
    checked_epoch: int = NO_EPOCH
    """The leader's epoch under which the place was last known to lie on the leader's own branch of the log (KIP-320)."""
    wants_committed: bool = False
    """The group's committed offset is still to be asked for."""
    reset: int | None = None
    """A timestamp, EARLIEST or LATEST, while the offset is still to be looked up by it."""
    paused: bool = False
    high_watermark: int = -1
    replica: int = NO_REPLICA
    """A follower nearer than the leader (KIP-392), and until when (clock, ms) it may be asked."""
    replica_until: int = 0

    @property
    def is_known(self) -> bool:
        return self.fetch_offset != NO_OFFSET

    def move(self, offset: int, epoch: int = NO_EPOCH) -> None:
        """Stand at `offset`, with nothing fetched."""
        self.offset = self.fetch_offset = offset
        self.epoch = self.fetch_epoch = epoch
        self.checked_epoch = NO_EPOCH
        self.wants_committed = False
        self.reset = None

    def seek(self, where: int) -> None:
        """Look the offset up by a timestamp, EARLIEST or LATEST, before anything is fetched."""
        self.move(NO_OFFSET)
        self.reset = where
