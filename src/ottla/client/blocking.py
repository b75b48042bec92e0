"""The same clients for programs without asyncio: every call waits for its answer.

    from ottla.client.blocking import Producer

    with Producer(bootstrap_servers="localhost:9092") as producer:
        producer.send("orders", b"hello").result()

Each client runs on a loop of its own, on a thread in the background. What is awaited there returns here when it is done;
what is an asynchronous context manager or iterator there is a plain one here. Names, arguments and errors are the
asynchronous client's, so its pages are the reference of this one. Callbacks (`on_delivery`, interceptors, rebalance
listeners) run on the background thread. `None` for a time waits for ever.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from inspect import isasyncgen, isawaitable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ottla.client.opening import background_loop
from ottla.client.producing.delivery import Delivered, Deliveries, Delivery, Receipt

if TYPE_CHECKING:
    from ottla.world.real.background import BackgroundLoop

R = TypeVar("R")
_END: Final = object()


class Outcome(Generic[R]):
    """Something on its way: `result` waits for it."""

    def __init__(self, loop: BackgroundLoop, promise: Awaitable[R]) -> None:
        self._loop = loop
        self._promise = promise

    @property
    def is_done(self) -> bool:
        """Whether `result` takes no time."""
        done: bool = self._promise.is_done  # type: ignore[attr-defined]
        return done

    def result(self, timeout: float | None = None) -> R:
        """Wait for it, `timeout` seconds at most, and return it or raise what it failed with. Raises TimeoutError."""
        return self._loop.wait(_awaited(self._promise), timeout)


class Blocking:
    """A client of `ottla.client` with a background loop. Opened by `with`, or by its first use."""

    def __init__(self, make: Callable[..., Any], *given: Any, **named: Any) -> None:
        self._loop = background_loop(make.__name__)
        try:
            self._client = self._loop.call(make, *given, **named)
        except BaseException:
            self._loop.close()
            raise

    def __enter__(self) -> Any:
        try:
            self._loop.wait(self._client.open())
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._loop.wait(self._client.__aexit__(kind, error, trace))
        finally:
            self._loop.close()

    def open(self) -> None:
        """Connect. Raises NoBroker."""
        self._loop.wait(self._client.open())

    def close(self) -> None:
        """Close the client, and end its thread."""
        self.__exit__(None, None, None)

    def __getattr__(self, name: str) -> Any:
        """What the asynchronous client has under that name: a value as it is now, or a call that waits."""
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._loop.call(getattr, self._client, name)
        return self._faced(found) if not callable(found) else self._call(found)

    def _call(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            return self._faced(self._loop.call(method, *given, **named))

        call.__name__ = getattr(method, "__name__", "call")
        call.__doc__ = method.__doc__
        return call

    def _faced(self, found: Any) -> Any:
        """What a call gave, in a form that needs no loop."""
        if isinstance(found, (Delivery, Deliveries)):
            return Outcome[Any](self._loop, found)
        if isawaitable(found):
            return self._faced(self._loop.wait(_awaited(found)))
        if isasyncgen(found) or isinstance(found, AsyncIterator):
            return self._each(found)
        if isinstance(found, AbstractAsyncContextManager):
            return self._within(found)
        return found

    def _each(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        try:
            while (item := self._loop.wait(_next(items))) is not _END:
                yield item
        finally:
            if isasyncgen(items):
                self._loop.wait(items.aclose())

    @contextmanager
    def _within(self, context: AbstractAsyncContextManager[Any]) -> Iterator[Any]:
        self._loop.wait(context.__aenter__())
        try:
            yield self
        except BaseException as error:
            if not self._loop.wait(context.__aexit__(type(error), error, error.__traceback__)):
                raise
        else:
            self._loop.wait(context.__aexit__(None, None, None))


class Producer(Blocking):
    """`ottla.client.Producer`, blocking: `send`, `send_batch` and `send_columns` return an `Outcome`."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        from ottla.client.producing.producer import Producer as Asynchronous

        super().__init__(Asynchronous, *given, **settings)

    def __enter__(self) -> Producer:
        super().__enter__()
        return self

    def send(self, topic: str, value: Any, **named: Any) -> Outcome[Receipt]:
        """One record on its way, see `ottla.client.Producer.send`."""
        return Outcome(self._loop, self._loop.wait(self._client.send(topic, value, **named)))

    def send_batch(self, topic: str, records: Any, **named: Any) -> Outcome[list[Delivered]]:
        """Many records, at much less cost for each, see `ottla.client.Producer.send_batch`."""
        return Outcome(self._loop, self._loop.wait(self._client.send_batch(topic, records, **named)))

    def send_columns(self, topic: str, values: Any, **named: Any) -> Outcome[list[Delivered]]:
        """Columns, see `ottla.client.Producer.send_columns`."""
        return Outcome(self._loop, self._loop.wait(self._client.send_columns(topic, values, **named)))


class Consumer(Blocking):
    """`ottla.client.Consumer`, blocking: `for record in consumer`, `for batch in consumer.batches()`."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        from ottla.client.consuming.consumer import Consumer as Asynchronous

        super().__init__(Asynchronous, *given, **settings)

    def __enter__(self) -> Consumer:
        super().__enter__()
        return self

    def __iter__(self) -> Iterator[Any]:
        return self._each(self._loop.call(self._client.__aiter__))


class ShareConsumer(Blocking):
    """`ottla.client.ShareConsumer`, blocking: `for record in consumer`."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        from ottla.client.sharing.consumer import ShareConsumer as Asynchronous

        super().__init__(Asynchronous, *given, **settings)

    def __enter__(self) -> ShareConsumer:
        super().__enter__()
        return self

    def __iter__(self) -> Iterator[Any]:
        return self._each(self._loop.call(self._client.__aiter__))


class Admin(Blocking):
    """`ottla.client.Admin`, blocking: each call waits for its answers, which come per item."""

    def __init__(self, **settings: Any) -> None:
        from ottla.client.admin.admin import Admin as Asynchronous

        super().__init__(Asynchronous, **settings)

    def __enter__(self) -> Admin:
        super().__enter__()
        return self


async def _awaited(promise: Awaitable[R]) -> R:
    return await promise


async def _next(items: AsyncIterator[Any]) -> Any:
    return await anext(items, _END)
