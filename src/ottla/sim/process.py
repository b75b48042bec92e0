"""A process of the simulated world: an event loop of its own that can die at any moment.

`asyncio` futures and tasks need little of a loop: `call_soon`, and to be told apart from other loops. A process gives
them that on the world's schedule, and nothing else: whatever would reach past the doors finds no such method.

Death is sudden. From the moment of `kill` no call of the process runs and no door answers it; its coroutines are
unwound there and then, with doors that refuse everything, so that no `finally` leaves a mark on the world.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import warnings
from asyncio import Future
from collections.abc import Callable, Coroutine
from typing import Any, cast

from ottla.sim.schedule import Call, Schedule


class ProcessEnded(BaseException):
    """Raised by a door into a process that is dead: its own code must not go on. Not an Exception, as no handler of
    errors may survive it."""


class Process:
    """`ended` is called once when it dies, however it does."""

    def __init__(self, schedule: Schedule, name: str) -> None:
        self.loop = cast(asyncio.AbstractEventLoop, self)
        """As asyncio is told."""
        self.schedule = schedule
        self.name = name
        self.alive = True
        self.failures: list[str] = []
        """Callbacks that raised: each of them is a bug."""
        self.ended: list[Callable[[], None]] = []
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._inside = False
        schedule.processes.append(self)

    def __repr__(self) -> str:
        return f"Process({self.name})"

    # -- what asyncio asks of a loop

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Call:
        call = Call(self, callback, args, context or contextvars.copy_context())
        return self.schedule.soon(call) if self.alive else call

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> Call:
        return self.after(int(delay * 1_000_000), callback, *args)

    def after(self, micros: int, callback: Callable[..., object], *args: Any) -> Call:
        """Call back after so much virtual time."""
        when = self.schedule.micros + max(micros, 0)
        call = Call(self, callback, args, contextvars.copy_context(), when)
        return self.schedule.at(call) if self.alive else call

    def time(self) -> float:
        return self.schedule.micros / 1_000_000

    def create_future(self) -> Future[Any]:
        return Future(loop=self.loop)

    def create_task(self, coro: Coroutine[Any, Any, Any], **named: Any) -> asyncio.Task[Any]:
        if not self.alive:
            coro.close()
            raise ProcessEnded(self.name)
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self.loop, **named)
        self._tasks[task] = None
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self.alive

    def is_closed(self) -> bool:
        return not self.alive

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Asyncio's complaints, mostly from collected futures: when they come is up to the garbage collector, so
        they are no part of the run. What fails in the open is noted by `run`."""

    # -- living and dying

    def run(self, call: Call) -> None:
        """Run one call; nothing happens in a dead process."""
        if not self.alive:
            return
        asyncio._set_running_loop(self.loop)
        self._inside = True
        try:
            if call.context is None:
                call.callback(*call.args)
            else:
                call.context.run(call.callback, *call.args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except ProcessEnded:
            if self.alive:
                raise
        except BaseException as error:
            self.failures.append(f"{call.callback} raised {type(error).__name__}: {error}")
        finally:
            self._inside = False
            asyncio._set_running_loop(None)
            if not self.alive:
                self._bury()

    def check(self) -> None:
        """Raises ProcessEnded in a dead process: every door asks first."""
        if not self.alive:
            raise ProcessEnded(self.name)

    def kill(self) -> None:
        """End now, whatever is under way. May be called from inside: the caller then raises ProcessEnded."""
        if not self.alive:
            return
        self.alive = False
        self.schedule.processes.remove(self)
        for ended in self.ended:
            ended()
        if not self._inside:
            self._bury()

    def _bury(self) -> None:
        """Unwind what was suspended, in the order in which it began."""
        tasks, self._tasks = list(self._tasks), {}
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine = task.get_coro()
            # What a dying coroutine still tries to do fails at its dead doors: that is the point. And what it was
            # about to await, before its first step, nobody awaits any more.
            with contextlib.suppress(BaseException), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                coroutine.close()

    def waiting(self) -> list[str]:
        """A line for each task: its name and where it waits."""
        lines = []
        for task in self._tasks:
            frames = task.get_stack(limit=1)
            where = (
                f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else "before its first step"
            )
            lines.append(f"  {self.name}: {task.get_name()} waits at {where}")
        return lines
