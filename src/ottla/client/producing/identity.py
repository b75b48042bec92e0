"""Who a producer is to the brokers: a producer id and an epoch, under which its batches are counted (KIP-98)."""

from __future__ import annotations

from typing import Final

from ottla.client.cluster import Cluster
from ottla.client.settings import ProducerSettings
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.model.ids import NO_EPOCH, NO_PRODUCER
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

ANONYMOUS: Final = (NO_PRODUCER, NO_EPOCH)
NEVER: Final = 2_147_483_647
"""The transaction timeout of those that have no transactions."""


class Identity:
    """A producer id for idempotence alone: when something is in doubt, another one is as good."""

    transactional = False
    newest_produce: int | None = None
    """The newest version of Produce to be used."""
    giving_up = False
    """Nothing is to be tried again."""

    def __init__(self, cluster: Cluster, settings: ProducerSettings) -> None:
        self.cluster = cluster
        self.settings = settings
        self.current = ANONYMOUS

    @property
    def is_wanted(self) -> bool:
        """Whether nothing can be sent before `introduce`."""
        return self.settings.idempotent and self.current == ANONYMOUS

    async def introduce(self) -> None:
        """Get a producer id. Raises KafkaError, ClientTimeout, NoBroker."""

        async def ask() -> tuple[int, int]:
            answer = await self.cluster.on_any(
                InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=NEVER),
                InitProducerIdResponse,
            )
            if answer.error_code:
                raise KafkaError(error_of(answer.error_code), "no producer id")
            return answer.producer_id, answer.producer_epoch

        self.current = await self.cluster.retrying(ask, timeout=self.settings.delivery_timeout_ms)

    def lose(self) -> None:
        """Some batch's place in the sequence is in doubt: what comes is to be sent under another id."""
        self.current = ANONYMOUS

    def is_member(self, topic: str, partition: int) -> bool:
        """Whether a partition may be written to now; otherwise `join` comes first."""
        return True

    def writing(self) -> None:
        """A request with batches is about to leave."""

    async def join(self, partitions: list[tuple[str, int]]) -> None:
        """Make partitions part of the transaction."""
