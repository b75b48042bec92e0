"""From a frame to its handler, and from what the handler says to the bytes of a reply.

The router knows the API table and nothing of topics. It reads the header, looks the API up, asks the authoriser,
decodes, calls the handler and encodes. A handler returns

* a response, the common case: nothing else is made for it, no task and no future;
* None, when the protocol wants no reply (acks=0);
* a future or a coroutine, when the answer comes later.

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

from ottla.broker.authorizer import CLUSTER_NAME
from ottla.broker.context import Caller, CloseConnection, Context
from ottla.broker.error_replies import error_reply
from ottla.broker.metrics import ApiMetrics
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.parts import Part, size_of
from ottla.core.wire.apis import API, Api, ApiKey
from ottla.core.wire.codec import DecodeError, decode_from, encode, encode_parts
from ottla.core.wire.declaration import Body
from ottla.core.wire.headers import RequestHeader
from ottla.core.wire.messages.api_versions import ApiVersion, ApiVersionsResponse
from ottla.core.wire.messages.fetch import FetchResponse
from ottla.core.wire.permissions import Operation, ResourceType
from ottla.world.doors import FileSlice

if TYPE_CHECKING:
    from ottla.broker.services import Services

log = logging.getLogger("ottla.router")

Reply: TypeAlias = "Body | None"
Handler: TypeAlias = Callable[["Services", Context, Any], "Reply | Awaitable[Reply]"]

_HEADER: Final = struct.Struct(">hhih")
_REPLY: Final = struct.Struct(">ii")
_REPLY_FLEXIBLE: Final = struct.Struct(">iib")

WITH_RECORDS: Final = frozenset({ApiKey.FETCH, ApiKey.FETCH_SNAPSHOT, ApiKey.SHARE_FETCH})
"""APIs whose answers carry stretches of files."""
NEVER_FLEXIBLE: Final = 1 << 15


class Route:
    """One API as this listener serves it."""

    __slots__ = (
        "api",
        "cluster_action",
        "first_version",
        "flexible_from",
        "handler",
        "last_version",
        "metrics",
        "named",
        "reply_flexible_from",
        "request",
        "with_records",
    )

    def __init__(self, api: Api, handler: Handler | str, metrics: ApiMetrics) -> None:
        self.api = api
        self.named = handler
        self.handler: Handler
        self.metrics = metrics
        self.cluster_action = False
        self.request: type[Body] | None = None
        self.first_version = 0
        self.last_version = -1
        self.flexible_from = NEVER_FLEXIBLE
        self.reply_flexible_from = NEVER_FLEXIBLE
        self.with_records = api.key in WITH_RECORDS

    def declared(self) -> type[Body]:
        """The class of its requests. Its import waits for the first request, so that a node starts in no time."""
        api = self.api
        named = self.named
        self.handler = import_module(f"ottla.broker.apis.{named}").handle if isinstance(named, str) else named
        self.request = api.request
        self.cluster_action = api.cluster_action
        self.first_version, self.last_version = api.min_version, api.max_stable_version
        if api.first_flexible is not None:
            self.flexible_from = api.first_flexible
            if api.key != ApiKey.API_VERSIONS:  # KIP-511: its answer's header never changes
                self.reply_flexible_from = api.first_flexible
        return self.request


class Pending:
    """A request whose answer comes later."""

    __slots__ = ("context", "future", "given", "request", "route", "size")

    def __init__(
        self, route: Route, context: Context, request: Body, future: Future[Any], given: bool
    ) -> None:
        self.route = route
        self.context = context
        self.request = request
        self.future = future
        self.given = given
        self.size = 0

    def abandon(self) -> None:
        """Nobody waits any more: a parked request is dropped, work that was begun runs to its end."""
        if self.future.done():
            _release(self.future)
        elif self.given:
            self.future.cancel()


class Router:
    """The APIs of one listener."""

    __slots__ = ("_clock", "_routes", "_services")

    def __init__(self, services: Services, handlers: Mapping[ApiKey, Handler | str]) -> None:
        self._services = services
        self._clock = services.clock
        self._routes = {
            int(key): Route(API[key], handler, services.metrics.api(key)) for key, handler in handlers.items()
        }

    @property
    def keys(self) -> list[ApiKey]:
        """The APIs with a handler, by number."""
        return sorted(route.api.key for route in self._routes.values())

    def dispatch(self, caller: Caller, frame: bytes) -> list[Part] | Pending | None:
        """Run one request. Raises CloseConnection when no answer is possible."""
        started = self._clock.micros()
        context, position = self._header(caller, frame, started)
        key, version = context.key, context.version
        route = self._routes.get(key)
        if route is None:
            raise CloseConnection(f"the API with key {key} is not served here", kind="api")
        api = route.api
        declared = route.request or route.declared()
        if not route.first_version <= version <= route.last_version:
            return self._unsupported_version(route, context)
        if version >= route.flexible_from:
            if frame[position : position + 1] == b"\0":
                position += 1
            else:
                position = _skip_header(frame)
        metrics = route.metrics
        metrics.requests += 1
        metrics.request_bytes += len(frame)
        metrics.versions[version] = metrics.versions.get(version, 0) + 1
        try:
            # As in Kafka, bytes behind the last field are nobody's business: librdkafka sends some with Metadata.
            request, _ = decode_from(declared, frame, version, position)
        except DecodeError as error:
            raise CloseConnection(f"a {api.name} request cannot be read: {error}", kind="decode") from error
        try:
            if route.cluster_action:
                self._authorize(context)
            outcome = route.handler(self._services, context, request)
        except KafkaError as error:
            outcome = self._error(route, context, request, error)
        except CloseConnection:
            raise
        except Exception as fault:
            outcome = self._fault(route, context, request, fault)
        if isinstance(outcome, Body):
            parts = self._encode(route, context, request, outcome)
            spent = self._clock.micros() - started
            metrics.local_micros += spent
            metrics.done(spent)
            return parts
        spent = self._clock.micros() - started
        metrics.local_micros += spent
        if outcome is None:
            metrics.done(spent)
            return None
        if isinstance(outcome, Future):
            return Pending(route, context, request, outcome, True)
        future = self._clock.future()
        self._clock.spawn(_drive(outcome, future), name=f"{api.name} request")
        return Pending(route, context, request, future, False)

    def finish(self, pending: Pending) -> list[Part] | None:
        """The reply of a request whose future is done. Raises CloseConnection."""
        route, context, request = pending.route, pending.context, pending.request
        response: Reply
        try:
            response = pending.future.result()
        except KafkaError as error:
            response = self._error(route, context, request, error)
        except CloseConnection:
            raise
        except CancelledError:
            raise CloseConnection(f"the {route.api.name} request was given up", kind="cancelled") from None
        except Exception as fault:
            response = self._fault(route, context, request, fault)
        if response is None:
            route.metrics.done(self._clock.micros() - context.started)
            return None
        parts = self._encode(route, context, request, response)
        route.metrics.done(self._clock.micros() - context.started)
        return parts

    # -- steps

    def _header(self, caller: Caller, frame: bytes, started: int) -> tuple[Context, int]:
        try:
            key, version, correlation_id, length = _HEADER.unpack_from(frame)
        except struct.error:
            raise CloseConnection(f"a request of {len(frame)} bytes has no header", kind="header") from None
        if length < 0:
            return Context(caller, key, version, correlation_id, None, started), 10
        end = 10 + length
        if end > len(frame):
            raise CloseConnection("the client id of a request is longer than the request", kind="header")
        client_id = frame[10:end].decode("utf-8", "replace")
        return Context(caller, key, version, correlation_id, client_id, started), end

    def _authorize(self, context: Context) -> None:
        """APIs between nodes need the right to act for the cluster; the other questions are asked by the handlers."""
        if not self._services.authorizer.allows(
            context, Operation.CLUSTER_ACTION, ResourceType.CLUSTER, CLUSTER_NAME
        ):
            raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)

    def _unsupported_version(self, route: Route, context: Context) -> list[Part]:
        """Kafka has an answer for ApiVersions only: version 0 of it, so that the client can ask again."""
        api = route.api
        if api.key != ApiKey.API_VERSIONS:
            raise CloseConnection(
                f"{api.name} has no version {context.version}, only {route.first_version} to {route.last_version}",
                kind="version",
            )
        response = ApiVersionsResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION,
            api_keys=[ApiVersion(api_key=api.key, min_version=api.min_version, max_version=api.max_version)],
        )
        body = encode(response, 0)
        return [_REPLY.pack(4 + len(body), context.correlation_id) + body]

    def _error(self, route: Route, context: Context, request: Body, error: KafkaError) -> Body:
        route.metrics.errors[error.code] = route.metrics.errors.get(error.code, 0) + 1
        log.debug("%s from %s failed: %s", route.api.name, context.peer, error)
        reply = error_reply(route.api, request, context.version, error)
        if reply is None:
            raise CloseConnection(f"a {route.api.name} request failed: {error}", kind="no answer")
        return reply

    def _fault(self, route: Route, context: Context, request: Body, fault: Exception) -> Body:
        log.error(
            "%s version %d from %s client_id=%s failed unexpectedly",
            route.api.name,
            context.version,
            context.peer,
            context.client_id,
            exc_info=fault,
        )
        return self._error(route, context, request, KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR))

    def _encode(self, route: Route, context: Context, request: Body, response: Body) -> list[Part]:
        version = context.version
        try:
            parts: list[Part] = (
                encode_parts(response, version) if route.with_records else [encode(response, version)]
            )
        except Exception as fault:
            answer = self._fault(route, context, request, fault)
            parts = [encode(answer, version)]
        size = len(parts[0]) if len(parts) == 1 else sum(map(size_of, parts))  # type: ignore[arg-type]
        if version >= route.reply_flexible_from:
            head = _REPLY_FLEXIBLE.pack(5 + size, context.correlation_id, 0)
        else:
            head = _REPLY.pack(4 + size, context.correlation_id)
        parts[0] = head + parts[0]  # type: ignore[operator]
        route.metrics.response_bytes += 4 + size
        return parts


def _skip_header(frame: bytes) -> int:
    """The end of a request header with tagged fields that we do not know."""
    try:
        return decode_from(RequestHeader, frame, 2, 0)[1]
    except DecodeError as error:
        raise CloseConnection(f"the header of a request cannot be read: {error}", kind="header") from error


def _release(future: Future[Any]) -> None:
    """Let go of the files in an answer that came too late to be sent."""
    if future.cancelled() or future.exception() is not None or not isinstance(future.result(), FetchResponse):
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
