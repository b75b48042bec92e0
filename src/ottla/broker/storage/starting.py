"""Opening all logs of one log directory, a few at a time."""

from __future__ import annotations

import logging
from asyncio import Future
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.loading import is_metadata, load_log
from ottla.broker.storage.log import Log
from ottla.core.log.config import LogConfig
from ottla.core.log.names import (
    CLEANER_FILE,
    DELETE,
    FUTURE,
    HIGH_WATERMARK_FILE,
    LOG_START_FILE,
    RECOVERY_POINT_FILE,
    STRAY,
    parse_directory,
)

if TYPE_CHECKING:
    from ottla.broker.storage.store import LogStore

_log = logging.getLogger("ottla.storage")


class DirectoryLoader:
    """The logs of one directory, some of them at the same time."""

    def __init__(
        self,
        store: LogStore,
        directory: LogDirectory,
        config_of: Callable[[str], LogConfig],
        is_stray: Callable[[Log], bool],
        clean: bool,
    ) -> None:
        self._store = store
        self._directory = directory
        self._config_of = config_of
        self._is_stray = is_stray
        self._clean = clean
        self._recovery_points = directory.read_offsets(RECOVERY_POINT_FILE)
        self._starts = directory.read_offsets(LOG_START_FILE)
        self._high_watermarks = directory.read_offsets(HIGH_WATERMARK_FILE)
        self._cleaned = directory.read_offsets(CLEANER_FILE)

    async def run(self) -> None:
        disk, directory = self._store.disk, self._directory
        names = [
            name
            for name in disk.list(directory.path)
            if not is_metadata(name)
            and parse_directory(name) is not None
            and disk.is_directory(f"{directory.path}/{name}")
        ]
        if names and not self._clean:
            _log.info("Recovering %d logs in %s: the last stop was not orderly", len(names), directory.path)
        queue = iter(names)
        lanes = max(self._store.settings.recovery_threads_per_data_dir, 1)
        done = [self._store.clock.future() for _ in range(lanes)]
        for lane in done:
            self._store.clock.spawn(self._drain(queue, lane), name=f"load-logs {directory.path}")
        for lane in done:
            await lane

    async def _drain(self, queue: Iterable[str], done: Future[Any]) -> None:
        try:
            for loaded, name in enumerate(queue):
                await self._load(name)
                if loaded % 16 == 15:
                    await self._store.clock.sleep(0)
        except BaseException as error:
            done.set_exception(error)
            return
        done.set_result(None)

    async def _load(self, name: str) -> None:
        parsed = parse_directory(name)
        assert parsed is not None
        store, directory = self._store, self._directory
        if parsed.state == DELETE:
            store.half_moved.add((parsed.topic, parsed.partition))
            directory.trash.add([f"{directory.path}/{name}"], 0)
            return
        if parsed.state == STRAY:
            _log.warning("%s/%s belongs to no partition of this node and is left alone", directory.path, name)
            return
        key = (parsed.topic, parsed.partition)
        log = await load_log(
            directory,
            name,
            parsed.topic,
            parsed.partition,
            self._config_of(parsed.topic),
            recovery_point=self._recovery_points.get(key, 0),
            start_offset=self._starts.get(key, 0),
            high_watermark=self._high_watermarks.get(key, 0),
            clean=self._clean,
            cleaned=key in self._cleaned,
        )
        if self._is_stray(log):
            directory.log_count += 1
            if parsed.state == FUTURE:
                store.removals.discard(log, 0)  # a copy is nobody's only one
            else:
                store.removals.set_aside(log)
            return
        store.adopt(log, parsed.state)
