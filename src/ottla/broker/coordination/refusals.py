"""What those hear who asked a coordinator that cannot write down what it decided."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable
from typing import Final

from ottla.core.coordination.contract import Reply
from ottla.core.model.errors import ErrorCode, KafkaError

_TOLD: Final = {
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_ENOUGH_REPLICAS: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.REQUEST_TIMED_OUT: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_LEADER_OR_FOLLOWER: ErrorCode.NOT_COORDINATOR,
    ErrorCode.KAFKA_STORAGE_ERROR: ErrorCode.NOT_COORDINATOR,
}


def refusal(code: ErrorCode) -> KafkaError:
    """What a client of the coordinator is told when its partition says `code`."""
    return KafkaError(_TOLD.get(code, code))


def refused(replies: Iterable[Reply], error: KafkaError) -> list[Reply]:
    """The same error for everybody who would have had a reply."""
    return [Reply(each.token, error) for each in replies]


def settle(done: Future[None], code: ErrorCode) -> None:
    """What became of a write, for the one who waits for it. Nothing when he has gone."""
    if done.done():
        return
    if code:
        done.set_exception(KafkaError(code))
    else:
        done.set_result(None)
