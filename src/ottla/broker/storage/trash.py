"""Files and directories of one log directory that go later, once nobody can be about to read them.

Removing is a matter of time and count: freeing a large file takes a while, and a deleted topic has thousands. So one
path after the other goes, off the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush

from ottla.world.doors import Clock, Disk, Timer


class Trash:
    """What waits to be removed. `may_go` says whether the disk is still ours to touch, `failed` hears of what could
    not be removed and why."""

    __slots__ = ("_clock", "_disk", "_emptying", "_failed", "_may_go", "_paths", "_timer")

    def __init__(
        self, disk: Disk, clock: Clock, may_go: Callable[[], bool], failed: Callable[[str, OSError], None]
    ) -> None:
        self._disk = disk
        self._clock = clock
        self._may_go = may_go
        self._failed = failed
        self._paths: list[tuple[int, str]] = []
        """(when, path), the earliest first."""
        self._timer: Timer | None = None
        self._emptying = False

    def add(self, paths: Iterable[str], delay_ms: int) -> None:
        when = self._clock.now() + delay_ms
        for path in paths:
            heappush(self._paths, (when, path))
        self._set()

    def stop(self) -> None:
        """Remove no more; the next start finds what is left by its name."""
        self._paths.clear()
        self._set()

    def _set(self) -> None:
        """Look again when the earliest is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._paths and not self._emptying:
            self._timer = self._clock.call_at(self._paths[0][0], self._due)

    def _due(self) -> None:
        self._timer = None
        if not self._emptying:
            self._emptying = True
            self._clock.spawn(self._empty(), name="remove-files")

    async def _empty(self) -> None:
        try:
            while self._paths and self._paths[0][0] <= self._clock.now() and self._may_go():
                path = heappop(self._paths)[1]
                try:
                    await self._disk.run(self._remove, path)
                except OSError as error:
                    self._failed(path, error)
        finally:
            self._emptying = False
        if self._may_go():
            self._set()

    def _remove(self, path: str) -> None:
        if self._disk.is_directory(path):
            self._disk.remove_tree(path)
        else:
            self._disk.remove(path)
