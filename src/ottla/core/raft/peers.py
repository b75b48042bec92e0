"""What this replica answers to others about elections and voters.

The quorum has one voter, so nobody else can stand for election, lead or change the voters: the answers tell who leads
and why a request is refused. A stranger with a higher epoch does not unseat us; an older epoch hears that it is fenced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import METADATA_TOPIC, ZERO_UUID, Uuid, uuid_text
from ottla.core.raft.facts import Facts, is_metadata_partition
from ottla.core.raft.voters import ReplicaKey, VoterEndpoint
from ottla.core.wire.messages import (
    add_raft_voter,
    begin_quorum_epoch,
    end_quorum_epoch,
    update_raft_voter,
    vote,
)
from ottla.core.wire.messages.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse
from ottla.core.wire.messages.remove_raft_voter import RemoveRaftVoterRequest, RemoveRaftVoterResponse
from ottla.core.wire.messages.update_raft_voter import (
    CurrentLeader,
    UpdateRaftVoterRequest,
    UpdateRaftVoterResponse,
)

AboutLeaders: TypeAlias = (
    "vote.VoteRequest | begin_quorum_epoch.BeginQuorumEpochRequest | end_quorum_epoch.EndQuorumEpochRequest"
)

NOT_BUILT: Final = "A metadata quorum of several voters is not built yet."


def leader_endpoint(facts: Facts, listener: str) -> VoterEndpoint | None:
    """Where the leader can be reached over `listener`; None when nobody leads."""
    return facts.endpoint(listener) if facts.leading else None


def answer_vote(facts: Facts, request: vote.VoteRequest, listener: str) -> vote.VoteResponse:
    """Never granted: a candidate is either not a voter or ourselves."""
    refusal = _misdirected(facts, request)
    if refusal is not ErrorCode.NONE:
        return vote.VoteResponse(error_code=refusal)
    asked = request.topics[0].partitions[0]
    # A candidate has raised its epoch above its log's; one that only asks beforehand (pre-vote) has not.
    ahead = asked.last_offset_epoch > asked.replica_epoch
    ahead = ahead or (not asked.pre_vote and asked.last_offset_epoch == asked.replica_epoch)
    if asked.last_offset < 0 or asked.last_offset_epoch < 0 or ahead:
        error = ErrorCode.INVALID_REQUEST
    else:
        error = _voter_error(facts, asked.replica_id, asked.replica_epoch)
        if error is ErrorCode.NONE and not _meant(facts, request.voter_id, asked.voter_directory_id):
            error = ErrorCode.INVALID_VOTER_KEY
    answer = vote.VoteResponse(
        topics=[
            vote.TopicDataResponse(
                topic_name=METADATA_TOPIC,
                partitions=[
                    vote.PartitionDataResponse(
                        error_code=error, leader_id=facts.leader_id, leader_epoch=facts.epoch
                    )
                ],
            )
        ]
    )
    endpoint = leader_endpoint(facts, listener)
    if endpoint is not None:
        answer.node_endpoints.append(
            vote.NodeEndpoint(node_id=facts.me.id, host=endpoint.host, port=endpoint.port)
        )
    return answer


def answer_begin(
    facts: Facts, request: begin_quorum_epoch.BeginQuorumEpochRequest, listener: str
) -> begin_quorum_epoch.BeginQuorumEpochResponse:
    """Somebody says that it leads: it cannot."""
    refusal = _misdirected(facts, request)
    if refusal is not ErrorCode.NONE:
        return begin_quorum_epoch.BeginQuorumEpochResponse(error_code=refusal)
    asked = request.topics[0].partitions[0]
    error = _leader_error(facts, asked.leader_id, asked.leader_epoch)
    if error is ErrorCode.NONE and not _meant(facts, request.voter_id, asked.voter_directory_id):
        error = ErrorCode.INVALID_VOTER_KEY
    answer = begin_quorum_epoch.BeginQuorumEpochResponse(
        topics=[
            begin_quorum_epoch.TopicDataResponse(
                topic_name=METADATA_TOPIC,
                partitions=[
                    begin_quorum_epoch.PartitionDataResponse(
                        error_code=error, leader_id=facts.leader_id, leader_epoch=facts.epoch
                    )
                ],
            )
        ]
    )
    endpoint = leader_endpoint(facts, listener)
    if endpoint is not None:
        answer.node_endpoints.append(
            begin_quorum_epoch.NodeEndpoint(node_id=facts.me.id, host=endpoint.host, port=endpoint.port)
        )
    return answer


def answer_end(
    facts: Facts, request: end_quorum_epoch.EndQuorumEpochRequest, listener: str
) -> end_quorum_epoch.EndQuorumEpochResponse:
    """Somebody says that it leads no longer: it never did."""
    refusal = _misdirected(facts, request)
    if refusal is not ErrorCode.NONE:
        return end_quorum_epoch.EndQuorumEpochResponse(error_code=refusal)
    asked = request.topics[0].partitions[0]
    error = _leader_error(facts, asked.leader_id, asked.leader_epoch)
    answer = end_quorum_epoch.EndQuorumEpochResponse(
        topics=[
            end_quorum_epoch.TopicDataResponse(
                topic_name=METADATA_TOPIC,
                partitions=[
                    end_quorum_epoch.PartitionDataResponse(
                        error_code=error, leader_id=facts.leader_id, leader_epoch=facts.epoch
                    )
                ],
            )
        ]
    )
    endpoint = leader_endpoint(facts, listener)
    if endpoint is not None:
        answer.node_endpoints.append(
            end_quorum_epoch.NodeEndpoint(node_id=facts.me.id, host=endpoint.host, port=endpoint.port)
        )
    return answer


def _misdirected(facts: Facts, request: AboutLeaders) -> ErrorCode:
    """Why a request is not about the one partition of this cluster's quorum; NONE when it is."""
    if not facts.knows_cluster(request.cluster_id):
        return ErrorCode.INCONSISTENT_CLUSTER_ID
    if len(request.topics) != 1 or len(request.topics[0].partitions) != 1:
        return ErrorCode.INVALID_REQUEST
    topic = request.topics[0]
    if not is_metadata_partition(topic.topic_name, topic.partitions[0].partition_index):
        return ErrorCode.INVALID_REQUEST
    return ErrorCode.NONE


