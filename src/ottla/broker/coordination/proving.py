"""The proof that a partition takes part in a transaction, asked for before anything of it is appended (KIP-890).

The proof is a question to the transaction coordinator, asked while the request waits; a marker that arrives in the
meantime ends the very transaction it was about. So a question leaves a guard with the partition, markers take it
away, and an answer counts only while the guard is still there. A marker of the transaction before the one in question
takes nothing away: from version 2 on the epoch tells the two apart.

A guard also remembers the lowest sequence number that was offered. When the question could not be answered the
producer tries again; a later batch of it, already on its way, must not be the first one of the log then, or the
batch that is tried again would be out of order for ever (KAFKA-14904).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ottla.broker.coordination.asking import request as asking
from ottla.core.coordination.contract import Producer
from ottla.core.log.producer import NO_SEQUENCE
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_OFFSET
from ottla.core.records.batch import HEADER_SIZE, BatchHeader, read_header
from ottla.core.transactions.requests import AddPartitions, Verified, VerifyPartitions
from ottla.core.transactions.transaction import EPOCH_BUMP, Place

if TYPE_CHECKING:
    from ottla.broker.context import Context
    from ottla.broker.coordination.ledger import Ledger
    from ottla.broker.partition import Partition
    from ottla.broker.services import Services
    from ottla.broker.storage.log import Log
    from ottla.core.wire.messages.produce import ProduceRequest

EPOCH_BUMP_AT: Final = 12
"""From this version of Produce on a producer does not announce its partitions: they take part by being written to."""
GUARDS_MAX: Final = 10_000
"""Guards of a partition; the oldest makes room."""

RETRIED: Final = frozenset(
    {
        ErrorCode.CONCURRENT_TRANSACTIONS,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.NOT_COORDINATOR,
    }
)
"""The coordinator cannot say now: the producer is told to try again."""


class Guard:
    """What a question leaves with the partition it is about."""

    __slots__ = ("epoch", "joins", "lowest_sequence")

    def __init__(self, epoch: int, lowest_sequence: int, joins: bool) -> None:
        self.epoch = epoch
        self.lowest_sequence = lowest_sequence
        self.joins = joins

    def saw(self, epoch: int, sequence: int) -> None:
        """Another batch wants to be the first one."""
        if epoch > self.epoch:
            self.epoch, self.lowest_sequence = epoch, sequence
        elif epoch == self.epoch:
            self.lowest_sequence = min(self.lowest_sequence, sequence)


def guard(partition: Partition, producer: Producer, sequence: int, joins: bool) -> Guard:
    """The guard for a question about this producer's transaction."""
    guards = partition.verifying
    found = guards.get(producer.id)
    if found is not None:
        found.saw(producer.epoch, sequence)
        return found
    if len(guards) >= GUARDS_MAX:
        del guards[next(iter(guards))]
    made = guards[producer.id] = Guard(producer.epoch, sequence, joins)
    return made


def unguard(partition: Ledger, producer_id: int, epoch: int) -> None:
    """A marker of this epoch comes into the partition: what was asked about the transaction that it ends is void."""
    found = partition.verifying.get(producer_id)
    if found is not None and not (found.joins and found.epoch == epoch):
        del partition.verifying[producer_id]


def goes_on(partition: Partition, producer_id: int, epoch: int) -> bool:
    """Whether the partition already holds records of this very transaction: then there is nothing to prove."""
    log = partition.log
    state = None if log is None else log.producers.get(producer_id)
    return state is not None and state.epoch == epoch and state.transaction_start != NO_OFFSET


def in_transactions(services: Services, context: Context, request: ProduceRequest) -> list[Proof]:
    """A question for each producer whose batches in this request need one. Nearly always there is one producer."""
    assert request.transactional_id is not None
    joins = context.version >= EPOCH_BUMP_AT
    if not joins and not services.settings["transaction.partition.verification.enable"]:
        return []
    found: dict[Producer, dict[Partition, int]] = {}
    for topic in request.topic_data:
        name = topic.name or services.partitions.topic_name(topic.topic_id) or ""
        for data in topic.partition_data:
            partition = services.partitions.find(name, data.index)
            header = _transactional_header(data.records)
            if partition is None or header is None or partition.log is None:
                continue
            if not goes_on(partition, header.producer_id, header.producer_epoch) and not _is_retry(
                partition.log, header
            ):
                producer = Producer(header.producer_id, header.producer_epoch)
                found.setdefault(producer, {})[partition] = header.base_sequence
    return [
        Proof(request.transactional_id, producer, partitions, joins=joins)
        for producer, partitions in found.items()
    ]


