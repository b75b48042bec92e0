"""A group coordinator with share groups, and share coordinators that answer at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ottla.core.coordination.contract import Decision
from ottla.core.groups.share.group import ShareGroup
from ottla.core.groups.share.initializing import INITIALIZE, ShareStates
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)
from tests.unit.coordination.driving import World
from tests.unit.groups.driving import Groups


class ShareGroups(Groups):
    """`stored`: (group, topic id, partition) → start offset. `failing`: the error with which these fail."""

    def __init__(self, world: World | None = None, **settings: Any) -> None:
        self.stored: dict[tuple[str, bytes, int], int] = {}
        self.failing: dict[tuple[bytes, int], ErrorCode] = {}
        self.patient = False
        settings.setdefault("group_share_assignment_interval_ms", 0)
        super().__init__(world or World(orders=4, bills=2), **settings)

    def take(self, decision: Decision) -> None:
        super().take(decision)
        if not self.patient:
            self.answer_calls()

    def answer_calls(self) -> None:
        while self.calls:
            call = self.calls.pop(0)
            wanted: ShareStates = call.body
            answer: dict[tuple[bytes, int], KafkaError | None] = {}
            for topic_id, share in wanted.shares.items():
                for index in share.partitions:
                    code = self.failing.get((topic_id, index))
                    answer[topic_id, index] = None if code is None else KafkaError(code)
                    place = (wanted.group, topic_id, index)
                    if code is not None:
                        continue
                    if call.name == INITIALIZE:
                        self.stored[place] = wanted.offsets.get((topic_id, index), -1)
                    else:
                        self.stored.pop(place, None)
            self.take(self.machine.answered(self.moment, call, answer))

    def group(self, name: str = "g") -> ShareGroup:
        found = self.state.groups[name]
        assert isinstance(found, ShareGroup)
        return found

    def beat(
        self, member: str, epoch: int, topics: Iterable[str] | None = None, group: str = "g", **fields: Any
    ) -> ShareGroupHeartbeatResponse:
        """The answer to a heartbeat. Raises what the coordinator raised."""
        answer = self.ask(heartbeat(member, epoch, topics, group, **fields))
        if isinstance(answer, KafkaError):
            raise answer
        assert isinstance(answer, ShareGroupHeartbeatResponse)
        return answer

    def settle(self, *members: str, rounds: int = 3, group: str = "g") -> None:
        """Everybody beats until everybody has what is theirs."""
        for _ in range(rounds):
            for member in members:
                self.beat(member, self.group(group).members[member].epoch, group=group)

    def assigned(self, member: str, group: str = "g") -> dict[str, list[int]]:
        """By the names of topics."""
        found = self.group(group).members[member].assigned
        names = {each.id: name for name, each in self.world.topics.items()}
        return {names[topic_id]: sorted(indexes) for topic_id, indexes in found.items()}


def heartbeat(
    member: str, epoch: int, topics: Iterable[str] | None = None, group: str = "g", **fields: Any
) -> ShareGroupHeartbeatRequest:
    return ShareGroupHeartbeatRequest(
        group_id=group,
        member_id=member,
        member_epoch=epoch,
        subscribed_topic_names=None if topics is None else list(topics),
        **fields,
    )