def _voter_error(facts: Facts, replica_id: int, epoch: int) -> ErrorCode:
    if epoch < facts.epoch:
        return ErrorCode.FENCED_LEADER_EPOCH
    return ErrorCode.INVALID_REQUEST if replica_id < 0 else ErrorCode.NONE


def _leader_error(facts: Facts, leader_id: int, epoch: int) -> ErrorCode:
    error = _voter_error(facts, leader_id, epoch)
    if error is ErrorCode.NONE and not facts.voters.includes(ReplicaKey(leader_id)):
        return ErrorCode.INCONSISTENT_VOTER_SET
    return error


def _meant(facts: Facts, voter_id: int, directory_id: Uuid) -> bool:
    """Is the request for this very replica? Older versions do not say."""
    if voter_id < 0:
        return True
    if voter_id != facts.me.id:
        return False
    return directory_id in (ZERO_UUID, facts.me.directory_id)


def _foreign(facts: Facts, cluster_id: str | None) -> str | None:
    if facts.knows_cluster(cluster_id):
        return None
    return f'The given id "{cluster_id}" doesn\'t match the cluster id "{facts.cluster_id}"'


def _listens(facts: Facts, listeners: Sequence[add_raft_voter.Listener | update_raft_voter.Listener]) -> bool:
    """Whether a voter can be reached over the listener that controllers use among themselves."""
    return not facts.endpoints or facts.endpoints[0].name in {each.name.upper() for each in listeners}


