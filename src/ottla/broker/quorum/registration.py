"""The broker's and the controller's standing in the cluster: register, stay awake, leave in order.

    register()  a fenced registration with a broker epoch; heartbeats begin
    unfence()   everything is loaded: clients may come
    leave()     leaderships go first (controlled shutdown), then the broker is fenced and may stop

All of it is requests to the controller, the same that a broker of another node would send.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ottla.broker.quorum.quorum import Quorum
from ottla.core.metadata.levels import CONTROLLER_REGISTRATION_SINCE, SUPPORTED
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import NO_EPOCH, Uuid
from ottla.core.wire.messages import broker_registration, controller_registration
from ottla.core.wire.messages.broker_heartbeat import BrokerHeartbeatRequest, BrokerHeartbeatResponse
from ottla.world.doors import Timer, World

_log = logging.getLogger("ottla.quorum")

SECURITY_PROTOCOLS: Final = {"PLAINTEXT": 0, "SSL": 1, "SASL_PLAINTEXT": 2, "SASL_SSL": 3}
LEAVE_ATTEMPTS: Final = 10
"""So often the controller is asked whether we may stop."""
LEAVE_PAUSE_MS: Final = 50


class RegisteredListener(msgspec.Struct, frozen=True):
    """Where others find us: `security_protocol` by name."""

    name: str
    host: str
    port: int
    security_protocol: str = "PLAINTEXT"


class Standing(msgspec.Struct, frozen=True):
    """What a registration says."""

    node_id: int
    cluster_id: str
    listeners: Sequence[RegisteredListener]
    controller_listeners: Sequence[RegisteredListener]
    directories: Sequence[Uuid]
    rack: str | None = None
    previous_epoch: int | None = None
    """The epoch in the clean-shutdown marker; None after a crash."""
    heartbeat_interval_ms: int = 2_000


class Registration:
    """This node's place in the image. `epoch` is the broker epoch, -1 before `register`."""

    def __init__(
        self,
        world: World,
        quorum: Quorum,
        standing: Standing,
        *,
        offline: Callable[[], list[Uuid]] = list,
        cordoned: Callable[[], list[Uuid]] = list,
    ) -> None:
        """`offline` and `cordoned` give the directory ids that are so at the moment."""
        self._clock = world.clock
        self._quorum = quorum
        self._standing = standing
        self._offline = offline
        self._cordoned = cordoned
        self._controller_incarnation = Uuid(world.chance.bytes(16))
        self._incarnation = Uuid(world.chance.bytes(16))
        self._timer: Timer | None = None
        self._stopped = False
        self.epoch = NO_EPOCH
        self.fenced = True

    async def register(self) -> int:
        """Register controller and broker; returns the broker epoch. Raises KafkaError."""
        standing = self._standing
        if self._quorum.image.metadata_version >= CONTROLLER_REGISTRATION_SINCE:
            await self._quorum.command(self._controller_request(), 0)
        previous = NO_EPOCH if standing.previous_epoch is None else standing.previous_epoch
        request = broker_registration.BrokerRegistrationRequest(
            broker_id=standing.node_id,
            cluster_id=standing.cluster_id,
            incarnation_id=self._incarnation,
            listeners=[
                broker_registration.Listener(
                    name=each.name,
                    host=each.host,
                    port=each.port,
                    security_protocol=SECURITY_PROTOCOLS[each.security_protocol],
                )
                for each in standing.listeners
            ],
            features=[
                broker_registration.Feature(name=name, min_supported_version=low, max_supported_version=high)
                for name, (low, high) in SUPPORTED.items()
            ],
            rack=standing.rack,
            log_dirs=list(standing.directories),
            previous_broker_epoch=previous,
        )
        version = broker_registration.BrokerRegistrationRequest.wire.versions.last
        response = await self._quorum.command(request, version)
        self.epoch = response.broker_epoch
        _log.info("Registered broker %d: epoch=%d previous_epoch=%d", standing.node_id, self.epoch, previous)
        self._schedule()
        return self.epoch

    def _controller_request(self) -> controller_registration.ControllerRegistrationRequest:
        return controller_registration.ControllerRegistrationRequest(
            controller_id=self._standing.node_id,
            incarnation_id=self._controller_incarnation,
            listeners=[
                controller_registration.Listener(
                    name=each.name,
                    host=each.host,
                    port=each.port,
                    security_protocol=SECURITY_PROTOCOLS[each.security_protocol],
                )
                for each in self._standing.controller_listeners
            ],
            features=[
                controller_registration.Feature(
                    name=name, min_supported_version=low, max_supported_version=high
                )
                for name, (low, high) in SUPPORTED.items()
            ],
        )

    async def unfence(self) -> None:
        """Tell the controller that clients may come. Raises KafkaError."""
        self.fenced = False
        response = await self._heartbeat()
        if response.is_fenced:
            # It had to see us read our own registration first.
            response = await self._heartbeat()
        _log.info("Broker %d is unfenced: epoch=%d", self._standing.node_id, self.epoch)

    async def leave(self, *, controlled: bool = True) -> None:
        """Stop heartbeats; with `controlled`, first give leaderships away and be fenced. Raises KafkaError."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if not controlled or self.epoch == NO_EPOCH:
            return
        for attempt in range(LEAVE_ATTEMPTS):
            # The first answer begins the controlled shutdown; with nobody to wait for, the second ends it.
            if attempt > 1:
                await self._clock.sleep(LEAVE_PAUSE_MS)
            response = await self._heartbeat(want_shut_down=True)
            if response.should_shut_down:
                _log.info("Broker %d may stop: epoch=%d", self._standing.node_id, self.epoch)
                return
        _log.warning("Broker %d stops without the controller's consent", self._standing.node_id)

    def directories_changed(self) -> None:
        """A directory went offline or was cordoned: do not wait for the next heartbeat to say so."""
        if not self._stopped and self.epoch != NO_EPOCH:
            self._clock.spawn(self._beat(), name="heartbeat")

    async def _heartbeat(self, *, want_shut_down: bool = False) -> BrokerHeartbeatResponse:
        request = BrokerHeartbeatRequest(
            broker_id=self._standing.node_id,
            broker_epoch=self.epoch,
            current_metadata_offset=self._quorum.image.offset,
            want_fence=self.fenced,
            want_shut_down=want_shut_down,
            offline_log_dirs=self._offline(),
            cordoned_log_dirs=self._cordoned(),
        )
        version = BrokerHeartbeatRequest.wire.versions.last
        response: BrokerHeartbeatResponse = await self._quorum.command(request, version)
        return response

    def _schedule(self) -> None:
        at = self._clock.now() + self._standing.heartbeat_interval_ms
        self._timer = self._clock.call_at(at, self._begin_beat)

    def _begin_beat(self) -> None:
        self._clock.spawn(self._beat(), name="heartbeat")

    async def _beat(self) -> None:
        if self._stopped:
            return
        try:
            await self._heartbeat()
        except KafkaError as error:
            _log.warning("The controller refused a heartbeat: %s", error)
        if self._timer is not None:
            self._timer.cancel()
        if not self._stopped:
            self._schedule()
