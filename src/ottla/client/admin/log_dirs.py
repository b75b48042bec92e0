"""Log directories: what lies where, how much room is left, and moving replicas between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from ottla.client.admin.base import AdminCalls, Done, error_or_none
from ottla.client.errors import ClientError
from ottla.client.offsets import TopicPartition
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopic,
)
from ottla.core.wire.messages.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
)

Replica: TypeAlias = "tuple[str, int, int]"
"""Topic, partition, broker."""


class ReplicaInDir(msgspec.Struct, frozen=True):
    """A replica's log. `lag`: how far it is behind; `is_future`: it is being moved to where it lies."""

    topic: str
    partition: int
    size: int
    lag: int
    is_future: bool


class LogDir(msgspec.Struct, frozen=True):
    """One directory of a broker. Sizes are bytes, -1 where the broker does not tell them."""

    path: str
    error: KafkaError | None
    replicas: tuple[ReplicaInDir, ...]
    total_bytes: int
    usable_bytes: int
    is_cordoned: bool


class LogDirs(AdminCalls):
    """Administration of log directories."""

    async def describe_log_dirs(
        self, brokers: Iterable[int], *, partitions: Mapping[str, Iterable[int]] | None = None
    ) -> dict[int, list[LogDir] | KafkaError | ClientError]:
        """The directories of each broker, with all replicas or those of some partitions."""
        topics = (
            None
            if partitions is None
            else [DescribableLogDirTopic(name, list(some)) for name, some in partitions.items()]
        )
        answers = await self._from_each(
            brokers, DescribeLogDirsRequest(topics=topics), DescribeLogDirsResponse
        )
        return {
            node: answer
            if isinstance(answer, ClientError)
            else error_or_none(answer.error_code, None, f"broker {node}") or log_dirs_in(answer)
            for node, answer in answers.items()
        }

    async def partition_sizes(self, topics: Mapping[str, Iterable[int]]) -> dict[TopicPartition, int]:
        """Bytes each partition takes on the disks of its largest replica. Raises KafkaError, ClientError."""
        wanted = {name: list(some) for name, some in topics.items()}
        sizes: dict[TopicPartition, int] = {}
        for each in (await self.describe_log_dirs(list(self.cluster.view.nodes), partitions=wanted)).values():
            if isinstance(each, Exception):
                raise each
            for directory in each:
                for replica in directory.replicas:
                    key = (replica.topic, replica.partition)
                    sizes[key] = max(sizes.get(key, 0), replica.size)
        return sizes

    async def alter_replica_log_dirs(self, moves: Mapping[Replica, str]) -> Done[Replica]:
        """Move replicas to another directory of their broker."""
        done: dict[Replica, KafkaError | None] = {}
        by_node: dict[int, list[Replica]] = defaultdict(list)
        for replica in moves:
            by_node[replica[2]].append(replica)
        for node, some in by_node.items():
            answer = await self.cluster.on_node(
                node, moving_request(some, moves), AlterReplicaLogDirsResponse
            )
            for topic in answer.results:
                for part in topic.partitions:
                    what = f"{topic.topic_name}-{part.partition_index} on broker {node}"
                    done[topic.topic_name, part.partition_index, node] = error_or_none(
                        part.error_code, None, what
                    )
        return done


def log_dirs_in(answer: DescribeLogDirsResponse) -> list[LogDir]:
    return [
        LogDir(
            directory.log_dir,
            KafkaError(error_of(directory.error_code)) if directory.error_code else None,
            tuple(
                ReplicaInDir(
                    topic.name, part.partition_index, part.partition_size, part.offset_lag, part.is_future_key
                )
                for topic in directory.topics
                for part in topic.partitions
            ),
            directory.total_bytes,
            directory.usable_bytes,
            directory.is_cordoned,
        )
        for directory in answer.results
    ]


def moving_request(replicas: Sequence[Replica], moves: Mapping[Replica, str]) -> AlterReplicaLogDirsRequest:
    by_path: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for replica in replicas:
        by_path[moves[replica]][replica[0]].append(replica[1])
    return AlterReplicaLogDirsRequest(
        dirs=[
            AlterReplicaLogDir(path, [AlterReplicaLogDirTopic(name, some) for name, some in topics.items()])
            for path, topics in by_path.items()
        ]
    )
