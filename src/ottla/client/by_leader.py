"""Requests that belong to the leaders of partitions: those of one leader together, leaders that move followed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from ottla.client.cluster import Cluster, worth_retrying
from ottla.client.errors import ClientTimeout, ConnectionFailed
from ottla.core.model.errors import ErrorCode, KafkaError

V = TypeVar("V")


async def from_leaders(
    cluster: Cluster,
    partitions: Iterable[tuple[str, int]],
    ask: Callable[[int, list[tuple[str, int]]], Awaitable[Mapping[tuple[str, int], V | KafkaError]]],
    *,
    timeout: int | None = None,
    patient: bool = True,
) -> dict[tuple[str, int], V | KafkaError]:
    """`ask(node id, partitions)` until each partition (topic, index) has an answer, or an error that will stay.

    Errors that may pass are tried again for `timeout` ms (default.api.timeout.ms); `patient`: a topic that is missing
    as well. Raises ConnectionFailed, ClientTimeout, NoBroker.
    """
    wanted = list(dict.fromkeys(partitions))
    found: dict[tuple[str, int], V | KafkaError] = {}

    def is_open(partition: tuple[str, int]) -> bool:
        each = found.get(partition)
        return partition not in found or (isinstance(each, KafkaError) and worth_retrying(each, patient))

    async def attempt() -> None:
        by_leader: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for topic, partition in filter(is_open, wanted):
            try:
                leader = await cluster.leader(topic, partition, timeout=0)
            except KafkaError as error:
                found[topic, partition] = error
            else:
                by_leader[leader].append((topic, partition))
        for leader, some in by_leader.items():
            try:
                found.update(await ask(leader, some))
            except (ConnectionFailed, ClientTimeout):
                await cluster.refresh({topic for topic, _ in some})
                raise
        again = list(filter(is_open, wanted))
        if again:
            await cluster.refresh({topic for topic, _ in again})
            raise as_error(found.get(again[0]))

    try:
        await cluster.retrying(attempt, timeout=timeout, patient=patient)
    except KafkaError as error:
        if all(each is not error for each in found.values()):
            raise
    return {each: found[each] for each in wanted if each in found}


def as_error(found: object) -> KafkaError:
    """What stands beside a partition that is tried again; a broker that left it out has not answered."""
    if isinstance(found, KafkaError):
        return found
    return KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "the broker left a partition out of its answer")
