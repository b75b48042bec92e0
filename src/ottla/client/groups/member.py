"""A member of a classic group: join, sync, heartbeats, again whenever the group changes (JoinGroup, SyncGroup, …).

    member = GroupMember(cluster, MemberSettings("workers", protocol_type="connect"), owner)
    member.start()
    ...
    await member.close()

          prepare ─► JoinGroup ─► (leader: lead) ─► SyncGroup ─► assigned ─► heartbeats ──┐
             ▲                                                                            │
             └───────── REBALANCE_IN_PROGRESS, `rejoin`, or the membership is lost ◄──────┘

The group does not know what it shares: protocol type, metadata and assignments are the owner's bytes. A join is
answered only when all members have joined, so a member has a lane of connections of its own.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError, Future
from typing import Any, Final

from ottla.client.cluster import Cluster, worth_retrying
from ottla.client.coordinators import GROUP, Coordinators
from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed
from ottla.client.groups.owner import Generation, GroupOwner, JoinedMember, MemberSettings
from ottla.client.retry import Patience, backoff_ms
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from ottla.core.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from ottla.core.wire.messages.sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)
from ottla.world.doors import Task

log = logging.getLogger("ottla.client.groups")

JOIN_GRACE_MS: Final = 5_000
"""How much longer than the rebalance timeout the answer to a join may take, as in the Java client."""

LEAVE_TIMEOUT_MS: Final = 5_000
LEAVE_BY_LIST: Final = 3
"""The first version of LeaveGroup that names several members."""

FORGOTTEN: Final = frozenset({ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION})
"""The group went on without this member."""


class GroupMember:
    """One member of one group. Started once, closed once."""

    def __init__(self, cluster: Cluster, settings: MemberSettings, owner: GroupOwner) -> None:
        self.settings = settings
        self.generation: Generation | None = None
        """The term of the group this member belongs to; None while it joins for the first time, or was lost."""
        self._cluster = cluster
        self._clock = cluster.world.clock
        self._owner = owner
        self._lane = cluster.new_lane()
        self.coordinators = Coordinators(cluster, lane=self._lane)
        """For requests in the member's name, such as commits: they go where its heartbeats go."""
        self._patience = Patience(f"join group {settings.group_id}")
        self._member_id = ""
        self._reason = ""
        self._lost = False
        self._turn: Future[Any] | None = None
        self._work: Task | None = None
        self._beats: Task | None = None

    @property
    def is_leader(self) -> bool:
        return self.generation is not None and self.generation.is_leader

    def start(self) -> None:
        self._work = self._clock.spawn(self._run(), name=f"member of group {self.settings.group_id}")

    def rejoin(self, reason: str) -> None:
        """Ask for a rebalance: what this member offers, or what the group shares, has changed."""
        self._reason = reason
        self._ring()

    def stop(self) -> None:
        """Take part in no more rebalances: the owner is not called any more. The membership lasts until `close`."""
        self._end_beats()
        if self._work is not None:
            self._work.cancel()

    async def close(self) -> None:
        """Leave the group, so that it need not wait for the session to end; a static member stays in it."""
        self.stop()
        if self._member_id and self.settings.group_instance_id is None:
            await self._leave("the member closes")
        self._cluster.close_lane(self._lane)

    # -- the round

    async def _run(self) -> None:
        try:
            while True:
                if self._lost:
                    self._lost = False
                    await self._owner.lost()
                await self._owner.prepare(self.generation)
                if self._lost:
                    continue
                joined = await self._join()
                if joined is None:
                    continue
                self.generation, assignment = joined
                self._beats = self._clock.spawn(self._beat(), name=f"heartbeats to {self.settings.group_id}")
                await self._owner.assigned(self.generation, assignment)
                await self._settled()
        except CancelledError:
            raise
        except (
            Exception
        ) as error:  # whatever it is, the owner's or the group's: the owner is told, never the log alone
            self._end_beats()
            self.generation = None
            self._owner.failed(error)

    async def _settled(self) -> None:
        """Until there is a reason to join again."""
        while not (self._lost or self._reason):
            self._turn = self._clock.future()
            await self._turn

    def _ring(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)

    def _forget(self, *, member_id: str = "") -> None:
        """The group does not know us any more."""
        self._end_beats()
        self._lost = self.generation is not None
        self.generation = None
        self._member_id = member_id
        self._ring()

    # -- joining

    async def _join(self) -> tuple[Generation, bytes] | None:
        """Join and sync until the group has settled. None: the membership was lost on the way."""
        attempts = 0
        self._end_beats()
        while True:
            try:
                found = await self._attempt()
            except (ClientError, KafkaError) as error:
                if not isinstance(error, ConnectionFailed) and not worth_retrying(error, patient=True):
                    raise
                attempts += 1
                self._patience.failed(attempts, error)
                await self._clock.sleep(
                    backoff_ms(attempts, self._cluster.settings, self._cluster.world.chance)
                )
                continue
            self._patience.worked()
            if found is not None or self._lost:
                return found

    async def _attempt(self) -> tuple[Generation, bytes] | None:
        """One join and one sync. None: once more, at once."""
        reason, self._reason = self._reason, ""
        answer = await self._ask_to_join(reason)
        code = error_of(answer.error_code)
        if code == ErrorCode.MEMBER_ID_REQUIRED:
            self._member_id = answer.member_id
            return None
        if code in FORGOTTEN:
            self._forget()
            return None
        if code == ErrorCode.REBALANCE_IN_PROGRESS:
            await self._clock.sleep(self._cluster.settings.retry_backoff_ms)
            return None
        if code:
            raise KafkaError(code, f"group {self.settings.group_id!r}: {code.sentence}")
        self._member_id = answer.member_id
        protocol = answer.protocol_name or ""
        leads = answer.leader == answer.member_id
        generation = Generation(answer.generation_id, answer.member_id, protocol, leads)
        log.debug("joined group=%s generation=%d leader=%s", self.settings.group_id, generation.id, leads)
        shares: dict[str, bytes] = {}
        if leads and not answer.skip_assignment:
            members = [
                JoinedMember(each.member_id, each.group_instance_id, each.metadata) for each in answer.members
            ]
            shares = await self._owner.lead(protocol, members)
        assignment = await self._sync(generation, shares)
        return None if assignment is None else (generation, assignment)

    async def _ask_to_join(self, reason: str) -> JoinGroupResponse:
        settings = self.settings
        request = JoinGroupRequest(
            group_id=settings.group_id,
            session_timeout_ms=settings.session_timeout_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            member_id=self._member_id,
            group_instance_id=settings.group_instance_id,
            protocol_type=settings.protocol_type,
            protocols=[JoinGroupRequestProtocol(name, data) for name, data in self._owner.protocols()],
            reason=reason or None,
        )
        return await self.coordinators.ask(
            GROUP,
            settings.group_id,
            request,
            JoinGroupResponse,
            request_timeout=settings.rebalance_timeout_ms + JOIN_GRACE_MS,
        )

    async def _sync(self, generation: Generation, shares: dict[str, bytes]) -> bytes | None:
        settings = self.settings
        request = SyncGroupRequest(
            group_id=settings.group_id,
            generation_id=generation.id,
            member_id=generation.member_id,
            group_instance_id=settings.group_instance_id,
            protocol_type=settings.protocol_type,
            protocol_name=generation.protocol,
            assignments=[SyncGroupRequestAssignment(member, share) for member, share in shares.items()],
        )
        answer = await self.coordinators.ask(
            GROUP,
            settings.group_id,
            request,
            SyncGroupResponse,
            request_timeout=settings.rebalance_timeout_ms + JOIN_GRACE_MS,
        )
        code = error_of(answer.error_code)
        if code == ErrorCode.REBALANCE_IN_PROGRESS:
            return None
        if code in FORGOTTEN:
            self._forget()
            return None
        if code:
            raise KafkaError(code, f"group {settings.group_id!r}: {code.sentence}")
        return answer.assignment

    # -- staying

    async def _beat(self) -> None:
        """Heartbeats for as long as the generation lasts."""
        while True:
            await self._clock.sleep(self.settings.heartbeat_interval_ms)
            generation = self.generation
            if generation is None:
                return
            if not self._owner.alive():
                log.warning(
                    "leaving group=%s member=%s: nothing was polled for longer than max.poll.interval.ms",
                    self.settings.group_id,
                    generation.member_id,
                )
                if self.settings.group_instance_id is None:
                    await self._leave("the application makes no progress")
                self._beats = None
                self._forget()
                return
            try:
                await self._say_alive(generation)
            except (ConnectionFailed, ClientTimeout):
                continue  # the session says how long that may go on: the coordinator's next answer tells
            except KafkaError as error:
                if error.code.retriable:
                    continue
                self._beats = None
                if error.code not in FORGOTTEN:
                    self._give_up(error)
                    return
                log.warning("lost the membership of group=%s: %s", self.settings.group_id, error)
                keeps_id = error.code == ErrorCode.ILLEGAL_GENERATION
                self._forget(member_id=generation.member_id if keeps_id else "")
                return

    async def _say_alive(self, generation: Generation) -> None:
        """One heartbeat. Raises KafkaError unless the group is well, or rebalances."""
        request = HeartbeatRequest(
            group_id=self.settings.group_id,
            generation_id=generation.id,
            member_id=generation.member_id,
            group_instance_id=self.settings.group_instance_id,
        )
        answer = await self.coordinators.ask(
            GROUP,
            self.settings.group_id,
            request,
            HeartbeatResponse,
            timeout=self.settings.session_timeout_ms,
        )
        code = error_of(answer.error_code)
        if code == ErrorCode.REBALANCE_IN_PROGRESS:
            self.rejoin("group is already rebalancing")
        elif code:
            raise KafkaError(code, f"group {self.settings.group_id!r}: {code.sentence}")

    def _give_up(self, error: KafkaError) -> None:
        if self._work is not None:
            self._work.cancel()
        self.generation = None
        self._owner.failed(error)

    def _end_beats(self) -> None:
        if self._beats is not None:
            self._beats.cancel()
            self._beats = None

    # -- leaving

    async def _leave(self, reason: str) -> None:
        """Say goodbye, once; a group that does not hear it notices when the session ends."""
        group_id, member_id = self.settings.group_id, self._member_id
        self._member_id = ""
        try:
            node = await self.coordinators.node(GROUP, group_id, timeout=LEAVE_TIMEOUT_MS)
            connection = await self._cluster.connection(node)
            request = LeaveGroupRequest(group_id=group_id)
            if connection.version_of(LeaveGroupRequest) >= LEAVE_BY_LIST:
                request.members = [MemberIdentity(member_id=member_id, reason=reason)]
            else:
                request.member_id = member_id
            await connection.call(request, LeaveGroupResponse, timeout=LEAVE_TIMEOUT_MS)
        except (ClientError, KafkaError) as error:
            log.info("could not tell group=%s that member=%s leaves: %s", group_id, member_id, error)
