"""Requests about many share partitions, each of which is asked of its own coordinator: the common part of the five APIs
between brokers that store and read the state of share groups (KIP-932).

Behaviour: without a group id, or where a topic comes without partitions, the answer is empty. A partition named twice is
asked about twice and answered once, with the later answer.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from ottla.broker.coordination.persister import Asked, ask_share_state
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.share_state.requests import SharePartitionKey

ResultT = TypeVar("ResultT")


class Named(Protocol):
    """A topic of such a request."""

    topic_id: Uuid
    partitions: list[Any]


async def ask_each(
    services: Services,
    group: str,
    topics: Iterable[Named],
    question: Callable[[SharePartitionKey, Any], Asked],
    result: Callable[[int, Any], ResultT],
    what: str,
    *,
    empty_topics: bool = False,
) -> list[tuple[Uuid, list[ResultT]]]:
    """`question(key, partition)` is asked for every partition, all at once; `result(partition, answer)` makes what is
    answered about it, the answer being a KafkaError where `what` failed. By topic, partitions in order."""
    named = list(topics)
    if not group or (not empty_topics and any(not topic.partitions for topic in named)):
        return []
    asked: dict[Uuid, dict[int, Future[Any] | KafkaError]] = {}
    for topic in named:
        for each in topic.partitions:
            key = SharePartitionKey(group, topic.topic_id, each.partition)
            asked.setdefault(topic.topic_id, {})[each.partition] = _ask(services, question(key, each), what)
    return [
        (topic_id, [result(index, await _answer(answers[index])) for index in sorted(answers)])
        for topic_id, answers in asked.items()
    ]


def _ask(services: Services, question: Asked, what: str) -> Future[Any] | KafkaError:
    try:
        return ask_share_state(services, question)
    except KafkaError as error:
        return KafkaError(error.code, f"Unable to {what}: {error.text}")


async def _answer(asked: Future[Any] | KafkaError) -> Any:
    if isinstance(asked, KafkaError):
        return asked
    try:
        return await asked
    except KafkaError as error:
        return error
