"""Checkpoints: whole images as files beside the metadata log (KIP-630).

`00000000000000012345-0000000003.checkpoint` holds everything the log says below offset 12345, whose last record is
of epoch 3. It is a run of batches: a header (with the quorum's version and voters, if they are kept in the log), the
image as records, a footer. A checkpoint is written under another name, synced and then renamed: a file with the real
name is whole. The file `00000000000000000000-0000000000.checkpoint` comes from formatting and holds the voters only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from ottla.broker.quorum.batches import MetadataBatch, MetadataLogError, build_batches, read_batches
from ottla.core.raft.facts import OffsetAndEpoch
from ottla.core.raft.voters import VoterSet
from ottla.core.records.control import ControlMessage, build_control
from ottla.core.wire.messages.records.control import (
    KRaftVersionRecord,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    VotersRecord,
)
from ottla.world.doors import Clock, Disk, File

BOOTSTRAP: Final = OffsetAndEpoch(0, 0)
"""The checkpoint made by formatting. It is never sent to a peer."""

PART: Final = ".part"
_NAME: Final = re.compile(r"(\d{20})-(\d{10})\.checkpoint")


class Checkpoint(msgspec.Struct, frozen=True):
    """A checkpoint as read: its records in order, and what its control records say."""

    id: OffsetAndEpoch
    records: list[object]
    last_contained_timestamp: int
    kraft_version: int = 0
    voters: VoterSet | None = None


def checkpoint_name(id_: OffsetAndEpoch) -> str:
    return f"{id_.offset:020d}-{id_.epoch:010d}.checkpoint"


def list_checkpoints(disk: Disk, path: str) -> list[OffsetAndEpoch]:
    """The whole checkpoints in a directory, oldest first. Raises OSError."""
    found = (_NAME.fullmatch(name) for name in disk.list(path))
    return sorted(OffsetAndEpoch(int(match[1]), int(match[2])) for match in found if match)


def remove_unfinished(disk: Disk, path: str) -> None:
    """Remove what an interrupted write left."""
    for name in disk.list(path):
        if name.endswith(PART) and _NAME.match(name):
            disk.remove(f"{path}/{name}")


def checkpoint_batches(
    records: Iterable[object],
    *,
    epoch: int,
    wall: int,
    last_contained_timestamp: int,
    metadata_version: int,
    kraft_version: int,
    voters: VoterSet | None,
) -> Iterable[bytes]:
    """The contents of a checkpoint, batch by batch."""
    opening: list[ControlMessage] = [
        SnapshotHeaderRecord(last_contained_log_timestamp=last_contained_timestamp)
    ]
    if kraft_version > 0 and voters is not None:
        opening += [KRaftVersionRecord(kraft_version=kraft_version), voters.record()]
    yield build_control(opening, base_offset=0, leader_epoch=epoch, timestamp=wall)
    offset = len(opening)
    for batch in build_batches(
        records, base_offset=offset, epoch=epoch, timestamp=wall, metadata_version=metadata_version
    ):
        yield batch
        offset += _count(batch)
    yield build_control([SnapshotFooterRecord()], base_offset=offset, leader_epoch=epoch, timestamp=wall)


def _count(batch: bytes) -> int:
    return int.from_bytes(batch[57:61])


def write_checkpoint(disk: Disk, path: str, id_: OffsetAndEpoch, batches: Iterable[bytes]) -> int:
    """Write a checkpoint durably, all at once: for tools. Returns its size in bytes. Raises OSError."""
    file, size = _new_part(disk, path, id_), 0
    try:
        for batch in batches:
            file.write([batch], size)
            size += len(batch)
        file.sync_now()
    finally:
        file.close()
    _publish(disk, path, id_)
    return size


async def write_beside(
    disk: Disk, clock: Clock, path: str, id_: OffsetAndEpoch, batches: Iterable[bytes]
) -> int:
    """The same while a node runs: other work goes on between batches and during the fsync."""
    file, size = _new_part(disk, path, id_), 0
    try:
        for batch in batches:
            file.write([batch], size)
            size += len(batch)
            await clock.sleep(0)
        await file.sync()
    finally:
        file.close()
    _name(disk, path, id_)
    await disk.run(disk.sync_directory, path)
    return size


def _new_part(disk: Disk, path: str, id_: OffsetAndEpoch) -> File:
    name = f"{path}/{checkpoint_name(id_)}{PART}"
    disk.remove(name)
    return disk.open(name, create=True)


def _publish(disk: Disk, path: str, id_: OffsetAndEpoch) -> None:
    _name(disk, path, id_)
    disk.sync_directory(path)


def _name(disk: Disk, path: str, id_: OffsetAndEpoch) -> None:
    name = f"{path}/{checkpoint_name(id_)}"
    disk.rename(name + PART, name)


def read_checkpoint(disk: Disk, path: str, id_: OffsetAndEpoch) -> Checkpoint:
    """Read a checkpoint whole. Raises MetadataLogError when it is damaged or cut off, OSError."""
    name = f"{path}/{checkpoint_name(id_)}"
    return parse_checkpoint(read_whole(disk, name), name, id_)


def read_whole(disk: Disk, name: str) -> bytes:
    file = disk.open(name)
    try:
        return file.read(file.size(), 0)
    finally:
        file.close()


def parse_checkpoint(data: bytes, name: str, id_: OffsetAndEpoch) -> Checkpoint:
    """`data` as a checkpoint. Raises MetadataLogError when it is damaged or cut off."""
    batches: list[MetadataBatch] = list(read_batches(data, name))
    messages = [message for batch in batches for message in batch.control]
    if not messages or not isinstance(messages[0], SnapshotHeaderRecord):
        raise MetadataLogError(f"{name} does not begin with a snapshot header")
    if not isinstance(messages[-1], SnapshotFooterRecord):
        raise MetadataLogError(f"{name} does not end with a snapshot footer: it was cut off")
    kraft_version, voters = 0, None
    for message in messages:
        if isinstance(message, KRaftVersionRecord):
            kraft_version = message.kraft_version
        elif isinstance(message, VotersRecord):
            voters = VoterSet.from_record(message)
    return Checkpoint(
        id=id_,
        records=[record for batch in batches for record in batch.records],
        last_contained_timestamp=messages[0].last_contained_log_timestamp,
        kraft_version=kraft_version,
        voters=voters,
    )
