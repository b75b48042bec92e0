"""What group coordinators ask of share coordinators: that the state of share partitions begins, or is deleted."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ottla.broker.coordination.persister import SharePersister, answers_of
from ottla.core.groups.share.initializing import INITIALIZE, UNINITIALIZED, ShareStates
from ottla.core.model.ids import Uuid
from ottla.core.share_state.requests import SharePartitionKey

if TYPE_CHECKING:
    from ottla.broker.coordination.shard import Shard
    from ottla.broker.services import Services
    from ottla.core.coordination.contract import Call


def perform(services: Services, shard: Shard, call: Call) -> None:
    services.clock.spawn(_perform(services, shard, call), name=f"{call.name} of {shard.partition.name}")


async def _perform(services: Services, shard: Shard, call: Call) -> None:
    """All share partitions are asked about at once; the answers come in any order."""
    wanted: ShareStates = call.body
    persister = SharePersister(services)
    asked: dict[tuple[Uuid, int], Coroutine[Any, Any, None]] = {}
    for topic_id, share in wanted.shares.items():
        for index in sorted(share.partitions):
            key = SharePartitionKey(wanted.group, topic_id, index)
            offset = wanted.offsets.get((topic_id, index), UNINITIALIZED)
            asked[topic_id, index] = (
                persister.initialize(key, wanted.epoch, offset)
                if call.name == INITIALIZE
                else persister.delete(key)
            )
    shard.answered(call, await answers_of(asked))