def answer_add_voter(facts: Facts, request: AddRaftVoterRequest, kraft_version: int) -> AddRaftVoterResponse:
    """Refused: with the reason Kafka would give where it would refuse too."""
    foreign = _foreign(facts, request.cluster_id)
    if foreign is not None:
        return AddRaftVoterResponse(error_code=ErrorCode.INCONSISTENT_CLUSTER_ID, error_message=foreign)
    if request.voter_id < 0 or request.voter_directory_id == ZERO_UUID:
        return AddRaftVoterResponse(
            error_code=ErrorCode.INVALID_REQUEST,
            error_message="Add voter request didn't include a valid voter",
        )
    if not _listens(facts, request.listeners):
        return AddRaftVoterResponse(
            error_code=ErrorCode.INVALID_REQUEST,
            error_message=f"Add voter request didn't include the endpoint for the default listener {facts.endpoints[0].name}",
        )
    if kraft_version < 1:
        return AddRaftVoterResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION, error_message=_static("adding", kraft_version)
        )
    if request.voter_id in facts.voters.voters:
        return AddRaftVoterResponse(
            error_code=ErrorCode.DUPLICATE_VOTER,
            error_message=f"The voter id for {request.voter_id} is already part of the set of voters",
        )
    return AddRaftVoterResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, error_message=NOT_BUILT)


def answer_remove_voter(
    facts: Facts, request: RemoveRaftVoterRequest, kraft_version: int
) -> RemoveRaftVoterResponse:
    """Refused: the last voter cannot leave, and there is no other."""
    foreign = _foreign(facts, request.cluster_id)
    if foreign is not None:
        return RemoveRaftVoterResponse(error_code=ErrorCode.INCONSISTENT_CLUSTER_ID, error_message=foreign)
    if request.voter_id < 0 or request.voter_directory_id == ZERO_UUID:
        return RemoveRaftVoterResponse(
            error_code=ErrorCode.INVALID_REQUEST,
            error_message="Remove voter request didn't include a valid voter",
        )
    if kraft_version < 1:
        return RemoveRaftVoterResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION, error_message=_static("removing", kraft_version)
        )
    key = ReplicaKey(request.voter_id, request.voter_directory_id)
    known = facts.voters.voters.get(key.id)
    if known is None or known.key != key:
        return RemoveRaftVoterResponse(
            error_code=ErrorCode.VOTER_NOT_FOUND,
            error_message=f"Cannot remove voter {_named(key)} from the set of voters "
            f"[{', '.join(_named(each.key) for each in facts.voters.voters.values())}]",
        )
    return RemoveRaftVoterResponse(
        error_code=ErrorCode.INVALID_REQUEST, error_message="Cannot remove the only voter of the quorum"
    )


def _named(key: ReplicaKey) -> str:
    return f"ReplicaKey(id={key.id}, directoryId={uuid_text(key.directory_id)})"


def _static(changing: str, kraft_version: int) -> str:
    return f"Cluster doesn't support {changing} voter because the kraft.version feature is {kraft_version}"


def answer_update_voter(
    facts: Facts, request: UpdateRaftVoterRequest, listener: str
) -> UpdateRaftVoterResponse:
    """A voter tells where it listens. Only our own could come, and we know where we are."""
    levels = request.kraft_version_feature
    if not facts.knows_cluster(request.cluster_id):
        error = ErrorCode.INCONSISTENT_CLUSTER_ID
    elif request.current_leader_epoch < facts.epoch:
        error = ErrorCode.FENCED_LEADER_EPOCH
    elif request.current_leader_epoch > facts.epoch:
        error = ErrorCode.UNKNOWN_LEADER_EPOCH
    elif not facts.leading:
        error = ErrorCode.NOT_LEADER_OR_FOLLOWER
    elif (
        request.voter_id < 0
        or request.voter_directory_id == ZERO_UUID
        or (
            not _listens(facts, request.listeners)
            or not 0 <= levels.min_supported_version <= levels.max_supported_version
        )
    ):
        error = ErrorCode.INVALID_REQUEST
    elif not facts.voters.includes(ReplicaKey(request.voter_id, request.voter_directory_id)):
        error = ErrorCode.VOTER_NOT_FOUND
    else:
        error = ErrorCode.NONE
    leader = CurrentLeader(leader_id=facts.leader_id, leader_epoch=facts.epoch)
    endpoint = leader_endpoint(facts, listener)
    if endpoint is not None:
        leader.host, leader.port = endpoint.host, endpoint.port
    return UpdateRaftVoterResponse(error_code=error, current_leader=leader)
