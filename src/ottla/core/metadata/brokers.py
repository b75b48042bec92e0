"""Brokers come, stay awake, and go (BrokerRegistration, BrokerHeartbeat, UnregisterBroker).

A broker registers with its incarnation id and gets an epoch: the offset of its registration record. It starts fenced:
nobody is sent to it. Once it has read the metadata log up to its own registration and asks for it, it is unfenced. A
broker that stays silent for `broker.session.timeout.ms` is fenced again; one that wants to stop first gives its
leaderships away (controlled shutdown), then is told that it may go.

After a shutdown that was not clean a broker may have lost records it had acknowledged. It proves a clean one by
naming its previous epoch (KIP-966); otherwise its new incarnation first loses its ISR and ELR places.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import Final

from ottla.core.metadata.change import Election, Wish, change_partition
from ottla.core.metadata.levels import (
    CORDONED_DIRECTORIES_SINCE,
    DIRECTORIES_SINCE,
    KRAFT_VERSION,
    METADATA_VERSION,
)
from ottla.core.metadata.nouns import LOST_DIRECTORY, NO_LEADER, BrokerImage, PartitionImage, TopicImage
from ottla.core.metadata.replay import FENCE, UNFENCE
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid, uuid_text
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.broker_heartbeat import BrokerHeartbeatRequest, BrokerHeartbeatResponse
from ottla.core.wire.messages.broker_registration import (
    BrokerRegistrationRequest,
    BrokerRegistrationResponse,
)
from ottla.core.wire.messages.records.metadata import (
    BrokerEndpoint,
    BrokerFeature,
    BrokerRegistrationChangeRecord,
    RegisterBrokerRecord,
    UnregisterBrokerRecord,
)
from ottla.core.wire.messages.unregister_broker import UnregisterBrokerRequest, UnregisterBrokerResponse

RESERVED_DIRECTORIES: Final = 100
"""Directory ids whose number is below this are Kafka's own (lost, unassigned, migrating)."""

PREVIOUS_EPOCH_SINCE_VERSION: Final = 3
"""From this version of BrokerRegistration on, a broker says which epoch it had before."""


class BrokerState(enum.Enum):
    """Where a broker is on its way between starting and having stopped."""

    FENCED = "fenced"
    UNFENCED = "unfenced"
    CONTROLLED_SHUTDOWN = "controlled shutdown"
    SHUTDOWN_NOW = "shutdown now"


def register_broker(
    state: State, now: int, command: Command, request: BrokerRegistrationRequest
) -> Outcome[object, BrokerRegistrationResponse]:
    """A new incarnation gets a new epoch; the same one again keeps its epoch and state."""
    if request.cluster_id != state.settings.cluster_id:
        raise KafkaError(
            ErrorCode.INCONSISTENT_CLUSTER_ID,
            f"Expected cluster ID {state.settings.cluster_id}, but got cluster ID {request.cluster_id}",
        )
    existing = state.image.brokers.get(request.broker_id)
    again = existing is not None and existing.incarnation_id == request.incarnation_id
    timeout = state.settings.broker_session_timeout_ms
    if existing is not None and not again and state.sessions.valid(request.broker_id, now, timeout):
        raise KafkaError(
            ErrorCode.DUPLICATE_BROKER_REGISTRATION,
            "Another broker is registered with that broker id. If the broker was recently restarted this should "
            "self-resolve once the heartbeat manager expires the broker's session.",
        )
    if request.is_migrating_zk_broker:
        raise KafkaError(
            ErrorCode.BROKER_ID_NOT_REGISTERED, "Controller does not support registering ZK brokers."
        )
    _check_directories(state, request)
    _check_features(state, request)
    records: list[object] = []
    if existing is not None and not again:
        clean = (
            command.version >= PREVIOUS_EPOCH_SINCE_VERSION
            and request.previous_broker_epoch == existing.epoch
        )
        records += shutdown_records(state, request.broker_id, clean=clean)
    epoch = existing.epoch if existing is not None and again else command.next_offset
    records.append(_registration(state, request, existing if again else None, epoch))
    if again:
        state.sessions.touch(request.broker_id, now)
    else:
        state.sessions.forget(request.broker_id)
    return Outcome(records, BrokerRegistrationResponse(broker_epoch=epoch))


