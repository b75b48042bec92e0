"""What becomes of partitions when a broker comes, sleeps, loses a directory, or goes: who leads, who is in sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ottla.core.metadata.change import Election, Wish, change_partition
from ottla.core.metadata.nouns import NO_LEADER, PartitionImage, TopicImage
from ottla.core.metadata.state import State
from ottla.core.model.ids import Uuid


def partitions_of(state: State, broker_id: int) -> Iterator[tuple[TopicImage, int, PartitionImage]]:
    """Partitions in whose ISR or ELR this broker is."""
    for topic in state.image.topics_by_id.values():
        for number, partition in topic.partitions.items():
            if broker_id in partition.isr or broker_id in partition.elr:
                yield topic, number, partition


def leaderless(state: State) -> Iterator[tuple[TopicImage, int, PartitionImage]]:
    for topic in state.image.topics_by_id.values():
        for number, partition in topic.partitions.items():
            if partition.leader == NO_LEADER:
                yield topic, number, partition


def partition_changes(
    state: State,
    partitions: Iterable[tuple[TopicImage, int, PartitionImage]],
    *,
    without: int = NO_LEADER,
    acceptable: Callable[[int], bool] | None = None,
    unclean_shutdown: bool = False,
) -> list[object]:
    """Change records for `partitions` when broker `without` leaves their ISRs."""
    records: list[object] = []
    looked_up: dict[Uuid, tuple[bool, int]] = {}
    for topic, number, partition in partitions:
        if topic.id not in looked_up:
            looked_up[topic.id] = (state.unclean_election_allowed(topic.name), state.min_isr(topic))
        unclean, min_isr = looked_up[topic.id]
        wish = Wish(
            election=Election.UNCLEAN if unclean else Election.ONLINE,
            isr=[replica for replica in partition.isr if replica != without],
            unclean_shutdown=frozenset((without,)) if unclean_shutdown else frozenset(),
        )
        rules = state.change_rules(topic, partition, acceptable, min_isr)
        record = change_partition(topic.id, number, partition, wish, rules)
        if record is not None:
            records.append(record)
    return records


def shutdown_records(state: State, broker_id: int, *, clean: bool) -> list[object]:
    """What becomes of a broker's places when its next incarnation appears."""
    unclean = state.elr_enabled and not clean
    return partition_changes(
        state,
        (p for p in partitions_of(state, broker_id) if unclean or broker_id in p[2].isr),
        without=broker_id,
        acceptable=lambda id_: id_ != broker_id and state.is_active(id_),
        unclean_shutdown=unclean,
    )


def without_broker(
    state: State, broker_id: int, partitions: Iterable[tuple[TopicImage, int, PartitionImage]] | None = None
) -> list[object]:
    """The broker leaves these partitions, by default all in whose ISR it is, and others lead them."""
    if partitions is None:
        partitions = (each for each in partitions_of(state, broker_id) if broker_id in each[2].isr)
    return partition_changes(
        state,
        partitions,
        without=broker_id,
        acceptable=lambda id_: id_ != broker_id and state.is_active(id_),
    )


def with_broker(state: State, broker_id: int) -> list[object]:
    """The broker may lead now, and does where nobody else could."""
    return partition_changes(
        state, leaderless(state), acceptable=lambda id_: id_ == broker_id or state.is_active(id_)
    )


def leads_any(state: State, broker_id: int) -> bool:
    return any(
        partition.leader == broker_id
        for topic in state.image.topics_by_id.values()
        for partition in topic.partitions.values()
    )
