"""The ports of one node: a listener for each name of `listeners` and `controller.listener.names`, and the one of `/metrics`.

They open in two steps, because a taken port has to be found out before anything else is touched, and clients have to be
kept waiting until there is something to serve: `bind` takes the port and lets connections queue, `serve` answers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ottla.broker.admission import Admission
from ottla.broker.listener import BrokerListener
from ottla.broker.memory import RequestMemory
from ottla.broker.router import Router
from ottla.broker.start import listener_limits
from ottla.core.wire.apis import API, ApiKey, ListenerRole, VersionRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from ottla.broker.config.node_settings import NodeSettings
    from ottla.broker.monitoring.port import MetricsPort
    from ottla.broker.router import Handler
    from ottla.broker.services import Services
    from ottla.core.model.settings.listeners import Listener
    from ottla.world.doors import Address, World

DRAIN_MS: Final = 1_000
"""How long a stopping node lets requests under way come to their end."""


class Ports:
    """Bound, serving, drained, closed: in this order, and `close` at any time."""

    def __init__(self, world: World, settings: NodeSettings) -> None:
        self.addresses: dict[str, Address] = {}
        """Listener name → the address it is bound to, with the port that was found where 0 was asked for."""
        self._world = world
        self._settings = settings
        self._memory = RequestMemory(settings["queued.max.request.bytes"])
        self._listeners: list[BrokerListener] = []
        self._admissions: list[Admission] = []
        self._metrics: MetricsPort | None = None

    @property
    def numbers(self) -> dict[str, int]:
        """Listener name → port."""
        return {name: address.port for name, address in self.addresses.items()}

    async def bind(
        self,
        role: ListenerRole,
        listeners: tuple[Listener, ...],
        handlers: Mapping[ApiKey, Handler | str],
        services: Services,
    ) -> None:
        """Take the ports of the listeners of one kind. Raises OSError when one is taken."""
        settings = self._settings
        admission = Admission(settings["max.connections"], settings["max.connection.creation.rate"])
        self._admissions.append(admission)
        router = Router(services, handlers)
        services.advertised[role] = advertised(role, router.keys)
        for each in listeners:
            listener = BrokerListener(
                each.name,
                role,
                each.security_protocol,
                router,
                self._world.clock,
                self._memory,
                services.metrics.listener(each.name),
                listener_limits(settings, each.name),
                admission,
                between_brokers=len(listeners) > 1 and each.name == settings.inter_broker_listener,
            )
            self._listeners.append(listener)
            self.addresses[each.name] = await listener.bind(self._world.network, each.host, each.port)

    async def open_metrics(self, page: Callable[[], str]) -> None:
        """Serve `/metrics`, where a port is set for it. Raises OSError when it is taken."""
        port = self._settings["ottla.metrics.port"]
        if port >= 0:
            from ottla.broker.monitoring.port import (
                MetricsPort,
            )  # brings h11, which a node without it never needs

            self._metrics = MetricsPort(page)
            host = self._settings["ottla.metrics.host"]
            self.addresses["METRICS"] = await self._metrics.open(self._world, host, port)

    def serve(self, role: ListenerRole) -> None:
        """Answer those who connected to the listeners of this kind, from now on."""
        for listener in self._listeners:
            if listener.role is role:
                listener.serve()

    def settings_changed(self) -> None:
        """Take the limits of connections from the settings anew."""
        settings = self._settings
        for listener in self._listeners:
            listener.limits = listener_limits(settings, listener.name)
        for admission in self._admissions:
            admission.limit(settings["max.connections"], settings["max.connection.creation.rate"])

    def stop_accepting(self) -> None:
        for listener in self._listeners:
            listener.stop_accepting()
        if self._metrics is not None:
            self._metrics.close()

    async def drain(self) -> None:
        """Until no request is under way, or for DRAIN_MS."""
        clock = self._world.clock
        deadline = clock.now() + DRAIN_MS
        while clock.now() < deadline and any(listener.busy for listener in self._listeners):
            await clock.sleep(5)

    def close(self) -> None:
        self.stop_accepting()
        for listener in self._listeners:
            listener.close_connections()
            listener.abort_connections()


def advertised(role: ListenerRole, keys: list[ApiKey]) -> list[VersionRange]:
    """What ApiVersions tells of the APIs that have a handler. Telemetry is not told: nobody here takes it."""
    return [
        VersionRange(
            key,
            API[key].advertised_min if role is ListenerRole.BROKER else API[key].min_version,
            API[key].max_stable_version,
        )
        for key in keys
        if not API[key].telemetry
    ]
