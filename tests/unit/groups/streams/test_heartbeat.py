"""The life of a streams group, as the coordinator decides on it."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.core.groups.administration import DeleteGroup, ListAll
from ottla.core.groups.classic.group import ClassicGroup
from ottla.core.groups.offsets import forget
from ottla.core.groups.streams.group import StreamsState
from ottla.core.groups.streams.heartbeat import Beaten
from ottla.core.groups.streams.member import MemberState
from ottla.core.groups.streams.statuses import StatusCode
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from ottla.core.wire.messages.streams_group_heartbeat import EndpointRequest, KeyValue
from tests.unit.coordination.driving import World
from tests.unit.groups.streams.talking import (
    CHANGELOG,
    REPARTITION,
    Streams,
    beat,
    counting,
    ids,
    join,
    leave,
    passing,
    statuses,
    tasks_of,
    word_count,
)


def settled(*members: str) -> Streams:
    """A group of these members in which everybody has what it is to have, of four tasks."""
    streams = Streams()
    for member in members:
        streams.tell(join(member))
    settle(streams, *members)
    assert streams.group.state is StreamsState.STABLE
    return streams


def settle(streams: Streams, *members: str) -> None:
    """Heartbeats, until nobody has anything left to do."""
    for _ in range(4):
        for name in members:
            member = streams.group.members[name]
            owned = {sub: sorted(each) for sub, each in member.assigned.active.items()}
            streams.tell(beat(name, member.epoch, owned))


def shares(streams: Streams) -> dict[str, list[int]]:
    return {name: sorted(each.assigned.active.get("0", ())) for name, each in streams.group.members.items()}


def test_the_first_member_gets_every_task() -> None:
    streams = Streams()
    answer = streams.tell(join("a"))
    assert (answer.member_epoch, tasks_of(answer)) == (2, {"0": [0, 1, 2, 3]})
    assert answer.standby_tasks == answer.warmup_tasks == answer.status == []
    assert streams.group.state is StreamsState.STABLE
    again = streams.tell(beat("a", 2, {"0": [0, 1, 2, 3]}))
    assert (again.member_epoch, tasks_of(again), again.heartbeat_interval_ms) == (2, None, 5000)


def test_a_second_member_gets_half_when_the_first_has_given_it_up() -> None:
    streams = Streams()
    streams.tell(join("a"))
    first = streams.tell(join("b"))
    assert (first.member_epoch, tasks_of(first)) == (3, {})
    assert streams.group.state is StreamsState.RECONCILING
    told = streams.tell(beat("a", 2, {"0": [0, 1, 2, 3]}))
    assert (told.member_epoch, tasks_of(told)) == (2, {"0": [0, 1]})
    assert streams.group.members["a"].state is MemberState.UNREVOKED_TASKS
    assert tasks_of(streams.tell(beat("b", 3, {}))) is None, "a has not given anything up yet"
    assert streams.tell(beat("a", 2, {"0": [0, 1]})).member_epoch == 3
    assert tasks_of(streams.tell(beat("b", 3, {}))) == {"0": [2, 3]}
    assert streams.group.state is StreamsState.STABLE


def test_what_a_member_leaves_behind_the_others_get() -> None:
    streams = settled("a", "b")
    left = streams.tell(leave("a"))
    assert (left.member_epoch, left.status) == (-1, [])
    answer = streams.tell(beat("b", streams.group.members["b"].epoch))
    assert tasks_of(answer) == {"0": [0, 1, 2, 3]}


def test_nobody_hears_of_a_member_and_it_is_out() -> None:
    streams = settled("a", "b")
    streams.pass_time(44_000)
    settle(streams, "b")
    streams.pass_time(2_000)
    assert list(streams.group.members) == ["b"]
    settle(streams, "b")
    assert shares(streams) == {"b": [0, 1, 2, 3]}


def test_a_member_that_holds_on_to_its_tasks_is_out_after_its_rebalance_timeout() -> None:
    streams = Streams()
    streams.tell(join("a", rebalance_timeout_ms=20_000))
    streams.tell(join("b"))
    streams.tell(beat("a", 2, {"0": [0, 1, 2, 3]}))
    for _ in range(4):
        streams.pass_time(4_900)
        streams.tell(beat("a", 2, {"0": [0, 1, 2, 3]}))
        streams.tell(beat("b", 3, {}))
    assert "a" in streams.group.members
    streams.pass_time(500)
    assert "a" not in streams.group.members
    assert streams.code(beat("a", 2)) == ErrorCode.UNKNOWN_MEMBER_ID


def test_sessions_begin_anew_with_the_next_coordinator() -> None:
    streams = settled("a", "b")
    streams.pass_time(40_000)
    streams.restart()
    streams.pass_time(44_000)
    assert len(streams.group.members) == 2
    streams.pass_time(1_100)
    assert not streams.group.members


def test_a_new_group_waits_for_its_members_before_it_assigns() -> None:
    streams = Streams(group_streams_initial_rebalance_delay_ms=3_000)
    first = streams.tell(join("a"))
    assert (first.member_epoch, tasks_of(first), statuses(first)) == (1, {}, [StatusCode.ASSIGNMENT_DELAYED])
    second = streams.tell(join("b"))
    assert statuses(second) == [StatusCode.ASSIGNMENT_DELAYED]
    streams.pass_time(3_000)
    settle(streams, "a", "b")
    assert sorted(shares(streams).values()) == [[0, 2], [1, 3]]
    assert streams.group.state is StreamsState.STABLE


def test_between_two_targets_some_time_passes() -> None:
    streams = Streams(group_streams_assignment_interval_ms=1_000)
    streams.tell(join("a"))
    early = streams.tell(join("b"))
    assert (early.member_epoch, statuses(early)) == (2, [StatusCode.ASSIGNMENT_DELAYED])
    assert streams.group.state is StreamsState.ASSIGNING
    streams.pass_time(1_000)
    assert streams.tell(beat("b", 2)).member_epoch == 3


def test_a_calendar_that_is_set_back_puts_no_target_off() -> None:
    streams = Streams(group_streams_assignment_interval_ms=1_000)
    streams.tell(join("a"))
    streams.tell(join("b"))
    streams.wall -= 3_600_000
    streams.pass_time(1_000)
    assert streams.tell(beat("b", 2)).member_epoch == 3


# -- topics


def test_a_topic_that_is_missing_is_told_and_looked_for() -> None:
    streams = Streams(World())
    answer = streams.tell(join("a"))
    assert (statuses(answer), tasks_of(answer)) == ([StatusCode.MISSING_SOURCE_TOPICS], {})
    assert streams.group.state is StreamsState.NOT_READY
    streams.have(words=2)
    answer = streams.tell(beat("a", answer.member_epoch))
    assert (statuses(answer), tasks_of(answer)) == ([], {"0": [0, 1]})


def test_internal_topics_are_asked_for_until_they_are_there() -> None:
    streams = Streams()
    answer = streams.ask(join("a", word_count()), version=0)
    assert isinstance(answer, Beaten)
    wanted = {topic.name: (topic.num_partitions, topic.replication_factor) for topic in answer.missing}
    assert wanted == {REPARTITION: (4, -1), CHANGELOG: (4, -1)}
    assert statuses(answer.response) == [StatusCode.MISSING_INTERNAL_TOPICS]
    streams.have(**{REPARTITION: 4, CHANGELOG: 4})
    ready = streams.tell(beat("a", answer.response.member_epoch))
    assert tasks_of(ready) == {"0": [0, 1, 2, 3], "1": [0, 1, 2, 3]}
    assert streams.group.state is StreamsState.STABLE


def test_an_internal_topic_with_other_partitions_stops_the_group() -> None:
    streams = Streams(World(words=4, **{CHANGELOG: 3}))
    assert statuses(streams.tell(join("a", counting()))) == [StatusCode.INCORRECTLY_PARTITIONED_TOPICS]


def test_tasks_are_taken_away_when_a_topic_goes() -> None:
    streams = settled("a")
    streams.have(words=0)
    answer = streams.tell(beat("a", 2, {"0": [0, 1, 2, 3]}))
    assert (tasks_of(answer), statuses(answer)) == ({}, [StatusCode.MISSING_SOURCE_TOPICS])
    assert streams.group.state is StreamsState.NOT_READY


def test_a_topic_that_grows_brings_tasks() -> None:
    streams = settled("a")
    streams.have(words=6)
    assert tasks_of(streams.tell(beat("a", 2))) == {"0": [0, 1, 2, 3, 4, 5]}


# -- the topology


def test_a_member_with_an_older_topology_is_told_so() -> None:
    streams = Streams()
    streams.tell(join("a", word_count(epoch=3)))
    answer = streams.tell(join("b", word_count(epoch=2)))
    assert StatusCode.STALE_TOPOLOGY in statuses(answer)


def test_the_topology_cannot_change_while_the_group_is_there() -> None:
    streams = settled("a")
    assert streams.code(join("b", counting())) == ErrorCode.INVALID_REQUEST


def test_one_member_can_stop_the_whole_application() -> None:
    streams = settled("a", "b")
    streams.tell(beat("a", streams.group.members["a"].epoch, shutdown_application=True))
    answer = streams.tell(beat("b", streams.group.members["b"].epoch))
    assert statuses(answer) == [StatusCode.SHUTDOWN_APPLICATION]
    assert "member a " in (answer.status or [])[0].status_detail
    streams.tell(leave("a"))
    streams.tell(leave("b"))
    assert statuses(streams.tell(join("c"))) == []


# -- who is who


def test_epochs_that_do_not_fit_are_fenced() -> None:
    streams = settled("a")
    for epoch in (1, 3):
        assert streams.code(beat("a", epoch)) == ErrorCode.FENCED_MEMBER_EPOCH


def test_the_epoch_before_counts_when_an_answer_was_lost() -> None:
    streams = settled("a")
    streams.have(words=5)
    lost = streams.tell(beat("a", 2, {"0": [0, 1, 2, 3]}))
    assert lost.member_epoch == 3
    assert streams.tell(beat("a", 2, {"0": [0, 1, 2, 3]})).member_epoch == 3
    assert streams.code(beat("a", 2)) == ErrorCode.FENCED_MEMBER_EPOCH


def test_a_member_that_joins_again_hears_its_tasks_again() -> None:
    streams = settled("a")
    answer = streams.tell(join("a"))
    assert (answer.member_epoch, tasks_of(answer)) == (2, {"0": [0, 1, 2, 3]})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (beat("a", 1, group_id="nothing"), ErrorCode.GROUP_ID_NOT_FOUND),
        (leave("a", group_id="nothing"), ErrorCode.GROUP_ID_NOT_FOUND),
        (beat("z", 1), ErrorCode.UNKNOWN_MEMBER_ID),
        (leave("z"), ErrorCode.UNKNOWN_MEMBER_ID),
        (beat("a", 2, {"7": [0]}), ErrorCode.INVALID_REQUEST),
        (beat("a", 2, {"0": [4]}), ErrorCode.INVALID_REQUEST),
        (beat("a", 2, {"0": [-1]}), ErrorCode.INVALID_REQUEST),
        (
            join("b", client_tags=[KeyValue(key="k", value="1"), KeyValue(key="k", value="2")]),
            ErrorCode.UNKNOWN_SERVER_ERROR,
        ),
    ],
)
def test_what_cannot_be(body: Any, code: ErrorCode) -> None:
    streams = settled("a")
    written = len(streams.log)
    assert streams.code(body) == code
    assert len(streams.log) == written


def test_a_group_that_is_full_takes_nobody() -> None:
    streams = Streams(group_streams_max_size=1)
    streams.tell(join("a"))
    assert streams.code(join("b")) == ErrorCode.GROUP_MAX_SIZE_REACHED


def test_members_of_another_kind_of_group_are_turned_away() -> None:
    streams = settled("a")
    listed = streams.ask(ListAll([], []))
    assert [(each.group_id, each.group_type, each.protocol_type) for each in listed.groups] == [
        ("app", "streams", "streams")
    ]
    assert streams.ask(DeleteGroup("app")).error_code == ErrorCode.NON_EMPTY_GROUP
    streams.tell(leave("a"))
    assert streams.ask(DeleteGroup("app")).error_code == ErrorCode.NONE
    assert "app" not in streams.state.groups
    assert not streams.replayed().state.groups  # type: ignore[attr-defined]


# -- standbys, endpoints


def test_standbys_keep_copies_elsewhere() -> None:
    streams = Streams(World(words=2, **{CHANGELOG: 2}), group_streams_num_standby_replicas=1)
    for member in "ab":
        streams.tell(join(member, counting()))
    for _ in range(6):
        for name in "ab":
            member = streams.group.members[name]
            streams.tell(
                beat(
                    name,
                    member.epoch,
                    {sub: sorted(each) for sub, each in member.assigned.active.items()},
                    standby_tasks=ids({sub: sorted(each) for sub, each in member.assigned.standby.items()}),
                )
            )
    assert streams.group.state is StreamsState.STABLE
    held = {name: each.assigned for name, each in streams.group.members.items()}
    assert sorted(sorted(each.active["0"]) for each in held.values()) == [[0], [1]]
    assert held["a"].standby["0"] == frozenset(held["b"].active["0"])
    assert held["b"].standby["0"] == frozenset(held["a"].active["0"])


def test_endpoints_are_told_when_they_serve_something_else() -> None:
    streams = Streams()
    first = streams.tell(join("a", user_endpoint=EndpointRequest(host="here", port=1234)))
    assert first.endpoint_information_epoch == 0, "a group that has just been made"
    told = streams.tell(join("b", user_endpoint=EndpointRequest(host="there", port=5678)))
    assert told.endpoint_information_epoch == 1
    served = {
        each.user_endpoint.host: [(one.topic, one.partitions) for one in each.active_partitions]
        for each in told.partitions_by_user_endpoint or []
    }
    assert served == {"here": [("words", [0, 1, 2, 3])], "there": []}
    assert streams.tell(beat("b", 3, endpoint_information_epoch=1)).partitions_by_user_endpoint is None


def test_an_endpoint_without_topics_serves_nothing() -> None:
    streams = Streams(World())
    answer = streams.tell(join("a", user_endpoint=EndpointRequest(host="here", port=1234)))
    assert [each.active_partitions for each in answer.partitions_by_user_endpoint or []] == [[]]


def test_the_bounds_of_a_topology_are_checked_before_anything_is_written() -> None:
    streams = Streams()
    twice = passing()
    twice.subtopologies.append(twice.subtopologies[0])
    with pytest.raises(KafkaError):
        streams.tell(join("a", twice))
    assert streams.log == []


def test_a_group_config_that_changes_opens_a_new_epoch() -> None:
    streams = settled("a")
    epoch = streams.group.epoch
    streams.settings["group.streams.num.standby.replicas"] = 1
    assert streams.tell(beat("a", 2)).member_epoch == epoch + 1
    assert streams.group.last_configs == {"num.standby.replicas": "1"}


def commit(epoch: int = -1, member: str = "") -> OffsetCommitRequest:
    each = OffsetCommitRequestPartition(partition_index=0, committed_offset=7)
    topic = OffsetCommitRequestTopic(
        name="words", topic_id=World(words=4).topics["words"].id, partitions=[each]
    )
    return OffsetCommitRequest(
        group_id="app", member_id=member, generation_id_or_member_epoch=epoch, topics=[topic]
    )


def test_a_name_under_which_offsets_were_committed_becomes_a_group_and_keeps_them() -> None:
    streams = Streams()
    streams.ask(commit())
    streams.tell(join("a"))
    streams.restart()
    assert streams.group.state is StreamsState.STABLE
    known = streams.state.offsets.get("app", "words", 0)
    assert known is not None and known.offset == 7


def test_an_empty_group_makes_way_for_a_classic_one() -> None:
    streams = settled("a")
    refused = streams.ask(classic_join())
    assert refused.error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    streams.tell(leave("a"))
    assert streams.ask(classic_join()).error_code == ErrorCode.MEMBER_ID_REQUIRED
    assert isinstance(streams.state.groups["app"], ClassicGroup)
    replayed: Any = streams.replayed()
    assert isinstance(replayed.state.groups["app"], ClassicGroup)


def classic_join() -> JoinGroupRequest:
    return JoinGroupRequest(
        group_id="app",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=10_000,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range")],
    )


def test_offsets_stay_while_the_group_reads_and_expire_when_nobody_does() -> None:
    streams = settled("a")
    streams.ask(commit(2, "a"))
    day = 24 * 3_600_000
    for _ in range(8):
        streams.now += day  # the member is heard of before its alarms ring
        streams.tell(join("a"))
        streams.take(forget.expire(streams.state, streams.moment, forget.EXPIRY))
    assert streams.state.offsets.get("app", "words", 0) is not None
    streams.tell(leave("a"))
    streams.pass_time(8 * day)
    assert "app" not in streams.state.groups
    assert streams.state.offsets.get("app", "words", 0) is None
