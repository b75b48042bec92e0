"""The controller port of a combined node: requests go to the controller beside us, as values."""

from __future__ import annotations

from typing import cast

from ottla.broker.context import Context
from ottla.broker.quorum.quorum import Quorum
from ottla.core.wire.apis import API, ApiKey, ListenerRole
from ottla.core.wire.declaration import Body


class LocalController:
    """See `services.ControllerPort`."""

    def __init__(self, quorum: Quorum) -> None:
        self._quorum = quorum

    async def request(self, context: Context, key: ApiKey, request: Body) -> Body:
        """The committed answer. Raises KafkaError."""
        version = context.version if context.key == key else API[key].max_stable_version
        forwarded = context.caller.role is ListenerRole.BROKER
        return cast(Body, await self._quorum.command(request, version, forwarded=forwarded))
