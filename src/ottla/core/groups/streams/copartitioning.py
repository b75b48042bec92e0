"""Topics that are joined have equally many partitions: how many repartition topics get for that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from ottla.core.groups.streams.statuses import StatusCode, Unfit
from ottla.core.model.errors import ErrorCode, KafkaError


class Repartition(NamedTuple):
    """The repartition topics of a whole topology."""

    fixed: Mapping[str, int]
    """Those with a number of partitions of their own."""
    flexible: Collection[str]
    alike: bool
    """The fixed ones all have the same."""


def copartitioned(
    group: Collection[str], topics: Repartition, count_of: Callable[[str], int | None]
) -> dict[str, int]:
    """Repartition topic of this group → its partitions. Raises Unfit when topics cannot be joined.

    As in Kafka, all fixed topics of the topology must be alike where a group has no topic of users."""
    fixed = topics.fixed
    if not group:
        return {}
    counts = {topic: _known(topic, count_of) for topic in sorted(group)}
    repartition = {
        topic: count for topic, count in counts.items() if topic in fixed or topic in topics.flexible
    }
    of_users = {topic: count for topic, count in counts.items() if topic not in repartition}
    if of_users:
        agreed = _same(of_users)
    elif fixed:
        agreed = next(iter(fixed.values()))
        if not topics.alike:
            raise _unequal(repartition)
    else:
        agreed = max(repartition.values())
    for topic, count in repartition.items():
        if topic in fixed and count != agreed:
            raise Unfit(
                StatusCode.INCORRECTLY_PARTITIONED_TOPICS,
                f"Number of partitions [{count}] of repartition topic [{topic}] "
                f"doesn't match number of partitions [{agreed}] of the source topic.",
            )
    return dict.fromkeys(repartition, agreed)


def _same(counts: Mapping[str, int]) -> int:
    if len(set(counts.values())) > 1:
        raise _unequal(counts)
    return next(iter(counts.values()))


def _unequal(counts: Mapping[str, int]) -> Unfit:
    told = ", ".join(f"{topic}={count}" for topic, count in sorted(counts.items()))
    return Unfit(
        StatusCode.INCORRECTLY_PARTITIONED_TOPICS,
        f"Following topics do not have the same number of partitions: [{{{told}}}]",
    )


def _known(topic: str, count_of: Callable[[str], int | None]) -> int:
    found = count_of(topic)
    if found is None:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    return found
