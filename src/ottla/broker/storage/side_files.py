"""The small files beside a log's segments: whose it is, its leader epochs, its producers.

None of them is synced when it is written: the next flush of the log does that (`Log.unsynced_names`), and all but the
topic id can be found out again from the segments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ottla.broker.storage.directory import write_file
from ottla.core.log.checkpoints import format_epochs, format_partition_metadata
from ottla.core.log.names import LEADER_EPOCH_FILE, PARTITION_METADATA_FILE, snapshot_file
from ottla.core.model.ids import Uuid

if TYPE_CHECKING:
    from ottla.broker.storage.log import Log


def write_topic_id(log: Log, topic_id: Uuid) -> None:
    """Raises KafkaError."""
    _write(log, PARTITION_METADATA_FILE, format_partition_metadata(topic_id), "topic id")
    log.topic_id = topic_id


def write_epochs(log: Log) -> None:
    """Only when they have changed. Raises KafkaError."""
    if log.leader_epochs.changed:
        _write(log, LEADER_EPOCH_FILE, format_epochs(log.leader_epochs.entries()), "leader epochs")
        log.leader_epochs.changed = False


def _write(log: Log, name: str, text: str, what: str) -> None:
    directory = log.directory
    try:
        write_file(directory.disk, f"{log.path}/{name}", text.encode(), sync=False)
    except OSError as error:
        raise directory.storage_error(f"writing the {what} of {log.name}", error) from error
    log.unsynced_names.add(name)


def take_snapshot(log: Log) -> None:
    """The producers at the end offset, unless they are written already. Raises OSError."""
    offset = log.producers.end_offset
    if offset <= log.producers.snapshot_offset:
        return
    file = log.directory.disk.open(f"{log.path}/{snapshot_file(offset)}", create=True)
    try:
        file.truncate(0)
        file.write([log.producers.snapshot()], 0)
    finally:
        file.close()
    log.snapshots.add(offset)
    log.producers.snapshot_offset = offset
