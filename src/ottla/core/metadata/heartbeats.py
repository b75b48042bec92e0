"""Brokers stay awake, and fall asleep (BrokerHeartbeat).

Once a registered broker has read the metadata log up to its own registration and asks for it, it is unfenced. A broker
that stays silent for `broker.session.timeout.ms` is fenced again; one that wants to stop first gives its leaderships
away (controlled shutdown), then is told that it may go.
"""

from __future__ import annotations

import enum

from ottla.core.metadata.broker_partitions import leads_any, partitions_of, with_broker, without_broker
from ottla.core.metadata.levels import CORDONED_DIRECTORIES_SINCE, DIRECTORIES_SINCE
from ottla.core.metadata.nouns import LOST_DIRECTORY, BrokerImage, PartitionImage, TopicImage
from ottla.core.metadata.replay import FENCE, UNFENCE
from ottla.core.metadata.state import Command, State
from ottla.core.model.ids import Uuid
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.broker_heartbeat import BrokerHeartbeatRequest, BrokerHeartbeatResponse
from ottla.core.wire.messages.records.metadata import BrokerRegistrationChangeRecord


class BrokerState(enum.Enum):
    """Where a broker is on its way between starting and having stopped."""

    FENCED = "fenced"
    UNFENCED = "unfenced"
    CONTROLLED_SHUTDOWN = "controlled shutdown"
    SHUTDOWN_NOW = "shutdown now"


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
        done = not leads_any(state, broker.id)
        next_state = BrokerState.SHUTDOWN_NOW if done else BrokerState.CONTROLLED_SHUTDOWN
        return BrokerState.CONTROLLED_SHUTDOWN, next_state
    if request.want_fence:
        next_state = BrokerState.SHUTDOWN_NOW if request.want_shut_down else BrokerState.FENCED
        return BrokerState.UNFENCED, next_state
    if request.want_shut_down:
        leads = leads_any(state, broker.id)
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

    moved = without_broker(state, broker.id, filter(here, partitions_of(state, broker.id)))
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


def fence_records(state: State, broker: BrokerImage) -> list[object]:
    """The broker leaves every ISR, then is marked fenced."""
    change = BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, fenced=FENCE)
    return [*without_broker(state, broker.id), change]


def _unfence_records(state: State, broker: BrokerImage) -> list[object]:
    change = BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, fenced=UNFENCE)
    return [change, *with_broker(state, broker.id)]


def _stopping_records(state: State, broker: BrokerImage) -> list[object]:
    change = BrokerRegistrationChangeRecord(
        broker_id=broker.id, broker_epoch=broker.epoch, in_controlled_shutdown=1
    )
    return [change, *without_broker(state, broker.id)]


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
