"""What a topology makes of the topics that are there."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.core.groups.streams.shaping import Shaped, shape
from ottla.core.groups.streams.statuses import StatusCode
from ottla.core.groups.streams.topology import from_record, record_value
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.streams_group_heartbeat import (
    CopartitionGroup,
    KeyValue,
    Subtopology,
    TopicInfo,
    Topology,
)
from tests.unit.coordination.driving import World


def shaped(*subtopologies: Subtopology, **topics: int) -> Shaped:
    topology = Topology(subtopologies=list(subtopologies))
    return shape(from_record(record_value(topology)), World(**topics))


def part(name: str, *sources: str, **said: Any) -> Subtopology:
    return Subtopology(subtopology_id=name, source_topics=list(sources), **said)


def reads(*topics: TopicInfo) -> dict[str, Any]:
    return {"repartition_source_topics": list(topics)}


def writes(*topics: str) -> dict[str, Any]:
    return {"repartition_sink_topics": list(topics)}


def wanted(found: Shaped) -> dict[str, int]:
    return {name: topic.num_partitions for name, topic in found.missing.items()}


def code(found: Shaped) -> StatusCode | None:
    return None if found.problem is None else found.problem.code


def test_there_are_as_many_tasks_as_the_widest_topic_has_partitions() -> None:
    found = shaped(part("0", "a", "b"), a=2, b=5)
    assert (found.ready, found.shapes["0"].tasks, found.shapes["0"].stateful) == (True, 5, False)


def test_a_changelog_has_a_partition_for_each_task() -> None:
    log = TopicInfo(name="log", replication_factor=2, topic_configs=[KeyValue(key="k", value="v")])
    found = shaped(part("0", "a", state_changelog_topics=[log]), a=3)
    (topic,) = found.missing.values()
    assert (topic.num_partitions, topic.replication_factor) == (3, 2)
    assert [(each.name, each.value) for each in topic.configs] == [("k", "v")]
    assert (code(found), found.shapes["0"].stateful) == (StatusCode.MISSING_INTERNAL_TOPICS, True)


def test_a_repartition_topic_is_as_wide_as_what_its_writer_reads() -> None:
    found = shaped(
        part("0", "a", **writes("r")),
        part("1", **reads(TopicInfo(name="r")), **writes("s")),
        part("2", **reads(TopicInfo(name="s"))),
        a=7,
    )
    assert wanted(found) == {"r": 7, "s": 7}


def test_the_order_of_subtopologies_does_not_matter() -> None:
    found = shaped(
        part("2", "a", **writes("r")),
        part("1", **reads(TopicInfo(name="r")), **writes("s")),
        part("0", **reads(TopicInfo(name="s"))),
        a=4,
    )
    assert wanted(found) == {"r": 4, "s": 4}


def test_a_repartition_topic_may_choose() -> None:
    found = shaped(part("0", "a", **writes("r")), part("1", **reads(TopicInfo(name="r", partitions=2))), a=7)
    assert (wanted(found), found.shapes["1"].tasks) == ({"r": 2}, 2)


def test_what_is_there_is_not_made() -> None:
    log = [TopicInfo(name="log")]
    assert shaped(part("0", "a", state_changelog_topics=log), a=3, log=3).ready
    found = shaped(part("0", "a", state_changelog_topics=log), a=3, log=2)
    assert (code(found), found.missing) == (StatusCode.INCORRECTLY_PARTITIONED_TOPICS, {})


def test_what_users_have_to_make_is_named() -> None:
    found = shaped(part("0", "a", "b", "c", "d", "e"), a=1)
    assert code(found) == StatusCode.MISSING_SOURCE_TOPICS
    assert found.problem is not None
    assert "b, c, d and 1 additional topics" in found.problem.text


JOINED = {"copartition_groups": [CopartitionGroup(source_topics=[0], repartition_source_topics=[0])]}


def test_a_repartition_topic_gives_way_to_the_topic_it_is_joined_with() -> None:
    found = shaped(
        part("0", "a", **writes("r")), part("1", "b", **reads(TopicInfo(name="r")), **JOINED), a=7, b=3
    )
    assert wanted(found) == {"r": 3}


def test_one_that_chose_does_not() -> None:
    fixed = TopicInfo(name="r", partitions=5)
    found = shaped(part("0", "a", **writes("r")), part("1", "b", **reads(fixed), **JOINED), a=7, b=3)
    assert code(found) == StatusCode.INCORRECTLY_PARTITIONED_TOPICS


def test_joined_topics_of_users_must_be_alike() -> None:
    both = {"copartition_groups": [CopartitionGroup(source_topics=[0, 1])]}
    assert shaped(part("0", "a", "b", **both), a=3, b=3).ready
    found = shaped(part("0", "a", "b", **both), a=3, b=4)
    assert code(found) == StatusCode.INCORRECTLY_PARTITIONED_TOPICS
    assert found.problem is not None and "a=3, b=4" in found.problem.text


def test_joined_repartition_topics_are_all_as_wide_as_the_widest() -> None:
    both = {"copartition_groups": [CopartitionGroup(repartition_source_topics=[0, 1])]}
    found = shaped(
        part("0", "a", **writes("r")),
        part("1", "b", **writes("s")),
        part("2", **reads(TopicInfo(name="r"), TopicInfo(name="s")), **both),
        a=2,
        b=6,
    )
    assert wanted(found) == {"r": 6, "s": 6}


@pytest.mark.parametrize(
    ("subtopologies", "expected"),
    [
        (
            (
                part("0", **reads(TopicInfo(name="r")), **writes("s")),
                part("1", **reads(TopicInfo(name="s")), **writes("r")),
            ),
            ErrorCode.STREAMS_INVALID_TOPOLOGY,
        ),
        ((part("0", "a", **reads(TopicInfo(name="r"))),), ErrorCode.STREAMS_INVALID_TOPOLOGY),
        ((part("0"),), ErrorCode.STREAMS_INVALID_TOPOLOGY),
        ((part("0", "a", **reads(TopicInfo(name="r", partitions=-1))),), ErrorCode.UNKNOWN_SERVER_ERROR),
        (
            (part("0", "a", copartition_groups=[CopartitionGroup(source_topics=[3])]),),
            ErrorCode.UNKNOWN_SERVER_ERROR,
        ),
        (
            (part("0", "a", copartition_groups=[CopartitionGroup(source_topics=[-1])]),),
            ErrorCode.UNKNOWN_SERVER_ERROR,
        ),
    ],
)
def test_what_no_topics_could_satisfy(subtopologies: tuple[Subtopology, ...], expected: ErrorCode) -> None:
    with pytest.raises(KafkaError) as refused:
        shaped(*subtopologies, a=2)
    assert refused.value.code == expected


def test_a_long_chain_the_wrong_way_round_is_no_burden() -> None:
    length = 3_000
    names = [f"{number:05}" for number in range(length)]
    chain = [
        part(name, **reads(TopicInfo(name=f"r{number + 1}")), **writes(f"r{number}"))
        for number, name in enumerate(names)
    ]
    found = shaped(*chain, part("source", "a", **writes(f"r{length}")), a=5)
    assert set(wanted(found).values()) == {5}
    assert len(wanted(found)) == length


def test_more_tasks_than_anybody_could_run() -> None:
    with pytest.raises(KafkaError) as refused:
        shaped(*(part(str(number), "wide") for number in range(2_001)), wide=100)
    assert refused.value.code == ErrorCode.STREAMS_INVALID_TOPOLOGY
