"""The Clock door on a running asyncio loop."""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import Future
from collections.abc import Callable, Coroutine
from typing import Any

from ottla.world.doors import Task, Timer

log = logging.getLogger("ottla.world")

_HALF_A_MILLISECOND = 0.0005
"""Loops may fire a timer a hair early; a callback must find that `now()` has reached its time."""


class RealTask:
    """An asyncio task that tells the log when it fails and nobody is waiting for it."""

    __slots__ = ("_awaited", "_task")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._awaited = False
        task.add_done_callback(self._ended)

    def cancel(self) -> bool:
        return self._task.cancel()

    def done(self) -> bool:
        return self._task.done()

    def __await__(self) -> Any:
        self._awaited = True
        return self._task.__await__()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or self._awaited:
            return
        error = task.exception()
        if error is not None:
            log.error("task %r failed", task.get_name(), exc_info=error)


class RealClock:
    """Time of this machine."""

    __slots__ = ("_loop", "_tasks")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[Any]] = set()  # the loop itself holds tasks only weakly

    def now(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def micros(self) -> int:
        return time.monotonic_ns() // 1_000

    def wall(self) -> int:
        return time.time_ns() // 1_000_000

    def call_at(self, when: int, callback: Callable[[], None]) -> Timer:
        delay = when / 1_000 - time.monotonic()
        return self._loop.call_later(max(delay + _HALF_A_MILLISECOND, 0.0), callback)

    def call_soon(self, callback: Callable[[], None]) -> Timer:
        return self._loop.call_soon(callback)

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 1_000)

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> Task:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return RealTask(task)

    def future(self) -> Future[Any]:
        return self._loop.create_future()
