"""How far groups are: what they have committed beside where the logs end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ottla.cli.log_ends import log_ends, log_starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ottla.client.admin.groups import GroupDescription, MemberDescription
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition


class Progress(msgspec.Struct, frozen=True):
    """One partition of one group. None: not committed, not known, nobody has it."""

    group: str
    topic: str
    partition: int
    committed: int | None
    start: int | None
    end: int | None
    member: str | None
    client: str | None
    host: str | None

    @property
    def lag(self) -> int | None:
        """Records to come. Without a commit, or with one that the log has outlived: all that the log has."""
        if self.end is None:
            return None
        return self.end - max(self.committed or 0, self.start or 0)

    def row(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "topic": self.topic,
            "partition": self.partition,
            "committed": self.committed,
            "start": self.start,
            "end": self.end,
            "lag": self.lag,
            "member": self.member,
            "client": self.client,
            "host": self.host,
        }


async def progress_of(cluster: Cluster, groups: Mapping[str, GroupDescription]) -> dict[str, list[Progress]]:
    """Group -> its partitions, by topic and number: those it has committed, and those its members have now."""
    from ottla.client.admin.group_offsets import GroupOffsets
    from ottla.core.model.errors import KafkaError

    found = await GroupOffsets(cluster).group_offsets(groups)
    committed: dict[str, dict[TopicPartition, int | None]] = {}
    for name, offsets in found.items():
        if isinstance(offsets, KafkaError):
            raise offsets
        known = {key: None if isinstance(each, KafkaError) else each.offset for key, each in offsets.items()}
        committed[name] = dict.fromkeys(owners(groups[name].members)) | known
    wanted = {key for each in committed.values() for key in each}
    await cluster.refresh({topic for topic, _ in wanted})
    starts, ends = await log_starts(cluster, wanted), await log_ends(cluster, wanted)
    result: dict[str, list[Progress]] = {}
    for name, places in committed.items():
        who = owners(groups[name].members)
        result[name] = []
        for key in sorted(places):
            member = who.get(key)
            result[name].append(
                Progress(
                    name,
                    *key,
                    places[key],
                    starts.get(key),
                    ends.get(key),
                    member.member_id if member else None,
                    member.client_id if member else None,
                    member.host if member else None,
                )
            )
    return result


def owners(members: Iterable[MemberDescription]) -> dict[TopicPartition, MemberDescription]:
    return {
        (topic, partition): member
        for member in members
        for topic, partitions in member.assignment.items()
        for partition in partitions
    }


def summed(rows: Iterable[Progress], by: str) -> list[dict[str, Any]]:
    """Lag added up by `topic` or by `group`. Partitions whose lag nobody knows are left out of a sum, and counted."""
    sums: dict[tuple[str, str | None], dict[str, Any]] = {}
    for each in rows:
        key = (each.group, each.topic if by == "topic" else None)
        names = {"group": each.group} | ({"topic": each.topic} if by == "topic" else {})
        row = sums.setdefault(key, {**names, "partitions": 0, "unknown": 0, "lag": 0})
        row["partitions"] += 1
        if each.lag is None:
            row["unknown"] += 1
        else:
            row["lag"] += each.lag
    return list(sums.values())
