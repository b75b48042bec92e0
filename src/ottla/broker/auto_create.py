"""Topics that come into being because a client asked about them (`auto.create.topics.enable`).

The creation goes to the controller like anybody's CreateTopics; the client that triggered it is told
UNKNOWN_TOPIC_OR_PARTITION and asks again, as with Kafka.
"""

from __future__ import annotations

import logging

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse

log = logging.getLogger("ottla.topics")

BROKER_DEFAULT = -1
"""Partitions and replication factor as the controller's defaults say."""


def create(services: Services, context: Context, names: list[str]) -> None:
    """Ask for the topics that nobody has asked for yet."""
    fresh = [name for name in names if name not in services.auto_creating]
    if not fresh:
        return
    services.auto_creating.update(fresh)
    services.clock.spawn(_create(services, context, fresh), name="create topics automatically")


async def _create(services: Services, context: Context, names: list[str]) -> None:
    static = services.settings.static
    partitions = services.settings["num.partitions"] if "num.partitions" in static else BROKER_DEFAULT
    replicas = BROKER_DEFAULT
    if "default.replication.factor" in static:
        replicas = services.settings["default.replication.factor"]
    request = CreateTopicsRequest(
        topics=[
            CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas)
            for name in names
        ],
        timeout_ms=services.settings["request.timeout.ms"],
    )
    try:
        response = await services.controller.request(context, ApiKey.CREATE_TOPICS, request)
    except KafkaError as error:
        log.warning("topics=%s cannot be created automatically: %s", ",".join(names), error)
        return
    finally:
        services.auto_creating.difference_update(names)
    assert isinstance(response, CreateTopicsResponse)
    for topic in response.topics:
        if topic.error_code:
            reason = topic.error_message or error_of(topic.error_code).name
            log.warning("topic=%s cannot be created automatically: %s", topic.name, reason)
        else:
            log.info("created topic=%s because client_id=%s asked for it", topic.name, context.client_id)
