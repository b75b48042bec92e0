"""What a log remembers of its producers (KIP-98, KIP-360, KIP-890).

An idempotent producer numbers its records per partition. The log keeps, for each producer id, its epoch and its last
batches. A batch that is among them is a retry and gets the answer of the first attempt; one that does not follow the
newest is out of order; one of an older epoch comes from a producer that was fenced.

A transactional batch opens a transaction in the log, a marker (a control batch) ends it. The oldest open one bounds
what `read_committed` consumers may see, and stays a bound until its marker is replicated.

One producer is told in `producer`, the file that outlives the process in `producer_snapshots`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ottla.core.log.producer import (
    MAX_EPOCH,
    MAX_SEQUENCE,
    NO_SEQUENCE,
    KeptBatch,
    ProducerState,
    sequence_after,
)
from ottla.core.log.producer_snapshots import pack_snapshot, read_snapshot
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_EPOCH, NO_OFFSET, NO_TIMESTAMP


class CompletedTransaction(NamedTuple):
    """A transaction whose marker is at `last_offset`."""

    producer_id: int
    first_offset: int
    last_offset: int
    aborted: bool


class ProducerStates:
    """The producers of one log, up to `end_offset`."""

    __slots__ = ("_ongoing", "_producers", "_unreplicated", "end_offset", "snapshot_offset")

    def __init__(self) -> None:
        self._producers: dict[int, ProducerState] = {}
        # First offset -> producer id, in the order of first offsets: transactions open in log order.
        self._ongoing: dict[int, int] = {}
        # First offset -> offset of the marker, for transactions that ended above the high watermark.
        self._unreplicated: dict[int, int] = {}
        self.end_offset = 0
        self.snapshot_offset = 0
        """Of the newest snapshot written or loaded."""

    def __len__(self) -> int:
        return len(self._producers)

    def __iter__(self) -> Iterator[ProducerState]:
        return iter(self._producers.values())

    def get(self, producer_id: int) -> ProducerState | None:
        return self._producers.get(producer_id)

    # -- deciding ------------------------------------------------------------------------------------------------

    def check_batch(
        self,
        producer_id: int,
        epoch: int,
        first_sequence: int,
        last_delta: int,
        transactional: bool,
        sequenced: bool,
    ) -> KeptBatch | None:
        """May this batch be appended? The kept batch it repeats, when it is a retry; None when it is new.

        `sequenced` is False for coordinators, whose batches carry no sequence numbers. Raises KafkaError
        INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER or INVALID_TXN_STATE.
        """
        state = self._producers.get(producer_id)
        if state is None:
            return None
        if sequenced:
            newest = state.batches[-1] if state.batches else None
            expected = (newest.last_sequence + 1) & MAX_SEQUENCE if newest is not None else -1
            if epoch != state.epoch or first_sequence != expected:
                repeated = self._check_unexpected(state, epoch, first_sequence, last_delta)
                if repeated is not None:
                    return repeated
        elif epoch < state.epoch:
            raise self._fenced(state, epoch)
        if state.transaction_start != NO_OFFSET and not transactional:
            raise KafkaError(
                ErrorCode.INVALID_TXN_STATE,
                f"Producer {producer_id} has a transaction open since offset {state.transaction_start}; "
                "a batch outside of it is not possible",
            )
        return None

    def _check_unexpected(
        self, state: ProducerState, epoch: int, first_sequence: int, last_delta: int
    ) -> KeptBatch | None:
        if epoch == state.epoch:
            repeated = state.duplicate(first_sequence, sequence_after(first_sequence, last_delta))
            if repeated is not None:
                return repeated
            # Without a kept batch (the last thing seen was a marker) only 0 follows.
            last = state.last_sequence
            if first_sequence != (0 if last == NO_SEQUENCE else sequence_after(last, 1)):
                raise KafkaError(
                    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                    f"Out of order sequence number for producer {state.producer_id}: {first_sequence} came in, "
                    f"{last} is the last one appended",
                )
        elif epoch < state.epoch:
            raise self._fenced(state, epoch)
        elif first_sequence != 0 and state.epoch != NO_EPOCH:
            raise KafkaError(
                ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"Producer {state.producer_id} came with the new epoch {epoch} (the current one is {state.epoch}) and "
                f"sequence number {first_sequence}; an epoch starts with 0",
            )
        return None

    def check_marker(
        self, producer_id: int, epoch: int, coordinator_epoch: int, transaction_version: int = 0
    ) -> None:
        """May this transaction marker be appended? Raises KafkaError INVALID_PRODUCER_EPOCH or
        TRANSACTION_COORDINATOR_FENCED. From transaction version 2 on every transaction has an epoch of its own
        (KIP-890), so a marker of the current epoch is either a retry or an error."""
        state = self._producers.get(producer_id)
        if state is None:
            return
        if epoch < state.epoch:
            raise self._fenced(state, epoch)
        if transaction_version >= 2 and epoch == state.epoch:
            retried = state.transaction_start == NO_OFFSET or epoch == MAX_EPOCH
            if not retried:
                raise self._fenced(state, epoch)
        if state.coordinator_epoch > coordinator_epoch:
            raise KafkaError(
                ErrorCode.TRANSACTION_COORDINATOR_FENCED,
                f"The marker for producer {producer_id} comes from coordinator epoch {coordinator_epoch}, "
                f"{state.coordinator_epoch} is the current one",
            )

    @staticmethod
    def _fenced(state: ProducerState, epoch: int) -> KafkaError:
        return KafkaError(
            ErrorCode.INVALID_PRODUCER_EPOCH,
            f"Epoch {epoch} of producer {state.producer_id} is not valid, the last one seen is {state.epoch}",
        )

    # -- changing ------------------------------------------------------------------------------------------------

    def add_batch(
        self,
        producer_id: int,
        epoch: int,
        first_sequence: int,
        first_offset: int,
        last_offset: int,
        timestamp: int,
        transactional: bool,
    ) -> None:
        """A data batch is in the log. `first_sequence` is -1 when it carries none."""
        state = self._producers.get(producer_id)
        if state is None:
            state = self._producers[producer_id] = ProducerState(producer_id)
        delta = last_offset - first_offset
        last_sequence = (first_sequence + delta) & MAX_SEQUENCE if first_sequence >= 0 else NO_SEQUENCE
        state.add(epoch, KeptBatch(last_sequence, last_offset, delta, timestamp))
        if transactional and state.transaction_start == NO_OFFSET:
            state.transaction_start = first_offset
            self._ongoing[first_offset] = producer_id

    def add_marker(
        self, producer_id: int, epoch: int, coordinator_epoch: int, offset: int, timestamp: int, aborted: bool
    ) -> CompletedTransaction | None:
        """A marker is in the log: the transaction it completed, if one was open. `complete` has to follow."""
        state = self._producers.get(producer_id)
        if state is None:
            state = self._producers[producer_id] = ProducerState(producer_id)
        start = state.transaction_start
        state.mark(epoch, coordinator_epoch, timestamp)
        return None if start == NO_OFFSET else CompletedTransaction(producer_id, start, offset, aborted)

    def complete(self, transaction: CompletedTransaction) -> int:
        """Take the transaction out of the open ones; returns the last stable offset that follows, for the index."""
        self._ongoing.pop(transaction.first_offset, None)
        self._unreplicated[transaction.first_offset] = transaction.last_offset
        return next(iter(self._ongoing), transaction.last_offset + 1)

    def on_high_watermark(self, high_watermark: int) -> None:
        """Markers below it are replicated: their transactions bound nobody any more."""
        if self._unreplicated:
            for first, marker in list(self._unreplicated.items()):
                if marker < high_watermark:
                    del self._unreplicated[first]

    @property
    def first_unstable(self) -> int | None:
        """The first offset of the oldest transaction that is open, or whose marker is not replicated yet."""
        first = next(iter(self._ongoing), None)
        if self._unreplicated:
            oldest = min(self._unreplicated)
            return oldest if first is None or oldest < first else first
        return first

    @property
    def oldest_open_timestamp(self) -> int:
        """When the producer of the oldest open transaction last wrote; -1 without one."""
        producer_id = next(iter(self._ongoing.values()), None)
        return NO_TIMESTAMP if producer_id is None else self._producers[producer_id].timestamp

    def expire(self, wall: int, expiration_ms: int) -> int:
        """Forget producers that were silent for `producer.id.expiration.ms`; returns how many."""
        gone = [
            state.producer_id
            for state in self._producers.values()
            if state.transaction_start == NO_OFFSET and wall - state.timestamp >= expiration_ms
        ]
        for producer_id in gone:
            del self._producers[producer_id]
        return len(gone)

    def on_start_offset(self, start: int) -> None:
        """The log starts at `start` now: transactions that ended below it bound nobody."""
        self.on_high_watermark(start)
        self.end_offset = max(self.end_offset, start)

    def adopt(self, other: ProducerStates) -> None:
        """Remember what `other`, of the same log elsewhere, does. The two share state: `other` is not used any more."""
        self._producers = other._producers
        self._ongoing = other._ongoing
        self._unreplicated = other._unreplicated
        self.end_offset = other.end_offset

    def clear(self, end_offset: int) -> None:
        self._producers.clear()
        self._ongoing.clear()
        self._unreplicated.clear()
        self.end_offset = end_offset

    # -- snapshots -----------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The contents of `<end offset>.snapshot`."""
        return pack_snapshot(self._producers.values())

    def load(self, data: bytes, offset: int, wall: int, expiration_ms: int) -> None:
        """Replace everything by the snapshot taken at `offset`, without producers that have expired. Raises
        ValueError when the bytes are no intact snapshot."""
        states = [
            state
            for state in read_snapshot(data)
            if state.transaction_start != NO_OFFSET or wall - state.timestamp < expiration_ms
        ]
        self.clear(offset)
        self._producers = {state.producer_id: state for state in states}
        open_states = sorted(states, key=lambda state: state.transaction_start)
        self._ongoing = {
            state.transaction_start: state.producer_id
            for state in open_states
            if state.transaction_start != NO_OFFSET
        }
        self.snapshot_offset = offset
