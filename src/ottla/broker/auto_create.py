"""Topics that come into being because a client asked about them (`auto.create.topics.enable`).

The creation goes to the controller like anybody's CreateTopics; the client that triggered it is told
UNKNOWN_TOPIC_OR_PARTITION and asks again, as with Kafka.
"""

from __future__ import annotations

import logging
from typing import Final

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

log = logging.getLogger("ottla.topics")

CONTROLLER_DECIDES: Final = -1
"""Partitions and replication factor as the controller's own settings say."""

INTERNAL: Final[dict[str, tuple[str, dict[str, str], bool]]] = {
    "__consumer_offsets": (
        "offsets.topic",
        {"cleanup.policy": "compact", "compression.type": "producer"},
        False,
    ),
    "__transaction_state": (
        "transaction.state.log",
        {
            "cleanup.policy": "compact",
            "compression.type": "uncompressed",
            "unclean.leader.election.enable": "false",
        },
        True,
    ),
    "__share_group_state": (
        "share.coordinator.state.topic",
        {"cleanup.policy": "delete", "compression.type": "producer", "retention.ms": "-1"},
        True,
    ),
}
"""Topics of the coordinators: the prefix of their settings, their configs, whether they have a min.isr of their own."""


def create(services: Services, context: Context, names: list[str]) -> None:
    """Ask for the topics that nobody has asked for yet."""
    fresh = [name for name in names if name not in services.auto_creating]
    if not fresh:
        return
    services.auto_creating.update(fresh)
    services.clock.spawn(_create(services, context, fresh), name="create topics automatically")


async def _create(services: Services, context: Context, names: list[str]) -> None:
    request = CreateTopicsRequest(
        topics=[_wanted(services.settings, name) for name in names],
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


def _wanted(settings: NodeSettings, name: str) -> CreatableTopic:
    """The topic as this broker's settings want it; what they do not say is left to the controller."""
    internal = INTERNAL.get(name)
    if internal is not None:
        return _internal(settings, name, *internal)
    partitions = settings["num.partitions"] if "num.partitions" in settings.static else CONTROLLER_DECIDES
    replicas = CONTROLLER_DECIDES
    if "default.replication.factor" in settings.static:
        replicas = settings["default.replication.factor"]
    return CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas)


def _internal(
    settings: NodeSettings, name: str, prefix: str, configs: dict[str, str], min_isr: bool
) -> CreatableTopic:
    configs = {**configs, "segment.bytes": str(settings[f"{prefix}.segment.bytes"])}
    if min_isr:
        configs["min.insync.replicas"] = str(settings[f"{prefix}.min.isr"])
    return CreatableTopic(
        name=name,
        num_partitions=settings[f"{prefix}.num.partitions"],
        replication_factor=settings[f"{prefix}.replication.factor"],
        configs=[CreatableTopicConfig(name=key, value=value) for key, value in configs.items()],
    )
