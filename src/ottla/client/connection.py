"""One connection to one broker: requests go out, answers come back in the same order.

Kafka answers a connection strictly in the order of its requests, so what waits is a queue and an answer belongs to
its head; a correlation id that does not match means the stream is lost. For the same reason a request that times out
takes the connection with it: nobody could tell a late answer from the next one.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from typing import Any, Final, NamedTuple, TypeVar

from ottla.client.errors import ClientTimeout, ConnectionFailed, VersionMismatch
from ottla.client.settings import ConnectionSettings
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.codec import DecodeError, decode, decode_from, encode, encode_parts
from ottla.core.wire.declaration import Body
from ottla.core.wire.frames import FrameError, FrameReader, frame
from ottla.core.wire.headers import RequestHeader, ResponseHeader, header_versions
from ottla.core.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from ottla.world import doors
from ottla.world.doors import Address, Clock, Timer, World

R = TypeVar("R", bound=Body)

SOFTWARE: Final = "ottla"


class Waiting(NamedTuple):
    """A request on its way: what its answer is read as."""

    correlation_id: int
    response: type[Body]
    version: int
    future: Future[Any]
    deadline: int


class BrokerConnection:
    """A connection and its queue of waiting requests. The Network door's `Session`."""

    def __init__(self, world: World, address: Address, settings: ConnectionSettings) -> None:
        self.address = address
        self.versions: dict[int, tuple[int, int]] = {}
        """API key -> (oldest, newest) version the broker speaks."""
        self.features: dict[str, int] = {}
        """Feature -> the level the cluster has agreed on (KIP-584)."""
        self.error: ConnectionFailed | ClientTimeout | None = None
        """Why the connection is of no more use."""
        self._world = world
        self._settings = settings
        self._stream: doors.Connection | None = None
        self._frames = FrameReader(settings.receive_message_max_bytes)
        self._waiting: deque[Waiting] = deque()
        self._correlation_id = 0
        self._timer: Timer | None = None

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answer."""
        return len(self._waiting)

    @property
    def usable(self) -> bool:
        return self.error is None and self._stream is not None

    async def open(self) -> None:
        """Connect and agree on versions. Raises ConnectionFailed, ClientTimeout or VersionMismatch."""
        timeout = self._settings.socket_connection_setup_timeout_ms
        try:
            await self._world.network.connect(self.address.host, self.address.port, self, timeout=timeout)
        except OSError as error:
            raise ConnectionFailed(self.address, reason(error)) from error
        answer = await self._ask_versions()
        self.versions = {api.api_key: (api.min_version, api.max_version) for api in answer.api_keys}
        self.features = {each.name: each.max_version_level for each in answer.finalized_features}

    async def _ask_versions(self) -> ApiVersionsResponse:
        """ApiVersions with our newest version, or what a broker that is older than that offers (KIP-511)."""
        newest = stable_versions(ApiVersionsRequest)[1]
        request = ApiVersionsRequest(
            client_software_name=SOFTWARE, client_software_version=software_version()
        )
        answer: ApiVersionsResponse = await self._exchange(request, ApiVersionsResponse, newest, None)
        if answer.error_code == ErrorCode.UNSUPPORTED_VERSION:
            offered = next(
                (api.max_version for api in answer.api_keys if api.api_key == ApiKey.API_VERSIONS), 0
            )
            answer = await self._exchange(request, ApiVersionsResponse, min(offered, newest), None)
        if answer.error_code:
            raise KafkaError(error_of(answer.error_code), f"{self.address} refused to name its versions")
        return answer

    def version_of(self, request: type[Body], newest: int | None = None) -> int:
        """The newest version of a request that both sides speak. Raises VersionMismatch."""
        oldest, ours = stable_versions(request)
        theirs = self.versions.get(key_of(request))
        if theirs is not None:
            version = min(ours, theirs[1], ours if newest is None else newest)
            if version >= max(oldest, theirs[0]):
                return version
        offered = "not at all" if theirs is None else f"in versions {theirs[0]} to {theirs[1]}"
        raise VersionMismatch(
            f"{self.address} offers {request.__name__.removesuffix('Request')} {offered}, "
            f"this client speaks {oldest} to {ours}"
        )

    async def call(
        self, request: Body, response: type[R], *, timeout: int | None = None, newest: int | None = None
    ) -> R:
        """Send a request in the newest common version (at most `newest`) and await its answer.

        `timeout` in ms (default: request.timeout.ms). Raises ConnectionFailed, ClientTimeout, VersionMismatch.
        Errors inside the answer are the caller's to read.
        """
        answer: R = await self.begin(request, response, timeout=timeout, newest=newest)
        return answer

    def begin(
        self, request: Body, response: type[R], *, timeout: int | None = None, newest: int | None = None
    ) -> Future[Any]:
        """As `call`, for those to whom the order of requests matters: it is sent when this returns."""
        version = self.version_of(type(request), newest)
        return self._exchange(request, response, version, timeout)

    def send(self, request: Body, *, newest: int | None = None) -> None:
        """Send a request that gets no answer (Produce with acks=0)."""
        self._write(request, self.version_of(type(request), newest))

    def close(self) -> None:
        self._fail(ConnectionFailed(self.address, "the client closed it"), abort=False)

    # -- requests

    def _exchange(self, request: Body, response: type[R], version: int, timeout: int | None) -> Future[Any]:
        clock = self._world.clock
        deadline = clock.now() + (self._settings.request_timeout_ms if timeout is None else timeout)
        correlation_id = self._write(request, version)
        waiting = Waiting(correlation_id, response, version, clock.future(), deadline)
        self._waiting.append(waiting)
        self._set_timer(clock)
        return waiting.future

    def _write(self, request: Body, version: int) -> int:
        if self.error is not None:
            raise self.error
        assert self._stream is not None, "open() comes first"
        self._correlation_id = self._correlation_id + 1 & 0x7FFFFFFF
        key = key_of(type(request))
        header = RequestHeader(key, version, self._correlation_id, self._settings.client_id)
        opening = encode(header, header_versions(key, version)[0])
        self._stream.send(frame([opening, *encode_parts(request, version)]))
        return self._correlation_id

    def _set_timer(self, clock: Clock) -> None:
        """One timer, for the request that is due first: usually, but not always, the oldest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = clock.call_at(min(waiting.deadline for waiting in self._waiting), self._overdue)

    def _overdue(self) -> None:
        self._timer = None
        now = self._world.clock.now()
        late = [waiting for waiting in self._waiting if waiting.deadline <= now]
        if not late:
            self._set_timer(self._world.clock)
            return
        what = late[0].response.__name__.removesuffix("Response")
        self._fail(ClientTimeout(f"{self.address} did not answer {what} in time"), abort=True)

    # -- the Session side of the Network door

    def opened(self, connection: doors.Connection) -> None:
        self._stream = connection

    def buffer(self) -> memoryview:
        return self._frames.buffer()

    def filled(self, count: int) -> None:
        try:
            for answer in self._frames.filled(count):
                self._answered(answer)
        except (FrameError, DecodeError) as error:
            self._fail(
                ConnectionFailed(self.address, f"it sent what is not Kafka's protocol ({error})"), abort=True
            )

    def drained(self) -> None:
        """Nothing here waits for the kernel to take what was sent: what waits, waits for answers."""

    def closed(self, error: OSError | None) -> None:
        self._fail(
            ConnectionFailed(self.address, reason(error) if error else "the broker closed it"), abort=False
        )

    def _answered(self, data: bytes) -> None:
        if not self._waiting:
            raise DecodeError("an answer that nobody asked for")
        waiting = self._waiting[0]
        header_version = header_versions(key_of(waiting.response), waiting.version)[1]
        header, offset = decode_from(ResponseHeader, data, header_version)
        if header.correlation_id != waiting.correlation_id:
            raise DecodeError(f"an answer to request {header.correlation_id}, not {waiting.correlation_id}")
        answer = read_answer(waiting, data, offset)
        self._waiting.popleft()
        self._set_timer(self._world.clock)
        if not waiting.future.done():
            waiting.future.set_result(answer)

    def _fail(self, error: ConnectionFailed | ClientTimeout, *, abort: bool) -> None:
        """Give up on the connection: everything that waits on it gets the error."""
        if self.error is None:
            self.error = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        stream, self._stream = self._stream, None
        if stream is not None:
            if abort:
                stream.abort()
            else:
                stream.close()
        while self._waiting:
            future = self._waiting.popleft().future
            if not future.done():
                future.set_exception(self.error)


def stable_versions(request: type[Body]) -> tuple[int, int]:
    """The versions of a request we may use: all but one that Kafka still marks as unstable."""
    wire = request.wire
    return wire.versions.first, wire.versions.last - wire.unstable


def key_of(message: type[Body]) -> ApiKey:
    """The API a request or an answer belongs to."""
    assert message.wire.key is not None, f"{message.__name__} belongs to no API"
    return ApiKey(message.wire.key)


def read_answer(waiting: Waiting, data: bytes, offset: int) -> Body:
    """Decode an answer. A broker that does not know our ApiVersions version answers in version 0."""
    if waiting.response is not ApiVersionsResponse:
        return decode(waiting.response, data, waiting.version, offset)
    unsupported = data[offset : offset + 2] == ErrorCode.UNSUPPORTED_VERSION.to_bytes(2, "big")
    return decode(ApiVersionsResponse, data, 0 if unsupported else waiting.version, offset)


def reason(error: OSError) -> str:
    """Why a connection failed, in the system's words."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused, nobody listens there"
    return error.strerror or str(error) or type(error).__name__


def software_version() -> str:
    from ottla import __version__

    return __version__
