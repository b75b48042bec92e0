"""What a topology makes of the topics there are: how many tasks, which topics are missing, and with how many partitions
they are to be created.

    1. every topic of users that is read must exist;
    2. a topic between two subtopologies (*repartition* topic) has the partitions that its reader asks for, or as many as
       the widest topic that its writer reads; that is found by going over the subtopologies until nothing is open;
    3. topics that are joined (*copartitioned*) must have equally many partitions: repartition topics give way to topics of
       users;
    4. a topic that keeps state (*changelog*) has one partition for each task of its subtopology.

Whoever looks again after topics have changed may find another shape.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from ottla.core.coordination.contract import Topics
from ottla.core.groups.streams.copartitioning import Repartition, copartitioned
from ottla.core.groups.streams.statuses import StatusCode, Unfit
from ottla.core.groups.streams.topology import Topology, sources_of
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.create_topics import CreatableTopic, CreatableTopicConfig
from ottla.core.wire.messages.records.streams_groups import Subtopology, TopicInfo

CONTROLLER_DECIDES: Final = -1
SHOWN_MAX: Final = 3
TASKS_MAX: Final = 200_000
"""Of a group. Kafka has no bound; a hostile topology could name a wide topic many times."""


class InternalTopic(NamedTuple):
    name: str
    partitions: int
    replication_factor: int
    """0: as the brokers are set."""
    configs: Mapping[str, str]


class Shape(NamedTuple):
    """A subtopology whose topics are known."""

    tasks: int
    source_topics: frozenset[str]
    repartition_sources: Mapping[str, InternalTopic]
    repartition_sinks: frozenset[str]
    changelogs: Mapping[str, InternalTopic]

    @property
    def stateful(self) -> bool:
        return bool(self.changelogs)


class Shaped(NamedTuple):
    """A topology and what was found. With a `problem` no task can run; `missing` are topics to create."""

    epoch: int
    shapes: Mapping[str, Shape]
    """By subtopology, in order. Empty where topics of users stand in the way."""
    missing: Mapping[str, CreatableTopic] = {}
    problem: Unfit | None = None

    @property
    def ready(self) -> bool:
        return self.problem is None


def shape(topology: Topology, topics: Topics) -> Shaped:
    """Raises KafkaError (STREAMS_INVALID_TOPOLOGY, UNKNOWN_SERVER_ERROR) for a topology that no topics could satisfy."""
    try:
        _check_sources(topology, topics)
        counts = _Counts(topology, topics)
        counts.decide()
        shapes = {name: counts.shape(topology.subtopologies[name]) for name in sorted(topology.subtopologies)}
        tasks = sum(each.tasks for each in shapes.values())
        if tasks > TASKS_MAX:
            raise _invalid(f"The topology makes {tasks} tasks, more than {TASKS_MAX}.")
        missing = _missing(shapes.values(), topology, topics)
    except Unfit as problem:
        return Shaped(topology.epoch, {}, problem=problem)
    if not missing:
        return Shaped(topology.epoch, shapes)
    text = f"Internal topics are missing: {_shown(missing)}"
    return Shaped(topology.epoch, shapes, missing, Unfit(StatusCode.MISSING_INTERNAL_TOPICS, text))


def _check_sources(topology: Topology, topics: Topics) -> None:
    missing = {
        topic
        for each in topology.subtopologies.values()
        for topic in each.source_topics
        if topics.named(topic) is None
    }
    if missing:
        text = f"Source topics {_shown(sorted(missing))} are missing."
        raise Unfit(StatusCode.MISSING_SOURCE_TOPICS, text)


def _shown(names: Iterable[str]) -> str:
    some = list(names)
    more = len(some) - SHOWN_MAX
    return ", ".join(some[:SHOWN_MAX]) + (f" and {more} additional topics" if more > 0 else "")


class _Counts:
    """How many partitions the topics of a topology have, or are to have."""

    def __init__(self, topology: Topology, topics: Topics) -> None:
        self.subtopologies = [topology.subtopologies[name] for name in sorted(topology.subtopologies)]
        self.topics = topics
        self.decided: dict[str, int] = {}

    def of(self, topic: str) -> int | None:
        """What exists counts before what was decided."""
        found = self.topics.named(topic)
        return self.decided.get(topic) if found is None else found.partitions

    def decide(self) -> None:
        self.decided.update(self._repartition_topics())
        sources = [info for each in self.subtopologies for info in each.repartition_source_topics]
        fixed = {info.name: self.of(info.name) or 0 for info in sources if info.partitions}
        alike = len(set(fixed.values())) <= 1
        flexible = {info.name for info in sources if not info.partitions}
        for each in self.subtopologies:
            for group in _copartition_groups(each):
                self.decided.update(copartitioned(group, Repartition(fixed, flexible, alike), self.of))
        changelogs: dict[str, int] = {}
        for each in self.subtopologies:
            widest = self._widest(each)
            changelogs.update(dict.fromkeys((info.name for info in each.state_changelog_topics), widest))
        self.decided.update(changelogs)

    def _repartition_topics(self) -> dict[str, int]:
        counts = {
            info.name: info.partitions
            for each in self.subtopologies
            for info in each.repartition_source_topics
            if info.partitions
        }
        self._spread(counts)
        if any(sink not in counts for each in self.subtopologies for sink in each.repartition_sink_topics):
            raise _invalid(
                "Failed to compute number of partitions for all repartition topics. "
                "There may be loops in the topology that cannot be resolved."
            )
        for each in self.subtopologies:
            if any(info.name not in counts for info in each.repartition_source_topics):
                raise _invalid(
                    "Failed to compute number of partitions for all repartition topics, because "
                    "a repartition source topic is never used as a sink topic."
                )
        return counts

    def _spread(self, counts: dict[str, int]) -> None:
        """Who reads something known makes what it writes known, round by round in the order of the subtopologies; only
        those that have something new to read are looked at."""
        readers: dict[str, list[int]] = {}
        for place, each in enumerate(self.subtopologies):
            for info in each.repartition_source_topics:
                readers.setdefault(info.name, []).append(place)
        turns = [(0, place) for place in range(len(self.subtopologies))]
        while turns:
            turn, place = heapq.heappop(turns)
            count = self._read_by(self.subtopologies[place], counts)
            if count is None:
                continue
            for sink in self.subtopologies[place].repartition_sink_topics:
                if sink not in counts:
                    counts[sink] = count
                    for reader in readers.get(sink, ()):
                        heapq.heappush(turns, (turn + (reader <= place), reader))

    def _read_by(self, subtopology: Subtopology, counts: Mapping[str, int]) -> int | None:
        """The partitions of the widest topic it reads, as far as they are known yet."""
        known = [counts.get(info.name) for info in subtopology.repartition_source_topics]
        known += [self.of(topic) for topic in subtopology.source_topics]
        return max((each for each in known if each is not None), default=None)

    def _widest(self, subtopology: Subtopology) -> int:
        found = [self.of(topic) for topic in sources_of(subtopology)]
        counts = [each for each in found if each is not None]
        if not found:
            raise _invalid(f"No source topics found for subtopology {subtopology.subtopology_id}")
        if len(counts) < len(found) or max(counts) < 1:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
        return max(counts)

    def shape(self, subtopology: Subtopology) -> Shape:
        return Shape(
            self._widest(subtopology),
            frozenset(subtopology.source_topics),
            {info.name: self._internal(info) for info in subtopology.repartition_source_topics},
            frozenset(subtopology.repartition_sink_topics),
            {info.name: self._internal(info) for info in subtopology.state_changelog_topics},
        )

    def _internal(self, info: TopicInfo) -> InternalTopic:
        partitions = info.partitions or self.decided[info.name]
        if partitions < 1:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
        configs = {each.key: each.value for each in info.topic_configs}
        return InternalTopic(info.name, partitions, info.replication_factor, configs)


def _invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, text)


def _copartition_groups(subtopology: Subtopology) -> list[set[str]]:
    """The topics that are joined with each other. A group names them by their places."""
    repartition = [info.name for info in subtopology.repartition_source_topics]
    try:
        return [
            {
                *(_at(subtopology.source_topics, place) for place in group.source_topics),
                *(_at(repartition, place) for place in group.repartition_source_topics),
            }
            for group in subtopology.copartition_groups
        ]
    except IndexError as error:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR) from error


def _at(names: list[str], place: int) -> str:
    if place < 0:
        raise IndexError(place)
    return names[place]


def _missing(shapes: Iterable[Shape], topology: Topology, topics: Topics) -> dict[str, CreatableTopic]:
    """The internal topics that are not there yet. Raises Unfit when one is there with other partitions."""
    wanted: dict[str, InternalTopic] = {}
    for each in shapes:
        wanted.update(each.repartition_sources)
        wanted.update(each.changelogs)
    for name in sorted(topology.required):
        found = topics.named(name)
        expected = wanted.pop(name, None) if found is not None else None
        if found is not None and expected is not None and found.partitions != expected.partitions:
            raise Unfit(
                StatusCode.INCORRECTLY_PARTITIONED_TOPICS,
                f"Existing topic {name} has different number of partitions: "
                f"expected {expected.partitions}, found {found.partitions}",
            )
    return {name: _creatable(wanted[name]) for name in sorted(wanted)}


def _creatable(topic: InternalTopic) -> CreatableTopic:
    return CreatableTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=topic.replication_factor or CONTROLLER_DECIDES,
        configs=[CreatableTopicConfig(name=name, value=value) for name, value in topic.configs.items()],
    )
