"""StreamsGroupHeartbeat: a member joins with its topology, stays and says which tasks it has, or leaves.

One heartbeat that stays goes through these steps, and everything they write is one batch:

1. the member as it says it is; 2. the topology, which the first member brings; 3. the topics the topology needs: do they
exist, and as they must be? 4. if anything of that is new, a new group epoch; 5. a new target, if one is due; 6. the
member one step nearer to it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ottla.core.coordination.contract import Decision, Moment, Record, Reply, Request
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.state import State
from ottla.core.groups.streams import records, targeting
from ottla.core.groups.streams.checking import (
    JOINING_EPOCH,
    LEAVING_EPOCH,
    NOT_SAID,
    check_epoch,
    check_tasks,
)
from ottla.core.groups.streams.endpoints import endpoints
from ottla.core.groups.streams.group import StreamsGroup
from ottla.core.groups.streams.leaving import expect, not_streams, remove, watch_revocation
from ottla.core.groups.streams.member import Endpoint, Member
from ottla.core.groups.streams.reconciling import reconciled
from ottla.core.groups.streams.shaping import Shaped, shape
from ottla.core.groups.streams.statuses import StatusCode
from ottla.core.groups.streams.tasks import Tasks, read, spell
from ottla.core.groups.streams.topology import Topology, from_record, record_value
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.create_topics import CreatableTopic
from ottla.core.wire.messages.streams_group_heartbeat import (
    Status,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
    TaskIdsRequest,
    TaskIdsResponse,
)

NOT_VALIDATED: Final = -1


class Beaten(NamedTuple):
    """The answer to a heartbeat, and the topics that are to be created for the group."""

    response: StreamsGroupHeartbeatResponse
    missing: list[CreatableTopic]


def heartbeat(state: State, moment: Moment, token: object, request: Request) -> Decision:
    """The request has passed `checking.check`."""
    body: StreamsGroupHeartbeatRequest = request.body
    if body.member_epoch <= LEAVING_EPOCH:
        return _leave(state, body, token)
    return _Beat(state, moment, request).decision(token)


def _leave(state: State, body: StreamsGroupHeartbeatRequest, token: object) -> Decision:
    group = state.groups.get(body.group_id)
    if group is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {body.group_id} not found.")
    if not isinstance(group, StreamsGroup):
        raise not_streams(group.name)
    if body.shutdown_application:
        group.shutdown_by = group.shutdown_by or body.member_id
    member = group.member(body.member_id)
    response = StreamsGroupHeartbeatResponse(member_id=member.id, member_epoch=body.member_epoch, status=[])
    note = f"Member {member.id} left streams group={group.name}"
    return Decision(remove(state, group, member), [Reply(token, Beaten(response, []))], notes=[note])


class _Beat:
    """One heartbeat of a member that stays."""

    def __init__(self, state: State, moment: Moment, request: Request) -> None:
        self.state = state
        self.moment = moment
        self.request = request
        self.body: StreamsGroupHeartbeatRequest = request.body
        self.joining = self.body.member_epoch == JOINING_EPOCH
        self.records: list[Record] = []
        self.notes: list[str] = []
        self.status: list[Status] = []
        self.group = self._group()

    def decision(self, token: object) -> Decision:
        group, state = self.group, self.state
        before = self._member()
        said = self._as_said(before)
        changed = said != before
        if changed:
            self.records.append(records.metadata(group.name, said))
        topology = self._topology()
        if group.topology is not None and said.topology_epoch < group.topology.epoch:
            self._tell(
                StatusCode.STALE_TOPOLOGY,
                f"The member's topology epoch {said.topology_epoch} is behind "
                f"the group's topology epoch {group.topology.epoch}.",
            )
        metadata_hash, shaped = self._look_at_topics(topology)
        epoch = self._epoch(changed, metadata_hash, shaped)
        targeting.delay_first(state, self.moment, group)
        aim = targeting.aim(state, self.moment, group, epoch, shaped, said)
        self.records += aim.written
        if aim.delayed is not None:
            self._tell(StatusCode.ASSIGNMENT_DELAYED, aim.delayed)
        after = reconciled(said, aim.target, self._owned(said, aim.target.epoch), group)
        if after != said:
            self.records.append(records.current(group.name, after))
            watch_revocation(state, self.moment, group, after)
        expect(state, self.moment, group, after)
        if self.body.shutdown_application:
            group.shutdown_by = group.shutdown_by or after.id
        response = self._response(before, after, shaped)
        missing = list(shaped.missing.values())
        return Decision(self.records, [Reply(token, Beaten(response, missing))], notes=self.notes)

    def _tell(self, code: StatusCode, text: str) -> None:
        self.status.append(Status(status_code=code, status_detail=text))

    # -- who

    def _group(self) -> StreamsGroup:
        """The group; for a member that joins a new one if there is none. It is not the state's until records are applied."""
        state, name = self.state, self.body.group_id
        group = state.groups.get(name)
        if group is None and not self.joining:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Streams group {name} not found.")
        if self.joining and isinstance(group, ClassicGroup) and group.state is ClassicState.EMPTY:
            self.records += group.tombstones()
            group = None
        if group is None:
            return StreamsGroup(name, state.topics)
        if not isinstance(group, StreamsGroup):
            raise not_streams(name)
        limit = state.settings["group.streams.max.size"]
        if self.joining and len(group.members) >= limit:
            raise KafkaError(
                ErrorCode.GROUP_MAX_SIZE_REACHED,
                f"The streams group has reached its maximum capacity of {limit} members.",
            )
        return group

    def _member(self) -> Member:
        group, name = self.group, self.body.member_id
        member = (group.members.get(name) or Member(name)) if self.joining else group.member(name)
        check_epoch(member, self.body)
        if self.joining:
            self.notes.append(f"Member {name} joins streams group={group.name}")
        return member

    def _as_said(self, member: Member) -> Member:
        """What the request leaves out stays as it was."""
        body, request = self.body, self.request
        endpoint, tags = body.user_endpoint, body.client_tags
        if tags is not None and len({each.key for each in tags}) < len(tags):
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
        timeout = body.rebalance_timeout_ms
        return member._replace(
            rack=member.rack if body.rack_id is None else body.rack_id,
            rebalance_timeout_ms=member.rebalance_timeout_ms if timeout == NOT_SAID else timeout,
            topology_epoch=member.topology_epoch if body.topology is None else body.topology.epoch,
            client_id=request.client_id,
            client_host=request.client_host,
            process_id=member.process_id if body.process_id is None else body.process_id,
            client_tags=member.client_tags
            if tags is None
            else tuple(sorted((each.key, each.value) for each in tags)),
            endpoint=member.endpoint if endpoint is None else Endpoint(endpoint.host, endpoint.port),
        )

    def _owned(self, member: Member, target_epoch: int) -> Tasks | None:
        """What the member says it has. Nobody asks while it is where it is to be."""
        body = self.body
        if body.active_tasks is None or body.standby_tasks is None or body.warmup_tasks is None:
            return None
        told = (body.active_tasks, body.standby_tasks, body.warmup_tasks)
        if not member.reconciled(target_epoch) and any(_repeats(each) for each in told):
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
        return Tasks(*(read(each) for each in told))

    # -- what

    def _topology(self) -> Topology:
        group, said = self.group, self.body.topology
        if said is None:
            if group.topology is None:
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
            return group.topology
        value = record_value(said)
        topology = from_record(value)
        if group.topology is None:
            self.records.append(records.topology(group.name, value))
            return topology
        if group.topology.epoch <= said.epoch and group.topology != topology:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Topology updates are not supported yet.")
        return group.topology

    def _look_at_topics(self, topology: Topology) -> tuple[int, Shaped]:
        """(hash of the topics, what they make of the topology). Looked at again only when topics have changed."""
        group, hashes = self.group, self.state.hashes
        shaped, metadata_hash = group.shaped, group.metadata_hash
        fresh = group.topology is None or shaped is None
        if fresh or group.checked != hashes.changes:
            metadata_hash = hashes.of_group(topology.required)
            if fresh or metadata_hash != group.metadata_hash:
                shaped = shape(topology, self.state.topics)
                group.shaped = shaped
                group.endpoints.clear()
                self.notes.append(_told(group, shaped))
            group.checked = hashes.changes
        assert shaped is not None
        if shaped.ready:
            for told in (self.body.active_tasks, self.body.standby_tasks, self.body.warmup_tasks):
                check_tasks(shaped.shapes, told)
        return metadata_hash, shaped

    def _epoch(self, changed: bool, metadata_hash: int, shaped: Shaped) -> int:
        """The epoch of the group, a new one if there is anything to share anew for."""
        group = self.group
        validated = shaped.epoch if shaped.ready else NOT_VALIDATED
        configs = targeting.configs(self.state, group.name)
        if not (
            changed
            or metadata_hash != group.metadata_hash
            or validated != group.validated_topology_epoch
            or configs != group.last_configs
        ):
            return group.epoch
        epoch = group.epoch + 1
        self.records.append(records.group_epoch(group.name, epoch, metadata_hash, validated, configs))
        return epoch

    # -- the answer

    def _response(self, before: Member, after: Member, shaped: Shaped) -> StreamsGroupHeartbeatResponse:
        group, name = self.group, self.group.name
        response = StreamsGroupHeartbeatResponse(
            member_id=after.id,
            member_epoch=after.epoch,
            heartbeat_interval_ms=self.state.setting(name, "streams.heartbeat.interval.ms"),
        )
        if self.joining or before.assigned != after.assigned:
            response.active_tasks = spell(_ids, after.assigned.active)
            response.standby_tasks = spell(_ids, after.assigned.standby)
            response.warmup_tasks = spell(_ids, after.assigned.warmup)
            group.endpoints.pop(after.id, None)
            if after.endpoint is not None:
                group.endpoint_epoch += 1
        if group.endpoint_epoch != self.body.endpoint_information_epoch:
            response.partitions_by_user_endpoint = endpoints(group, after, self.state.topics)
        if self.state.groups.get(name) is group:
            # Of a group that has just been made the epoch is forgotten: the next heartbeat tells everything again.
            response.endpoint_information_epoch = group.endpoint_epoch
        if shaped.problem is not None:
            self._tell(shaped.problem.code, shaped.problem.text)
        if group.shutdown_by is not None:
            self._tell(
                StatusCode.SHUTDOWN_APPLICATION,
                f"Streams group member {group.shutdown_by} encountered a fatal error "
                "and requested a shutdown for the entire application.",
            )
        response.status = self.status
        return response


def _ids(subtopology: str, partitions: list[int]) -> TaskIdsResponse:
    return TaskIdsResponse(subtopology_id=subtopology, partitions=partitions)


def _repeats(told: list[TaskIdsRequest]) -> bool:
    return len({each.subtopology_id for each in told}) < len(told)


def _told(group: StreamsGroup, shaped: Shaped) -> str:
    found = "topics are as they must be" if shaped.problem is None else shaped.problem.text
    return f"Looked at the topics of streams group={group.name} topology_epoch={shaped.epoch}: {found}"
