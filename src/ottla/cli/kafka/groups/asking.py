"""`--list` and `--describe` of `kafka-consumer-groups.sh`, from the question to what is printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ottla.cli.kafka.groups.describing import (
    Printed,
    members_printed,
    offset_rows,
    offsets_printed,
    state_printed,
)
from ottla.cli.kafka.groups.listing import (
    chosen_states,
    chosen_types,
    consumer_groups_text,
    is_of_consumers,
)

if TYPE_CHECKING:
    from ottla.client.admin.groups import GroupDescription, GroupListing
    from ottla.client.cluster import Cluster


async def consumer_groups(
    cluster: Cluster, *, states: Sequence[str] = (), types: Sequence[str] = ()
) -> list[GroupListing]:
    """Groups of consumers. Raises KafkaError, ClientError: a broker that is silent fails the whole."""
    from ottla.client.admin.groups import Groups

    found, silent = await Groups(cluster).list_groups(states=states, types=types)
    for error in silent.values():
        raise error
    return [each for each in found if is_of_consumers(each)]


async def list_printed(cluster: Cluster, *, state: str | None, type_: str | None) -> Printed:
    """`--list`. `state`, `type_`: None where the flag is not given, empty where it has no value. Raises ValueError."""
    groups = await consumer_groups(cluster, states=chosen_states(state), types=chosen_types(type_))
    return Printed(consumer_groups_text(groups, types=type_ is not None, states=state is not None), "")


async def described(cluster: Cluster, group_ids: Sequence[str]) -> list[GroupDescription]:
    """By id. Raises KafkaError for the first that is refused, as Kafka's tool does."""
    from ottla.client.admin.groups import Groups
    from ottla.core.model.errors import KafkaError

    groups = []
    for _, each in sorted((await Groups(cluster).describe_groups(group_ids)).items()):
        if isinstance(each, KafkaError):
            raise each
        groups.append(each)
    return groups


async def offsets_described(cluster: Cluster, group_ids: Sequence[str], *, verbose: bool) -> list[Printed]:
    """`--describe`, with or without `--offsets`. Raises KafkaError."""
    from ottla.cli.log_ends import log_ends
    from ottla.client.admin.group_offsets import GroupOffsets
    from ottla.core.model.errors import KafkaError

    groups = await described(cluster, group_ids)
    offsets = await GroupOffsets(cluster).group_offsets([each.group_id for each in groups])
    printed = []
    for group in groups:
        found = offsets[group.group_id]
        if isinstance(found, KafkaError):
            raise found
        committed = {key: each for key, each in found.items() if not isinstance(each, KafkaError)}
        owned = {
            (topic, partition)
            for member in group.members
            for topic, partitions in member.assignment.items()
            for partition in partitions
        }
        wanted = committed.keys() | owned
        await cluster.refresh({topic for topic, _ in wanted})
        rows = offset_rows(group, committed, await log_ends(cluster, wanted))
        printed.append(offsets_printed(group, rows, verbose=verbose))
    return printed


async def members_described(cluster: Cluster, group_ids: Sequence[str], *, verbose: bool) -> list[Printed]:
    """`--describe --members`. Raises KafkaError."""
    return [members_printed(each, verbose=verbose) for each in await described(cluster, group_ids)]


async def states_described(cluster: Cluster, group_ids: Sequence[str], *, verbose: bool) -> list[Printed]:
    """`--describe --state`. Raises KafkaError."""
    printed = []
    for group in await described(cluster, group_ids):
        address = cluster.view.nodes[group.coordinator]
        printed.append(state_printed(group, f"{address.host}:{address.port}", verbose=verbose))
    return printed
