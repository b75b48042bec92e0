"""The node's part in the metadata quorum: it keeps the log, leads it, runs the controller on it, publishes the image.

A request's way: the controller decides (`handle`), its records are appended and applied to the controller's own image
at once, the log is made durable, the Raft machine moves the high watermark; only then the records reach the committed
`image`, its subscribers hear of them, and the reply leaves. A query's reply waits in the same line, because it may
speak of records that are not committed yet.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from ottla.broker.quorum.batches import MetadataLogError, build_batch
from ottla.broker.quorum.bootstrap import activation_records, read_bootstrap
from ottla.broker.quorum.election_file import read_election, write_election
from ottla.broker.quorum.notices import QuotaNotice
from ottla.broker.quorum.opening import Opened, load
from ottla.broker.quorum.settings import QuorumSettings
from ottla.broker.quorum.snapshots import Snapshots
from ottla.broker.quorum.unprompted import Unprompted
from ottla.broker.quorum.waiting import Progress
from ottla.broker.quorum.writer import Writer
from ottla.broker.storage.log import Log
from ottla.core.metadata.controller import Controller
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.levels import METADATA_VERSION
from ottla.core.metadata.loader import Loader
from ottla.core.metadata.state import MAX_RECORDS_PER_BATCH, Command, ConfigRules, ControllerSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.raft.facts import Facts
from ottla.core.raft.machine import (
    Append,
    Commit,
    Effect,
    Event,
    Flushed,
    Follow,
    Lead,
    Persist,
    Persisted,
    RaftMachine,
    Resign,
    Start,
)
from ottla.core.raft.observers import Observers
from ottla.core.raft.voters import ReplicaKey
from ottla.core.records.control import build_control
from ottla.core.wire.declaration import Body
from ottla.world.doors import World

_log = logging.getLogger("ottla.quorum")

Subscriber = Callable[[MetadataImage, Delta], None]


class Quorum:
    """See the module. `open` reads, `start` leads, `stop` resigns."""

    def __init__(
        self,
        world: World,
        log: Log,
        settings: QuorumSettings,
        controller_settings: ControllerSettings,
        rules: ConfigRules,
    ) -> None:
        self._world = world
        self.clock = world.clock
        self.settings = settings
        self.log = log
        self.controller = Controller(controller_settings, rules, world.chance)
        self._loader = Loader()
        self._notice = QuotaNotice()
        self._subscribers: list[Subscriber] = [self._notice.follow]
        self._writer = Writer(log, self.clock, self._log_flushed)
        self._raft: RaftMachine
        self._opened: Opened
        self.snapshots: Snapshots
        self._unprompted = Unprompted(
            self.clock, self.controller, self._writer, self._append, settings.max_idle_interval_ms
        )
        self._stopped = False
        self._checkpointing = False
        self.kraft_version = 0
        self.observers = Observers()
        self._progress = Progress(self.clock)

    # -- the image -----------------------------------------------------------------------------------------------

    @property
    def image(self) -> MetadataImage:
        """The committed metadata. The same object for as long as the node runs."""
        return self._loader.image

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber(image, delta)` after every commit that changed the image."""
        self._subscribers.append(subscriber)

    # -- life ----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Read checkpoint and log. Raises MetadataLogError, OSError, and ValueError for a quorum of several nodes."""
        began = self.clock.micros()
        opened = self._opened = load(self.log)
        self._loader = opened.loader
        self._loader.take_delta()
        voters = opened.voters if self.settings.static_voters is None else self.settings.static_voters
        if voters is None:
            raise MetadataLogError(
                f"{self.log.path} names no voters and controller.quorum.voters is empty: format the directory with "
                "--standalone, or set controller.quorum.voters"
            )
        self.kraft_version = opened.kraft_version
        self.controller.state.settings.kraft_version = opened.kraft_version
        self.controller.state.settings.static_voter_ids = sorted(voters.voters)
        self.controller.reset(self.image)
        self.controller.state.registered_at.update(opened.registered_at)
        disk = self._world.disk
        self._raft = RaftMachine(
            ReplicaKey(self.settings.node_id, self.log.directory.id),
            voters,
            read_election(disk, self.log.path),
            kraft_version=opened.kraft_version,
            end_offset=self.log.end_offset,
            voters_in_log=opened.voters_in_log,
        )
        self.snapshots = Snapshots(
            self.log, self.clock, self.settings.snapshots, opened.bytes_since_checkpoint
        )
        _log.info(
            "Read the metadata: end_offset=%d topics=%d partitions=%d ms=%d",
            self.log.end_offset,
            len(self.image.topics_by_id),
            self.image.partition_count,
            (self.clock.micros() - began) // 1_000,
        )
        self._notice.load(self.image)

    async def start(self) -> None:
        """Win the election, write what a new leader writes, and wait until it is committed. Raises KafkaError."""
        self._step(Start())
        self._activate()
        await self._writer.committed(self.log.end_offset)
        self.controller.activate(self.clock.now())
        self._unprompted.start()

    async def stop(self) -> None:
        """Commit what is under way, then lead no longer. The log is the store's to close."""
        if self._stopped:
            return
        self._stopped = True
        self._unprompted.stop()
        try:
            await self._writer.committed(self.log.end_offset)
        except KafkaError as error:
            _log.error("Stopped with uncommitted metadata: %s", error)
        self._step(Resign())
        self._progress.made()
        self._writer.fail(KafkaError(ErrorCode.NOT_CONTROLLER))

    def _activate(self) -> None:
        opened = self._opened
        bootstrap: list[object] = []
        empty = METADATA_VERSION not in self.image.features
        if empty:
            bootstrap = read_bootstrap(self._world.disk, self.log.directory.path)
        records, sentence = activation_records(
            bootstrap,
            log_is_empty=empty,
            transaction_open=opened.loader.in_transaction,
            min_insync_replicas=self.settings.min_insync_replicas,
        )
        _log.info("Leading the metadata quorum: epoch=%d, %s", self._raft.epoch, sentence)
        if records:
            self._append(records)

    # -- requests ------------------------------------------------------------------------------------------------

    async def command(self, body: Body, version: int, *, forwarded: bool = True) -> Any:
        """Let the controller answer. Raises KafkaError."""
        self._check_leading()
        command = Command(body, version, self.log.end_offset, forwarded)
        outcome = self.controller.handle(self.clock.now(), command)
        if outcome.records:
            self._append(list(outcome.records))
            self._unprompted.schedule()
        await self._writer.committed(self.log.end_offset)
        return outcome.reply

    async def write(self, records: list[object]) -> None:
        """Commit records that no request asked for: what befalls a cluster, as tests want it to. Raises KafkaError."""
        self._check_leading()
        self._append(records)
        await self._writer.committed(self.log.end_offset)

    async def committed(self) -> None:
        """Return when everything written so far is committed."""
        await self._writer.committed(self.log.end_offset)

    async def beyond(self, offset: int, high_watermark: int, max_wait_ms: int) -> None:
        """Return when the log ends beyond `offset` or the high watermark beyond the one given, or after a while."""

        def reached() -> bool:
            moved = self.log.end_offset > offset or self._raft.high_watermark > high_watermark
            return moved or self._stopped

        await self._progress.wait(reached, max_wait_ms)

    def facts(self) -> Facts:
        """What peers may know of us."""
        raft = self._raft
        return Facts(
            cluster_id=self.settings.cluster_id,
            me=raft.me,
            voters=raft.voters,
            epoch=raft.epoch,
            leader_id=raft.election.leader_id,
            leading=raft.leading,
            high_watermark=raft.high_watermark,
            start_offset=self.log.start_offset,
            end_offset=self.log.end_offset,
            endpoints=self.settings.endpoints,
        )

    def _check_leading(self) -> None:
        if self._writer.failure is not None:
            raise self._writer.failure
        if self._stopped or not self._raft.leading:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)

    def _append(self, records: list[object]) -> None:
        """Append and apply, in batches of a bounded size. Raises KafkaError."""
        for start in range(0, len(records), MAX_RECORDS_PER_BATCH):
            self._append_batch(records[start : start + MAX_RECORDS_PER_BATCH])

    def _append_batch(self, records: list[object]) -> None:
        wall = self.clock.wall()
        epoch = self._raft.epoch
        base = self.log.end_offset
        version = self.controller.image.metadata_version
        batch = build_batch(records, base_offset=base, epoch=epoch, timestamp=wall, metadata_version=version)
        self._writer.append(batch, epoch, records, wall)
        for offset, record in enumerate(records, base):
            self.controller.apply(offset, record)

    # -- the Raft machine ----------------------------------------------------------------------------------------

    def _step(self, event: Event) -> None:
        """Let the machine take an event, perform what it wants, and feed back what follows at once."""
        events: deque[Event] = deque([event])
        while events:
            for effect in self._raft.step(self.clock.now(), events.popleft()):
                following = self._perform(effect)
                if following is not None:
                    events.append(following)

    def _perform(self, effect: Effect) -> Event | None:
        match effect:
            case Persist(state):
                # On the loop: a lone voter persists only while it starts, when it serves nobody yet.
                voter_ids = sorted(self._raft.voters.voters)
                write_election(self._world.disk, self.log.path, state, self.kraft_version, voter_ids)
                return Persisted(state)
            case Append(epoch, messages):
                wall = self.clock.wall()
                batch = build_control(
                    messages, base_offset=self.log.end_offset, leader_epoch=epoch, timestamp=wall
                )
                self._writer.append(batch, epoch, None, wall)
            case Lead(epoch):
                _log.info("Elected leader of the metadata quorum: epoch=%d", epoch)
            case Commit(high_watermark):
                self._commit(high_watermark)
            case Follow(epoch):
                _log.info("Resigned from leading the metadata quorum: epoch=%d", epoch)
        return None

    def _log_flushed(self, offset: int) -> None:
        self._step(Flushed(offset))

    def _commit(self, high_watermark: int) -> None:
        self.log.update_high_watermark(high_watermark)
        for batch in self._writer.take(high_watermark):
            if batch.records is None:
                self._loader.skip_batch(batch.end_offset - 1, batch.epoch, batch.timestamp)
            else:
                self._loader.load_batch(batch.base_offset, batch.epoch, batch.timestamp, batch.records)
            self.snapshots.committed(batch.size)
        delta = self._loader.take_delta()
        if not delta.empty:
            self._publish(delta)
        self._writer.release(high_watermark)
        self._progress.made()
        if self.snapshots.due and not self._checkpointing and not self._loader.in_transaction:
            self._checkpointing = True
            self.clock.spawn(self._snapshot(), name="checkpoint")

    def _publish(self, delta: Delta) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(self.image, delta)
            except Exception:
                # What is committed is committed: the others hear of it all the same, and so does who waits.
                _log.exception("A change of the metadata could not be followed: offset=%d", self.image.offset)

    async def _snapshot(self) -> None:
        try:
            # A copy: commits go on while it is written.
            await self.snapshots.write(self.image.copy(), self.kraft_version, self._raft.voters)
        except (OSError, MetadataLogError) as error:
            # The log still holds everything: the next attempt comes with the next interval.
            _log.error("The checkpoint could not be written: %s", error)
        finally:
            self._checkpointing = False
