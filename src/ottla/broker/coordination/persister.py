"""What share groups ask of the share coordinators, wherever these are: the state of share partitions, stored and read.

    persister.read(key, leader_epoch)       → PartitionState
    persister.write(Write(key, …))          → None
    persister.initialize(key, …)            → None
    persister.delete(key)                   → None
    persister.summary(key)                  → PartitionState

Each asks at once, so that what is asked in one turn is stored in one batch; awaiting the answer waits for it, and asks
again while the coordinator is not there yet: its topic is made by the first question, and its partition is loaded.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from ottla.broker import auto_create
from ottla.broker.context import from_within
from ottla.core.coordination.contract import Request
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.share_state.requests import (
    Delete,
    Initialize,
    PartitionState,
    Read,
    ReadSummary,
    SharePartitionKey,
    Write,
)

if TYPE_CHECKING:
    from ottla.broker.services import Services

Asked: TypeAlias = Initialize | Read | Write | Delete | ReadSummary
PlaceT = TypeVar("PlaceT")
AnswerT = TypeVar("AnswerT")

PAUSES_MS: Final = (100, 400, 1_000, 3_000)
"""A question is asked so many times more, after these pauses."""
_NOT_READY: Final = frozenset(
    {
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.NOT_COORDINATOR,
    }
)


class SharePersister:
    """Every method raises KafkaError when its answer is awaited: as `core.share_state` refuses, or not-ready ones
    when the coordinator did not come in time."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def initialize(
        self, key: SharePartitionKey, state_epoch: int, start_offset: int
    ) -> Coroutine[Any, Any, None]:
        return self._ask(Initialize(key, state_epoch, start_offset))

    def read(self, key: SharePartitionKey, leader_epoch: int) -> Coroutine[Any, Any, PartitionState]:
        return self._ask(Read(key, leader_epoch))

    def write(self, asked: Write) -> Coroutine[Any, Any, None]:
        return self._ask(asked)

    def delete(self, key: SharePartitionKey) -> Coroutine[Any, Any, None]:
        return self._ask(Delete(key))

    def summary(self, key: SharePartitionKey) -> Coroutine[Any, Any, PartitionState]:
        return self._ask(ReadSummary(key))

    def _ask(self, body: Asked) -> Coroutine[Any, Any, Any]:
        try:
            first: Future[Any] | KafkaError = ask_share_state(self._services, body)
        except KafkaError as error:
            first = error
        return self._answer(first, body)

    async def _answer(self, first: Future[Any] | KafkaError, body: Asked) -> Any:
        services = self._services
        for pause in (*PAUSES_MS, None):
            try:
                if isinstance(first, KafkaError):
                    raise first
                return await first
            except KafkaError as error:
                if error.code not in _NOT_READY or pause is None:
                    raise
            await services.clock.sleep(pause)
            try:
                first = ask_share_state(services, body)
            except KafkaError as error:
                first = error
        raise AssertionError("the last attempt returns or raises")


async def answers_of(
    questions: Mapping[PlaceT, Coroutine[Any, Any, AnswerT]],
) -> dict[PlaceT, AnswerT | KafkaError]:
    """What was asked already, answered: where an answer was a KafkaError, that."""
    answers: dict[PlaceT, AnswerT | KafkaError] = {}
    try:
        for place, question in questions.items():
            try:
                answers[place] = await question
            except KafkaError as error:
                answers[place] = error
    finally:
        # Whoever was cancelled leaves no question behind that nobody waits for.
        for question in questions.values():
            question.close()
    return answers


def ask_share_state(services: Services, body: Asked, version: int = -1) -> Future[Any]:
    """The answer of the share partition's coordinator on this node, as `core.share_state.requests` says.

    Raises KafkaError: NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE (its topic is being made now), COORDINATOR_LOAD_IN_PROGRESS.
    """
    shards = services.share_states
    name = body.key.coordinator_key
    if shards.partition_of(services.image, name) is None:
        auto_create.create(services, from_within(), [shards.kind.topic])
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return shards.ask(services.image, name, Request(body, version))
