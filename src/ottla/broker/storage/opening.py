"""Taking possession of the log directories: lock, identity (`meta.properties`), clean-shutdown marker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from ottla.broker.storage.directory import LogDirectory, read_file, write_file
from ottla.core.log.checkpoints import (
    MetaProperties,
    format_clean_shutdown,
    format_meta_properties,
    parse_clean_shutdown,
    parse_meta_properties,
)
from ottla.core.log.names import CLEAN_SHUTDOWN_FILE, LOCK_FILE, META_PROPERTIES_FILE
from ottla.core.model.ids import ONE_UUID, ZERO_UUID, Uuid
from ottla.world.doors import Chance, Clock, Disk

_log = logging.getLogger("ottla.storage")

RESERVED_IDS: Final = 100
"""Directory ids below this number have meanings of their own (KIP-858)."""


class DirectoryRefused(Exception):
    """The node cannot start on these directories: locked, of another cluster or node, or none of them works."""


def new_directory_id(chance: Chance) -> Uuid:
    """A random (version 4) UUID that is not reserved and whose text does not begin with a dash, as Kafka makes them."""
    while True:
        raw = bytearray(chance.bytes(16))
        raw[6] = raw[6] & 0x0F | 0x40
        raw[8] = raw[8] & 0x3F | 0x80
        if int.from_bytes(raw, "big") >= RESERVED_IDS and raw[0] >> 2 != 0x3E:
            return Uuid(bytes(raw))


def read_meta_properties(disk: Disk, path: str) -> MetaProperties | None:
    """Of one log directory; None when it was never formatted. Raises OSError, ValueError."""
    data = read_file(disk, f"{path}/{META_PROPERTIES_FILE}")
    return None if data is None else parse_meta_properties(data.decode())


def write_meta_properties(disk: Disk, path: str, properties: MetaProperties) -> None:
    write_file(disk, f"{path}/{META_PROPERTIES_FILE}", format_meta_properties(properties).encode(), sync=True)


def open_directories(
    paths: Sequence[str],
    *,
    cluster_id: str,
    node_id: int,
    disk: Disk,
    clock: Clock,
    chance: Chance,
    failed: Callable[[LogDirectory], None],
    producer_expiration_ms: int,
) -> list[LogDirectory]:
    """Lock and identify each directory, in the order given. One whose disk fails comes back offline.

    Raises DirectoryRefused.
    """
    if len(set(paths)) != len(paths):
        raise DirectoryRefused(f"log.dirs names a directory twice: {', '.join(paths)}")
    found: list[LogDirectory] = []
    ids: set[Uuid] = set()
    try:
        for path in paths:
            directory = LogDirectory(
                path,
                ZERO_UUID,
                disk=disk,
                clock=clock,
                chance=chance,
                failed=failed,
                producer_expiration_ms=producer_expiration_ms,
            )
            found.append(directory)
            try:
                _take(directory, cluster_id, node_id)
            except BlockingIOError as error:
                raise DirectoryRefused(f"{path} is in use by another process: {error}") from error
            except OSError as error:
                directory.fail("opening it", error)
                continue
            if directory.id in ids:
                raise DirectoryRefused(f"{path} has the directory id of another log directory")
            ids.add(directory.id)
        if not any(directory.online for directory in found):
            raise DirectoryRefused(f"None of the log directories can be used: {', '.join(paths)}")
    except DirectoryRefused:
        release(found)
        raise
    return found


def _take(directory: LogDirectory, cluster_id: str, node_id: int) -> None:
    path, disk = directory.path, directory.disk
    try:
        properties = read_meta_properties(disk, path)
    except ValueError as error:
        raise DirectoryRefused(f"{path}: {error}") from error
    if properties is None:
        # To make it one of ours would hide what lies on the disk that belongs there.
        raise DirectoryRefused(
            f"{path} is not formatted. If its disk is not mounted, mount it; if it is new, "
            "run `ottla storage format --ignore-formatted`"
        )
    directory.lock = disk.lock(f"{path}/{LOCK_FILE}")
    if properties.cluster_id not in (None, cluster_id):
        raise DirectoryRefused(
            f"{path} belongs to cluster {properties.cluster_id}, this node to {cluster_id}"
        )
    if properties.node_id not in (None, node_id):
        raise DirectoryRefused(f"{path} belongs to node {properties.node_id}, this is node {node_id}")
    wanted = properties.directory_id
    if wanted is None or wanted in (ZERO_UUID, ONE_UUID):
        wanted = new_directory_id(directory.chance)
    complete = MetaProperties(1, cluster_id, node_id, wanted)
    if complete != properties:
        write_meta_properties(disk, path, complete)
    directory.id = wanted


def read_clean_marker(directory: LogDirectory) -> int | None:
    """The broker epoch of the last orderly stop, None if the last stop was none. Raises OSError."""
    path = f"{directory.path}/{CLEAN_SHUTDOWN_FILE}"
    data = read_file(directory.disk, path)
    if data is None:
        return None
    try:
        return parse_clean_shutdown(data.decode())
    except ValueError as error:
        _log.warning("%s is taken for an orderly stop of unknown epoch: %s", path, error)
        return -1


def remove_clean_marker(directory: LogDirectory) -> None:
    """From here on a crash is a crash. Raises OSError."""
    directory.disk.remove(f"{directory.path}/{CLEAN_SHUTDOWN_FILE}")
    directory.disk.sync_directory(directory.path)


def leave_clean_marker(directory: LogDirectory, broker_epoch: int) -> None:
    """Raises OSError."""
    path = f"{directory.path}/{CLEAN_SHUTDOWN_FILE}"
    write_file(directory.disk, path, format_clean_shutdown(broker_epoch).encode(), sync=True)


def release(directories: Sequence[LogDirectory]) -> None:
    for directory in directories:
        if directory.lock is not None:
            directory.lock.release()
            directory.lock = None
