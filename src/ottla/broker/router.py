"""From a frame to its handler, and from what the handler says to the bytes of a reply.

The router knows the API table and nothing of topics. It reads the header, looks the API up, asks the authoriser,
decodes, calls the handler and encodes. A handler returns

* a response, the common case: nothing else is made for it, no task and no future;
* None, when the protocol wants no reply (acks=0);
* a `Later`, a future or a coroutine, when the answer comes later.

A `KafkaError` becomes the answer that this API gives to it; anything else is a fault of ours: the client gets
UNKNOWN_SERVER_ERROR, the log the traceback, and the connection lives on.
"""

from __future__ import annotations

import logging
import struct
from asyncio import CancelledError, Future
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ottla.broker.authorizer import check_cluster_action
from ottla.broker.context import Caller, CloseConnection, Context
from ottla.broker.error_replies import error_reply
from ottla.broker.later import Later
from ottla.broker.metrics import ApiMetrics
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.parts import Part, size_of
from ottla.core.wire.apis import API, Api, ApiKey
from ottla.core.wire.codec import DecodeError, decode_from, encode, encode_parts
from ottla.core.wire.declaration import Body
from ottla.core.wire.headers import RequestHeader
from ottla.core.wire.messages.api_versions import ApiVersion, ApiVersionsResponse
from ottla.core.wire.messages.fetch import FetchResponse
from ottla.core.wire.messages.share_fetch import ShareFetchResponse
from ottla.world.doors import FileSlice

if TYPE_CHECKING:
    from ottla.broker.services import Services

log = logging.getLogger("ottla.router")

Reply: TypeAlias = "Body | None"
Sent: TypeAlias = "bytes | list[Part]"
"""A reply as the connection takes it: whole, or in parts where stretches of files are among them."""
Handler: TypeAlias = Callable[["Services", Context, Any], "Reply | Awaitable[Reply] | Later[Any]"]

_HEADER: Final = struct.Struct(">iih")
"""API key and version as one number, correlation id, length of the client id."""
_KEY_AND_VERSION: Final = struct.Struct(">hh")
_REPLY: Final = struct.Struct(">ii")
_REPLY_FLEXIBLE: Final = struct.Struct(">iib")

JOINED_BYTES: Final = 64 << 10
"""An answer that is all bytes leaves in one piece, up to this size; the pieces of a larger one are not copied."""
WITH_RECORDS: Final = frozenset({ApiKey.FETCH, ApiKey.FETCH_SNAPSHOT, ApiKey.SHARE_FETCH})
"""APIs whose answers carry stretches of files."""


class Route:
    """One API as this listener serves it."""

    __slots__ = ("api", "handler", "metrics")

    def __init__(self, api: Api, handler: Handler | str, metrics: ApiMetrics) -> None:
        self.api = api
        self.handler = handler
        self.metrics = metrics

    def load(self) -> Handler:
        """The handler. Its import waits for the first request, so that a node starts in no time."""
        handler = self.handler
        if isinstance(handler, str):
            loaded: Handler = import_module(f"ottla.broker.apis.{handler}").handle
            self.handler = handler = loaded
        return handler


class Served:
    """One version of an API: all that a request of it needs to know, found by one look."""

    __slots__ = (
        "api",
        "cluster_action",
        "flexible",
        "handler",
        "key",
        "metrics",
        "reply_flexible",
        "request",
        "version",
        "with_records",
    )

    def __init__(self, route: Route, version: int) -> None:
        api = route.api
        self.api = api
        self.key = int(api.key)
        self.version = version
        self.request: type[Body] = api.request
        self.handler: Handler = route.load()
        self.metrics = route.metrics
        self.cluster_action = api.cluster_action
        self.with_records = api.key in WITH_RECORDS
        self.flexible = api.first_flexible is not None and version >= api.first_flexible
        # KIP-511: the header of an ApiVersions answer never changes.
        self.reply_flexible = self.flexible and api.key != ApiKey.API_VERSIONS
        self.metrics.versions.setdefault(version, 0)


