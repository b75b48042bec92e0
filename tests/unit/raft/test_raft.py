from __future__ import annotations

import pytest

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.raft import peers
from ottla.core.raft.describe import describe_quorum
from ottla.core.raft.election import ElectionState, format_quorum_state, parse_quorum_state
from ottla.core.raft.facts import Facts, OffsetAndEpoch
from ottla.core.raft.fetching import Answer, Diverge, LoadFirst, Refuse, Serve, answer_fetch
from ottla.core.raft.machine import (
    Append,
    Commit,
    Flushed,
    Follow,
    Lead,
    Persist,
    Persisted,
    RaftMachine,
    Resign,
    Start,
)
from ottla.core.raft.observers import MAX_OBSERVERS, SESSION_MS, Observers
from ottla.core.raft.voters import ReplicaKey, Voter, VoterEndpoint, VoterSet
from ottla.core.wire.messages import add_raft_voter, begin_quorum_epoch, vote
from ottla.core.wire.messages.add_raft_voter import AddRaftVoterRequest
from ottla.core.wire.messages.describe_quorum import (
    DescribeQuorumRequest,
    PartitionDataRequest,
    TopicDataRequest,
)
from ottla.core.wire.messages.records.control import (
    KRaftVersionRecord,
    LeaderChangeMessage,
    VotersRecord,
)
from ottla.core.wire.messages.remove_raft_voter import RemoveRaftVoterRequest

DIRECTORY = Uuid(b"d" * 16)
ENDPOINT = VoterEndpoint("CONTROLLER", "127.0.0.1", 9093)
ME = ReplicaKey(1, DIRECTORY)
VOTERS = VoterSet.of([Voter(ME, (ENDPOINT,))])


def machine(epoch: int = 0, *, kraft_version: int = 0, end: int = 0, in_log: bool = False) -> RaftMachine:
    return RaftMachine(
        ME,
        VOTERS,
        ElectionState(epoch),
        kraft_version=kraft_version,
        end_offset=end,
        voters_in_log=in_log,
    )


def lead(raft: RaftMachine) -> list[object]:
    """Start, with every Persist answered at once; all effects in order."""
    seen: list[object] = []
    events = [Start()]
    while events:
        for effect in raft.step(0, events.pop(0)):  # type: ignore[arg-type]
            seen.append(effect)
            if isinstance(effect, Persist):
                events.append(Persisted(effect.state))  # type: ignore[arg-type]
    return seen


def test_the_only_voter_votes_for_itself_then_leads_and_each_step_is_on_disk_first() -> None:
    raft = machine(4)
    first, second, append, leading = lead(raft)
    assert first == Persist(ElectionState(5, voted_id=1, voted_directory_id=DIRECTORY))
    assert second == Persist(ElectionState(5, leader_id=1))
    assert isinstance(append, Append) and append.epoch == 5
    assert [type(message) for message in append.messages] == [LeaderChangeMessage]
    assert leading == Lead(5)
    assert raft.leading and raft.deadline is None


def test_a_vote_that_is_not_on_disk_elects_nobody() -> None:
    raft = machine()
    assert len(raft.step(0, Start())) == 1
    assert not raft.leading
    assert raft.step(0, Persisted(ElectionState(99, leader_id=1))) == []
    assert not raft.leading


def test_the_first_leader_of_a_dynamic_quorum_writes_the_voters() -> None:
    append = lead(machine(kraft_version=1))[2]
    assert isinstance(append, Append)
    kinds = [type(message) for message in append.messages]
    assert kinds == [LeaderChangeMessage, KRaftVersionRecord, VotersRecord]
    later = lead(machine(kraft_version=1, in_log=True))[2]
    assert isinstance(later, Append) and len(later.messages) == 1


def test_nothing_is_committed_before_a_record_of_our_own_epoch_is_on_disk() -> None:
    raft = machine(end=10)
    lead(raft)
    assert raft.step(0, Flushed(10)) == []
    assert raft.step(0, Flushed(11)) == [Commit(11)]
    assert raft.step(0, Flushed(11)) == []
    assert raft.step(0, Resign()) == [Follow(1)]
    assert raft.step(0, Flushed(12)) == []


@pytest.mark.parametrize("ids", [(1, 2, 3), (2,), ()])
def test_a_quorum_of_others_is_not_built_yet(ids: tuple[int, ...]) -> None:
    voters = VoterSet.of(Voter(ReplicaKey(id_)) for id_ in ids)
    with pytest.raises(ValueError, match="a quorum of several nodes is not built yet"):
        RaftMachine(ME, voters, ElectionState(), kraft_version=0, end_offset=0, voters_in_log=False)


