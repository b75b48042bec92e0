"""From committed batches to an image and a delta, metadata transactions held back until they end (KIP-868).

Between a BeginTransaction record and its EndTransaction record nobody may see what the records in between say: they
wait here. An AbortTransaction record drops them.
"""

from __future__ import annotations

from collections.abc import Iterable

from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.replay import ReplayError
from ottla.core.wire.messages.records.metadata import (
    AbortTransactionRecord,
    BeginTransactionRecord,
    EndTransactionRecord,
)


class Loader:
    """Keeps `image` up to date. `delta` is what changed since `take_delta`."""

    def __init__(self, image: MetadataImage | None = None) -> None:
        self.image = MetadataImage() if image is None else image
        self.delta = Delta()
        self._held: list[object] | None = None
        self._held_from = -1

    @property
    def in_transaction(self) -> bool:
        return self._held is not None

    @property
    def transaction_start(self) -> int | None:
        """The offset of the transaction that is not decided."""
        return self._held_from if self.in_transaction else None

    def load_batch(self, base_offset: int, epoch: int, timestamp: int, records: Iterable[object]) -> None:
        """Take one committed batch. Raises ReplayError."""
        offset = base_offset - 1
        for offset, record in enumerate(records, base_offset):
            self._take(offset, record)
        self._reached(offset, epoch, timestamp)

    def skip_batch(self, last_offset: int, epoch: int, timestamp: int) -> None:
        """Take note of a batch that says nothing about metadata: control records."""
        self._reached(last_offset, epoch, timestamp)

    def _reached(self, offset: int, epoch: int, timestamp: int) -> None:
        # A snapshot taken now must not claim to contain a transaction that is still open.
        if self._held is None:
            self.image.offset, self.image.epoch, self.image.timestamp = offset, epoch, timestamp

    def _take(self, offset: int, record: object) -> None:
        match record:
            case BeginTransactionRecord():
                if self._held is not None:
                    raise ReplayError(f"a metadata transaction begins at {offset} within another")
                self._held, self._held_from = [], offset
            case EndTransactionRecord():
                for held in self._end(offset):
                    self.image.apply(held, self.delta)
            case AbortTransactionRecord():
                self._end(offset)
            case _ if self._held is not None:
                self._held.append(record)
            case _:
                self.image.apply(record, self.delta)

    def _end(self, offset: int) -> list[object]:
        held = self._held
        if held is None:
            raise ReplayError(f"a metadata transaction ends at {offset} that never began")
        self._held, self._held_from = None, -1
        return held

    def take_delta(self) -> Delta:
        """What changed since the last call."""
        delta, self.delta = self.delta, Delta()
        return delta