def _registration(
    state: State, request: BrokerRegistrationRequest, same: BrokerImage | None, epoch: int
) -> RegisterBrokerRecord:
    with_directories = state.image.metadata_version >= DIRECTORIES_SINCE
    return RegisterBrokerRecord(
        broker_id=request.broker_id,
        incarnation_id=request.incarnation_id,
        broker_epoch=epoch,
        end_points=[
            BrokerEndpoint(
                name=each.name, host=each.host, port=each.port, security_protocol=each.security_protocol
            )
            for each in request.listeners
        ],
        features=[
            BrokerFeature(
                name=each.name,
                min_supported_version=each.min_supported_version,
                max_supported_version=each.max_supported_version,
            )
            for each in request.features
        ],
        rack=request.rack,
        fenced=True if same is None else same.fenced,
        in_controlled_shutdown=False if same is None else same.in_controlled_shutdown,
        log_dirs=request.log_dirs if with_directories else [],
    )


def _check_directories(state: State, request: BrokerRegistrationRequest) -> None:
    if state.image.metadata_version < DIRECTORIES_SINCE:
        return

    def refuse(text: str) -> KafkaError:
        return KafkaError(ErrorCode.INVALID_REGISTRATION, text)

    if not request.log_dirs:
        raise refuse("No directories specified in request")
    if any(int.from_bytes(id_) < RESERVED_DIRECTORIES for id_ in request.log_dirs):
        raise refuse("Reserved directory ID in request")
    if len(set(request.log_dirs)) != len(request.log_dirs):
        raise refuse("Duplicate directory ID in request")
    for broker in state.image.brokers.values():
        if broker.id != request.broker_id:
            for id_ in set(broker.directories) & set(request.log_dirs):
                raise refuse(f"Broker {broker.id} is already registered with directory {uuid_text(id_)}")


def _check_features(state: State, request: BrokerRegistrationRequest) -> None:
    finalized = {**state.image.features, KRAFT_VERSION: state.settings.kraft_version}
    offered = {
        each.name: (each.min_supported_version, each.max_supported_version) for each in request.features
    }
    for name in {**offered, **finalized}:
        level = finalized.get(name, 0)
        low, high = offered.get(name, (0, 0))
        if not low <= level <= high:
            raise KafkaError(
                ErrorCode.UNSUPPORTED_VERSION,
                f"Unable to register because the broker does not support finalized version {level} of {name}. "
                f"The broker wants a version between {low} and {high}, inclusive.",
            )
    if METADATA_VERSION not in offered:
        raise KafkaError(
            ErrorCode.INVALID_REGISTRATION, f"Request features do not contain '{METADATA_VERSION}'"
        )


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
    partitions: Iterator[tuple[TopicImage, int, PartitionImage]],
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


def fence_records(state: State, broker: BrokerImage) -> list[object]:
    """The broker leaves every ISR, then is marked fenced."""
    records = partition_changes(
        state,
        (p for p in partitions_of(state, broker.id) if broker.id in p[2].isr),
        without=broker.id,
        acceptable=lambda id_: id_ != broker.id and state.is_active(id_),
    )
    change = BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, fenced=FENCE)
    return [*records, change]


def _unfence_records(state: State, broker: BrokerImage) -> list[object]:
    change = BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, fenced=UNFENCE)
    elected = partition_changes(
        state, leaderless(state), acceptable=lambda id_: id_ == broker.id or state.is_active(id_)
    )
    return [change, *elected]


def _stopping_records(state: State, broker: BrokerImage) -> list[object]:
    change = BrokerRegistrationChangeRecord(
        broker_id=broker.id, broker_epoch=broker.epoch, in_controlled_shutdown=1
    )
    moved = partition_changes(
        state,
        (p for p in partitions_of(state, broker.id) if broker.id in p[2].isr),
        without=broker.id,
        acceptable=lambda id_: id_ != broker.id and state.is_active(id_),
    )
    return [change, *moved]


def _leads_any(state: State, broker_id: int) -> bool:
    return any(
        partition.leader == broker_id
        for topic in state.image.topics_by_id.values()
        for partition in topic.partitions.values()
    )


def _next_state(
    state: State, broker: BrokerImage, request: BrokerHeartbeatRequest
) -> tuple[BrokerState, BrokerState]:
    """(where the broker is, where this heartbeat takes it)."""
    if broker.fenced:
        if request.want_shut_down:
            return BrokerState.FENCED, BrokerState.SHUTDOWN_NOW
        caught_up = request.current_metadata_offset >= state.registered_at.get(broker.id, 0)
        may_wake = not request.want_fence and caught_up
        return BrokerState.FENCED, BrokerState.UNFENCED if may_wake else BrokerState.FENCED
    if broker.in_controlled_shutdown:
        done = not _leads_any(state, broker.id)
        next_state = BrokerState.SHUTDOWN_NOW if done else BrokerState.CONTROLLED_SHUTDOWN
        return BrokerState.CONTROLLED_SHUTDOWN, next_state
    if request.want_fence:
        next_state = BrokerState.SHUTDOWN_NOW if request.want_shut_down else BrokerState.FENCED
        return BrokerState.UNFENCED, next_state
    if request.want_shut_down:
        leads = _leads_any(state, broker.id)
        return BrokerState.UNFENCED, BrokerState.CONTROLLED_SHUTDOWN if leads else BrokerState.SHUTDOWN_NOW
    return BrokerState.UNFENCED, BrokerState.UNFENCED


