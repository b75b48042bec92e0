"""What members of a streams group say, for tests of all its parts."""

from __future__ import annotations

from typing import Any

from ottla.core.groups.streams.group import StreamsGroup
from ottla.core.groups.streams.heartbeat import Beaten
from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.streams_group_heartbeat import (
    CopartitionGroup,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
    Subtopology,
    TaskIdsRequest,
    TopicInfo,
    Topology,
)
from tests.unit.coordination.driving import World
from tests.unit.groups.driving import Groups

CHANGELOG = "app-store-changelog"
REPARTITION = "app-store-repartition"


def word_count(source: str = "words", epoch: int = 0) -> Topology:
    """Two subtopologies: one reads and regroups, the other counts."""
    return Topology(
        epoch=epoch,
        subtopologies=[
            Subtopology(subtopology_id="0", source_topics=[source], repartition_sink_topics=[REPARTITION]),
            Subtopology(
                subtopology_id="1",
                repartition_source_topics=[TopicInfo(name=REPARTITION)],
                state_changelog_topics=[TopicInfo(name=CHANGELOG)],
                copartition_groups=[CopartitionGroup(repartition_source_topics=[0])],
            ),
        ],
    )


def counting(source: str = "words") -> Topology:
    """One subtopology with state: its changelog is the one internal topic."""
    return Topology(
        subtopologies=[
            Subtopology(
                subtopology_id="0", source_topics=[source], state_changelog_topics=[TopicInfo(name=CHANGELOG)]
            )
        ]
    )


def passing(source: str = "words") -> Topology:
    """One subtopology without state: no internal topics."""
    return Topology(subtopologies=[Subtopology(subtopology_id="0", source_topics=[source])])


def ids(tasks: dict[str, list[int]]) -> list[TaskIdsRequest]:
    return [TaskIdsRequest(subtopology_id=name, partitions=each) for name, each in tasks.items()]


def join(member: str, topology: Topology | None = None, **fields: Any) -> StreamsGroupHeartbeatRequest:
    body: dict[str, Any] = {
        "group_id": "app",
        "member_id": member,
        "rebalance_timeout_ms": 60_000,
        "topology": topology or passing(),
        "process_id": f"process-of-{member}",
        "active_tasks": [],
        "standby_tasks": [],
        "warmup_tasks": [],
        **fields,
    }
    return StreamsGroupHeartbeatRequest(**body)


def beat(
    member: str, epoch: int, active: dict[str, list[int]] | None = None, **fields: Any
) -> StreamsGroupHeartbeatRequest:
    """With `active` the member tells all it has."""
    told: dict[str, Any] = {}
    if active is not None:
        told = {"active_tasks": ids(active), "standby_tasks": [], "warmup_tasks": []}
    return StreamsGroupHeartbeatRequest(
        **{"group_id": "app", "member_id": member, "member_epoch": epoch, **told, **fields}
    )


def leave(member: str, **fields: Any) -> StreamsGroupHeartbeatRequest:
    return beat(member, -1, **fields)


class Streams(Groups):
    """A coordinator whose groups neither wait for members nor between assignments, unless told to."""

    def __init__(self, world: World | None = None, **settings: Any) -> None:
        super().__init__(
            world or World(words=4),
            **{
                "group_streams_initial_rebalance_delay_ms": 0,
                "group_streams_assignment_interval_ms": 0,
                **settings,
            },
        )

    def tell(self, body: StreamsGroupHeartbeatRequest) -> StreamsGroupHeartbeatResponse:
        """The answer to a heartbeat. A KafkaError is raised."""
        answer = self.ask(body, version=0)
        if isinstance(answer, KafkaError):
            raise answer
        assert isinstance(answer, Beaten)
        return answer.response

    @property
    def group(self) -> StreamsGroup:
        group = self.state.groups["app"]
        assert isinstance(group, StreamsGroup)
        return group

    def have(self, **topics: int) -> None:
        """These topics are there now, with so many partitions; with 0 they are gone."""
        known = {**self.world.topics}
        fresh = World(**{name: count for name, count in topics.items() if count}).topics
        for name, count in topics.items():
            known.pop(name, None)
            if count:
                number = sum(name.encode()) % 200 + 40
                known[name] = fresh[name]._replace(id=bytes([number]) * 16)
        self.world.topics = known
        gone = frozenset(name for name, count in topics.items() if not count)
        self.take(self.machine.topics_changed(self.moment, frozenset(topics) - gone, gone))


def tasks_of(response: StreamsGroupHeartbeatResponse) -> dict[str, list[int]] | None:
    if response.active_tasks is None:
        return None
    return {each.subtopology_id: each.partitions for each in response.active_tasks}


def statuses(response: StreamsGroupHeartbeatResponse) -> list[int]:
    return [each.status_code for each in response.status or []]
