"""Transactions: list and describe them, see who writes to a partition, end those that hang.

A transaction hangs when its partition waits for a marker that no coordinator will write: readers of committed records
stand still there. `find_hanging` finds such, `abort_transaction` writes the marker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from ottla.client.admin.base import AdminCalls, Each, check, error_or_none
from ottla.client.by_leader import from_leaders
from ottla.client.coordinators import TRANSACTION
from ottla.client.errors import ClientError, VersionMismatch
from ottla.client.offsets import TopicPartition
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    TopicRequest,
)
from ottla.core.wire.messages.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TransactionState,
)
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.list_transactions import ListTransactionsRequest, ListTransactionsResponse
from ottla.core.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)

FENCING_TIMEOUT_MS: Final = 60_000
"""The transaction timeout that a fenced transactional id is left with."""
PATTERN_SINCE: Final = 2
DURATION_SINCE: Final = 1
SILENT: Final = -1
"""No transaction is open."""


class TransactionListing(msgspec.Struct, frozen=True):
    """A transactional id as a list shows it."""

    transactional_id: str
    producer_id: int
    state: str
    coordinator: int


class TransactionDescription(msgspec.Struct, frozen=True):
    """A transactional id. `start_timestamp` (ms since 1970) is -1 while no transaction is open."""

    transactional_id: str
    state: str
    producer_id: int
    producer_epoch: int
    timeout_ms: int
    start_timestamp: int
    partitions: tuple[TopicPartition, ...]
    coordinator: int


class ProducerDescription(msgspec.Struct, frozen=True):
    """A producer that wrote to a partition not long ago. `start_offset` -1: no transaction of its is open there."""

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_timestamp: int
    coordinator_epoch: int
    start_offset: int


class OpenTransaction(msgspec.Struct, frozen=True):
    """A transaction as a partition sees it."""

    topic: str
    partition: int
    producer: ProducerDescription


class Transactions(AdminCalls):
    """Administration of transactions."""

    async def list_transactions(
        self,
        *,
        states: Sequence[str] = (),
        producer_ids: Sequence[int] = (),
        running_longer_than_ms: int = -1,
        pattern: str | None = None,
    ) -> tuple[list[TransactionListing], dict[int, KafkaError | ClientError]]:
        """Transactional ids of all coordinators, by id, and the brokers that gave no answer.

        `pattern`: RE2, of the whole id; raises KafkaError (INVALID_REGULAR_EXPRESSION) for one that is none. Raises
        VersionMismatch when a broker cannot look by what is asked.
        """
        await self.cluster.refresh(())
        found: list[TransactionListing] = []
        silent: dict[int, KafkaError | ClientError] = {}
        request = ListTransactionsRequest(
            list(states), list(producer_ids), running_longer_than_ms, pattern or None
        )
        for node in sorted(self.cluster.view.nodes):
            try:
                answer = await self._transactions_of(node, request)
            except VersionMismatch:
                raise
            except (KafkaError, ClientError) as error:
                if isinstance(error, KafkaError) and error.code is ErrorCode.INVALID_REGULAR_EXPRESSION:
                    raise
                silent[node] = error
                continue
            found += [
                TransactionListing(each.transactional_id, each.producer_id, each.transaction_state, node)
                for each in answer.transaction_states
            ]
        return sorted(found, key=lambda each: each.transactional_id), silent

    async def _transactions_of(self, node: int, request: ListTransactionsRequest) -> ListTransactionsResponse:
        connection = await self.cluster.connection(node)
        version = connection.version_of(ListTransactionsRequest)
        needed = (
            PATTERN_SINCE
            if request.transactional_id_pattern
            else DURATION_SINCE
            if request.duration_filter >= 0
            else 0
        )
        if version < needed:
            raise VersionMismatch(f"{connection.address} cannot look for transactions by that")

        async def attempt() -> ListTransactionsResponse:
            answer = await self.cluster.on_node(node, request, ListTransactionsResponse)
            check(answer.error_code, None, f"transactions of broker {node}")
            return answer

        return await self.cluster.retrying(attempt)

    async def describe_transactions(self, ids: Sequence[str]) -> Each[str, TransactionDescription]:
        """Transactional ids with their state and the partitions of the open transaction."""

        async def ask(node: int, some: list[str]) -> Mapping[str, TransactionDescription | KafkaError]:
            answer = await self.cluster.on_node(
                node, DescribeTransactionsRequest(some), DescribeTransactionsResponse
            )
            return {each.transactional_id: transaction(each, node) for each in answer.transaction_states}

        return await self._from_coordinators(TRANSACTION, ids, ask)

    async def describe_producers(
        self, partitions: Iterable[TopicPartition]
    ) -> Each[TopicPartition, tuple[ProducerDescription, ...]]:
        """Who wrote to partitions with a producer id, and where their open transactions began."""

        async def ask(
            leader: int, some: list[TopicPartition]
        ) -> Mapping[TopicPartition, tuple[ProducerDescription, ...] | KafkaError]:
            topics: dict[str, list[int]] = defaultdict(list)
            for topic, partition in some:
                topics[topic].append(partition)
            request = DescribeProducersRequest([TopicRequest(name, each) for name, each in topics.items()])
            answer = await self.cluster.on_node(leader, request, DescribeProducersResponse)
            return {
                (told.name, part.partition_index): producers_of(told.name, part)
                for told in answer.topics
                for part in told.partitions
            }

        return await from_leaders(self.cluster, partitions, ask, patient=False)

    async def abort_transaction(self, hanging: OpenTransaction) -> None:
        """Write the marker that aborts a transaction in one partition, without its coordinator. Raises KafkaError."""
        producer, where = hanging.producer, (hanging.topic, hanging.partition)

        async def ask(leader: int, some: list[TopicPartition]) -> Mapping[TopicPartition, KafkaError | None]:
            marker = WritableTxnMarker(
                producer_id=producer.producer_id,
                producer_epoch=producer.producer_epoch,
                topics=[WritableTxnMarkerTopic(hanging.topic, [hanging.partition])],
                coordinator_epoch=max(producer.coordinator_epoch, 0),
            )
            answer = await self.cluster.on_node(
                leader, WriteTxnMarkersRequest([marker]), WriteTxnMarkersResponse
            )
            return {
                (topic.name, part.partition_index): error_or_none(
                    part.error_code, None, f"{topic.name}-{part.partition_index}"
                )
                for told in answer.markers
                for topic in told.topics
                for part in topic.partitions
            }

        error = (await from_leaders(self.cluster, [where], ask, patient=False))[where]
        if error is not None:
            raise error

    async def fence_producers(self, ids: Sequence[str]) -> Each[str, ProducerDescription]:
        """Lock out whoever uses these transactional ids; an open transaction of theirs is aborted.

        The answers hold the new producer ids and epochs.
        """

        async def ask(node: int, some: list[str]) -> Mapping[str, ProducerDescription | KafkaError]:
            found: dict[str, ProducerDescription | KafkaError] = {}
            for each in some:
                request = InitProducerIdRequest(each, FENCING_TIMEOUT_MS)
                answer = await self.cluster.on_node(node, request, InitProducerIdResponse)
                error = error_or_none(answer.error_code, None, f"transactional id {each!r}")
                found[each] = error or ProducerDescription(
                    answer.producer_id, answer.producer_epoch, -1, -1, -1, SILENT
                )
            return found

        fenced: dict[str, ProducerDescription | KafkaError] = {}

        async def attempt() -> None:
            waiting = [each for each in ids if not isinstance(fenced.get(each), ProducerDescription)]
            fenced.update(await self._from_coordinators(TRANSACTION, waiting, ask))
            for each in fenced.values():
                if isinstance(each, KafkaError) and each.code is ErrorCode.CONCURRENT_TRANSACTIONS:
                    raise each

        try:
            await self.cluster.retrying(attempt)
        except KafkaError as error:
            if error.code is not ErrorCode.CONCURRENT_TRANSACTIONS:
                raise
        return fenced

    async def find_hanging(
        self, partitions: Iterable[TopicPartition], *, older_than_ms: int
    ) -> tuple[list[OpenTransaction], dict[TopicPartition, KafkaError]]:
        """Open transactions that their coordinator knows nothing of, and partitions that gave no answer.

        Only those are looked at whose last record is older than `older_than_ms`: what is younger than
        transaction.max.timeout.ms may still be ended by its coordinator.
        """
        before = self.cluster.world.clock.wall() - older_than_ms
        found: list[OpenTransaction] = []
        silent: dict[TopicPartition, KafkaError] = {}
        for (topic, partition), each in (await self.describe_producers(partitions)).items():
            if isinstance(each, KafkaError):
                silent[topic, partition] = each
                continue
            found += [
                OpenTransaction(topic, partition, producer)
                for producer in each
                if producer.start_offset != SILENT and producer.last_timestamp < before
            ]
        if not found:
            return [], silent
        owners = await self._partitions_of_producers({each.producer.producer_id for each in found})
        return [
            each
            for each in found
            if (each.topic, each.partition) not in owners.get(each.producer.producer_id, frozenset())
        ], silent

    async def _partitions_of_producers(self, producer_ids: set[int]) -> dict[int, frozenset[TopicPartition]]:
        """The partitions that coordinators have in the open transactions of these producers. Raises KafkaError: without
        the word of every coordinator nobody knows which transactions hang."""
        listed, unheard = await self.list_transactions(producer_ids=sorted(producer_ids))
        for error in unheard.values():
            raise error
        described = await self.describe_transactions([each.transactional_id for each in listed])
        owners: dict[int, frozenset[TopicPartition]] = {}
        for each in listed:
            told = described[each.transactional_id]
            if isinstance(told, TransactionDescription):
                owners[told.producer_id] = frozenset(told.partitions)
            elif told.code is not ErrorCode.TRANSACTIONAL_ID_NOT_FOUND:
                raise told
        return owners


def transaction(state: TransactionState, node: int) -> TransactionDescription | KafkaError:
    if state.error_code:
        known = error_of(state.error_code)
        return KafkaError(known, f"transactional id {state.transactional_id!r}: {known.sentence}")
    return TransactionDescription(
        state.transactional_id,
        state.transaction_state,
        state.producer_id,
        state.producer_epoch,
        state.transaction_timeout_ms,
        state.transaction_start_time_ms,
        tuple(sorted((topic.topic, partition) for topic in state.topics for partition in topic.partitions)),
        node,
    )


def producers_of(topic: str, part: PartitionResponse) -> tuple[ProducerDescription, ...] | KafkaError:
    error = error_or_none(part.error_code, part.error_message, f"{topic}-{part.partition_index}")
    return error or tuple(
        ProducerDescription(
            each.producer_id,
            each.producer_epoch,
            each.last_sequence,
            each.last_timestamp,
            each.coordinator_epoch,
            each.current_txn_start_offset,
        )
        for each in part.active_producers
    )
