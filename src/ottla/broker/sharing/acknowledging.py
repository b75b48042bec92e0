"""What members say of the records they hold, as it stands in ShareAcknowledge and beside a ShareFetch.

Every partition is answered by itself: an error of one is nothing to the others.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.share_sessions import Key, Owner
from ottla.core.partition.sharing.values import Acknowledgement, AcknowledgeType
from ottla.core.share_state.requests import SharePartitionKey
from ottla.core.wire.permissions import Operation, ResourceType

if TYPE_CHECKING:
    from ottla.broker.context import Context
    from ottla.broker.services import Services
    from ottla.broker.sharing.sharing import Sharing
    from ottla.core.wire.messages import share_acknowledge, share_fetch

    Topic: TypeAlias = share_fetch.FetchTopic | share_acknowledge.AcknowledgeTopic
    Batch: TypeAlias = share_fetch.AcknowledgementBatch | share_acknowledge.AcknowledgementBatch

RENEWS_SINCE: Final = 2
"""The version of both APIs that knows renewals (KIP-1222)."""
NOT_HOSTED: Final = "This server does not host this topic-partition."


class Acknowledged:
    """`errors`: what is decided, None where all is well. `pending`: what waits for the share coordinator."""

    __slots__ = ("errors", "pending")

    def __init__(self) -> None:
        self.errors: dict[Key, KafkaError | None] = {}
        self.pending: dict[Key, Future[None]] = {}

    async def settle(self) -> None:
        """Wait until nothing is pending."""
        for key, future in self.pending.items():
            try:
                await future
            except KafkaError as error:
                self.errors[key] = error
            else:
                self.errors[key] = None
        self.pending.clear()


def acknowledge(
    services: Services,
    sharing: Sharing,
    context: Context,
    owner: Owner,
    topics: Iterable[Topic],
    *,
    renews: bool,
) -> Acknowledged:
    """Hand over everything that `topics` say. `renews`: the request admits to renewals."""
    result = Acknowledged()
    silent: list[Key] = []
    kinds = AcknowledgeType.RENEW if context.version >= RENEWS_SINCE else AcknowledgeType.REJECT
    heard = False
    for topic in topics:
        name = services.partitions.topic_name(topic.topic_id)
        for partition in topic.partitions:
            key = (topic.topic_id, partition.partition_index)
            code = ErrorCode.UNKNOWN_TOPIC_ID
            if name is not None:
                code = _check(partition.acknowledgement_batches, kinds, renews=renews)
                code = code or _check_access(services, context, name, key[1])
            if code:
                result.errors[key] = KafkaError(code, "")
            elif not partition.acknowledgement_batches:
                silent.append(key)
            else:
                heard = True
                _hand_over(sharing, owner, key, partition.acknowledgement_batches, result)
    if heard:
        for key in silent:
            result.errors.setdefault(key, None)
    return result


def _check(batches: Sequence[Batch], kinds: int, *, renews: bool) -> ErrorCode:
    """INVALID_REQUEST for what cannot be meant: offsets backwards, types without meaning, or not one for each offset."""
    end = -1
    for each in batches:
        types = each.acknowledge_types
        count = each.last_offset - each.first_offset + 1
        if (
            count < 1
            or each.first_offset < end
            or not types
            or (len(types) > 1 and len(types) != count)
            or any(not 0 <= kind <= kinds for kind in types)
            or (AcknowledgeType.RENEW in types and not renews)
        ):
            return ErrorCode.INVALID_REQUEST
        end = each.last_offset
    return ErrorCode.NONE


def _check_access(services: Services, context: Context, topic: str, index: int) -> ErrorCode:
    if not services.authorizer.allows(context, Operation.READ, ResourceType.TOPIC, topic):
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    if services.image.partition(topic, index) is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.NONE


def _hand_over(
    sharing: Sharing, owner: Owner, key: Key, batches: Sequence[Batch], result: Acknowledged
) -> None:
    shared = sharing.find(SharePartitionKey(owner.group, *key))
    try:
        if shared is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, NOT_HOSTED)
        said = [
            Acknowledgement(each.first_offset, each.last_offset, each.acknowledge_types) for each in batches
        ]
        pending: Any = shared.acknowledge(owner.member, said)
    except KafkaError as error:
        result.errors[key] = error
        return
    if pending is None:
        result.errors[key] = None
    else:
        result.pending[key] = pending
