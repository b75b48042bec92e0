"""Requests struck by faults: held back, answered with an error, cut off in the middle of their answer.

The broker's handlers are wrapped one by one. While no fault is set, a wrapped handler looks at one empty dictionary and
calls the real one.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ottla.broker.apis import HANDLERS
from ottla.broker.context import CloseConnection
from ottla.broker.later import Later
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from ottla.core.wire.messages.share_fetch import ShareFetchResponse
from ottla.testing.words import Cut, Delay, Fail, Requests
from ottla.world.doors import FileSlice

if TYPE_CHECKING:
    from ottla.broker.context import Context
    from ottla.broker.router import Handler, Reply
    from ottla.broker.services import Services
    from ottla.testing.network import WatchedNetwork
    from ottla.world.doors import Clock

SESSION_ERRORS: Final = frozenset(
    {
        ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
        ErrorCode.INVALID_FETCH_SESSION_EPOCH,
        ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
    }
)


class Strike:
    """A fault of requests, while it lasts."""

    def __init__(self, fault: Requests, clock: Clock) -> None:
        self.fault = fault
        self.struck = 0
        self._clock = clock
        self._apis = frozenset(fault.apis)
        self._held: set[Future[None]] = set()

    def meant(self, key: int, client_id: str | None) -> bool:
        """Whether it strikes such a request, now."""
        fault = self.fault
        if self._apis and key not in self._apis:
            return False
        if fault.client_id is not None and fault.client_id != client_id:
            return False
        return fault.times is None or self.struck < fault.times

    async def hold(self, ms: int) -> None:
        """Wait so long, or until the fault is lifted."""
        held: Future[None] = self._clock.future()
        self._held.add(held)
        timer = self._clock.call_at(self._clock.now() + ms, lambda: _let_go(held))
        try:
            await held
        finally:
            timer.cancel()
            self._held.discard(held)

    def lift(self) -> None:
        """What is held back may go."""
        for held in list(self._held):
            _let_go(held)


class Strikes:
    """All faults of requests that are set, by their id."""

    def __init__(self, network: WatchedNetwork) -> None:
        self.set: dict[int, Strike] = {}
        self._network = network

    def wrapped(self, handlers: Mapping[ApiKey, str] = HANDLERS) -> dict[ApiKey, Handler | str]:
        """The handlers of a broker under test."""
        return {key: self._wrap(key, module) for key, module in handlers.items()}

    def _wrap(self, key: ApiKey, module: str) -> Handler:
        real: Handler | None = None

        def handle(services: Services, context: Context, request: Any) -> Any:
            nonlocal real
            if real is None:
                real = import_module(f"ottla.broker.apis.{module}").handle
            if not self.set:
                return real(services, context, request)
            strikes = [each for each in self.set.values() if each.meant(key, context.client_id)]
            if not strikes:
                return real(services, context, request)
            fail = next((each.fault for each in strikes if isinstance(each.fault, Fail)), None)
            if fail is not None and key is ApiKey.FETCH and names_less(request, fail.error):
                raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
            for each in strikes:
                each.struck += 1
            return self._strike(strikes, fail, real, services, context, request)

        return handle

    async def _strike(
        self,
        strikes: list[Strike],
        fail: Fail | None,
        real: Handler,
        services: Services,
        context: Context,
        request: Any,
    ) -> Reply:
        answer: Reply = None
        if fail is None or fail.executed:
            answer = await _outcome(real(services, context, request), services.clock)
        try:
            for each in strikes:
                if isinstance(each.fault, Delay):
                    await each.hold(each.fault.ms)
        except BaseException:
            release(answer)
            raise
        if any(isinstance(each.fault, Cut) for each in strikes):
            if answer is None and fail is None:
                raise CloseConnection("a fault cuts the connection", kind="fault")
            self._network.cut_next(context.peer)
        if fail is not None:
            release(answer)
            if context.key != ApiKey.FETCH or fail.error in SESSION_ERRORS:
                raise KafkaError(ErrorCode(fail.error))
            answer = refused_fetch(request, fail.error)
        return answer


async def _outcome(outcome: Reply | Awaitable[Reply] | Later[Any], clock: Clock) -> Reply:
    """What a handler says, whichever way it says it."""
    if isinstance(outcome, Later):
        told: Future[Any] = clock.future()
        outcome.add_done_callback(lambda later: None if told.done() else told.set_result(None))
        try:
            await told
        except BaseException:
            outcome.cancel()
            raise
        answer: Reply = outcome.result()
        return answer
    if isinstance(outcome, Awaitable):
        return await outcome
    return outcome


def names_less(request: FetchRequest, error: int) -> bool:
    """Whether the error cannot be said, since the request names only what has changed in its session. A client whose
    session is gone names all its partitions with the next request."""
    return request.session_epoch > 0 and error not in SESSION_ERRORS


def refused_fetch(request: FetchRequest, error: int) -> FetchResponse:
    """The error beside each partition, where leaders and topics that are gone are told. Beside the whole it would be taken
    for a matter of the session, and never reach the program."""
    topics = []
    for topic in request.topics:
        partitions = [
            PartitionData(partition_index=each.partition, error_code=error, high_watermark=-1, records=b"")
            for each in topic.partitions
        ]
        named = FetchableTopicResponse(topic=topic.topic, topic_id=topic.topic_id, partitions=partitions)
        topics.append(named)
    return FetchResponse(responses=topics)


def release(answer: Reply) -> None:
    """Let go of the files in an answer that nobody gets."""
    if isinstance(answer, FetchResponse | ShareFetchResponse):
        for topic in answer.responses:
            for partition in topic.partitions:
                if isinstance(partition.records, FileSlice):
                    partition.records.release()


def _let_go(held: Future[None]) -> None:
    if not held.done():
        held.set_result(None)
