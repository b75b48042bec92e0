"""The quorum that keeps the cluster's metadata (KRaft): who leads, who votes, who lags, and changing its voters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ottla.client.admin.base import AdminCalls, check
from ottla.core.model.ids import METADATA_TOPIC, Uuid
from ottla.core.wire.messages.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse, Listener
from ottla.core.wire.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    PartitionDataRequest,
    ReplicaState,
    TopicDataRequest,
)
from ottla.core.wire.messages.remove_raft_voter import RemoveRaftVoterRequest, RemoveRaftVoterResponse
from ottla.world.doors import Address


class QuorumReplica(msgspec.Struct, frozen=True):
    """A voter or observer. Times are ms since 1970, -1: unknown."""

    id: int
    directory_id: Uuid
    log_end_offset: int
    last_fetch_timestamp: int
    last_caught_up_timestamp: int


class QuorumDescription(msgspec.Struct, frozen=True):
    """The quorum as its leader sees it. `nodes`: where each voter listens, by listener name."""

    leader_id: int
    leader_epoch: int
    high_watermark: int
    voters: tuple[QuorumReplica, ...]
    observers: tuple[QuorumReplica, ...]
    nodes: dict[int, dict[str, Address]]

    @property
    def log_end_offset(self) -> int:
        """The leader's, -1 when it is not among the voters."""
        return next((each.log_end_offset for each in self.voters if each.id == self.leader_id), -1)


class Quorum(AdminCalls):
    """Administration of the metadata quorum."""

    async def describe_quorum(self) -> QuorumDescription:
        """Raises KafkaError, NoBroker."""
        request = DescribeQuorumRequest(topics=[TopicDataRequest(METADATA_TOPIC, [PartitionDataRequest(0)])])
        answer = await self._from_controller(request, DescribeQuorumResponse)
        check(answer.error_code, answer.error_message)
        part = answer.topics[0].partitions[0]
        check(part.error_code, part.error_message, METADATA_TOPIC)
        return QuorumDescription(
            part.leader_id,
            part.leader_epoch,
            part.high_watermark,
            tuple(replica(each) for each in part.current_voters),
            tuple(replica(each) for each in part.observers),
            {
                node.node_id: {each.name: Address(each.host, each.port) for each in node.listeners}
                for node in answer.nodes
            },
        )

    async def add_voter(
        self,
        voter_id: int,
        directory_id: Uuid,
        listeners: Mapping[str, Address],
        cluster_id: str | None = None,
    ) -> None:
        """Make a controller that follows the quorum a voter. Raises KafkaError."""
        named: Sequence[Listener] = [
            Listener(name, address.host, address.port) for name, address in listeners.items()
        ]
        request = AddRaftVoterRequest(cluster_id, self._timeout_ms, voter_id, directory_id, list(named))
        answer = await self._from_controller(request, AddRaftVoterResponse)
        check(answer.error_code, answer.error_message, f"voter {voter_id}")

    async def remove_voter(self, voter_id: int, directory_id: Uuid, cluster_id: str | None = None) -> None:
        """Take a voter's vote away. Raises KafkaError."""
        request = RemoveRaftVoterRequest(cluster_id, voter_id, directory_id)
        answer = await self._from_controller(request, RemoveRaftVoterResponse)
        check(answer.error_code, answer.error_message, f"voter {voter_id}")


def replica(state: ReplicaState) -> QuorumReplica:
    return QuorumReplica(
        state.replica_id,
        state.replica_directory_id,
        state.log_end_offset,
        state.last_fetch_timestamp,
        state.last_caught_up_timestamp,
    )
