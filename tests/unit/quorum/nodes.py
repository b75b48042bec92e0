"""A quorum on a disk in memory, and the time to run it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from msgspec.structs import replace

from ottla.broker.quorum.bootstrap import BOOTSTRAP_FILE
from ottla.broker.quorum.checkpoints import checkpoint_batches
from ottla.broker.quorum.quorum import Quorum
from ottla.broker.quorum.registration import RegisteredListener, Registration, Standing
from ottla.broker.quorum.settings import QuorumSettings
from ottla.broker.quorum.snapshots import SnapshotPolicy
from ottla.broker.storage.directory import LogDirectory, write_file
from ottla.broker.storage.loading import create_log, load_log
from ottla.core.log.config import LogConfig
from ottla.core.metadata.state import ControllerSettings
from ottla.core.model.ids import METADATA_TOPIC, METADATA_TOPIC_ID, Uuid
from ottla.core.raft.voters import ReplicaKey, Voter, VoterSet
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from ottla.core.wire.messages.records.metadata import FeatureLevelRecord
from ottla.world.doors import World
from tests.unit.metadata.cluster import CLUSTER, PlainRules
from tests.unit.storage.world import MemoryDisk, SeededChance, StillClock

T = TypeVar("T")

DIRECTORY = Uuid(b"D" * 16)
PATH = "/data"
NAME = "__cluster_metadata-0"
CONFIG = LogConfig(retention_ms=-1, segment_bytes=1 << 14, file_delete_delay_ms=0)
STATIC = VoterSet.of([Voter(ReplicaKey(1))])


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class NodeOnDisk:
    """One node's metadata; `start` and `crash` may be called again and again on the same disk."""

    def __init__(
        self,
        *,
        static: VoterSet | None = STATIC,
        policy: SnapshotPolicy | None = None,
        segment_bytes: int = 1 << 14,
    ) -> None:
        self.disk = MemoryDisk()
        self.clock = StillClock()
        self.chance = SeededChance()
        self.world = World(self.clock, None, self.disk, self.chance)  # type: ignore[arg-type]
        self.static = static
        self.policy = policy or SnapshotPolicy()
        self.config = replace(CONFIG, segment_bytes=segment_bytes)
        self.quorum: Quorum
        self.registration: Registration
        self.disk.make_directory(PATH)
        self.bootstrap(metadata_version=30, elr=1)

    def bootstrap(self, *, metadata_version: int, elr: int) -> None:
        records: list[object] = [FeatureLevelRecord(name="metadata.version", feature_level=metadata_version)]
        if elr:
            records.append(FeatureLevelRecord(name="eligible.leader.replicas.version", feature_level=elr))
        batches = checkpoint_batches(
            records,
            epoch=0,
            wall=1,
            last_contained_timestamp=0,
            metadata_version=metadata_version,
            kraft_version=0,
            voters=None,
        )
        write_file(self.disk, f"{PATH}/{BOOTSTRAP_FILE}", b"".join(batches), sync=True)  # type: ignore[arg-type]

    async def open(self) -> Quorum:
        directory = LogDirectory(PATH, DIRECTORY, disk=self.disk, clock=self.clock, chance=self.chance)  # type: ignore[arg-type]
        if self.disk.is_directory(f"{PATH}/{NAME}"):
            log = await load_log(
                directory, NAME, METADATA_TOPIC, 0, self.config, recovery_point=0, start_offset=0, clean=False
            )
        else:
            log = create_log(directory, NAME, METADATA_TOPIC, 0, METADATA_TOPIC_ID, self.config)
        self.quorum = Quorum(
            self.world,
            log,
            QuorumSettings(CLUSTER, 1, self.static, (), snapshots=self.policy),
            ControllerSettings(1, CLUSTER),
            PlainRules(),
        )
        self.quorum.open()
        return self.quorum

    async def start(self, previous_epoch: int | None = None) -> Quorum:
        quorum = await self.open()
        await quorum.start()
        listener = RegisteredListener("PLAINTEXT", "h", 9092)
        standing = Standing(1, CLUSTER, [listener], [], [DIRECTORY], previous_epoch=previous_epoch)
        self.registration = Registration(self.world, quorum, standing)
        await self.registration.register()
        await self.registration.unfence()
        return quorum

    async def stop(self) -> None:
        await self.registration.leave()
        await self.quorum.stop()
        self.quorum.log.release()

    async def create(self, name: str, partitions: int = 1) -> int:
        topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)
        reply = await self.quorum.command(CreateTopicsRequest(topics=[topic]), 7)
        code: int = reply.topics[0].error_code
        return code
