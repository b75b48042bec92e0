"""What groups have committed: read, write, delete. Groups without members can be moved anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ottla.client.admin.base import AdminCalls, Done, Each, check, error_or_none
from ottla.client.connection import BrokerConnection
from ottla.client.consuming.committing import COMMIT_BY_NAME, Committed, commit_codes
from ottla.client.coordinators import GROUP
from ottla.client.offsets import FoundOffset, TopicPartition, list_offsets_each
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import NO_OFFSET
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from ottla.core.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)
from ottla.core.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)

MANY_GROUPS: Final = 8
"""The first version of OffsetFetch that asks for several groups."""
FETCH_BY_NAME: Final = 9
"""The last version of OffsetFetch that names topics."""

Offsets = dict[TopicPartition, Committed | KafkaError]


class GroupOffsets(AdminCalls):
    """Administration of committed offsets and of offsets in logs."""

    async def group_offsets(
        self, group_ids: Iterable[str], *, require_stable: bool = False
    ) -> Each[str, Offsets]:
        """All that these groups have committed. A group that does not exist has committed nothing.

        `require_stable`: offsets that an open transaction has yet to commit are awaited.
        """

        async def ask(node: int, ids: list[str]) -> Mapping[str, Offsets | KafkaError]:
            connection = await self.cluster.connection(node)
            found: dict[str, Offsets | KafkaError] = {}
            if connection.version_of(OffsetFetchRequest) >= MANY_GROUPS:
                request = OffsetFetchRequest(
                    groups=[OffsetFetchRequestGroup(group_id=each, topics=None) for each in ids],
                    require_stable=require_stable,
                )
                answer = await connection.call(request, OffsetFetchResponse, newest=FETCH_BY_NAME)
                return {each.group_id: offsets_of(each.group_id, each) for each in answer.groups}
            for each in ids:
                found[each] = await self._fetched_alone(connection, each, require_stable)
            return found

        return await self._from_coordinators(GROUP, list(group_ids), ask)

    async def _fetched_alone(
        self, connection: BrokerConnection, group_id: str, require_stable: bool
    ) -> Offsets | KafkaError:
        single = OffsetFetchRequest(group_id=group_id, topics=None, require_stable=require_stable)
        return offsets_of(group_id, await connection.call(single, OffsetFetchResponse))

    async def alter_group_offsets(
        self, group_id: str, offsets: Mapping[TopicPartition, int | Committed]
    ) -> Done[TopicPartition]:
        """Commit offsets for a group without members. Raises KafkaError for the group, ClientError."""
        topics: dict[str, OffsetCommitRequestTopic] = {}
        for (name, partition), given in offsets.items():
            each = given if isinstance(given, Committed) else Committed(given)
            topic = topics.setdefault(name, OffsetCommitRequestTopic(name=name, partitions=[]))
            topic.partitions.append(
                OffsetCommitRequestPartition(partition, each.offset, each.leader_epoch, each.metadata)
            )
        request = OffsetCommitRequest(group_id=group_id, topics=list(topics.values()))
        answer = await self._coordinators.ask(
            GROUP, group_id, request, OffsetCommitResponse, codes=commit_codes, newest=COMMIT_BY_NAME
        )
        return {
            (told.name, part.partition_index): error_or_none(
                part.error_code, None, f"{told.name}-{part.partition_index} of group {group_id!r}"
            )
            for told in answer.topics
            for part in told.partitions
        }

    async def delete_group_offsets(
        self, group_id: str, partitions: Iterable[TopicPartition]
    ) -> Done[TopicPartition]:
        """Forget what a group has committed for partitions nobody in it reads. Raises KafkaError for the group."""
        topics: dict[str, OffsetDeleteRequestTopic] = {}
        for name, partition in partitions:
            topic = topics.setdefault(name, OffsetDeleteRequestTopic(name, []))
            topic.partitions.append(OffsetDeleteRequestPartition(partition))
        answer = await self._coordinators.ask(
            GROUP, group_id, OffsetDeleteRequest(group_id, list(topics.values())), OffsetDeleteResponse
        )
        check(answer.error_code, None, f"group {group_id!r}")
        return {
            (told.name, part.partition_index): error_or_none(
                part.error_code, None, f"{told.name}-{part.partition_index} of group {group_id!r}"
            )
            for told in answer.topics
            for part in told.partitions
        }

    async def list_offsets(
        self, wanted: Mapping[TopicPartition, int], *, isolation_level: str = "read_uncommitted"
    ) -> Each[TopicPartition, FoundOffset]:
        """Offsets by timestamp in ms, or LATEST, EARLIEST, MAX_TIMESTAMP of `ottla.client.offsets`."""
        return await list_offsets_each(self.cluster, wanted, isolation_level=isolation_level, patient=False)


def offsets_of(group_id: str, answer: OffsetFetchResponse | OffsetFetchResponseGroup) -> Offsets | KafkaError:
    """What an answer says about one group. Partitions without a committed offset are left out."""
    error = error_or_none(answer.error_code, None, f"group {group_id!r}")
    if error is not None:
        return error
    topics: list[OffsetFetchResponseTopic] | list[OffsetFetchResponseTopics] = answer.topics
    return {
        (topic.name, part.partition_index): committed(topic.name, part)
        for topic in topics
        for part in topic.partitions
        if part.error_code or part.committed_offset != NO_OFFSET
    }


def committed(
    topic: str, part: OffsetFetchResponsePartition | OffsetFetchResponsePartitions
) -> Committed | KafkaError:
    error = error_or_none(part.error_code, None, f"{topic}-{part.partition_index}")
    return error or Committed(part.committed_offset, part.committed_leader_epoch, part.metadata or "")