def _transactional_header(records: Any) -> BatchHeader | None:
    """The header of the batch, if it is one and part of a transaction; what is wrong with it is found out later."""
    if records is None or len(records) < HEADER_SIZE:
        return None
    header = read_header(records)
    return header if header.is_transactional and header.producer_id >= 0 else None


def _is_retry(log: Log, header: BatchHeader) -> bool:
    """Whether the log holds this very batch already: then it is answered, whatever became of the transaction."""
    state = log.producers.get(header.producer_id)
    return (
        state is not None
        and state.epoch == header.producer_epoch
        and state.duplicate(header.base_sequence, header.last_sequence) is not None
    )


class Proof:
    """One question about the partitions of one transaction.

    `partitions` come with the sequence number of the first batch that is to be appended to each, -1 where batches have
    none. `joins`: partitions that do not take part yet do from now on (transaction version 2), else it is an error.
    """

    def __init__(
        self,
        transactional_id: str,
        producer: Producer,
        partitions: Mapping[Partition, int],
        *,
        joins: bool,
    ) -> None:
        self.transactional_id = transactional_id
        self.producer = producer
        self.joins = joins
        self.partitions = {(each.topic, each.index): each for each in partitions}
        self.errors: dict[Place, ErrorCode] = {}
        self._guards = {
            (each.topic, each.index): guard(each, producer, sequence, joins)
            for each, sequence in partitions.items()
        }

    async def ask(self, services: Services, context: Context) -> None:
        """While the transaction before is still being marked, a short patience saves the client a round trip."""
        settings = services.settings
        pause = settings["add.partitions.to.txn.retry.backoff.ms"]
        until = services.clock.now() + settings["add.partitions.to.txn.retry.backoff.max.ms"]
        while True:
            code = await self._ask_once(services, context)
            again = code is ErrorCode.CONCURRENT_TRANSACTIONS and self.joins
            if not again or services.clock.now() >= until:
                break
            await services.clock.sleep(pause)
        if code:
            self.errors = dict.fromkeys(self.partitions, code)

    async def _ask_once(self, services: Services, context: Context) -> ErrorCode:
        places = frozenset(self.partitions)
        name, producer = self.transactional_id, self.producer
        body: AddPartitions | VerifyPartitions
        if self.joins:
            body = AddPartitions(name, producer.id, producer.epoch, places, EPOCH_BUMP)
        else:
            body = VerifyPartitions(name, producer.id, producer.epoch, places)
        if services.transactions.partition_of(services.image, name) is None:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE  # its topic is not there yet
        try:
            answer = await services.transactions.ask(services.image, name, asking(services, context, body))
        except KafkaError as error:
            fenced = error.code is ErrorCode.PRODUCER_FENCED
            return ErrorCode.INVALID_PRODUCER_EPOCH if fenced else error.code
        if isinstance(answer, Verified):
            self.errors = {place: code for place, code in answer.errors.items() if code}
        return ErrorCode.NONE

    def error(self, partition: Partition) -> ErrorCode:
        """What is said against appending to this partition now."""
        place = (partition.topic, partition.index)
        code = self.errors.get(place, ErrorCode.NONE)
        if not code and partition.verifying.get(self.producer.id) is not self._guards[place]:
            return ErrorCode.INVALID_TXN_STATE
        return code

    def check_order(self, partition: Partition, first_sequence: int) -> None:
        """Raises OUT_OF_ORDER_SEQUENCE_NUMBER for a batch that must not be the first one of its transaction."""
        found = self._guards[partition.topic, partition.index]
        if first_sequence == NO_SEQUENCE:
            return
        lowest = found.lowest_sequence
        log = partition.log
        # An epoch of version 2 is one transaction, so its first batch has number 0 even where nothing is remembered.
        if found.joins and log is not None and log.producers.get(self.producer.id) is None:
            lowest = 0
        if first_sequence > lowest:
            raise KafkaError(
                ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"Out of order sequence number for producer {self.producer.id}: {first_sequence} came in, "
                f"{lowest} is the first one expected",
            )

    def release(self) -> None:
        """Everything that could be appended has been. Guards stay where the producer will try again."""
        for place, partition in self.partitions.items():
            over = goes_on(partition, *self.producer) or self.errors.get(place, ErrorCode.NONE) not in _OPEN
            if over and partition.verifying.get(self.producer.id) is self._guards[place]:
                del partition.verifying[self.producer.id]


_OPEN: Final = RETRIED | {ErrorCode.NONE}
