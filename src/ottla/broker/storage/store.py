"""All logs of a node, over all its log directories.

Start: `open` locks and identifies the directories, `open_metadata_log` opens the quorum's log, `load` all others (their
settings come out of the metadata, so it is read first), `start` begins the background work. `close` ends in order.

A directory that fails takes its partitions offline: `get` still finds their logs, and the logs answer
KAFKA_STORAGE_ERROR where they need the disk. `on_offline` listeners hear of it; whether the node can go on is not
decided here.
"""

from __future__ import annotations

import logging
from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Any, Final

from ottla.broker.storage import closing, opening, placing
from ottla.broker.storage.cleaner import Cleaner
from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.loading import create_log, load_log
from ottla.broker.storage.log import Log
from ottla.broker.storage.moving import Moves
from ottla.broker.storage.removing import Removals
from ottla.broker.storage.settings import StoreSettings
from ottla.broker.storage.starting import DirectoryLoader
from ottla.broker.storage.upkeep import Upkeep
from ottla.core.log.config import LogConfig
from ottla.core.log.names import FUTURE, partition_directory
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import METADATA_TOPIC, METADATA_TOPIC_ID, ZERO_UUID, Uuid
from ottla.world.doors import Chance, Clock, Disk

_log = logging.getLogger("ottla.storage")

METADATA_PARTITION: Final = 0


