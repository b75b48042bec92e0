"""The three kinds of groups, by the command that is for them, and what moving one takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition
    from ottla.core.model.errors import KafkaError


class Kind(Protocol):
    """One kind of groups. `types`: as ListGroups calls it. Every call may raise ClientError."""

    command: str
    types: tuple[str, ...]

    async def members(self, cluster: Cluster, names: Sequence[str]) -> dict[str, list[str] | KafkaError]:
        """Who is in each group, as people say it."""

    async def committed(self, cluster: Cluster, name: str) -> dict[TopicPartition, int]:
        """Where a group stands. Raises KafkaError."""

    async def commit(
        self, cluster: Cluster, name: str, offsets: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, KafkaError | None]:
        """Let it stand elsewhere. Raises KafkaError."""

    async def forget(
        self, cluster: Cluster, name: str, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, KafkaError | None]:
        """Let it stand nowhere. Raises KafkaError."""


def people(members: Iterable[Any]) -> list[str]:
    return [f"{each.client_id} at {each.host}" for each in members]


class Committing(msgspec.Struct, frozen=True):
    """Groups that commit offsets: of consumers, and of streams."""

    command: str
    types: tuple[str, ...]

    async def members(self, cluster: Cluster, names: Sequence[str]) -> dict[str, list[str] | KafkaError]:
        from ottla.client.admin.admin import Admin
        from ottla.core.model.errors import KafkaError

        admin = Admin(cluster)
        streams = "streams" in self.types
        described: Mapping[str, Any] = await (
            admin.describe_streams_groups(names) if streams else admin.describe_groups(names)
        )
        return {
            name: each if isinstance(each, KafkaError) else people(each.members)
            for name, each in described.items()
        }

    async def committed(self, cluster: Cluster, name: str) -> dict[TopicPartition, int]:
        from ottla.client.admin.group_offsets import GroupOffsets
        from ottla.core.model.errors import KafkaError

        offsets = (await GroupOffsets(cluster).group_offsets([name]))[name]
        if isinstance(offsets, KafkaError):
            raise offsets
        found = {}
        for key, each in offsets.items():
            if isinstance(each, KafkaError):
                raise each
            found[key] = each.offset
        return found

    async def commit(
        self, cluster: Cluster, name: str, offsets: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, KafkaError | None]:
        from ottla.client.admin.group_offsets import GroupOffsets

        return await GroupOffsets(cluster).alter_group_offsets(name, offsets)

    async def forget(
        self, cluster: Cluster, name: str, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, KafkaError | None]:
        from ottla.client.admin.group_offsets import GroupOffsets

        return await GroupOffsets(cluster).delete_group_offsets(name, partitions)


class Sharing(msgspec.Struct, frozen=True):
    """Share groups: they have a start in each partition, and forget whole topics."""

    command: str = "share-group"
    types: tuple[str, ...] = ("share",)

    async def members(self, cluster: Cluster, names: Sequence[str]) -> dict[str, list[str] | KafkaError]:
        from ottla.client.admin.share_groups import ShareGroups
        from ottla.core.model.errors import KafkaError

        described = await ShareGroups(cluster).describe_share_groups(names)
        return {
            name: each if isinstance(each, KafkaError) else people(each.members)
            for name, each in described.items()
        }

    async def committed(self, cluster: Cluster, name: str) -> dict[TopicPartition, int]:
        from ottla.client.admin.share_groups import ShareGroups
        from ottla.core.model.errors import KafkaError

        starts = (await ShareGroups(cluster).share_group_offsets([name]))[name]
        if isinstance(starts, KafkaError):
            raise starts
        found = {}
        for key, each in starts.items():
            if isinstance(each, KafkaError):
                raise each
            if each.offset >= 0:
                found[key] = each.offset
        return found

    async def commit(
        self, cluster: Cluster, name: str, offsets: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, KafkaError | None]:
        from ottla.client.admin.share_groups import ShareGroups

        return await ShareGroups(cluster).alter_share_group_offsets(name, offsets)

    async def forget(
        self, cluster: Cluster, name: str, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, KafkaError | None]:
        from ottla.client.admin.share_groups import ShareGroups

        wanted = list(partitions)
        told = await ShareGroups(cluster).delete_share_group_offsets(name, {topic for topic, _ in wanted})
        return {key: told.get(key[0]) for key in wanted}


CONSUMERS: Final = Committing("group", ("classic", "consumer"))
SHARE: Final = Sharing()
STREAMS: Final = Committing("streams-group", ("streams",))
