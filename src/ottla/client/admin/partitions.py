"""Where partitions live and who leads them: reassignments and elections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

import msgspec

from ottla.client.admin.base import AdminCalls, Done, check, error_or_none
from ottla.client.offsets import TopicPartition
from ottla.core.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignableTopic,
)
from ottla.core.wire.messages.elect_leaders import ElectLeadersRequest, ElectLeadersResponse, TopicPartitions
from ottla.core.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    ListPartitionReassignmentsTopics,
)


class Reassignment(msgspec.Struct, frozen=True):
    """A move under way: all replicas of now, those that come and those that go."""

    replicas: tuple[int, ...]
    adding: tuple[int, ...]
    removing: tuple[int, ...]


class Election(IntEnum):
    """How a leader is chosen: the preferred replica again, or one out of sync, which loses records."""

    PREFERRED = 0
    UNCLEAN = 1


class Partitions(AdminCalls):
    """Administration of replicas and leaders."""

    async def alter_reassignments(
        self,
        moves: Mapping[TopicPartition, Sequence[int] | None],
        *,
        allow_replication_factor_change: bool = True,
    ) -> Done[TopicPartition]:
        """Begin to move partitions to these brokers; None calls a move off. Raises KafkaError for the whole."""
        topics: dict[str, list[ReassignablePartition]] = defaultdict(list)
        for (topic, partition), brokers in moves.items():
            replicas = None if brokers is None else list(brokers)
            topics[topic].append(ReassignablePartition(partition, replicas))
        request = AlterPartitionReassignmentsRequest(
            timeout_ms=self._timeout_ms,
            allow_replication_factor_change=allow_replication_factor_change,
            topics=[ReassignableTopic(name, some) for name, some in topics.items()],
        )
        answer = await self._from_controller(request, AlterPartitionReassignmentsResponse)
        check(answer.error_code, answer.error_message)
        return {
            (told.name, part.partition_index): error_or_none(part.error_code, part.error_message)
            for told in answer.responses
            for part in told.partitions
        }

    async def list_reassignments(
        self, partitions: Iterable[TopicPartition] | None = None
    ) -> dict[TopicPartition, Reassignment]:
        """Moves under way, of all partitions or of these. Raises KafkaError."""
        wanted: list[ListPartitionReassignmentsTopics] | None = None
        if partitions is not None:
            topics: dict[str, list[int]] = defaultdict(list)
            for topic, partition in partitions:
                topics[topic].append(partition)
            wanted = [ListPartitionReassignmentsTopics(name, some) for name, some in topics.items()]
        request = ListPartitionReassignmentsRequest(timeout_ms=self._timeout_ms, topics=wanted)
        answer = await self._from_controller(request, ListPartitionReassignmentsResponse)
        check(answer.error_code, answer.error_message)
        return {
            (told.name, part.partition_index): Reassignment(
                tuple(part.replicas), tuple(part.adding_replicas), tuple(part.removing_replicas)
            )
            for told in answer.topics
            for part in told.partitions
        }

    async def elect_leaders(
        self, election: Election, partitions: Iterable[TopicPartition] | None = None
    ) -> Done[TopicPartition]:
        """Elect leaders, of all partitions that need it or of these. Raises KafkaError for the whole."""
        wanted: list[TopicPartitions] | None = None
        if partitions is not None:
            topics: dict[str, list[int]] = defaultdict(list)
            for topic, partition in partitions:
                topics[topic].append(partition)
            wanted = [TopicPartitions(name, some) for name, some in topics.items()]
        request = ElectLeadersRequest(election, wanted, self._timeout_ms)
        answer = await self._from_controller(request, ElectLeadersResponse)
        check(answer.error_code)
        return {
            (told.topic, part.partition_id): error_or_none(part.error_code, part.error_message)
            for told in answer.replica_election_results
            for part in told.partition_result
        }
