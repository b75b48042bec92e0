"""Replicas that may lead a partition though they are not in sync (KIP-966)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ottla.client.admin.base import AdminCalls, check
from ottla.client.offsets import TopicPartition
from ottla.core.wire.messages.describe_topic_partitions import (
    CursorRequest,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    TopicRequest,
)


class Eligible(msgspec.Struct, frozen=True):
    """Of one partition. None: the broker does not say."""

    replicas: tuple[int, ...] | None
    last_known: tuple[int, ...] | None


class EligibleReplicas(AdminCalls):
    """Questions after eligible replicas."""

    async def eligible_replicas(self, topics: Sequence[str]) -> dict[TopicPartition, Eligible]:
        """Of all partitions of these topics, page by page. Raises VersionMismatch of older brokers, KafkaError."""
        found: dict[TopicPartition, Eligible] = {}
        cursor: CursorRequest | None = None
        while True:
            request = DescribeTopicPartitionsRequest(
                topics=[TopicRequest(name) for name in sorted(topics)], cursor=cursor
            )
            answer = await self.cluster.on_any(request, DescribeTopicPartitionsResponse)
            for topic in answer.topics:
                check(topic.error_code, None, f"topic {topic.name!r}")
                for part in topic.partitions:
                    found[topic.name or "", part.partition_index] = Eligible(
                        None
                        if part.eligible_leader_replicas is None
                        else tuple(part.eligible_leader_replicas),
                        None if part.last_known_elr is None else tuple(part.last_known_elr),
                    )
            if answer.next_cursor is None:
                return found
            cursor = CursorRequest(answer.next_cursor.topic_name, answer.next_cursor.partition_index)