def test_voters_go_through_their_record_unchanged() -> None:
    assert VoterSet.from_record(VOTERS.record()) == VOTERS


STATIC = (
    '{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],'
    '"data_version":0}'
)
DYNAMIC = (
    '{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}'
)


@pytest.mark.parametrize(("version", "text"), [(0, STATIC), (1, DYNAMIC)])
def test_quorum_state_is_kafkas_to_the_byte(version: int, text: str) -> None:
    assert format_quorum_state(ElectionState(1, leader_id=1), version, [1]) == text
    assert parse_quorum_state(text) == ElectionState(1, leader_id=1)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"data_version":7}', STATIC[:-4], '{"data_version":1,"leaderId":1}']
)
def test_a_damaged_quorum_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quorum-state"):
        parse_quorum_state(text)


FACTS = Facts(
    cluster_id="c",
    me=ME,
    voters=VOTERS,
    epoch=3,
    leader_id=1,
    leading=True,
    high_watermark=90,
    start_offset=50,
    end_offset=100,
    endpoints=(ENDPOINT,),
)


def ask_vote(
    cluster: str | None = "c", topic: str = "__cluster_metadata", voter: int = 1, **fields: object
) -> tuple[int, bool]:
    data = vote.PartitionDataRequest(replica_epoch=4, replica_id=2, last_offset_epoch=3, last_offset=100)
    for name, value in fields.items():
        setattr(data, name, value)
    request = vote.VoteRequest(
        cluster_id=cluster,
        voter_id=voter,
        topics=[vote.TopicDataRequest(topic_name=topic, partitions=[data])],
    )
    answer = peers.answer_vote(FACTS, request, "CONTROLLER")
    if answer.error_code:
        return answer.error_code, False
    partition = answer.topics[0].partitions[0]
    assert (partition.leader_id, partition.leader_epoch) == (1, 3)
    assert [(n.node_id, n.host, n.port) for n in answer.node_endpoints] == [(1, "127.0.0.1", 9093)]
    return partition.error_code, partition.vote_granted


def test_strangers_get_no_vote_and_hear_why() -> None:
    assert ask_vote() == (0, False)
    assert ask_vote(cluster="other") == (ErrorCode.INCONSISTENT_CLUSTER_ID, False)
    assert ask_vote(topic="other") == (ErrorCode.INVALID_REQUEST, False)
    assert ask_vote(replica_epoch=2, last_offset_epoch=1) == (ErrorCode.FENCED_LEADER_EPOCH, False)
    assert ask_vote(replica_id=-1) == (ErrorCode.INVALID_REQUEST, False)
    assert ask_vote(last_offset_epoch=4) == (ErrorCode.INVALID_REQUEST, False)
    assert ask_vote(last_offset_epoch=4, pre_vote=True) == (0, False)
    assert ask_vote(voter=5) == (ErrorCode.INVALID_VOTER_KEY, False)
    assert ask_vote(voter_directory_id=Uuid(b"x" * 16)) == (ErrorCode.INVALID_VOTER_KEY, False)


@pytest.mark.parametrize(
    ("leader", "epoch", "code"),
    [
        (2, 2, ErrorCode.FENCED_LEADER_EPOCH),
        (2, 4, ErrorCode.INCONSISTENT_VOTER_SET),
        (-1, 4, ErrorCode.INVALID_REQUEST),
        (1, 3, ErrorCode.NONE),
    ],
)
def test_nobody_else_can_lead(leader: int, epoch: int, code: ErrorCode) -> None:
    data = begin_quorum_epoch.PartitionDataRequest(leader_id=leader, leader_epoch=epoch)
    topic = begin_quorum_epoch.TopicDataRequest(topic_name="__cluster_metadata", partitions=[data])
    request = begin_quorum_epoch.BeginQuorumEpochRequest(cluster_id="c", topics=[topic])
    answer = peers.answer_begin(FACTS, request, "CONTROLLER")
    assert answer.topics[0].partitions[0].error_code == code


