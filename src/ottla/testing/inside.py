"""A broker inside this process: a node on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ottla.testing.words import BrokerFailed, Command, Launch

if TYPE_CHECKING:
    from ottla.testing.hosted import HostedNode

T = TypeVar("T")

PATIENCE_S: Final = 60.0


class Inside:
    """Runs once: from its making until `stop` or `kill`. Raises BrokerFailed when the node cannot start."""

    def __init__(self, launch: Launch) -> None:
        self._failure: str | None = None
        self._node: HostedNode
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ottla-broker", daemon=True)
        self._thread.start()
        try:
            self._call(self._start(launch))
        except BaseException:
            self._end()
            raise

    async def _start(self, launch: Launch) -> None:
        from ottla.testing.hosted import HostedNode

        self._node = HostedNode(launch, self._fail)
        await self._node.start()

    def _fail(self, reason: str) -> None:
        self._failure = reason

    def ask(self, command: Command) -> Any:
        """What the node answers. Raises BrokerFailed."""
        if self._failure is not None:
            raise BrokerFailed(f"the broker cannot go on: {self._failure}")
        return self._call(self._node.carry_out(command))

    def stop(self) -> None:
        try:
            self._call(self._node.stop())
        finally:
            self._end()

    def kill(self) -> None:
        try:
            self._call(self._node.crash())
        finally:
            self._end()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(PATIENCE_S)
        except TimeoutError:
            raise BrokerFailed(f"the broker gave no answer within {PATIENCE_S:.0f} s") from None
        except CancelledError:
            raise BrokerFailed("the broker was stopped meanwhile") from None
        finally:
            future.cancel()  # nothing when it is done

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
