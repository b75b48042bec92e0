"""The broker's standing with the controller: it registers, sends heartbeats, and takes its leave.

Registration gives the broker an epoch. It stays fenced until a heartbeat finds that it has read the metadata up to its
own registration; from then on it may lead partitions. Before it stops it asks to be let go (controlled shutdown), so that
leaderships move on, or are given up, in order.
"""

from __future__ import annotations

import logging
from typing import Any

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.context import Caller, Context
from ottla.broker.services import Services
from ottla.core.metadata.levels import SUPPORTED
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.model.ids import Uuid
from ottla.core.model.settings.listeners import PROTOCOLS
from ottla.core.model.settings.listeners import Listener as Advertised
from ottla.core.wire.apis import API, ApiKey, ListenerRole
from ottla.core.wire.messages.broker_heartbeat import BrokerHeartbeatRequest, BrokerHeartbeatResponse
from ottla.core.wire.messages.broker_registration import (
    BrokerRegistrationRequest,
    BrokerRegistrationResponse,
    Feature,
    Listener,
)
from ottla.world.doors import Address, Timer

log = logging.getLogger("ottla.node")

CATCHING_UP_MS = 5
"""Pause between heartbeats while a broker waits to be unfenced, or let go."""


def own_context(key: ApiKey) -> Context:
    """The context of a request that this node makes itself."""
    nowhere = Address("", 0)
    caller = Caller("", ListenerRole.CONTROLLER, "PLAINTEXT", nowhere, nowhere)
    return Context(caller, key, API[key].max_stable_version, 0, "ottla", 0)


class Registration:
    """One broker's registration, from its start to its stop."""

    def __init__(self, services: Services, settings: NodeSettings) -> None:
        self._services = services
        self._settings = settings
        self._clock = services.clock
        self._timer: Timer | None = None
        self._stopping = False
        self.broker_epoch = -1

    async def register(self, listeners: tuple[Advertised, ...], previous_epoch: int) -> None:
        """Register and wait until the broker may serve. Raises KafkaError."""
        request = BrokerRegistrationRequest(
            broker_id=self._settings.node_id,
            cluster_id=self._services.cluster_id,
            incarnation_id=Uuid(self._services.chance.bytes(16)),
            listeners=[
                Listener(
                    name=each.name,
                    host=each.host,
                    port=each.port,
                    security_protocol=PROTOCOLS.index(each.security_protocol),
                )
                for each in listeners
            ],
            features=[
                Feature(name=name, min_supported_version=lowest, max_supported_version=highest)
                for name, (lowest, highest) in SUPPORTED.items()
            ],
            rack=self._settings.rack,
            log_dirs=sorted(each.id for each in self._services.store.online_directories()),
            previous_broker_epoch=previous_epoch,
        )
        response: BrokerRegistrationResponse = await self._ask(ApiKey.BROKER_REGISTRATION, request)
        self.broker_epoch = response.broker_epoch
        log.info("registered as broker %d: epoch=%d", self._settings.node_id, self.broker_epoch)
        while (await self._heartbeat()).is_fenced:
            await self._clock.sleep(CATCHING_UP_MS)
        self._plan()

    async def leave(self, timeout_ms: int) -> None:
        """Ask to be let go, and wait for it no longer than `timeout_ms`."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._clock.now() + timeout_ms
        try:
            while not (await self._heartbeat(leave=True)).should_shut_down:
                if self._clock.now() >= deadline:
                    log.warning("the controller did not let this broker go within %d ms", timeout_ms)
                    return
                await self._clock.sleep(CATCHING_UP_MS)
        except KafkaError as error:
            log.warning("stopping without the controller's leave: %s", error)

    def beat_now(self) -> None:
        """Tell the controller at once: a log directory has failed."""
        if self._timer is not None and not self._stopping:
            self._timer.cancel()
            self._timer = self._clock.call_soon(self._beat)

    def _plan(self) -> None:
        if not self._stopping:
            pause = self._settings["broker.heartbeat.interval.ms"]
            self._timer = self._clock.call_at(self._clock.now() + pause, self._beat)

    def _beat(self) -> None:
        self._clock.spawn(self._beat_once(), name="broker heartbeat")

    async def _beat_once(self) -> None:
        try:
            await self._heartbeat()
        except KafkaError as error:
            log.warning("the controller refused a heartbeat: %s", error)
        self._plan()

    async def _heartbeat(self, *, leave: bool = False) -> BrokerHeartbeatResponse:
        services = self._services
        request = BrokerHeartbeatRequest(
            broker_id=self._settings.node_id,
            broker_epoch=self.broker_epoch,
            current_metadata_offset=services.image.offset,
            want_shut_down=leave,
            offline_log_dirs=sorted(each.id for each in services.store.directories if not each.online),
        )
        cordoned = set(self._settings.cordoned_log_dirs)
        if cordoned:
            request.cordoned_log_dirs = sorted(
                each.id for each in services.store.directories if each.path in cordoned
            )
        response: BrokerHeartbeatResponse = await self._ask(ApiKey.BROKER_HEARTBEAT, request)
        return response

    async def _ask(self, key: ApiKey, request: Any) -> Any:
        response: Any = await self._services.controller.request(own_context(key), key, request)
        if response.error_code:
            raise KafkaError(error_of(response.error_code))
        return response
