"""Producer ids for idempotent producers: handed out from blocks that the controller allocates.

A block lasts for a thousand producers, so most get theirs without a round trip. While a new block is asked for,
everybody who needs an id waits for that one request.
"""

from __future__ import annotations

from ottla.broker.context import from_within
from ottla.broker.one_at_a_time import OneAtATime
from ottla.broker.services import ControllerPort
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.model.ids import ProducerId
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.allocate_producer_ids import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
)
from ottla.world.doors import Clock


class ProducerIds:
    """The ids of this broker. `broker_epoch` is that of its registration."""

    def __init__(self, clock: Clock, controller: ControllerPort, node_id: int, broker_epoch: int) -> None:
        self._controller = controller
        self._node_id = node_id
        self.broker_epoch = broker_epoch
        self._next = 0
        self._end = 0
        self._asking = OneAtATime(clock)
        self._context = from_within()

    async def take(self) -> ProducerId:
        """A producer id that nobody has had. Raises KafkaError when the controller gives none."""
        while self._next >= self._end:
            await self._asking.do(self._allocate)
        taken = self._next
        self._next += 1
        return ProducerId(taken)

    async def _allocate(self) -> None:
        request = AllocateProducerIdsRequest(broker_id=self._node_id, broker_epoch=self.broker_epoch)
        response = await self._controller.request(self._context, ApiKey.ALLOCATE_PRODUCER_IDS, request)
        assert isinstance(response, AllocateProducerIdsResponse)
        if response.error_code:
            raise KafkaError(error_of(response.error_code))
        self._next = response.producer_id_start
        self._end = response.producer_id_start + response.producer_id_len
