"""A member of a consumer group of the new protocol (KIP-848): one heartbeat says and learns everything.

    epoch 0       joining: the subscription goes with it
    epoch n       a member; what it owns is said when that has changed
    epoch -1, -2  leaving; -2 is a static member that means to come back

The coordinator shares the partitions and tells each member what it is to have. The member gives up what is not in
that, says so, and is given more when others have given it up: nobody stops reading what it keeps.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError, Future
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeAlias

from ottla.client.cluster import Cluster, worth_retrying
from ottla.client.coordinators import GROUP, Coordinators
from ottla.client.errors import ClientError, ConnectionFailed
from ottla.client.groups.owner import Generation, MemberSettings
from ottla.client.retry import Patience, backoff_ms
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import Uuid
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    TopicPartitionsRequest,
)
from ottla.world.doors import Task

log = logging.getLogger("ottla.client.groups")

Target: TypeAlias = "Mapping[Uuid, frozenset[int]]"

JOINING: Final = 0
LEAVING: Final = -1
LEAVING_STATIC: Final = -2
LEAVE_TIMEOUT_MS: Final = 5_000

FENCED: Final = frozenset({ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID})


class HeartbeatOwner(Protocol):
    """Who such a member works for."""

    def subscription(self) -> tuple[list[str] | None, str | None]:
        """(topic names, pattern): one of the two, or both."""
        ...

    def owned(self) -> Target:
        """What the owner has at this moment."""
        ...

    async def reconcile(self, target: Target) -> None:
        """Give up what is not in the target, take what is new. Heartbeats go on meanwhile."""
        ...

    async def lost(self) -> None:
        """The group went on without us: whatever we had is others' by now."""
        ...

    def alive(self) -> bool: ...

    def failed(self, error: Exception) -> None: ...


