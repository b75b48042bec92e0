"""What clients of coordinators have in common: the words for "not now", and finding a coordinator."""

from __future__ import annotations

from typing import Final

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client

SOURCE, SINK = "source", "sink"
LOOP, COMMITTERS, SHARERS, CONSUMERS = "loop", "committers", "sharers", "consumers"
"""The groups."""
GROUP_KEY, TRANSACTION_KEY = 0, 1

NOT_NOW: Final = frozenset(
    {
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.NOT_COORDINATOR,
        ErrorCode.CONCURRENT_TRANSACTIONS,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.NOT_ENOUGH_REPLICAS,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.KAFKA_STORAGE_ERROR,
        ErrorCode.UNSTABLE_OFFSET_COMMIT,
        ErrorCode.REQUEST_TIMED_OUT,
    }
)
"""Nothing is wrong with what was asked: it is too early for it."""


class NotNow(Exception):
    """The step cannot be done now; the next one begins anew."""


def check(what: str, code: int, *expected: ErrorCode) -> ErrorCode:
    """NONE or one of the `expected`. Raises NotNow, and Violation for what nobody had a reason to say."""
    found = ErrorCode(code)
    if found in NOT_NOW:
        raise NotNow(f"{what}: {found.name}")
    if found and found not in expected:
        raise Violation(f"{what} was answered {found.name}")
    return found


async def find(client: Client, kind: int, key: str) -> None:
    """Where the coordinator is; its topic is made on the way. Raises Unanswered, NotNow, Violation."""
    request = FindCoordinatorRequest(key_type=kind, coordinator_keys=[key])
    answer = await client.call(request, FindCoordinatorResponse)
    check(f"finding the coordinator of {key}", answer.coordinators[0].error_code)
