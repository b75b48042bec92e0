"""Brokers come and go for good (BrokerRegistration, UnregisterBroker).

A broker registers with its incarnation id and gets an epoch: the offset of its registration record. It starts fenced:
nobody is sent to it.

After a shutdown that was not clean a broker may have lost records it had acknowledged. It proves a clean one by
naming its previous epoch (KIP-966); otherwise its new incarnation first loses its ISR and ELR places.
"""

from __future__ import annotations

from typing import Final

from ottla.core.metadata.broker_partitions import partitions_of, shutdown_records, without_broker
from ottla.core.metadata.levels import DIRECTORIES_SINCE, KRAFT_VERSION, METADATA_VERSION
from ottla.core.metadata.nouns import BrokerImage
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import uuid_text
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.broker_registration import (
    BrokerRegistrationRequest,
    BrokerRegistrationResponse,
)
from ottla.core.wire.messages.records.metadata import (
    BrokerEndpoint,
    BrokerFeature,
    RegisterBrokerRecord,
    UnregisterBrokerRecord,
)
from ottla.core.wire.messages.unregister_broker import UnregisterBrokerRequest, UnregisterBrokerResponse

RESERVED_DIRECTORIES: Final = 100
"""Directory ids whose number is below this are Kafka's own (lost, unassigned, migrating)."""

PREVIOUS_EPOCH_SINCE_VERSION: Final = 3
"""From this version of BrokerRegistration on, a broker says which epoch it had before."""


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
    if not again:
        state.sessions.forget(request.broker_id)  # only heartbeats keep others from taking its place
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
    for name, (low, high) in offered.items():
        _check_level(name, finalized.get(name, 0), low, high)
    if METADATA_VERSION not in offered:
        raise KafkaError(
            ErrorCode.INVALID_REGISTRATION, f"Request features do not contain '{METADATA_VERSION}'"
        )
    for name, level in finalized.items():
        if name not in offered:
            _check_level(name, level, 0, 0)


def _check_level(name: str, level: int, low: int, high: int) -> None:
    if not low <= level <= high:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_VERSION,
            f"Unable to register because the broker does not support finalized version {level} of {name}. "
            f"The broker wants a version between {low} and {high}, inclusive.",
        )


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
    records = without_broker(state, broker.id, partitions_of(state, broker.id))
    gone = UnregisterBrokerRecord(broker_id=broker.id, broker_epoch=broker.epoch)
    return Outcome([*records, gone], UnregisterBrokerResponse())