class LogStore:
    """See the module. `logs()` and `get` never wait."""

    def __init__(
        self,
        disk: Disk,
        clock: Clock,
        chance: Chance,
        settings: StoreSettings | None = None,
    ) -> None:
        self.disk = disk
        self.clock = clock
        self.chance = chance
        self.settings = settings or StoreSettings()
        self.directories: list[LogDirectory] = []
        self.cordoned: frozenset[str] = frozenset()
        """Paths of directories that take no new logs (`cordoned.log.dirs`)."""
        self.metadata_log: Log | None = None
        self.clean_shutdown_epoch = -1
        """Broker epoch of the last orderly stop, -1 when it was not one in every directory (KIP-966)."""
        self._logs: dict[tuple[str, int], Log] = {}
        self._futures: dict[tuple[str, int], Log] = {}
        self._offline_listeners: list[Callable[[LogDirectory], None]] = []
        self._clean: dict[str, bool] = {}
        self._upkeep = Upkeep(self)
        self.removals = Removals(disk, clock, chance)
        self._moves = Moves(self)
        self.half_moved: set[tuple[str, int]] = set()
        """Partitions whose old log is marked for deletion: seen while loading."""
        self.cleaner = Cleaner(clock, disk, self.logs, self.settings.cleaner)

    # -- looking -------------------------------------------------------------------------------------------------

    def get(self, topic: str, partition: int) -> Log | None:
        return self._logs.get((topic, partition))

    def logs(self) -> list[Log]:
        """All current logs, without the metadata log and without copies that are being moved."""
        return list(self._logs.values())

    def future(self, topic: str, partition: int) -> Log | None:
        """The copy of a replica on its way to another directory."""
        return self._futures.get((topic, partition))

    def futures(self) -> list[Log]:
        return list(self._futures.values())

    def directory(self, uuid: Uuid) -> LogDirectory | None:
        return next((directory for directory in self.directories if directory.id == uuid), None)

    def online_directories(self) -> list[LogDirectory]:
        return [directory for directory in self.directories if directory.online]

    def on_offline(self, listener: Callable[[LogDirectory], None]) -> None:
        """`listener(directory)` is called once when a directory fails."""
        self._offline_listeners.append(listener)

    # -- starting ------------------------------------------------------------------------------------------------

    async def open(self, paths: Sequence[str], *, cluster_id: str, node_id: int) -> None:
        """Take possession of the directories. Raises `opening.DirectoryRefused`."""
        self.directories = opening.open_directories(
            paths,
            cluster_id=cluster_id,
            node_id=node_id,
            disk=self.disk,
            clock=self.clock,
            chance=self.chance,
            failed=self._directory_failed,
            producer_expiration_ms=self.settings.producer_id_expiration_ms,
        )
        epochs: list[int | None] = []
        for directory in self.online_directories():
            try:
                epoch = opening.read_clean_marker(directory)
            except OSError as error:
                directory.fail("reading the clean shutdown marker", error)
                continue
            self._clean[directory.path] = epoch is not None
            epochs.append(epoch)
        known = {epoch for epoch in epochs if epoch is not None}
        if None not in epochs and len(known) == 1:
            self.clean_shutdown_epoch = known.pop()

    async def open_metadata_log(self, config: LogConfig, directory: LogDirectory | None = None) -> Log:
        """The log `__cluster_metadata-0` in `directory` (the first by default), made if missing. As in Kafka it is
        scanned whole at every start. Raises KafkaError KAFKA_STORAGE_ERROR."""
        home = directory or self.directories[0]
        home.check_online()
        name = partition_directory(METADATA_TOPIC, METADATA_PARTITION)
        try:
            if self.disk.is_directory(f"{home.path}/{name}"):
                log = await load_log(
                    home,
                    name,
                    METADATA_TOPIC,
                    METADATA_PARTITION,
                    config,
                    recovery_point=0,
                    start_offset=0,
                    clean=False,
                )
                log.durable_name = self._clean.get(home.path, False)
            else:
                log = create_log(home, name, METADATA_TOPIC, METADATA_PARTITION, METADATA_TOPIC_ID, config)
        except OSError as error:
            raise home.storage_error("opening the metadata log", error) from error
        if log.topic_id != METADATA_TOPIC_ID:
            # Formatting makes the directory with a first checkpoint and nothing else.
            log.assign_topic_id(METADATA_TOPIC_ID)
        self._watch(log)
        self.metadata_log = log
        return log

    async def load(
        self,
        config_of: Callable[[str], LogConfig],
        is_stray: Callable[[Log], bool] = lambda log: False,
    ) -> None:
        """Open every log of every directory. `is_stray(log)` says that no partition of this node owns it."""
        began = self.clock.now()
        waiting: list[Future[Any]] = []
        for directory in self.online_directories():
            done = self.clock.future()
            waiting.append(done)
            self.clock.spawn(self._load_directory(directory, config_of, is_stray, done), name="load-logs")
        for done in waiting:
            await done
        self._moves.finish_halves()
        _log.info("Loaded %d logs in %d ms", len(self._logs), self.clock.now() - began)

    async def _load_directory(
        self,
        directory: LogDirectory,
        config_of: Callable[[str], LogConfig],
        is_stray: Callable[[Log], bool],
        done: Future[Any],
    ) -> None:
        try:
            opening.remove_clean_marker(directory)
            await DirectoryLoader(self, directory, config_of, is_stray, self._clean[directory.path]).run()
            if not self._clean[directory.path]:
                self._note_recovered(directory)
        except OSError as error:
            directory.fail("loading its logs", error)
        except BaseException as error:
            done.set_exception(error)
            return
        done.set_result(None)

    def _note_recovered(self, directory: LogDirectory) -> None:
        """The next start need not do it again, if there is room to say so."""
        try:
            self._upkeep.write_recovery_points(directory)
        except OSError as error:
            directory.fail_unless_full("writing recovery points", error)

    def adopt(self, log: Log, state: str) -> None:
        """A loaded log takes its place by what its directory's name says. Raises ValueError for a second one."""
        key = (log.topic, log.partition)
        table = self._futures if state == FUTURE else self._logs
        if key in table:
            raise ValueError(
                f"{log.name} lies in both {table[key].path} and {log.path}. A disk may have failed while the replica "
                "was moving: remove the one on the disk that failed"
            )
        table[key] = log
        log.directory.log_count += 1
        self._watch(log)

    def _watch(self, log: Log) -> None:
        log.flush_listener = self._upkeep.flush_soon
        log.truncation_listener = self._truncated

    def _truncated(self, log: Log) -> None:
        """Take the promise of the recovery point checkpoint back before anything new is written."""
        try:
            self._upkeep.write_recovery_points(log.directory)
        except OSError as error:
            raise log.directory.storage_error("writing recovery points", error) from error
        if log is not self.metadata_log:
            self.cleaner.truncated(log, log.end_offset)

    def start(self) -> None:
        """Begin retention, compaction, flushing, checkpoints, the expiry of producers; go on moving logs."""
        self._upkeep.start()
        self.cleaner.start()
        for copy in self.futures():
            self._moves.begin(copy)

    # -- changing ------------------------------------------------------------------------------------------------

    def create(
        self,
        topic: str,
        partition: int,
        topic_id: Uuid,
        config: LogConfig,
        *,
        directory: LogDirectory | None = None,
        assigned: Uuid | None = None,
    ) -> Log:
        """The partition's log; made in `directory` (default: the online one with the fewest logs) if there is none.

        `assigned` is the directory id that the metadata has for this replica. When it names a directory that is
        not online, the log may lie there: making another one would hide its records, so that is refused.

        Raises KafkaError: KAFKA_STORAGE_ERROR, INCONSISTENT_TOPIC_ID when the log is of another topic of that name.
        """
        found = self.get(topic, partition)
        if found is not None:
            if found.topic_id == ZERO_UUID:
                found.assign_topic_id(topic_id)
            if found.topic_id != topic_id:
                raise KafkaError(
                    ErrorCode.INCONSISTENT_TOPIC_ID,
                    f"The log of {topic}-{partition} belongs to another topic id",
                )
            return found
        home = directory or placing.assigned(self, topic, partition, assigned) or placing.least_loaded(self)
        home.check_online()
        name = partition_directory(topic, partition)
        self.removals.free(f"{home.path}/{name}")
        try:
            self._upkeep.begin_anew(home, topic, partition)
            log = create_log(home, name, topic, partition, topic_id, config)
        except OSError as error:
            raise home.storage_error(f"creating {topic}-{partition}", error) from error
        self.adopt(log, "")
        self._upkeep.flush_soon(log)  # whose log it is has to outlive a power cut
        self.cleaner.forget(log)
        _log.info("Created %s in %s", log.name, home.path)
        return log

    def move(self, topic: str, partition: int, directory: LogDirectory) -> None:
        """Begin to move the log to `directory`: it is copied there, then takes the old one's place. A move to another
        directory that is under way is given up. Raises KafkaError UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR."""
        self._moves.move(topic, partition, directory)

    def limit_moves(self, bytes_per_second: int) -> None:
        """How fast logs are copied between directories, all together."""
        self._moves.limit(bytes_per_second)

    def on_moved(self, listener: Callable[[Log, Log], None]) -> None:
        """`listener(old, new)` is called in the turn in which a moved log takes the place of the old one."""
        self._moves.listeners.append(listener)

    def begin_anew(self, directory: LogDirectory, topic: str, partition: int) -> None:
        """See `Upkeep.begin_anew`."""
        self._upkeep.begin_anew(directory, topic, partition)

    def remember_start(self, copy: Log) -> None:
        """See `Upkeep.remember_start`."""
        self._upkeep.remember_start(copy)

    def replace(self, old: Log, new: Log) -> None:
        """`new`, a finished copy in `_futures`, is the partition's log from now on."""
        key = (old.topic, old.partition)
        del self._futures[key]
        self._logs[key] = new
        self.cleaner.forget(new)

    def drop_future(self, log: Log) -> None:
        """Give up a copy; its files go. Raises KafkaError."""
        if self._futures.get((log.topic, log.partition)) is log:
            del self._futures[log.topic, log.partition]
            self.removals.discard(log, 0)
            self.removals.free(log.path, durably=True)

    def delete(self, topic: str, partition: int, *, delay_ms: int | None = None) -> None:
        """Take the log (and a copy under way) out of service; its files go after `file.delete.delay.ms`."""
        for table in (self._logs, self._futures):
            log = table.pop((topic, partition), None)
            if log is not None:
                self.removals.discard(log, delay_ms)

    def _directory_failed(self, directory: LogDirectory) -> None:
        for listener in self._offline_listeners:
            listener(directory)

    # -- ending --------------------------------------------------------------------------------------------------

    async def close(self, *, broker_epoch: int = -1) -> None:
        """An orderly end: every log synced and closed, checkpoints written, the clean-shutdown marker left."""
        self._stop()
        await closing.close(self, self._upkeep, broker_epoch)

    def abandon(self) -> None:
        """Let go of everything without writing: what a crash leaves behind."""
        self._stop()
        closing.abandon(self)

    def _stop(self) -> None:
        self._upkeep.stop()
        self._moves.stop()
        self.cleaner.stop()
        for directory in self.directories:
            directory.trash.stop()

    def every_log(self) -> list[Log]:
        """Copies that are being moved and the metadata log among them."""
        found = [*self._logs.values(), *self._futures.values()]
        return found if self.metadata_log is None else [*found, self.metadata_log]
