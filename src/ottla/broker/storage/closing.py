"""How a store ends: in order, or as a crash would end it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from ottla.broker.storage import opening
from ottla.broker.storage.upkeep import Upkeep
from ottla.core.model.errors import KafkaError

if TYPE_CHECKING:
    from ottla.broker.storage.directory import LogDirectory
    from ottla.broker.storage.log import Log
    from ottla.broker.storage.store import LogStore

_log = logging.getLogger("ottla.storage")

_TURN: Final = 32
"""Logs closed before the loop is given back."""


async def close(store: LogStore, upkeep: Upkeep, broker_epoch: int) -> None:
    """Every log synced and closed, checkpoints written, the clean-shutdown marker left."""
    store.removals.finish()
    every = store.every_log()
    for count, log in enumerate(every):
        if count % _TURN == _TURN - 1:
            await store.clock.sleep(0)
        try:
            if log.directory.online:
                log.seal()
            else:
                log.release()
        except KafkaError as error:
            _log.error("%s was not closed in order: %s", log.name, error)
    for directory in store.online_directories():
        try:
            await _settle(directory, every, upkeep, broker_epoch)
        except OSError as error:
            directory.fail("closing it", error)
    opening.release(store.directories)


async def _settle(directory: LogDirectory, every: list[Log], upkeep: Upkeep, broker_epoch: int) -> None:
    """Everything on the platter, and the checkpoints say so. Raises OSError."""
    await directory.disk.sync_volume(directory.path)
    for log in every:
        if log.directory is directory:
            log.recovery_point = log.end_offset
            log.segments[-1].durable_indexes = True
    upkeep.write_recovery_points(directory)
    upkeep.write_start_offsets(directory)
    upkeep.write_high_watermarks(directory)
    opening.leave_clean_marker(directory, broker_epoch)


def abandon(store: LogStore) -> None:
    """Let go of everything without writing."""
    store.removals.abandon()
    for log in store.every_log():
        log.release()
    opening.release(store.directories)
