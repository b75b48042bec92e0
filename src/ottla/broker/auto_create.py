"""Topics that come into being because a client asked about them (`auto.create.topics.enable`).

The creation goes to the controller like anybody's CreateTopics; the client that triggered it is told
UNKNOWN_TOPIC_OR_PARTITION and asks again, as with Kafka.
"""

from __future__ import annotations

import logging
from typing import Final, NamedTuple

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

log = logging.getLogger("ottla.topics")

SHOWN_MAX: Final = 5
CONTROLLER_DECIDES: Final = -1
"""Partitions and replication factor as the controller's own settings say."""


class Internal(NamedTuple):
    """A topic of the coordinators: the settings its shape is in, and its configs."""

    partitions: str
    replicas: str
    segment_bytes: str
    min_isr: str | None
    configs: dict[str, str]


INTERNAL: Final = {
    "__consumer_offsets": Internal(
        "offsets.topic.num.partitions",
        "offsets.topic.replication.factor",
        "offsets.topic.segment.bytes",
        None,
        {"cleanup.policy": "compact", "compression.type": "producer"},
    ),
    "__transaction_state": Internal(
        "transaction.state.log.num.partitions",
        "transaction.state.log.replication.factor",
        "transaction.state.log.segment.bytes",
        "transaction.state.log.min.isr",
        {
            "cleanup.policy": "compact",
            "compression.type": "uncompressed",
            "unclean.leader.election.enable": "false",
        },
    ),
    "__share_group_state": Internal(
        "share.coordinator.state.topic.num.partitions",
        "share.coordinator.state.topic.replication.factor",
        "share.coordinator.state.topic.segment.bytes",
        "share.coordinator.state.topic.min.isr",
        {"cleanup.policy": "delete", "compression.type": "producer", "retention.ms": "-1"},
    ),
}


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
        log.warning("topics=%s cannot be created automatically: %s", shown(names), error)
        return
    finally:
        services.auto_creating.difference_update(names)
    assert isinstance(response, CreateTopicsResponse)
    refused: dict[int, list[str]] = {}
    reasons: dict[int, str] = {}
    for topic in response.topics:
        if topic.error_code:
            refused.setdefault(topic.error_code, []).append(topic.name)
            reasons.setdefault(topic.error_code, topic.error_message or error_of(topic.error_code).name)
        else:
            services.creations_refused.discard(topic.name)
            log.info("created topic=%s because client_id=%s asked for it", topic.name, context.client_id)
    for code, some in refused.items():
        fresh = [name for name in some if name not in services.creations_refused]
        if fresh:
            log.warning(
                "topics=%s cannot be created automatically: %s%s",
                shown(fresh),
                reasons[code],
                _cure(fresh, code),
            )
    for some in refused.values():
        # Clients ask again every second; who reads the log wants the reason once. Names of clients' own are not kept.
        services.creations_refused.update(name for name in some if name in INTERNAL)


def _cure(names: list[str], code: int) -> str:
    """What to set when a coordinator's topic wants more brokers than there are."""
    if code != ErrorCode.INVALID_REPLICATION_FACTOR:
        return ""
    settings = [INTERNAL[name].replicas for name in names if name in INTERNAL]
    return f" (set {', '.join(settings)} to the number of brokers at most)" if settings else ""


def shown(names: list[str]) -> str:
    """Names for a line of the log: a client may ask for thousands."""
    more = len(names) - SHOWN_MAX
    return ",".join(names[:SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")


def _wanted(settings: NodeSettings, name: str) -> CreatableTopic:
    """The topic as this broker's settings want it; what they do not say is left to the controller."""
    internal = INTERNAL.get(name)
    if internal is not None:
        return _internal(settings, name, internal)
    partitions = settings["num.partitions"] if "num.partitions" in settings.static else CONTROLLER_DECIDES
    replicas = CONTROLLER_DECIDES
    if "default.replication.factor" in settings.static:
        replicas = settings["default.replication.factor"]
    return CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas)


def _internal(settings: NodeSettings, name: str, topic: Internal) -> CreatableTopic:
    configs = {**topic.configs, "segment.bytes": str(settings[topic.segment_bytes])}
    if topic.min_isr is not None:
        configs["min.insync.replicas"] = str(settings[topic.min_isr])
    return CreatableTopic(
        name=name,
        num_partitions=settings[topic.partitions],
        replication_factor=settings[topic.replicas],
        configs=[CreatableTopicConfig(name=key, value=value) for key, value in configs.items()],
    )
