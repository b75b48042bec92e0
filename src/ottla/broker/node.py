"""One node: the parts wired together, started and stopped in order.

Start: take the log directories, read the metadata, lead the quorum, open the logs, open the ports, register as a
broker. Stop, the other way round: accept no more, take leave of the controller, answer what is under way, close the
logs and leave the marker of a clean stop.

Everything a node does to the world goes through the `World` it is given, and nothing is kept outside this object, so
many nodes can live in one process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ottla.broker.apis import CONTROLLER_HANDLERS, HANDLERS
from ottla.broker.config.controller_rules import ControllerRules
from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.listener import BrokerListener, Limits
from ottla.broker.local_controller import LocalController
from ottla.broker.memory import RequestMemory
from ottla.broker.partitions import Partitions
from ottla.broker.producer_ids import ProducerIds
from ottla.broker.quorum.quorum import Quorum
from ottla.broker.registration import Registration
from ottla.broker.router import Router
from ottla.broker.services import Services
from ottla.broker.start import controller_settings, metadata_log_config, quorum_settings, store_settings
from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.log import Log
from ottla.broker.storage.opening import read_meta_properties
from ottla.broker.storage.store import LogStore
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage, ResourceType
from ottla.core.model.settings.listeners import Listener
from ottla.core.wire.apis import API, ApiKey, ListenerRole, VersionRange
from ottla.world.doors import Address, World

if TYPE_CHECKING:
    from ottla.broker.router import Handler

log = logging.getLogger("ottla.node")

CONTROLLED_SHUTDOWN_MS = 30_000
DRAIN_MS = 1_000
"""How long a stopping node lets requests under way come to their end."""


class NotFormatted(Exception):
    """A log directory has no `meta.properties`: it was never formatted."""


class Node:
    """A combined node: broker and controller. `start` may be called once, `stop` at any time after it."""

    def __init__(
        self,
        settings: NodeSettings,
        world: World,
        *,
        on_fatal: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings
        self.world = world
        self.services: Services
        self.quorum: Quorum
        self._on_fatal = on_fatal
        self._listeners: list[BrokerListener] = []
        self._registration: Registration
        self.bound_addresses: dict[str, Address] = {}
        """Listener name → the address it is bound to, with the port that was found where 0 was asked for."""

    # -- starting

    async def start(self) -> None:
        """Be ready to serve. Raises NotFormatted, OSError, KafkaError, `DirectoryRefused`, `MetadataLogError`."""
        began = self.world.clock.micros()
        self.settings.report()
        services = self._make_services(self._cluster_id())
        store = services.store
        await store.open(
            self.settings.log_dirs, cluster_id=services.cluster_id, node_id=self.settings.node_id
        )
        store.on_offline(self._directory_failed)
        await self._start_quorum()
        await self._open_logs()
        await self._open_ports()
        await self._register()
        store.start()
        spent = (self.world.clock.micros() - began) // 1_000
        where = ", ".join(f"{name}://{address}" for name, address in self.bound_addresses.items())
        log.info("node %d is ready: %s, %d ms", self.settings.node_id, where, spent)

    def _cluster_id(self) -> str:
        for path in self.settings.log_dirs:
            properties = read_meta_properties(self.world.disk, path)
            if properties is not None and properties.cluster_id is not None:
                return properties.cluster_id
        path = self.settings.log_dirs[0]
        raise NotFormatted(
            f"no log directory is formatted: {path} has no meta.properties (ottla storage format)"
        )

    def _make_services(self, cluster_id: str) -> Services:
        world, settings = self.world, self.settings
        services = self.services = Services(world, settings, cluster_id)
        services.store = LogStore(world.disk, world.clock, world.chance, store_settings(settings))
        services.partitions = Partitions(
            settings.node_id, world.clock, settings, services.store, services.metrics
        )
        return services

    async def _start_quorum(self) -> None:
        settings, services = self.settings, self.services
        home = settings.metadata_log_dir
        directory = next(each for each in services.store.directories if each.path == home)
        metadata_log = await services.store.open_metadata_log(metadata_log_config(settings), directory)
        quorum = self.quorum = Quorum(
            self.world,
            metadata_log,
            quorum_settings(settings, services.cluster_id, self.world.network.hostname()),
            controller_settings(settings, services.cluster_id),
            ControllerRules(settings),
        )
        services.metadata = quorum
        services.controller = LocalController(quorum)
        services.producer_ids = ProducerIds(self.world.clock, services.controller, settings.node_id, -1)
        quorum.open()
        services.kraft_version = quorum.kraft_version
        self._apply_configs(quorum.image)
        await quorum.start()
        self._apply_configs(quorum.image)

    async def _open_logs(self) -> None:
        image, services = self.quorum.image, self.services

        def is_stray(found: Log) -> bool:
            topic = image.topics_by_name.get(found.topic)
            if topic is None or topic.id != found.topic_id:
                return True
            partition = topic.partitions.get(found.partition)
            return partition is None or self.settings.node_id not in partition.replicas

        await services.store.load(
            lambda topic: self.settings.topic(image.config(ResourceType.TOPIC, topic)), is_stray
        )
        services.partitions.load(image)
        self.quorum.subscribe(self._follow)

    async def _open_ports(self) -> None:
        settings, services = self.settings, self.services
        memory = RequestMemory(settings["queued.max.request.bytes"])
        roles: list[tuple[ListenerRole, tuple[Listener, ...], Mapping[ApiKey, Handler | str]]] = [
            (ListenerRole.CONTROLLER, settings.controller_listeners, CONTROLLER_HANDLERS),
            (ListenerRole.BROKER, settings.listeners, HANDLERS),
        ]
        for role, listeners, handlers in roles:
            router = Router(services, handlers)
            services.advertised[role] = [
                VersionRange(
                    key,
                    API[key].advertised_min if role is ListenerRole.BROKER else API[key].min_version,
                    API[key].max_stable_version,
                )
                for key in router.keys
                if not API[key].telemetry
            ]
            for each in listeners:
                listener = BrokerListener(
                    each.name,
                    role,
                    each.security_protocol,
                    router,
                    self.world.clock,
                    memory,
                    services.metrics.listener(each.name),
                    self._limits(each.name),
                )
                self._listeners.append(listener)
                address = await listener.open(self.world.network, each.host, each.port)
                self.bound_addresses[each.name] = address

    def _limits(self, listener: str) -> Limits:
        own = self.settings.for_listener
        return Limits(
            connections=own(listener, "max.connections"),
            connections_per_ip=self.settings["max.connections.per.ip"],
            idle_ms=own(listener, "connections.max.idle.ms"),
            frame_bytes=self.settings["socket.request.max.bytes"],
            backlog=self.settings["socket.listen.backlog.size"],
        )

    async def _register(self) -> None:
        ports = {name: address.port for name, address in self.bound_addresses.items()}
        self._registration = Registration(self.services, self.settings)
        advertised = self.settings.advertisement.registered(self.world.network.hostname(), ports)
        await self._registration.register(advertised, self.services.store.clean_shutdown_epoch)
        self.services.producer_ids.broker_epoch = self._registration.broker_epoch

    # -- following

    def _follow(self, image: MetadataImage, delta: Delta) -> None:
        if delta.snapshot or any(kind == ResourceType.BROKER for kind, _ in delta.changed_configs):
            self._apply_configs(image)
        self.services.partitions.follow(image, delta)

    def _apply_configs(self, image: MetadataImage) -> None:
        """Lay the dynamic configs of the metadata over the file's."""
        own = image.config(ResourceType.BROKER, str(self.settings.node_id))
        changed = self.settings.apply_dynamic(image.config(ResourceType.BROKER, ""), own)
        if not changed:
            return
        self.services.partitions.defaults_changed()
        for listener in self._listeners:
            listener.limits = self._limits(listener.name)

    def _directory_failed(self, directory: LogDirectory) -> None:
        store = self.services.store
        self.services.partitions.directory_failed(directory)
        if not store.online_directories():
            self._fail("no log directory is left online")
        elif store.metadata_log is not None and store.metadata_log.directory is directory:
            self._fail(f"the directory of the metadata log failed: {directory.failure}")
        else:
            self._registration.beat_now()

    def _fail(self, reason: str) -> None:
        """The node cannot go on. Whoever runs it decides what follows."""
        log.critical("node %d cannot go on: %s", self.settings.node_id, reason)
        if self._on_fatal is not None:
            self._on_fatal(reason)

    # -- stopping

    async def stop(self) -> None:
        """Stop in order. Acknowledged records are on disk afterwards."""
        clock = self.world.clock
        for listener in self._listeners:
            listener.stop_accepting()
        await self._registration.leave(CONTROLLED_SHUTDOWN_MS)
        deadline = clock.now() + DRAIN_MS
        while clock.now() < deadline and any(listener.busy for listener in self._listeners):
            await clock.sleep(5)
        for listener in self._listeners:
            listener.close_connections()
        await clock.sleep(0)
        for listener in self._listeners:
            listener.abort_connections()
        self.services.deadlines.close()
        await self.quorum.stop()
        await self.services.store.close(broker_epoch=self._registration.broker_epoch)
        log.info("node %d has stopped", self.settings.node_id)
