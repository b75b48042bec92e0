"""The internal topics of streams groups: created because a group's topology needs them.

The creation goes to the controller in the name of the member whose heartbeat found them missing; its answer does not wait.
What the controller refuses is told with the next heartbeats, and tried again when that is some heartbeats old.
"""

from __future__ import annotations

import logging
from typing import Final, NamedTuple

from ottla.broker.auto_create import shown
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse

log = logging.getLogger("ottla.topics")

KEPT_MAX: Final = 1_000
"""Topics whose refusal is remembered."""


class Refusal(NamedTuple):
    text: str
    until: int
    """Monotonic ms."""


def create_streams_topics(
    services: Services, context: Context, topics: list[CreatableTopic], remember_ms: int
) -> None:
    """Ask for those topics that nobody has asked for yet and that were not refused lately."""
    wanted = [
        topic
        for topic in topics
        if topic.name not in services.auto_creating and refusal(services, topic.name) is None
    ]
    if not wanted:
        return
    services.auto_creating.update(topic.name for topic in wanted)
    services.clock.spawn(_create(services, context, wanted, remember_ms), name="create topics of streams")


def refusal(services: Services, topic: str) -> str | None:
    """Why the topic could not be created, if it was tried not long ago."""
    known = services.streams_topics_refused.get(topic)
    return None if known is None or known.until <= services.clock.now() else known.text


async def _create(
    services: Services, context: Context, topics: list[CreatableTopic], remember_ms: int
) -> None:
    names = [topic.name for topic in topics]
    request = CreateTopicsRequest(topics=topics, timeout_ms=services.settings["request.timeout.ms"])
    refused: dict[str, str] = {}
    try:
        response = await services.controller.request(context, ApiKey.CREATE_TOPICS, request)
        assert isinstance(response, CreateTopicsResponse)
        for topic in response.topics:
            if topic.error_code:
                refused[topic.name] = topic.error_message or KafkaError(error_of(topic.error_code)).text
    except KafkaError as error:
        refused = dict.fromkeys(names, error.text)
    finally:
        services.auto_creating.difference_update(names)
    for name, text in refused.items():
        _remember(services, name, Refusal(text, services.clock.now() + remember_ms))
    made = [name for name in names if name not in refused]
    if made:
        log.info("created %d topics for streams client_id=%s: %s", len(made), context.client_id, shown(made))
    if refused:
        name, text = next(iter(refused.items()))
        log.warning("%d topics of streams cannot be created, topic=%s: %s", len(refused), name, text)


def _remember(services: Services, name: str, refusal: Refusal) -> None:
    known = services.streams_topics_refused
    known.pop(name, None)
    if len(known) >= KEPT_MAX:
        del known[next(iter(known))]
    known[name] = refusal
