"""Which directory a log belongs into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.opening import RESERVED_IDS
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid, uuid_text

if TYPE_CHECKING:
    from ottla.broker.storage.store import LogStore


def assigned(store: LogStore, topic: str, partition: int, uuid: Uuid | None) -> LogDirectory | None:
    """The online directory of that id, which the metadata has for the replica; None when the id says nothing.

    Raises KafkaError KAFKA_STORAGE_ERROR when the log may lie in a directory that is offline: another one would hide
    its records.
    """
    if uuid is None or int.from_bytes(uuid, "big") < RESERVED_IDS:
        return None
    found = store.directory(uuid)
    if found is None and all(directory.online for directory in store.directories):
        return None  # a directory that was taken out of `log.dirs`
    if found is None or not found.online:
        raise KafkaError(
            ErrorCode.KAFKA_STORAGE_ERROR,
            f"The log of {topic}-{partition} may lie in a directory that is offline ({uuid_text(uuid)})",
        )
    return found


def least_loaded(store: LogStore) -> LogDirectory:
    """The online directory with the fewest logs, a cordoned one only if there is no other. Raises KafkaError when none
    is online."""
    online = store.online_directories()
    if not online:
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "No log directory is online")
    online = [directory for directory in online if directory.path not in store.cordoned] or online
    return min(online, key=lambda directory: directory.log_count)
