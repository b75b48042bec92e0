"""Which replicas a new partition gets: the caller's own list, checked, or a placement of ours."""

from __future__ import annotations

from ottla.core.metadata.nouns import PartitionImage
from ottla.core.metadata.placement import place
from ottla.core.metadata.state import State, has_uncordoned_directory
from ottla.core.model.errors import ErrorCode, KafkaError


def _refuse(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, text)


def check_manual_assignment(state: State, replicas: list[int], factor: int | None) -> None:
    """Raise KafkaError(INVALID_REPLICA_ASSIGNMENT) unless `replicas` are distinct registered brokers that may take
    replicas, as many as `factor` (None: any number above zero)."""
    if not replicas:
        raise _refuse("The manual partition assignment includes an empty replica list.")
    previous = None
    for broker_id in sorted(replicas):
        broker = state.image.brokers.get(broker_id)
        if broker is None:
            raise _refuse(
                f"The manual partition assignment includes broker {broker_id}, but no such broker is registered."
            )
        if not has_uncordoned_directory(broker):
            raise _refuse(
                f"The manual partition assignment includes broker {broker_id}, "
                "but all its log directories are cordoned."
            )
        if broker_id == previous:
            raise _refuse(f"The manual partition assignment includes the broker {previous} more than once.")
        previous = broker_id
    if factor is not None and len(replicas) != factor:
        raise _refuse(
            f"The manual partition assignment includes a partition with {len(replicas)} replica(s), but this is "
            f"not consistent with previous partitions, which have {factor} replica(s)."
        )


def manual_partition(state: State, number: int, replicas: list[int], factor: int | None) -> PartitionImage:
    """A new partition on exactly these brokers; those alive form its ISR."""
    check_manual_assignment(state, replicas, factor)
    isr = [replica for replica in replicas if state.is_active(replica)]
    if not isr:
        raise _refuse(
            f"All brokers specified in the manual partition assignment for partition {number} "
            "are fenced or in controlled shutdown."
        )
    return _new_partition(state, replicas, isr)


def placed_partitions(state: State, count: int, factor: int) -> list[PartitionImage]:
    """`count` new partitions of `factor` replicas each, where they spread best."""
    return [
        _live_partition(state, replicas, factor)
        for replicas in place(state.usable_brokers(), count, factor, state.chance)
    ]


def _live_partition(state: State, replicas: list[int], factor: int) -> PartitionImage:
    isr = [replica for replica in replicas if state.is_active(replica)]
    if not isr:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"Unable to replicate the partition {factor} time(s): "
            "All brokers are currently fenced or in controlled shutdown.",
        )
    return _new_partition(state, replicas, isr)


def _new_partition(state: State, replicas: list[int], isr: list[int]) -> PartitionImage:
    return PartitionImage(
        replicas=replicas,
        isr=isr,
        directories=[state.default_directory(replica) for replica in replicas],
        leader=isr[0],
    )