class HeartbeatMember:
    """One member of one consumer group. `settings.heartbeat_interval_ms` is the coordinator's to say here."""

    def __init__(
        self,
        cluster: Cluster,
        settings: MemberSettings,
        owner: HeartbeatOwner,
        *,
        rack: str | None = None,
        server_assignor: str | None = None,
    ) -> None:
        self.settings = settings
        self._cluster = cluster
        self._clock = cluster.world.clock
        self._owner = owner
        self._rack = rack
        self._server_assignor = server_assignor
        self.coordinators = Coordinators(cluster)
        self._patience = Patience(f"be a member of group {settings.group_id}")
        self._member_id = urlsafe_b64encode(cluster.world.chance.bytes(16))[:22].decode("ascii")
        self._epoch = JOINING
        self._interval_ms = settings.heartbeat_interval_ms
        self._target: Target | None = None
        self._told: tuple[object, object] | None = None
        """Subscription and holdings, as the coordinator knows them."""
        self._work: Task | None = None
        self._reconciling: Task | None = None
        self._turn: Future[Any] | None = None
        self._due = False
        """There is something to say before the next heartbeat is due."""

    @property
    def generation(self) -> Generation | None:
        """The epoch this member is in, None while it is in none."""
        return Generation(self._epoch, self._member_id) if self._epoch > JOINING else None

    @property
    def member_id(self) -> str:
        return self._member_id

    def start(self) -> None:
        self._work = self._clock.spawn(self._run(), name=f"member of group {self.settings.group_id}")

    def changed(self) -> None:
        """The subscription has changed: say so at once."""
        self._ring()

    def stop(self) -> None:
        """No more heartbeats, no more calls of the owner. The membership lasts until `close`, or its session."""
        for task in (self._work, self._reconciling):
            if task is not None:
                task.cancel()

    async def close(self) -> None:
        """Leave; a static member only says that it will be away for a while."""
        self.stop()
        if self._epoch > JOINING:
            static = self.settings.group_instance_id is not None
            self._epoch = LEAVING_STATIC if static else LEAVING
            try:
                await self._ask(self._goodbye(), timeout=LEAVE_TIMEOUT_MS)
            except (ClientError, KafkaError) as error:
                log.info("could not tell group=%s that a member leaves: %s", self.settings.group_id, error)
            self._epoch = JOINING

    # -- the round

    async def _run(self) -> None:
        attempts = 0
        try:
            while True:
                if self._epoch > JOINING and not self._owner.alive():
                    await self._idle_out()
                try:
                    answer = await self._ask(self._request(), timeout=self.settings.session_timeout_ms)
                    await self._learn(answer)
                    attempts = 0
                    self._patience.worked()
                except (ClientError, KafkaError) as error:
                    if not isinstance(error, ConnectionFailed) and not worth_retrying(error, patient=True):
                        raise
                    attempts += 1
                    self._told = None
                    self._patience.failed(attempts, error)
                    await self._clock.sleep(
                        backoff_ms(attempts, self._cluster.settings, self._cluster.world.chance)
                    )
                    continue
                self._reconcile()
                await self._pause()
        except CancelledError:
            raise
        except Exception as error:  # the owner's or the group's: the owner is told, never the log alone
            self._epoch = JOINING
            self._owner.failed(error)

    async def _pause(self) -> None:
        """Until the next heartbeat is due, or there is something to say. A member that joins waits for nobody."""
        if self._epoch == JOINING or self._due:
            self._due = False
            return
        self._turn = self._clock.future()
        timer = self._clock.call_at(self._clock.now() + self._interval_ms, self._ring)
        try:
            await self._turn
        finally:
            timer.cancel()
            self._due = False

    def _ring(self) -> None:
        self._due = True
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)

    async def _idle_out(self) -> None:
        log.warning(
            "leaving group=%s: nothing was polled for longer than max.poll.interval.ms",
            self.settings.group_id,
        )
        self._epoch = LEAVING if self.settings.group_instance_id is None else LEAVING_STATIC
        await self._ask(self._goodbye(), timeout=self.settings.session_timeout_ms)
        await self._lose()

    async def _lose(self) -> None:
        """Join anew, with nothing."""
        if self._reconciling is not None:
            self._reconciling.cancel()
            self._reconciling = None
        self._epoch = JOINING
        self._target = self._told = None
        await self._owner.lost()

    # -- one heartbeat

    def _request(self) -> Body:
        """What has to be said: everything when joining, afterwards only what has changed."""
        names, pattern = self._owner.subscription()
        subscription = (names, pattern)
        owned = self._owner.owned()
        request = ConsumerGroupHeartbeatRequest(
            group_id=self.settings.group_id,
            member_id=self._member_id,
            member_epoch=self._epoch,
            instance_id=self.settings.group_instance_id,
        )
        told_subscription, told_owned = self._told or (None, None)
        if subscription != told_subscription or self._epoch == JOINING:
            request.rebalance_timeout_ms = self.settings.rebalance_timeout_ms
            request.rack_id = self._rack
            request.server_assignor = self._server_assignor
            request.subscribed_topic_names = names if names is not None else []
            request.subscribed_topic_regex = pattern
        if owned != told_owned or self._epoch == JOINING:
            request.topic_partitions = [
                TopicPartitionsRequest(topic_id, sorted(indexes)) for topic_id, indexes in owned.items()
            ]
        self._told = (subscription, owned)
        return request

    def _goodbye(self) -> Body:
        return ConsumerGroupHeartbeatRequest(
            group_id=self.settings.group_id,
            member_id=self._member_id,
            member_epoch=self._epoch,
            instance_id=self.settings.group_instance_id,
        )

    async def _ask(self, request: Body, *, timeout: int) -> Any:
        """The answer: of all kinds of groups that speak like this, with the same names in it."""
        return await self.coordinators.ask(
            GROUP, self.settings.group_id, request, ConsumerGroupHeartbeatResponse, timeout=timeout
        )

    async def _learn(self, answer: Any) -> None:
        code = error_of(answer.error_code)
        if code in FENCED and self._epoch != JOINING:
            log.warning("lost the membership of group=%s: %s", self.settings.group_id, code.sentence)
            await self._lose()
            return
        if code == ErrorCode.UNRELEASED_INSTANCE_ID:
            # Whoever had our name is still counted as present; its session ends, or it says goodbye.
            self._told = None
            await self._clock.sleep(self._cluster.settings.retry_backoff_max_ms)
            return
        if code:
            raise KafkaError(code, answer.error_message or f"group {self.settings.group_id!r}")
        self._epoch = answer.member_epoch
        self._member_id = answer.member_id or self._member_id
        self._interval_ms = answer.heartbeat_interval_ms or self._interval_ms
        if answer.assignment is not None:
            self._target = {
                each.topic_id: frozenset(each.partitions)
                for each in answer.assignment.topic_partitions
                if each.partitions
            }

    # -- what we are to have

    def _reconcile(self) -> None:
        target = self._target
        if self._reconciling is not None or target is None or target == self._owner.owned():
            return

        async def work() -> None:
            try:
                await self._owner.reconcile(target)
            except CancelledError:
                raise
            except Exception as error:  # a listener's, or the group's offsets: the application is told
                if self._work is not None:
                    self._work.cancel()
                self._epoch = JOINING
                self._owner.failed(error)
            finally:
                self._reconciling = None
                self._ring()

        self._reconciling = self._clock.spawn(work(), name=f"new share of group {self.settings.group_id}")
