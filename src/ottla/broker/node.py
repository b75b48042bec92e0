"""One node: the parts wired together, started and stopped in order.

Start: bind the ports, take the log directories, read the metadata, lead the quorum, register, open the logs, serve, let
the controller send clients. Connections that come early wait; a port that is taken is found out before anything else
is touched. Stop, the other way round: accept no more, give leaderships away, answer what is under way, close the logs and
leave the marker of a clean stop.

Everything a node does to the world goes through the `World` it is given, and nothing is kept outside this object, so
many nodes can live in one process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ottla.broker.apis import CONTROLLER_HANDLERS, HANDLERS
from ottla.broker.config.controller_rules import ControllerRules
from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.coordination.kinds import Coordinators
from ottla.broker.monitoring.page import metrics_page
from ottla.broker.partitions import Partitions
from ottla.broker.ports import Ports
from ottla.broker.producer_ids import ProducerIds
from ottla.broker.quorum.assignments import DirectoryAssignments
from ottla.broker.quorum.from_settings import (
    broker_endpoints,
    controller_endpoints,
    controller_settings,
    metadata_log_config,
    quorum_settings,
)
from ottla.broker.quorum.port import LocalController
from ottla.broker.quorum.quorum import Quorum
from ottla.broker.quorum.registration import Registration, Standing
from ottla.broker.router import Handler
from ottla.broker.services import Services
from ottla.broker.start import cleaner_settings, store_settings
from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.log import Log
from ottla.broker.storage.opening import read_meta_properties
from ottla.broker.storage.store import LogStore
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage, ResourceType
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.apis import ApiKey, ListenerRole
from ottla.world.doors import Address, ProcessFacts, World

log = logging.getLogger("ottla.node")


class NotFormatted(Exception):
    """No log directory has a `meta.properties`: they were never formatted."""


class Node:
    """A combined node: broker and controller. `start` may be called once; `stop` ends whatever was started."""

    def __init__(
        self,
        settings: NodeSettings,
        world: World,
        *,
        on_fatal: Callable[[str], None] | None = None,
        ask_process: Callable[[], ProcessFacts] | None = None,
        handlers: Mapping[ApiKey, Handler | str] = HANDLERS,
    ) -> None:
        """`on_fatal` is told why when the node cannot go on; it is then the caller's to end it. `ask_process` lets
        the metrics tell of the process too. `handlers` answer the clients' and brokers' APIs."""
        self.settings = settings
        self.world = world
        self.services: Services
        self.quorum: Quorum
        self._on_fatal = on_fatal
        self._ports = Ports(world, settings)
        self._registration: Registration | None = None
        self._assignments: DirectoryAssignments
        self._coordinators: Coordinators
        self._store: LogStore | None = None
        self._ask_process = ask_process
        self._handlers = handlers

    @property
    def bound_addresses(self) -> dict[str, Address]:
        """Listener name → the address it is bound to, with the port that was found where 0 was asked for."""
        return self._ports.addresses

    # -- starting

    async def start(self) -> None:
        """Be ready to serve. Raises NotFormatted, OSError, KafkaError, `DirectoryRefused`, `MetadataLogError`."""
        began = self.world.clock.micros()
        self.settings.report()
        try:
            self._make_services(self._cluster_id())
            await self._open_store()
            await self._bind()
            await self._start_quorum()
            await self._open_logs()
            await self._serve()
            await self._ports.open_metrics(self._metrics)
        except BaseException:
            self._abandon()
            raise
        spent = (self.world.clock.micros() - began) // 1_000
        where = " ".join(f"{name}://{address}" for name, address in self.bound_addresses.items())
        log.info("node %d is ready: %s ms=%d", self.settings.node_id, where, spent)

    def _cluster_id(self) -> str:
        for path in self.settings.log_dirs:
            properties = read_meta_properties(self.world.disk, path)
            if properties is not None and properties.cluster_id is not None:
                return properties.cluster_id
        path = self.settings.log_dirs[0]
        raise NotFormatted(
            f"no log directory is formatted: {path} has no meta.properties (ottla storage format)"
        )

    def _make_services(self, cluster_id: str) -> None:
        world, settings = self.world, self.settings
        services = self.services = Services(world, settings, cluster_id)
        services.store = LogStore(world.disk, world.clock, world.chance, store_settings(settings))
        self._apply_storage_settings(frozenset())
        settings.on_change(self._apply_storage_settings)
        services.partitions = Partitions(
            settings.node_id, world.clock, settings, services.store, services.metrics
        )
        self._coordinators = Coordinators(services)

    async def _bind(self) -> None:
        settings, services, ports = self.settings, self.services, self._ports
        controllers = settings.controller_listeners
        await ports.bind(ListenerRole.CONTROLLER, controllers, CONTROLLER_HANDLERS, services)
        await ports.bind(ListenerRole.BROKER, settings.listeners, self._handlers, services)

    def _metrics(self) -> str:
        return metrics_page(self.services, self.quorum.facts(), self._ask_process)

    async def _open_store(self) -> None:
        services = self.services
        store = services.store
        await store.open(
            self.settings.log_dirs, cluster_id=services.cluster_id, node_id=self.settings.node_id
        )
        self._store = store
        store.on_offline(self._directory_failed)

    async def _start_quorum(self) -> None:
        """Read and lead the metadata, and register: from here on there is an image and a controller."""
        settings, services = self.settings, self.services
        store = services.store
        home = next(each for each in store.directories if each.path == settings.metadata_log_dir)
        metadata_log = await store.open_metadata_log(metadata_log_config(settings), home)
        hostname = self.world.network.hostname()
        ports = self._ports.numbers
        endpoints = controller_endpoints(settings, hostname, ports)
        quorum = self.quorum = Quorum(
            self.world,
            metadata_log,
            quorum_settings(settings, services.cluster_id, endpoints),
            controller_settings(settings, services.cluster_id),
            ControllerRules(settings),
        )
        names = frozenset(each.name for each in settings.controller_listeners)
        services.metadata = quorum
        services.controller = LocalController(quorum, names)
        quorum.open()
        services.kraft_version = quorum.kraft_version
        self._apply_configs(quorum.image)
        quorum.subscribe(self._follow_configs)
        await quorum.start()
        clean = store.clean_shutdown_epoch
        standing = Standing(
            node_id=settings.node_id,
            cluster_id=services.cluster_id,
            listeners=broker_endpoints(settings, hostname, ports),
            controller_listeners=endpoints,
            directories=sorted(each.id for each in store.online_directories()),
            rack=settings.rack,
            previous_epoch=clean if clean >= 0 else None,
            heartbeat_interval_ms=settings["broker.heartbeat.interval.ms"],
        )
        registration = self._registration = Registration(
            self.world,
            quorum,
            standing,
            offline=self._offline_directories,
            cordoned=self._cordoned_directories,
        )
        epoch = await registration.register()
        services.producer_ids = ProducerIds(self.world.clock, services.controller, settings.node_id, epoch)

    async def _open_logs(self) -> None:
        image, services = self.quorum.image, self.services

        def is_stray(found: Log) -> bool:
            # A log without an id may be that of an earlier topic of the name, whose deletion a power cut undid.
            topic = image.topics_by_name.get(found.topic)
            if topic is None or found.topic_id != topic.id:
                return True
            partition = topic.partitions.get(found.partition)
            return partition is None or self.settings.node_id not in partition.replicas

        await services.store.load(
            lambda topic: self.settings.topic(image.config(ResourceType.TOPIC, topic)), is_stray
        )
        services.partitions.load(image)
        services.store.on_moved(self._log_moved)
        self.quorum.subscribe(services.partitions.follow)
        self.quorum.subscribe(self._coordinators.follow)
        self.quorum.subscribe(self._follow_sharing)
        self._assign_directories(image)
        services.store.start()

    def _assign_directories(self, image: MetadataImage) -> None:
        """Let the controller know where our replicas lie. Follows the metadata behind the partitions."""
        registration, store = self._registration, self.services.store
        assert registration is not None

        def locate(topic: str, partition: int) -> Uuid | None:
            found = store.get(topic, partition)
            return None if found is None else found.directory.id

        assignments = self._assignments = DirectoryAssignments(
            self.world.clock, self.quorum, self.settings.node_id, lambda: registration.epoch, locate
        )
        assignments.load(image)
        self.quorum.subscribe(assignments.follow)
        self.services.partitions.on_placed = self._placed

    async def _serve(self) -> None:
        """Clients come last: before the metadata names this broker they would be told of no broker at all."""
        assert self._registration is not None
        self._ports.serve(ListenerRole.CONTROLLER)
        await self._registration.unfence()
        await self.services.partitions.settled()
        self._ports.serve(ListenerRole.BROKER)

    # -- following

    def _follow_configs(self, image: MetadataImage, delta: Delta) -> None:
        if delta.snapshot or any(kind == ResourceType.BROKER for kind, _ in delta.changed_configs):
            self._apply_configs(image)

    def _follow_sharing(self, image: MetadataImage, delta: Delta) -> None:
        if self.services.sharing is not None:
            self.services.sharing.follow(image, delta)

    def _apply_configs(self, image: MetadataImage) -> None:
        """Lay the dynamic configs of the metadata over the file's."""
        own = image.config(ResourceType.BROKER, str(self.settings.node_id))
        if not self.settings.apply_dynamic(image.config(ResourceType.BROKER, ""), own):
            return
        self.services.partitions.defaults_changed()
        self._ports.settings_changed()
        if self._registration is not None:
            self._registration.directories_changed()

    def _apply_storage_settings(self, changed: frozenset[str]) -> None:
        store = self.services.store
        store.cordoned = frozenset(self.settings.cordoned_log_dirs)
        store.limit_moves(self.settings["replica.alter.log.dirs.io.max.bytes.per.second"])
        store.cleaner.update(cleaner_settings(self.settings))

    def _offline_directories(self) -> list[Uuid]:
        return sorted(each.id for each in self.services.store.directories if not each.online)

    def _cordoned_directories(self) -> list[Uuid]:
        store = self.services.store
        return sorted(each.id for each in store.directories if each.path in store.cordoned)

    def _log_moved(self, old: Log, new: Log) -> None:
        self.services.partitions.log_moved(old, new)
        self._placed([(new.topic_id, new.partition)])

    def _placed(self, keys: list[tuple[Uuid, int]]) -> None:
        """These lie where the metadata may not know yet."""
        self._assignments.look(self.quorum.image, keys)

    def _directory_failed(self, directory: LogDirectory) -> None:
        store = self.services.store
        self.services.partitions.directory_failed(directory)
        if not store.online_directories():
            self._fail("no log directory is left online")
        elif store.metadata_log is not None and store.metadata_log.directory is directory:
            self._fail(f"the directory of the metadata log failed: {directory.failure}")
        elif self._registration is not None:
            self._registration.directories_changed()

    def _fail(self, reason: str) -> None:
        log.critical("node %d cannot go on: %s", self.settings.node_id, reason)
        if self._on_fatal is not None:
            self._on_fatal(reason)

    # -- stopping

    async def stop(self) -> None:
        """Stop in order. Acknowledged records are on disk afterwards."""
        registration = self._registration
        if registration is None or self._store is None:
            self._abandon()
            return
        self._ports.stop_accepting()
        try:
            await registration.leave()
        except KafkaError as error:
            log.warning("stopping without the controller's leave: %s", error)
        await self._ports.drain()
        self._close_ports()
        if self.services.sharing is not None:
            self.services.sharing.close()
        self._coordinators.close()
        self._assignments.stop()
        self.services.partitions.stop()
        await self.world.clock.sleep(0)
        await self.quorum.stop()
        await self._store.close(broker_epoch=registration.epoch)
        log.info("node %d has stopped", self.settings.node_id)

    def crash(self) -> None:
        """End as a killed process does: connections break, nothing more is written, no marker of a clean stop is left.

        Tasks under way are not ended: whoever owns the loop cancels them."""
        self._abandon()

    def _close_ports(self) -> None:
        self._ports.close()
        self.services.deadlines.close()

    def _abandon(self) -> None:
        """Let go of everything at once: of what a start that failed had taken, or of what runs."""
        if self._ports.addresses:
            self._close_ports()
        if self._store is not None:
            self._store.abandon()
            self._store = None
