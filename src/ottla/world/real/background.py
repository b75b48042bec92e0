"""A loop on a thread of its own, for callers that know nothing of asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """Runs coroutines beside its caller's thread. Its thread is a daemon: a forgotten one does not hold the process."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run `work` to its end and return what it returns, or raise what it raises.

        `timeout` in seconds: beyond it the work is cancelled. An interrupt (Ctrl-C) of the caller cancels it too.
        Raises TimeoutError.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a blocking call on the loop's own thread would wait for itself")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[..., T], *given: Any, **named: Any) -> T:
        """Call a plain function on the loop's thread, and return what it returns."""

        async def inside() -> T:
            return function(*given, **named)

        return self.wait(inside())

    def close(self) -> None:
        """Cancel what still runs, and end the thread."""
        if self._loop.is_closed():
            return

        async def cancel_rest() -> None:
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            await self._loop.shutdown_asyncgens()

        self.wait(cancel_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
