"""The topology of a streams application: what its subtopologies read, write and remember.

The first member to join says it; the group keeps it in a record of its own. Nothing here looks at topics that exist: that
is `shaping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages import streams_group_heartbeat as asked
from ottla.core.wire.messages.records.streams_groups import (
    CopartitionGroup,
    StreamsGroupTopologyValue,
    Subtopology,
    TopicConfig,
    TopicInfo,
)


class Topology(NamedTuple):
    """Equal when an application would do the same."""

    epoch: int
    subtopologies: Mapping[str, Subtopology]

    @property
    def readers(self) -> dict[str, str]:
        """Topic → the subtopology that reads it."""
        return {
            topic: each.subtopology_id for each in self.subtopologies.values() for topic in sources_of(each)
        }

    @property
    def required(self) -> frozenset[str]:
        """Every topic that has to exist before a task can run."""
        return frozenset(
            topic
            for each in self.subtopologies.values()
            for topic in (*sources_of(each), *(info.name for info in each.state_changelog_topics))
        )


def sources_of(subtopology: Subtopology) -> list[str]:
    """The topics it reads: those of users and those between subtopologies."""
    return [*subtopology.source_topics, *(info.name for info in subtopology.repartition_source_topics)]


def from_record(value: StreamsGroupTopologyValue) -> Topology:
    return Topology(value.epoch, {each.subtopology_id: each for each in value.subtopologies})


def record_value(topology: asked.Topology) -> StreamsGroupTopologyValue:
    """What a member says, as it is kept. Raises UNKNOWN_SERVER_ERROR, as Kafka, for what no application would say."""
    ids = {each.subtopology_id for each in topology.subtopologies}
    if topology.epoch < 0 or len(ids) < len(topology.subtopologies):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    return StreamsGroupTopologyValue(
        epoch=topology.epoch, subtopologies=[_subtopology(each) for each in topology.subtopologies]
    )


def _subtopology(said: asked.Subtopology) -> Subtopology:
    return Subtopology(
        subtopology_id=said.subtopology_id,
        source_topics=said.source_topics,
        source_topic_regex=said.source_topic_regex,
        state_changelog_topics=[_topic(each) for each in said.state_changelog_topics],
        repartition_sink_topics=said.repartition_sink_topics,
        repartition_source_topics=[_topic(each) for each in said.repartition_source_topics],
        copartition_groups=[
            CopartitionGroup(
                source_topics=each.source_topics,
                source_topic_regex=each.source_topic_regex,
                repartition_source_topics=each.repartition_source_topics,
            )
            for each in said.copartition_groups
        ],
    )


def _topic(said: asked.TopicInfo) -> TopicInfo:
    return TopicInfo(
        name=said.name,
        partitions=said.partitions,
        replication_factor=said.replication_factor,
        topic_configs=[TopicConfig(key=each.key, value=each.value) for each in said.topic_configs],
    )