class Pending:
    """A request whose answer comes later."""

    __slots__ = ("context", "future", "given", "request", "served", "size")

    def __init__(
        self, served: Served, context: Context, request: Body, future: Future[Any] | Later[Any], given: bool
    ) -> None:
        self.served = served
        self.context = context
        self.request = request
        self.future = future
        self.given = given
        self.size = 0

    def abandon(self) -> None:
        """Nobody waits any more: a parked request is dropped, work that was begun runs to its end."""
        if self.given and not self.future.done():
            self.future.cancel()
        else:
            self.future.add_done_callback(_release)


class Router:
    """The APIs of one listener."""

    __slots__ = ("_clock", "_routes", "_served", "_services")

    def __init__(self, services: Services, handlers: Mapping[ApiKey, Handler | str]) -> None:
        self._services = services
        self._clock = services.clock
        self._routes = {
            int(key): Route(API[key], handler, services.metrics.api(key)) for key, handler in handlers.items()
        }
        self._served: dict[int, Served] = {}
        """By the first four bytes of a request, API key and version: those that were asked for so far."""

    @property
    def keys(self) -> list[ApiKey]:
        """The APIs with a handler, by number."""
        return sorted(route.api.key for route in self._routes.values())

    def dispatch(self, caller: Caller, frame: bytes) -> Sent | Pending | None:
        """Run one request. Raises CloseConnection when no answer is possible."""
        started = self._clock.micros()
        try:
            which, correlation_id, length = _HEADER.unpack_from(frame)
        except struct.error:
            raise CloseConnection(f"a request of {len(frame)} bytes has no header", kind="header") from None
        position = 10
        client_id: str | None = None
        if length >= 0:
            position += length
            if position > len(frame):
                raise CloseConnection("the client id of a request is longer than the request", kind="header")
            client_id = frame[10:position].decode("utf-8", "replace")
        served = self._served.get(which)
        if served is None:
            key, version = _KEY_AND_VERSION.unpack_from(frame)
            served = self._serve(which, key, version)
            if served is None:
                return self._unsupported_version(correlation_id)
        if served.flexible:
            position = position + 1 if frame.startswith(b"\0", position) else _skip_header(frame)
        metrics = served.metrics
        metrics.requests += 1
        metrics.request_bytes += len(frame)
        metrics.versions[served.version] += 1
        context = Context(caller, served.key, served.version, correlation_id, client_id, started)
        try:
            # As in Kafka, bytes behind the last field are nobody's business: librdkafka sends some with Metadata.
            request, _ = decode_from(served.request, frame, served.version, position)
        except DecodeError as misfit:
            raise CloseConnection(
                f"a {served.api.name} request cannot be read: {misfit}", kind="decode"
            ) from misfit
        try:
            if served.cluster_action:
                # The other questions are asked by the handlers.
                check_cluster_action(self._services.authorizer, context)
            outcome = served.handler(self._services, context, request)
        except KafkaError as error:
            outcome = self._error(served, context, request, error)
        except CloseConnection:
            raise
        except Exception as fault:
            outcome = self._fault(served, context, request, fault)
        if isinstance(outcome, Body):
            sent = self._encode(served, context, request, outcome)
            spent = self._clock.micros() - started
            metrics.local_micros += spent
            metrics.done(spent)
            return sent
        spent = self._clock.micros() - started
        metrics.local_micros += spent
        if outcome is None:
            metrics.done(spent)
            return None
        if isinstance(outcome, (Later, Future)):
            if outcome.done():
                return self.finish(Pending(served, context, request, outcome, True))
            return Pending(served, context, request, outcome, True)
        future = self._clock.future()
        self._clock.spawn(_drive(outcome, future), name=f"{served.api.name} request")
        return Pending(served, context, request, future, False)

    def finish(self, pending: Pending) -> Sent | None:
        """The reply of a request whose future is done. Raises CloseConnection."""
        served, context, request = pending.served, pending.context, pending.request
        response: Reply
        try:
            response = pending.future.result()
        except KafkaError as error:
            response = self._error(served, context, request, error)
        except CloseConnection:
            raise
        except CancelledError:
            raise CloseConnection(f"the {served.api.name} request was given up", kind="cancelled") from None
        except Exception as fault:
            response = self._fault(served, context, request, fault)
        if response is None:
            served.metrics.done(self._clock.micros() - context.started)
            return None
        sent = self._encode(served, context, request, response)
        served.metrics.done(self._clock.micros() - context.started)
        return sent

    # -- steps

    def _serve(self, which: int, key: int, version: int) -> Served | None:
        """The first request of this API and version. None for a version of ApiVersions that is not served; raises
        CloseConnection for what cannot be answered at all."""
        route = self._routes.get(key)
        if route is None:
            raise CloseConnection(f"the API with key {key} is not served here", kind="api")
        api = route.api
        if api.serves(version):
            served = self._served[which] = Served(route, version)
            return served
        if api.key == ApiKey.API_VERSIONS:
            return None
        raise CloseConnection(
            f"{api.name} has no version {version}, only {api.min_version} to {api.max_stable_version}",
            kind="version",
        )

    def _unsupported_version(self, correlation_id: int) -> bytes:
        """Kafka has an answer for ApiVersions only: version 0 of it, so that the client can ask again."""
        api = API[ApiKey.API_VERSIONS]
        response = ApiVersionsResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION,
            api_keys=[ApiVersion(api_key=api.key, min_version=api.min_version, max_version=api.max_version)],
        )
        body = encode(response, 0)
        return _REPLY.pack(4 + len(body), correlation_id) + body

    def _error(self, served: Served, context: Context, request: Body, error: KafkaError) -> Body:
        served.metrics.errors[error.code] = served.metrics.errors.get(error.code, 0) + 1
        log.debug("%s from %s failed: %s", served.api.name, context.peer, error)
        reply = error_reply(served.api, request, context.version, error)
        if reply is None:
            raise CloseConnection(f"a {served.api.name} request failed: {error}", kind="no answer")
        return reply

    def _fault(self, served: Served, context: Context, request: Body, fault: Exception) -> Body:
        log.error(
            "%s version %d from %s client_id=%s failed unexpectedly",
            served.api.name,
            context.version,
            context.peer,
            context.client_id,
            exc_info=fault,
        )
        return self._error(served, context, request, KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR))

    def _encode(self, served: Served, context: Context, request: Body, response: Body) -> Sent:
        version = served.version
        try:
            if served.with_records:
                return self._encode_with_records(served, context, response)
            body = encode(response, version)
        except Exception as fault:
            body = encode(self._fault(served, context, request, fault), version)
        size = len(body)
        served.metrics.response_bytes += 4 + size
        if served.reply_flexible:
            return _REPLY_FLEXIBLE.pack(5 + size, context.correlation_id, 0) + body
        return _REPLY.pack(4 + size, context.correlation_id) + body

    def _encode_with_records(self, served: Served, context: Context, response: Body) -> Sent:
        """The parts of an answer that carries stretches of files; one piece when there is none in it."""
        parts = encode_parts(response, served.version)
        size = sum(map(size_of, parts))
        served.metrics.response_bytes += 4 + size
        if served.reply_flexible:
            head = _REPLY_FLEXIBLE.pack(5 + size, context.correlation_id, 0)
        else:
            head = _REPLY.pack(4 + size, context.correlation_id)
        if size <= JOINED_BYTES and all(type(part) is bytes for part in parts):
            return b"".join((head, *parts))  # type: ignore[arg-type]
        parts[0] = head + parts[0]  # type: ignore[operator]
        return parts


def _skip_header(frame: bytes) -> int:
    """The end of a request header with tagged fields that we do not know."""
    try:
        return decode_from(RequestHeader, frame, 2, 0)[1]
    except DecodeError as error:
        raise CloseConnection(f"the header of a request cannot be read: {error}", kind="header") from error


def _release(future: Future[Any] | Later[Any]) -> None:
    """Let go of the files in an answer that came too late to be sent."""
    if future.cancelled() or future.exception() is not None:
        return
    if not isinstance(future.result(), FetchResponse | ShareFetchResponse):
        return
    for topic in future.result().responses:
        for partition in topic.partitions:
            if isinstance(partition.records, FileSlice):
                partition.records.release()


async def _drive(work: Awaitable[Reply] | Coroutine[Any, Any, Reply], future: Future[Any]) -> None:
    """Carry the outcome of a coroutine over to the future that the connection waits on."""
    try:
        result = await work
    except CancelledError:
        future.cancel()
        raise
    except Exception as error:
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)
