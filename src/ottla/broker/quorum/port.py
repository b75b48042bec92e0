"""The way to the controller for everybody on this node: handlers of brokers' and controllers' listeners alike.

Questions about the quorum itself are answered here, everything else is a command to the controller. With several
nodes this becomes a door that forwards to whoever leads; callers will not notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ottla.broker.context import Context
from ottla.broker.quorum.quorum import Quorum
from ottla.core.metadata.quotas import describe_quotas
from ottla.core.metadata.scram import describe_credentials
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.raft import peers
from ottla.core.raft.describe import describe_quorum
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.declaration import Body

K = ApiKey

TIMED: Final = frozenset(
    {
        K.CREATE_TOPICS,
        K.DELETE_TOPICS,
        K.CREATE_PARTITIONS,
        K.ELECT_LEADERS,
        K.ALTER_PARTITION_REASSIGNMENTS,
    }
)
"""Commands that say how long they may wait for their turn. With no time at all it never comes, as in Kafka."""


class LocalController:
    """`services.controller`: the controller in this process."""

    def __init__(self, quorum: Quorum, controller_listeners: frozenset[str]) -> None:
        self.quorum = quorum
        self._controller_listeners = controller_listeners

    async def request(self, context: Context, key: ApiKey, request: Body) -> Body:
        """The controller's answer, once everything it speaks of is committed. Raises KafkaError."""
        told = _TOLD.get(key)
        if told is not None:
            return told(self.quorum, context, request)
        if key in TIMED and getattr(request, "timeout_ms") <= 0:  # noqa: B009 (each of them has it)
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT)
        forwarded = context.listener not in self._controller_listeners
        # A request made inside the node (AllocateProducerIds for InitProducerId) is in its newest form, whatever the
        # version of the client's request that caused it.
        version = context.version if context.key == key else request.wire.versions.last
        answer: Body = await self.quorum.command(request, version, forwarded=forwarded)
        return answer


def _reached_over(context: Context) -> str:
    """The listener whose endpoint of the leader is told; version 0 has no place for one."""
    return context.listener if context.version >= 1 else ""


def _describe_quorum(quorum: Quorum, context: Context, request: Any) -> Body:
    return describe_quorum(
        quorum.facts(),
        request,
        context.version,
        wall=quorum.clock.wall(),
        observers=quorum.observers.active(quorum.clock.now()),
    )


_TOLD: Final[dict[ApiKey, Callable[[Quorum, Context, Any], Body]]] = {
    K.VOTE: lambda q, c, r: peers.answer_vote(q.facts(), r, _reached_over(c)),
    K.BEGIN_QUORUM_EPOCH: lambda q, c, r: peers.answer_begin(q.facts(), r, _reached_over(c)),
    K.END_QUORUM_EPOCH: lambda q, c, r: peers.answer_end(q.facts(), r, _reached_over(c)),
    K.DESCRIBE_QUORUM: _describe_quorum,
    K.ADD_RAFT_VOTER: lambda q, c, r: peers.answer_add_voter(q.facts(), r, q.kraft_version),
    K.REMOVE_RAFT_VOTER: lambda q, c, r: peers.answer_remove_voter(q.facts(), r, q.kraft_version),
    K.UPDATE_RAFT_VOTER: lambda q, c, r: peers.answer_update_voter(q.facts(), r, c.listener),
    K.DESCRIBE_CLIENT_QUOTAS: lambda q, c, r: describe_quotas(q.image, r),
    K.DESCRIBE_USER_SCRAM_CREDENTIALS: lambda q, c, r: describe_credentials(q.image, r),
}
"""What needs no decision: facts of the quorum and of the committed image."""
