"""What an answer means for a batch: its end, another try, or another producer id."""

from __future__ import annotations

from collections.abc import Callable

from ottla.client.errors import ClientTimeout
from ottla.client.producing.accumulator import Accumulator
from ottla.client.producing.batches import Batch, PartitionQueue
from ottla.client.producing.identity import Identity
from ottla.client.producing.metrics import Counters
from ottla.client.producing.requests import DUPLICATE, LOST_IDENTITY, LOST_PLACE
from ottla.client.retry import Patience, backoff_ms
from ottla.client.settings import ProducerSettings
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import NO_OFFSET
from ottla.world.doors import Chance, Clock


class Outcomes:
    """Judges answers. `refresh` is asked for a topic's leaders, `look_again` is called when a pause is over."""

    def __init__(
        self,
        clock: Clock,
        chance: Chance,
        settings: ProducerSettings,
        batches: Accumulator,
        identity: Identity,
        counters: Counters,
        *,
        refresh: Callable[[str], None],
        look_again: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._settings = settings
        self._batches = batches
        self._identity = identity
        self._counters = counters
        self._refresh = refresh
        self._look_again = look_again
        self._patience = Patience("write")

    def settle(
        self, queue: PartitionQueue, batch: Batch, offset: int, appended: int, error: KafkaError | None
    ) -> None:
        """One partition's part of an answer, to a batch that has landed."""
        if batch.done.done():
            return
        if error is None or error.code == DUPLICATE:
            self._patience.worked()
            queue.taken(batch)
            self._batches.finish(queue, batch, offset=NO_OFFSET if error else offset, appended=appended)
        elif error.code in LOST_PLACE and batch.producer[0] >= 0:
            self._lost_place(queue, batch, error)
        elif error.code.retriable:
            self.try_later(queue, batch, error)
        else:
            if error.code in LOST_IDENTITY:
                self._identity.lose()
            queue.leave_out(batch, unwritten=True)
            self._batches.finish(queue, batch, error=error)

    def _lost_place(self, queue: PartitionQueue, batch: Batch, error: KafkaError) -> None:
        """The broker expects another batch, and has not written this one.

        That is as it should be while one before it is tried again. Otherwise what the broker had of this producer is
        gone, or a batch between was given up: under a new producer id the order is still kept. But when batches that
        were acknowledged seem to be lost, somebody has to hear of it.
        """
        if queue.flying or queue.batches[0] is not batch:
            self.try_later(queue, batch, error)
        elif self._identity.transactional:
            self._identity.lose()
            queue.leave_out(batch, unwritten=True)
            self._batches.finish(queue, batch, error=error)
        elif queue.is_torn or error.code.name == "UNKNOWN_PRODUCER_ID":
            queue.forget_places()
            self._identity.lose()
            self.try_later(queue, batch, error)
        else:
            self._identity.lose()
            queue.leave_out(batch, unwritten=True)
            self._batches.finish(queue, batch, error=error)

    def try_later(self, queue: PartitionQueue, batch: Batch, error: Exception) -> None:
        """Keep its place in the queue, and ask for the leader meanwhile; or its time, or its tries, are over."""
        if batch.done.done():
            return
        batch.attempts += 1
        batch.last_error = error
        self._counters.retries += 1
        self._patience.failed(batch.attempts, error)
        now = self._clock.now()
        batch.retry_at = now + backoff_ms(batch.attempts, self._settings, self._chance)
        expires = batch.created + self._settings.delivery_timeout_ms
        if self._identity.giving_up or batch.attempts > self._settings.retries:
            self.give_up(queue, batch, error)
        elif batch.retry_at >= expires:
            self.give_up(queue, batch, undelivered(batch, error))
        else:
            self._refresh(batch.topic)
            self._clock.call_at(batch.retry_at, self._look_again)

    def give_up(self, queue: PartitionQueue, batch: Batch, error: Exception) -> None:
        """End a batch that a broker may or may not have written."""
        if batch.done.done():
            return
        if batch.encoded is not None:
            self._identity.lose()
            queue.leave_out(batch, unwritten=False)
        self._batches.finish(queue, batch, error=error)


def undelivered(batch: Batch, error: Exception) -> ClientTimeout:
    return ClientTimeout(
        f"{batch.count} records for {batch.topic}-{batch.partition} were not delivered in time; last: {error}"
    )
