"""When a checkpoint is written, and when old checkpoints and segments go.

A checkpoint is due when enough bytes were committed since the last one, or after some time if anything was. Old ones
go oldest first, never the newest: when checkpoints and log together are too large, or when the next one alone is older
than the retention time. The log then begins where its oldest checkpoint ends.
"""

from __future__ import annotations

import logging

import msgspec

from ottla.broker.quorum.batches import MetadataLogError
from ottla.broker.quorum.checkpoints import (
    BOOTSTRAP,
    checkpoint_batches,
    checkpoint_name,
    list_checkpoints,
    write_beside,
)
from ottla.broker.storage.log import Log
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.snapshot import snapshot_records
from ottla.core.raft.facts import OffsetAndEpoch
from ottla.core.raft.voters import VoterSet
from ottla.world.doors import Clock

_log = logging.getLogger("ottla.quorum")


class SnapshotPolicy(msgspec.Struct, frozen=True):
    """`metadata.log.max.*` and `metadata.max.retention.*`; -1 means no limit."""

    max_bytes_between: int = 20 << 20
    max_interval_ms: int = 3_600_000
    retention_bytes: int = 100 << 20
    retention_ms: int = 604_800_000


class Snapshots:
    """Checkpoints of one metadata log."""

    def __init__(self, log: Log, clock: Clock, policy: SnapshotPolicy, bytes_since: int) -> None:
        self._log = log
        self._disk = log.directory.disk
        self._clock = clock
        self._policy = policy
        self._bytes_since = bytes_since
        self._last_at = clock.now()
        known = list_checkpoints(self._disk, log.path)
        self.known: list[tuple[OffsetAndEpoch, int]] = [(id_, self._bytes_of(id_)) for id_ in known]
        """(id, bytes), oldest first."""
        self._written_at: dict[OffsetAndEpoch, int] = {}

    @property
    def offered(self) -> list[OffsetAndEpoch]:
        """What peers may load, oldest first: not the checkpoint made by formatting."""
        return [id_ for id_, _ in self.known if id_ != BOOTSTRAP]

    def size_of(self, id_: OffsetAndEpoch) -> int | None:
        """Bytes of a checkpoint that peers may load; None when there is no such one."""
        return next((size for known, size in self.known if known == id_ and id_ != BOOTSTRAP), None)

    def read(self, id_: OffsetAndEpoch, position: int, size: int) -> bytes:
        """A stretch of a checkpoint. Raises KafkaError when the disk fails."""
        try:
            file = self._disk.open(self.path_of(id_))
            try:
                return file.read(size, position)
            finally:
                file.close()
        except OSError as error:
            raise self._log.directory.read_error(f"reading {self.path_of(id_)}", error) from error

    def path_of(self, id_: OffsetAndEpoch) -> str:
        return f"{self._log.path}/{checkpoint_name(id_)}"

    def committed(self, size: int) -> None:
        """So many bytes of records were committed."""
        self._bytes_since += size

    @property
    def due(self) -> bool:
        if self._bytes_since == 0:
            return False
        if self._bytes_since >= self._policy.max_bytes_between:
            return True
        interval = self._policy.max_interval_ms
        return interval > 0 and self._clock.now() >= self._last_at + interval

    async def write(self, image: MetadataImage, kraft_version: int, voters: VoterSet) -> None:
        """Write `image`, which must not change meanwhile, then let go of what is too old. Raises OSError."""
        id_ = OffsetAndEpoch(image.offset + 1, image.epoch)
        self._bytes_since = 0
        self._last_at = self._clock.now()
        if any(known == id_ for known, _ in self.known):
            return
        wall = self._clock.wall()
        batches = checkpoint_batches(
            snapshot_records(image),
            epoch=image.epoch,
            wall=wall,
            last_contained_timestamp=image.timestamp,
            metadata_version=image.metadata_version,
            kraft_version=kraft_version,
            voters=voters,
        )
        size = await write_beside(self._disk, self._clock, self._log.path, id_, batches)
        self.known.append((id_, size))
        self._written_at[id_] = wall
        _log.info("Wrote checkpoint at offset %d epoch %d: bytes=%d", id_.offset, id_.epoch, size)
        self._clean(wall)

    def _clean(self, wall: int) -> None:
        removed = False
        while len(self.known) > 1 and (self._too_large() or self._too_old(self.known[1][0], wall)):
            gone, _ = self.known.pop(0)
            self._written_at.pop(gone, None)
            self._disk.remove(self.path_of(gone))
            removed = True
            _log.info("Removed checkpoint at offset %d epoch %d", gone.offset, gone.epoch)
        if removed and self.known[0][0].offset > self._log.start_offset:
            self._log.delete_records_before(self.known[0][0].offset)
            self._log.apply_retention(wall)

    def _too_large(self) -> bool:
        limit = self._policy.retention_bytes
        return limit >= 0 and self._log.size + sum(size for _, size in self.known) > limit

    def _too_old(self, id_: OffsetAndEpoch, wall: int) -> bool:
        limit = self._policy.retention_ms
        written = self._written_at.get(id_)
        if written is None:
            written = self._written_at[id_] = self._header_wall(id_)
        return limit >= 0 and wall - written > limit

    def _header_wall(self, id_: OffsetAndEpoch) -> int:
        """When a checkpoint of an earlier run was written: the timestamp of its first batch."""
        file = self._disk.open(self.path_of(id_))
        try:
            head = file.read(43, 0)
        finally:
            file.close()
        if len(head) < 43:
            raise MetadataLogError(f"{self.path_of(id_)} is cut off")
        return int.from_bytes(head[35:43])

    def _bytes_of(self, id_: OffsetAndEpoch) -> int:
        file = self._disk.open(self.path_of(id_))
        try:
            return file.size()
        finally:
            file.close()
