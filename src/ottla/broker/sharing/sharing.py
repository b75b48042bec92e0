"""All share partitions of a node, and the sessions of the members that fetch from them.

Share partitions come with the first fetch of a group, and go with the partition, with its leader's term, or when the last
session of the group has ended with its connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ottla.broker.coordination.persister import SharePersister
from ottla.broker.sharing.shared import Persister, Shared
from ottla.core.groups.settings import group_setting
from ottla.core.metadata.image import ResourceType
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.share_sessions import Key, Owner, ShareSession, ShareSessions
from ottla.core.partition.sharing.values import Limits
from ottla.core.share_state.requests import SharePartitionKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ottla.broker.context import Caller
    from ottla.broker.services import Services
    from ottla.core.metadata.delta import Delta
    from ottla.core.metadata.image import MetadataImage


class Sharing:
    """One per node, made by the first member that asks."""

    def __init__(self, services: Services, persister: Persister | None = None) -> None:
        self._services = services
        self._persister: Persister = SharePersister(services) if persister is None else persister
        self._shared: dict[SharePartitionKey, Shared] = {}
        self._callers: dict[Owner, Caller] = {}
        self.sessions = ShareSessions(services.settings["group.share.max.share.sessions"])

    def __len__(self) -> int:
        return len(self._shared)

    # -- what counts for a group

    def setting(self, group: str, name: str) -> Any:
        """A group's own value of `share.…`, or the broker's."""
        services = self._services
        return group_setting(services.settings, services.image.config(ResourceType.GROUP, group), name)

    def limits(self, group: str) -> Limits:
        return Limits(
            deliveries=self.setting(group, "share.delivery.count.limit"),
            in_flight=self.setting(group, "share.partition.max.record.locks"),
            lock_ms=self.setting(group, "share.record.lock.duration.ms"),
            renews=self.setting(group, "share.renew.acknowledge.enable"),
        )

    # -- share partitions

    def find(self, key: SharePartitionKey) -> Shared | None:
        """One that is loaded or being loaded."""
        shared = self._shared.get(key)
        if shared is not None and not shared.is_current:
            shared.leave(KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER))
            return None
        return shared

    def get(self, key: SharePartitionKey, topic: str) -> Shared:
        """Begin to load it if need be. Raises what a fetch of the partition hears: NOT_LEADER_OR_FOLLOWER and such."""
        found = self.find(key)
        if found is not None:
            return found
        services = self._services
        partition = services.partitions.get(topic, key.partition)
        if partition.topic_id != key.topic_id:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        partition.leader_log()
        shared = Shared(
            key,
            partition,
            services.clock,
            services.deadlines,
            self._persister,
            self.limits(key.group),
            self.setting(key.group, "share.auto.offset.reset"),
            self._left,
        )
        self._shared[key] = shared
        services.clock.spawn(shared.load(), name=f"read the state of {shared.name}")
        return shared

    def _left(self, shared: Shared) -> None:
        if self._shared.get(shared.key) is shared:
            del self._shared[shared.key]

    # -- sessions

    def open_session(
        self, owner: Owner, caller: Caller, partitions: Iterable[tuple[Key, str | None]]
    ) -> ShareSession:
        """Raises SHARE_SESSION_LIMIT_REACHED."""
        self._forget_caller(owner)
        session = self.sessions.open(owner, partitions)
        self._callers[owner] = caller
        caller.when_gone[owner] = lambda: self._ended(session)
        return session

    def end_session(self, session: ShareSession) -> None:
        """The member closes it. The member may have another by now, if this was long on its way: that one stays."""
        if self.sessions.is_open(session):
            self._forget_caller(session.owner)
            self._ended(session)

    def _forget_caller(self, owner: Owner) -> None:
        """The end of that connection is nothing to the owner any more."""
        caller = self._callers.pop(owner, None)
        if caller is not None:
            caller.when_gone.pop(owner, None)

    def _ended(self, session: ShareSession) -> None:
        self._callers.pop(session.owner, None)
        self._close(session)
        self._forget_if_empty(session.owner.group)

    def _close(self, session: ShareSession) -> None:
        if not self.sessions.close(session):
            return
        group, member = session.owner
        for topic_id, index in session.held:
            shared = self.find(SharePartitionKey(group, topic_id, index))
            if shared is not None:
                shared.release(member)

    def _forget_if_empty(self, group: str) -> None:
        """Without sessions nobody holds anything: the stored state says it all, once everything is stored."""
        if self.sessions.of_group(group):
            return
        for shared in [each for each in self._shared.values() if each.key.group == group]:
            if shared.is_writing:
                shared.when_written(lambda: self._forget_if_empty(group))
            else:
                shared.leave(KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER))

    # -- following

    def follow(self, image: MetadataImage, delta: Delta) -> None:
        """The metadata changed; the partitions have followed already."""
        if not image.features.get("share.version", 0):
            self.sessions.clear()
            self._callers.clear()
            self._leave_all(lambda shared: True)
            return
        if delta.deleted_topics or delta.snapshot or delta.changed_partitions:
            self._leave_all(lambda shared: not shared.is_current)
        groups = {name for kind, name in delta.changed_configs if kind == ResourceType.GROUP}
        for shared in self._shared.values():
            if shared.key.group in groups or delta.snapshot:
                shared.machine.limits = self.limits(shared.key.group)
                shared.wake()

    def _leave_all(self, chosen: Any) -> None:
        for shared in [each for each in self._shared.values() if chosen(each)]:
            shared.leave(KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER))

    def close(self) -> None:
        """The node stops."""
        self._leave_all(lambda shared: True)


def sharing_of(services: Services) -> Sharing:
    """The node's, made now if it is the first time."""
    if services.sharing is None:
        services.sharing = Sharing(services)
    return services.sharing
