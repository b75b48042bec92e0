"""Describing groups of the newer kinds (consumer, share, streams): each group stands for itself.

One that uses a topic which the caller may not describe is an error, and says nothing else.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from ottla.broker.authorizer import authorized_operations
from ottla.broker.context import Context
from ottla.broker.coordination.asking import GROUP_OPERATIONS, ask_group, check_group_id
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.permissions import Operation, ResourceType


class Asked(Protocol):
    """What the requests of all kinds have."""

    group_ids: list[str]
    include_authorized_operations: bool


class Described(Protocol):
    """What the answers of all kinds have."""

    group_id: str
    error_code: int
    error_message: str | None
    authorized_operations: int


Group = TypeVar("Group", bound=Described)


async def describe(
    services: Services,
    context: Context,
    request: Asked,
    kind: Callable[..., Group],
    question: Callable[[str], object],
    topics: Callable[[Group], Iterable[str]],
    hidden: str = "The group has described topic(s) that the client is not authorized to describe.",
) -> Sequence[Group]:
    """`question` is what the coordinator is asked, `topics` are those that a group uses, `hidden` is what is told of one
    that uses others' topics."""
    # Every group is asked before the first answer is waited for.
    asked = [(name, _ask(services, context, name, question)) for name in request.group_ids]
    found: list[Group] = []
    for name, answer in asked:
        try:
            if isinstance(answer, KafkaError):
                raise answer
            described: Group = await answer
            if not described.error_code:
                _check_topics(services, context, topics(described), hidden)
        except KafkaError as error:
            described = kind(group_id=name, error_code=error.code, error_message=error.message)
        if request.include_authorized_operations and not described.error_code:
            described.authorized_operations = authorized_operations(
                services.authorizer, context, ResourceType.GROUP, name, GROUP_OPERATIONS
            )
        found.append(described)
    return found


def _ask(
    services: Services, context: Context, name: str, question: Callable[[str], object]
) -> Future[Any] | KafkaError:
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.GROUP, name):
        return KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    try:
        check_group_id(name)
        return ask_group(services, context, name, question(name))
    except KafkaError as error:
        return error


def _check_topics(services: Services, context: Context, topics: Iterable[str], hidden: str) -> None:
    allows = services.authorizer.allows
    if not all(allows(context, Operation.DESCRIBE, ResourceType.TOPIC, name) for name in set(topics)):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED, hidden)
