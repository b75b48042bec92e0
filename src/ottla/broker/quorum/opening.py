"""Opening the metadata: the newest checkpoint, then what the log says after it."""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from ottla.broker.quorum.batches import MetadataBatch, MetadataLogError, read_batches
from ottla.broker.quorum.checkpoints import (
    BOOTSTRAP,
    Checkpoint,
    list_checkpoints,
    read_checkpoint,
    remove_unfinished,
)
from ottla.broker.storage.log import Log
from ottla.core.metadata.loader import Loader
from ottla.core.metadata.replay import ReplayError
from ottla.core.raft.voters import VoterSet
from ottla.core.wire.messages.records.control import KRaftVersionRecord, VotersRecord
from ottla.core.wire.messages.records.metadata import RegisterBrokerRecord

_log = logging.getLogger("ottla.quorum")

READ_BYTES: Final = 8 << 20
"""How much of the log is read at a time while loading."""


class Opened(msgspec.Struct):
    """What the directory said. `registered_at`: broker id -> offset of its last registration record."""

    loader: Loader
    kraft_version: int = 0
    voters: VoterSet | None = None
    voters_in_log: bool = False
    registered_at: dict[int, int] = {}
    bytes_since_checkpoint: int = 0


def load(log: Log) -> Opened:
    """Read the newest checkpoint and the log behind it. Raises MetadataLogError, OSError."""
    disk = log.directory.disk
    remove_unfinished(disk, log.path)
    opened = Opened(Loader())
    start = log.start_offset
    checkpoints = list_checkpoints(disk, log.path)
    if checkpoints:
        newest = read_checkpoint(disk, log.path, checkpoints[-1])
        _take_checkpoint(opened, newest)
        if newest.id != BOOTSTRAP:
            start = max(start, newest.id.offset)
        if log.end_offset < newest.id.offset:
            # The log was lost or cut below what the checkpoint holds: it goes on from there.
            _log.warning(
                "The metadata log ends at %d, below its checkpoint at %d: it starts anew there",
                log.end_offset,
                newest.id.offset,
            )
            log.truncate_fully(newest.id.offset, wall=log.directory.clock.wall())
    elif start > 0:
        raise MetadataLogError(
            f"{log.path} begins at offset {start} and has no checkpoint of what was before: it cannot be used"
        )
    _replay(log, start, opened)
    return opened


def _take_checkpoint(opened: Opened, checkpoint: Checkpoint) -> None:
    opened.kraft_version = checkpoint.kraft_version
    opened.voters = checkpoint.voters
    opened.voters_in_log = checkpoint.id != BOOTSTRAP and checkpoint.voters is not None
    offset, epoch = checkpoint.id.offset, checkpoint.id.epoch
    try:
        for record in checkpoint.records:
            opened.loader.image.apply(record, opened.loader.delta)
    except ReplayError as error:
        raise MetadataLogError(f"the checkpoint at offset {offset} contradicts itself: {error}") from error
    opened.loader.skip_batch(offset - 1, epoch, checkpoint.last_contained_timestamp)


def _replay(log: Log, start: int, opened: Opened) -> None:
    offset = start
    while offset < log.end_offset:
        read = log.read(offset, READ_BYTES, min_one=True, limit_offset=log.end_offset)
        if read.records is None:
            raise MetadataLogError(f"{log.path} has nothing at offset {offset}, its end is {log.end_offset}")
        try:
            data = read.records.file.read(read.records.size, read.records.position)
        finally:
            read.records.release()
        for batch in read_batches(data, f"{log.path} at offset {offset}"):
            if batch.base_offset >= start:
                _take_batch(opened, batch, log.path)
            offset = batch.last_offset + 1


def _take_batch(opened: Opened, batch: MetadataBatch, where: str) -> None:
    opened.bytes_since_checkpoint += batch.size
    if batch.is_control:
        for message in batch.control:
            if isinstance(message, KRaftVersionRecord):
                opened.kraft_version = message.kraft_version
            elif isinstance(message, VotersRecord):
                opened.voters = VoterSet.from_record(message)
                opened.voters_in_log = True
        opened.loader.skip_batch(batch.last_offset, batch.epoch, batch.timestamp)
        return
    for offset, record in enumerate(batch.records, batch.base_offset):
        if isinstance(record, RegisterBrokerRecord):
            opened.registered_at[record.broker_id] = offset
    try:
        opened.loader.load_batch(batch.base_offset, batch.epoch, batch.timestamp, batch.records)
    except ReplayError as error:
        raise MetadataLogError(f"{where} at offset {batch.base_offset}: {error}") from error
