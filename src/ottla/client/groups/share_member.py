"""A member of a share group (KIP-932): the heartbeats of the new protocol, without anything that has to be given up.

Several members may have the same partition, so a member follows its assignment at once and reports nothing about it.
"""

from __future__ import annotations

from typing import Any

from ottla.client.coordinators import GROUP
from ottla.client.groups.heartbeat_member import JOINING, HeartbeatMember
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)


class ShareMember(HeartbeatMember):
    """One member of one share group. Such groups know no static members."""

    def _request(self) -> Body:
        names, _ = self._owner.subscription()
        request = self._goodbye()
        told, _ = self._told or (None, None)
        if names != told or self._epoch == JOINING:
            request.rack_id = self._rack
            request.subscribed_topic_names = names
        self._told = (names, None)
        return request

    def _goodbye(self) -> ShareGroupHeartbeatRequest:
        return ShareGroupHeartbeatRequest(
            group_id=self.settings.group_id, member_id=self._member_id, member_epoch=self._epoch
        )

    async def _ask(self, request: Body, *, timeout: int) -> Any:
        return await self.coordinators.ask(
            GROUP, self.settings.group_id, request, ShareGroupHeartbeatResponse, timeout=timeout
        )
