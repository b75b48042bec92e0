"""Virtual time: what is due runs, and when nothing is, time jumps to what comes next.

One queue for the whole world. Calls belong to a *process* (`ottla.sim.process`), or to the world itself, which is what
networks and disks do by themselves. Nothing here waits: an hour of the simulated world takes as long as its events.

Every call costs a little virtual time, so that a loop that never waits gets nowhere but later.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ottla.sim.trace import Trace

if TYPE_CHECKING:
    from asyncio import Future
    from contextvars import Context

    from ottla.sim.process import Process

CALL_MICROS: Final = 2


class Stuck(Exception):
    """The awaited never came: nothing is left that could bring it, or its time is over."""


class Call:
    """A call that has not happened yet. A `Timer` of the Clock door."""

    __slots__ = ("args", "callback", "cancelled", "context", "process", "when")

    def __init__(
        self,
        process: Process | None,
        callback: Callable[..., object],
        args: tuple[Any, ...] = (),
        context: Context | None = None,
        when: int = 0,
    ) -> None:
        self.process = process
        self.callback = callback
        self.args = args
        self.context = context
        self.when = when
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Schedule:
    """`micros` is the time; it only grows."""

    def __init__(self, trace: Trace) -> None:
        self.micros = 0
        self.trace = trace
        self.processes: list[Process] = []
        """The living ones, oldest first."""
        self._ready: deque[Call] = deque()
        self._later: list[tuple[int, int, Call]] = []
        self._count = 0

    def soon(self, call: Call) -> Call:
        """Run it behind what is due already."""
        self._ready.append(call)
        return call

    def at(self, call: Call) -> Call:
        """Run it when its time comes."""
        self._count += 1
        heapq.heappush(self._later, (call.when, self._count, call))
        return call

    def after(self, micros: int, callback: Callable[..., object], *args: Any) -> Call:
        """Let the world itself call back after so much time."""
        return self.at(Call(None, callback, args, when=self.micros + micros))

    def run(self, until: Future[Any], within_ms: int) -> None:
        """Let the world go on until `until` is done. Raises Stuck."""
        deadline = self.micros + within_ms * 1_000
        ready, later = self._ready, self._later
        while not until.done():
            while later and later[0][0] <= self.micros:
                ready.append(heapq.heappop(later)[2])
            if not ready:
                if not later:
                    raise Stuck(f"nothing is left to happen\n{self.waiting()}")
                if later[0][2].cancelled:
                    heapq.heappop(later)
                else:
                    self.micros = later[0][0]
                continue
            if self.micros > deadline:
                raise Stuck(f"not done within {within_ms} ms\n{self.waiting()}")
            call = ready.popleft()
            if call.cancelled:
                continue
            self.micros += CALL_MICROS
            if call.process is None:
                call.callback(*call.args)
            else:
                call.process.run(call)

    def waiting(self) -> str:
        """Who waits, and where: what a deadlock looks like."""
        return "\n".join(line for process in self.processes for line in process.waiting())
