"""What transaction coordinators ask of a node: markers in partitions, producer ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ottla.broker.coordination.proving import unguard
from ottla.broker.storage.answers import Origin
from ottla.core.coordination.contract import Call, Producer
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.control import EndTransaction, build_end_transaction
from ottla.core.transactions.requests import Markers
from ottla.core.transactions.state import MARKERS
from ottla.core.transactions.transaction import Place

if TYPE_CHECKING:
    from ottla.broker.coordination.shard import Shard
    from ottla.broker.partition import Partition
    from ottla.broker.services import Services

OFFSETS_TOPIC: Final = "__consumer_offsets"

_NOT_READY: Final = frozenset(
    {
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.NOT_COORDINATOR,
    }
)


async def mark(
    services: Services,
    place: Place,
    producer: Producer,
    coordinator_epoch: int,
    committed: bool,
    version: int,
) -> ErrorCode:
    """Write the end of a producer's transaction into a partition of this node, and wait until it is committed."""
    topic, index = place
    try:
        if topic == OFFSETS_TOPIC:
            await services.groups.shard(index).end_transaction(
                producer, coordinator_epoch, committed, version
            )
            return ErrorCode.NONE
        partition = services.partitions.find(topic, index)
        if partition is None:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        await _mark(services, partition, producer, EndTransaction(committed, coordinator_epoch), version)
    except KafkaError as error:
        # A transaction coordinator knows partitions, not other coordinators.
        return ErrorCode.NOT_LEADER_OR_FOLLOWER if error.code in _NOT_READY else error.code
    return ErrorCode.NONE


async def _mark(
    services: Services, partition: Partition, producer: Producer, marker: EndTransaction, version: int
) -> None:
    clock = services.clock
    data = build_end_transaction(producer.id, producer.epoch, marker, clock.wall())
    unguard(partition, producer.id, producer.epoch)
    appended = partition.append(data, -1, origin=Origin.COORDINATOR, transaction_version=version)
    done = clock.future()

    def settle(code: ErrorCode) -> None:
        if not done.done():
            done.set_result(code)

    partition.when_safe(appended.last_offset + 1, -1, settle)
    code: ErrorCode = await done
    if code:
        raise KafkaError(code)


class TransactionCalls:
    """Carries out what transaction coordinators of this node ask for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def perform(self, shard: Shard, call: Call) -> None:
        self._services.clock.spawn(self._perform(shard, call), name=f"{call.name} of {shard.partition.name}")

    async def _perform(self, shard: Shard, call: Call) -> None:
        answer: Any
        try:
            if call.name == MARKERS:
                answer = await self._markers(shard, call.body)
            else:
                answer = await self._services.producer_ids.take()
        except KafkaError as error:
            answer = error
        shard.answered(call, answer)

    async def _markers(self, shard: Shard, wanted: Markers) -> dict[Place, ErrorCode]:
        """Every partition in turn; the appends of one node are short."""
        producer = Producer(wanted.producer_id, wanted.producer_epoch)
        return {
            place: await mark(
                self._services, place, producer, shard.leader_epoch, wanted.committed, wanted.version
            )
            for place in sorted(wanted.partitions)
        }
