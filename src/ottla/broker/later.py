"""An answer that comes later, and is told in the same turn in which it is known.

A future tells those who wait for it in the next turn of the loop. Between an append and the consumer that waits for
it every turn counts, so a parked fetch answers through one of these. As with a future, what fails in who is told
is nobody's business but his.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError, InvalidStateError
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

log = logging.getLogger("ottla.router")


class Later(Generic[T]):
    """The part of a future that the router and a session need; not awaitable."""

    __slots__ = ("_cancelled", "_done", "_fault", "_result", "_told")

    def __init__(self) -> None:
        self._done = False
        self._cancelled = False
        self._result: T | None = None
        self._fault: BaseException | None = None
        self._told: list[Callable[[Any], object]] = []

    def done(self) -> bool:
        return self._done

    def cancelled(self) -> bool:
        return self._cancelled

    def add_done_callback(self, tell: Callable[[Any], object]) -> None:
        """Call `tell(self)` once it is done; at once if it is."""
        if self._done:
            self._call(tell)
        else:
            self._told.append(tell)

    def set_result(self, result: T) -> None:
        """Raises InvalidStateError when it is done already."""
        self._check_open()
        self._result = result
        self._tell()

    def set_exception(self, fault: BaseException) -> None:
        """Raises InvalidStateError when it is done already."""
        self._check_open()
        self._fault = fault
        self._tell()

    def cancel(self) -> bool:
        """Nobody wants the answer any more. False when it is there already."""
        if self._done:
            return False
        self._cancelled = True
        self._fault = CancelledError()
        self._tell()
        return True

    def result(self) -> T:
        """Raises what was set instead, CancelledError after `cancel`, InvalidStateError when it is not done."""
        if not self._done:
            raise InvalidStateError("the answer is not there yet")
        if self._fault is not None:
            raise self._fault
        return self._result  # type: ignore[return-value]

    def exception(self) -> BaseException | None:
        return self._fault

    def _check_open(self) -> None:
        if self._done:
            raise InvalidStateError("the answer was given already")

    def _tell(self) -> None:
        self._done = True
        told, self._told = self._told, []
        for tell in told:
            self._call(tell)

    def _call(self, tell: Callable[[Any], object]) -> None:
        try:
            tell(self)
        except Exception:
            log.exception("an answer could not be handed over")