def test_voters_cannot_be_changed_yet_and_the_answer_says_why() -> None:
    add = AddRaftVoterRequest(cluster_id="c", voter_id=2, voter_directory_id=DIRECTORY)
    assert peers.answer_add_voter(FACTS, add, 1).error_code == ErrorCode.INVALID_REQUEST
    add.listeners = [add_raft_voter.Listener(name="controller", host="h", port=1)]
    assert peers.answer_add_voter(FACTS, add, 1).error_code == ErrorCode.UNSUPPORTED_VERSION
    assert "feature is 0" in (peers.answer_add_voter(FACTS, add, 0).error_message or "")
    add.voter_id = 1
    assert peers.answer_add_voter(FACTS, add, 1).error_code == ErrorCode.DUPLICATE_VOTER
    add.voter_directory_id = ZERO_UUID
    assert peers.answer_add_voter(FACTS, add, 1).error_code == ErrorCode.INVALID_REQUEST
    remove = RemoveRaftVoterRequest(cluster_id="c", voter_id=2, voter_directory_id=DIRECTORY)
    assert peers.answer_remove_voter(FACTS, remove, 1).error_code == ErrorCode.VOTER_NOT_FOUND
    remove.voter_id = 1
    assert peers.answer_remove_voter(FACTS, remove, 1).error_code == ErrorCode.INVALID_REQUEST
    remove.cluster_id = "x"
    assert peers.answer_remove_voter(FACTS, remove, 1).error_code == ErrorCode.INCONSISTENT_CLUSTER_ID


EPOCHS = {1: (1, 60), 2: (2, 80), 3: (3, 100)}


def fetch(
    offset: int,
    last_epoch: int,
    epoch: int = 3,
    checkpoints: tuple[OffsetAndEpoch, ...] = (),
    max_wait_ms: int = 0,
) -> Answer:
    return answer_fetch(
        FACTS,
        max_wait_ms=max_wait_ms,
        current_leader_epoch=epoch,
        fetch_offset=offset,
        last_fetched_epoch=last_epoch,
        checkpoints=checkpoints,
        end_offset_for_epoch=lambda e: EPOCHS.get(min(e, 3)),
    )


def test_what_a_fetch_of_the_metadata_log_gets() -> None:
    kept = (OffsetAndEpoch(50, 1), OffsetAndEpoch(75, 2))
    assert fetch(70, 1, epoch=2) == Refuse(ErrorCode.FENCED_LEADER_EPOCH)
    assert fetch(70, 3, epoch=2) == Refuse(ErrorCode.INVALID_REQUEST)
    assert fetch(70, 1, max_wait_ms=-1) == Refuse(ErrorCode.INVALID_REQUEST)
    assert fetch(70, 2, epoch=4) == Refuse(ErrorCode.UNKNOWN_LEADER_EPOCH)
    assert fetch(70, 9) == Refuse(ErrorCode.INVALID_REQUEST)
    assert fetch(70, 2, checkpoints=kept) == Serve(70)
    assert fetch(90, 2, checkpoints=kept) == Diverge(OffsetAndEpoch(80, 2))
    assert fetch(0, 0, checkpoints=kept) == LoadFirst(kept[1])
    assert fetch(40, 1, checkpoints=kept) == LoadFirst(kept[1])
    assert fetch(50, 2, checkpoints=kept) == LoadFirst(kept[1])
    assert fetch(50, 1, checkpoints=kept) == Serve(50)


def test_observers_are_seen_for_a_while() -> None:
    observers = Observers()
    for id_ in range(MAX_OBSERVERS + 5):
        observers.fetched(ReplicaKey(id_), 10, 20, now=id_, wall=1000 + id_)
    assert len(observers.active(0)) == MAX_OBSERVERS
    observers.fetched(ReplicaKey(7), 20, 20, now=SESSION_MS, wall=5)
    last = observers.active(SESSION_MS + MAX_OBSERVERS + 5)
    assert [(key.id, each.caught_up_at) for key, each in last.items()] == [(7, 5)]


def test_the_quorum_describes_itself() -> None:
    asked = TopicDataRequest(topic_name="__cluster_metadata", partitions=[PartitionDataRequest()])
    answer = describe_quorum(FACTS, DescribeQuorumRequest(topics=[asked]), 2, wall=77, observers={})
    (partition,) = answer.topics[0].partitions
    (me,) = partition.current_voters
    assert (partition.leader_id, partition.leader_epoch, partition.high_watermark) == (1, 3, 90)
    assert (me.replica_id, me.replica_directory_id, me.log_end_offset, me.last_fetch_timestamp) == (
        1,
        DIRECTORY,
        100,
        77,
    )
    assert [(n.node_id, n.listeners[0].port) for n in answer.nodes] == [(1, 9093)]
    wrong = DescribeQuorumRequest(
        topics=[TopicDataRequest(topic_name="t", partitions=[PartitionDataRequest()])]
    )
    refused = describe_quorum(FACTS, wrong, 2, wall=77, observers={})
    assert refused.topics[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
