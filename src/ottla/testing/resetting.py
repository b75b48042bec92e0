"""A broker as it was when it started, in milliseconds: everything that users have made is deleted.

One write to the metadata log does it. The topics of the coordinators go the same way, and with them all groups, committed
offsets, transactions and share states; clients that still run hear what they would hear had somebody deleted the topics.
They come back at once, since the first client to ask for a coordinator would wait for its next attempt otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ottla.broker import auto_create
from ottla.broker.context import from_within
from ottla.broker.coordination.shard import Shard, State
from ottla.core.metadata.image import ResourceType
from ottla.core.metadata.levels import ELR_VERSION
from ottla.core.wire.messages.records import metadata as m
from ottla.testing.words import BrokerFailed

if TYPE_CHECKING:
    from ottla.broker.node import Node
    from ottla.core.metadata.image import MetadataImage
    from ottla.core.model.ids import Uuid

COORDINATORS_MS: Final = 10_000
"""How long the coordinators may take to be there."""
ASKED_EVERY_MS: Final = 1


async def reset(node: Node) -> None:
    """Topics, groups, offsets, transactions, dynamic configs, quotas, credentials, ACLs and tokens are gone afterwards.

    Raises KafkaError, BrokerFailed."""
    image = node.quorum.image
    records = [*_topics(image), *_configs(image, _initial_configs(node)), *_users(image)]
    await node.quorum.write(records)
    await open_coordinators(node)


async def open_coordinators(node: Node) -> None:
    """Make the topics of the coordinators, and wait until these serve. Raises BrokerFailed."""
    services, clock = node.services, node.world.clock
    missing = [name for name in auto_create.INTERNAL if name not in services.image.topics_by_name]
    auto_create.create(services, from_within(), missing)
    deadline = clock.now() + COORDINATORS_MS
    while not _serving(node):
        if clock.now() > deadline:
            raise BrokerFailed(
                f"the coordinators did not open within {COORDINATORS_MS} ms; the log may say why"
            )
        await clock.sleep(ASKED_EVERY_MS)


def _serving(node: Node) -> bool:
    image = node.services.image
    for shards in node.services.coordinators:
        topic = image.topics_by_name.get(shards.kind.topic)
        led = list(shards)
        if topic is None or len(led) < len(topic.partitions):
            return False
        if not all(shard.state is State.ACTIVE and _stores(shard, topic.id) for shard in led):
            return False
    return True


def _stores(shard: Shard, topic_id: Uuid) -> bool:
    log = shard.partition.log
    return log is not None and log.topic_id == topic_id


def _topics(image: MetadataImage) -> Iterator[object]:
    for topic_id in image.topics_by_id:
        yield m.RemoveTopicRecord(topic_id=topic_id)


def _configs(
    image: MetadataImage, initial: dict[tuple[int, str], dict[str, str]]
) -> Iterator[m.ConfigRecord]:
    """Those of topics go with the topics."""
    for kind, name in [*image.configs, *(each for each in initial if each not in image.configs)]:
        if kind == ResourceType.TOPIC:
            continue
        now, then = image.configs.get((kind, name), {}), initial.get((kind, name), {})
        for key in {**now, **then}:
            if now.get(key) != then.get(key):
                yield m.ConfigRecord(resource_type=kind, resource_name=name, name=key, value=then.get(key))


def _initial_configs(node: Node) -> dict[tuple[int, str], dict[str, str]]:
    """What the first leader of the metadata wrote."""
    if not node.quorum.image.features.get(ELR_VERSION, 0):
        return {}
    replicas = str(node.quorum.settings.min_insync_replicas)
    return {(int(ResourceType.BROKER), ""): {"min.insync.replicas": replicas}}


def _users(image: MetadataImage) -> Iterator[object]:
    for entity, quotas in image.client_quotas.items():
        parts = [m.EntityData(entity_type=kind, entity_name=name) for kind, name in entity]
        for key in quotas:
            yield m.ClientQuotaRecord(entity=parts, key=key, remove=True)
    for mechanism, user in image.scram:
        yield m.RemoveUserScramCredentialRecord(name=user, mechanism=mechanism)
    for acl in image.acls:
        yield m.RemoveAccessControlEntryRecord(id=acl)
    for token in image.tokens:
        yield m.RemoveDelegationTokenRecord(token_id=token)
