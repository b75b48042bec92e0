"""Which leader wrote which stretch of a log (KIP-101, KIP-279).

Every batch carries the epoch of the leader that appended it. The cache keeps, for each epoch, the offset of its first
batch; both grow together. From it a leader tells a follower, or a consumer that changed leaders, where an epoch ended,
so that what the two do not share can be cut off.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from ottla.core.model.ids import NO_EPOCH


class LeaderEpochs:
    """The cache of one log. `changed` is set by every change and cleared by whoever has written the checkpoint."""

    __slots__ = ("_epochs", "_starts", "changed")

    def __init__(self, entries: Iterable[tuple[int, int]] = ()) -> None:
        self._epochs: list[int] = []
        self._starts: list[int] = []
        for epoch, start in entries:
            self.assign(epoch, start)
        self.changed = False

    def __len__(self) -> int:
        return len(self._epochs)

    def entries(self) -> list[tuple[int, int]]:
        """`(epoch, start offset)`, ascending."""
        return list(zip(self._epochs, self._starts, strict=True))

    @property
    def latest(self) -> int:
        """-1 when no epoch is known."""
        return self._epochs[-1] if self._epochs else NO_EPOCH

    @property
    def earliest(self) -> tuple[int, int] | None:
        return (self._epochs[0], self._starts[0]) if self._epochs else None

    def assign(self, epoch: int, start: int) -> None:
        """A batch of `epoch` begins at `start`. Entries that contradict it go."""
        if self._epochs and self._epochs[-1] == epoch and self._starts[-1] <= start:
            return
        if epoch < 0 or start < 0:
            raise ValueError(f"leader epoch {epoch} at offset {start} is not possible")
        while self._epochs and (self._epochs[-1] >= epoch or self._starts[-1] >= start):
            self._epochs.pop()
            self._starts.pop()
        self._epochs.append(epoch)
        self._starts.append(start)
        self.changed = True

    def end_offset(self, epoch: int, log_end: int) -> tuple[int, int] | None:
        """`(epoch found, its end offset)` for the largest known epoch not above the requested one; None when the
        request is for an epoch this log knows nothing about (it is newer, or the cache is empty)."""
        if epoch == NO_EPOCH or not self._epochs:
            return None
        if epoch == self._epochs[-1]:
            return epoch, log_end
        above = bisect_right(self._epochs, epoch)
        if above == len(self._epochs):
            return None
        return (self._epochs[above - 1] if above else epoch), self._starts[above]

    def epoch_at(self, offset: int) -> int | None:
        """The epoch of the leader that wrote `offset`."""
        slot = bisect_right(self._starts, offset)
        return self._epochs[slot - 1] if slot else None

    def covers(self, end: int) -> bool:
        """Whether every epoch here has records in a log that ends at `end`."""
        return not self._starts or self._starts[-1] < end

    def truncate_end(self, end: int) -> None:
        """The log now ends at `end`."""
        keep = bisect_left(self._starts, end)
        if keep < len(self._epochs):
            del self._epochs[keep:], self._starts[keep:]
            self.changed = True

    def truncate_start(self, start: int) -> None:
        """The log now starts at `start`. The epoch that covers it stays, as if it had begun there."""
        covered = bisect_right(self._starts, start)
        if covered:
            if covered > 1 or self._starts[0] != start:
                self.changed = True
            del self._epochs[: covered - 1], self._starts[: covered - 1]
            self._starts[0] = start

    def replace(self, entries: list[tuple[int, int]]) -> None:
        """Take these entries instead."""
        if entries != self.entries():
            self._epochs = [epoch for epoch, _ in entries]
            self._starts = [start for _, start in entries]
            self.changed = True

    def clear(self) -> None:
        self.changed = self.changed or bool(self._epochs)
        self._epochs.clear()
        self._starts.clear()