def heartbeat(
    state: State, now: int, command: Command, request: BrokerHeartbeatRequest
) -> Outcome[object, BrokerHeartbeatResponse]:
    """Keeps the broker's session and takes it one step further."""
    broker = state.check_broker_epoch(request.broker_id, request.broker_epoch)
    current, next_state = _next_state(state, broker, request)
    records: list[object] = []
    if current is not next_state:
        if next_state is BrokerState.UNFENCED:
            records += _unfence_records(state, broker)
        elif next_state is BrokerState.CONTROLLED_SHUTDOWN:
            records += _stopping_records(state, broker)
        elif not broker.fenced:
            records += fence_records(state, broker)
    state.sessions.touch(broker.id, now)
    version = state.image.metadata_version
    if version >= DIRECTORIES_SINCE:
        records += _offline_records(state, broker, request.offline_log_dirs)
    if version >= CORDONED_DIRECTORIES_SINCE:
        records += _cordoned_records(broker, request.cordoned_log_dirs)
    reply = BrokerHeartbeatResponse(
        is_caught_up=request.current_metadata_offset >= state.registered_at.get(broker.id, 0),
        is_fenced=next_state in (BrokerState.FENCED, BrokerState.SHUTDOWN_NOW),
        should_shut_down=next_state is BrokerState.SHUTDOWN_NOW,
    )
    return Outcome(records, reply)


def _offline_records(state: State, broker: BrokerImage, offline: list[Uuid]) -> list[object]:
    gone = [id_ for id_ in broker.directories if id_ in offline]
    if not gone:
        return []

    def here(item: tuple[TopicImage, int, PartitionImage]) -> bool:
        return item[2].directory_of(broker.id) in (*gone, LOST_DIRECTORY)

    moved = partition_changes(
        state,
        (item for item in partitions_of(state, broker.id) if here(item)),
        without=broker.id,
        acceptable=lambda id_: id_ != broker.id and state.is_active(id_),
    )
    left = [id_ for id_ in broker.directories if id_ not in gone]
    change = BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, log_dirs=left)
    return [*moved, change]


def _cordoned_records(broker: BrokerImage, cordoned: list[Uuid] | None) -> list[object]:
    # None: the broker has not read its own configs yet.
    known = broker.cordoned_directories
    if cordoned is None or (known is not None and set(known) == set(cordoned)):
        return []
    change = BrokerRegistrationChangeRecord(
        broker_id=broker.id, broker_epoch=broker.epoch, cordoned_log_dirs=cordoned
    )
    return [change]


def unregister_broker(
    state: State, now: int, command: Command, request: UnregisterBrokerRequest
) -> Outcome[object, UnregisterBrokerResponse]:
    """Forget a broker: it leaves every ISR and leads nothing, then its registration goes."""
    broker = state.image.brokers.get(request.broker_id)
    if broker is None:
        raise KafkaError(
            ErrorCode.BROKER_ID_NOT_REGISTERED,
            f"Broker ID {request.broker_id} is not currently registered",
        )
    records = partition_changes(
        state,
        partitions_of(state, broker.id),
        without=broker.id,
        acceptable=lambda id_: id_ != broker.id and state.is_active(id_),
    )
    gone = UnregisterBrokerRecord(broker_id=broker.id, broker_epoch=broker.epoch)
    return Outcome([*records, gone], UnregisterBrokerResponse(error_message=None))


def stale_broker(state: State, now: int) -> BrokerImage | None:
    """The unfenced broker that has been silent for longest, if for too long."""
    awake = (broker.id for broker in state.image.brokers.values() if not broker.fenced)
    oldest = state.sessions.oldest(awake)
    if oldest is None or now < oldest[0] + state.settings.broker_session_timeout_ms:
        return None
    return state.image.brokers[oldest[1]]


def next_expiry(state: State) -> int | None:
    """When `stale_broker` should be asked next, monotonic milliseconds."""
    awake = (broker.id for broker in state.image.brokers.values() if not broker.fenced)
    oldest = state.sessions.oldest(awake)
    return None if oldest is None else oldest[0] + state.settings.broker_session_timeout_ms
