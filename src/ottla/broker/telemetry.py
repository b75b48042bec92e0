"""Clients that ask which metrics to push (KIP-714), remembered so that each is answered as the protocol wants.

Nobody here takes client metrics and the APIs are not advertised. A client that asks all the same gets an empty
subscription, and hears when it asks too often, pushes what was not asked for, or goes on after its last word.
"""

from __future__ import annotations

from typing import Final

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.records.crc import crc32c

PUSH_INTERVAL_MS: Final = 300_000
CLIENTS_MAX: Final = 16_384
"""The clients longest unheard of are forgotten."""
CODECS: Final = range(5)
MAY_ASK_AGAIN: Final = frozenset({ErrorCode.UNKNOWN_SUBSCRIPTION_ID, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE})
"""Refusals of a push after which the client has to ask for its subscription at once."""


class Client:
    """One client instance. Times are monotonic milliseconds, None before the first."""

    __slots__ = ("asked", "pushed", "refusal", "subscription_id", "terminating")

    def __init__(self, instance: Uuid) -> None:
        high, low = int.from_bytes(instance[:8], "big"), int.from_bytes(instance[8:], "big")
        folded = (high ^ low) >> 32 ^ (high ^ low) & 0xFFFF_FFFF
        unsigned = crc32c(f"[]{PUSH_INTERVAL_MS}".encode()) ^ folded
        self.subscription_id = unsigned - (1 << 32) if unsigned >> 31 else unsigned
        self.asked: int | None = None
        self.pushed: int | None = None
        self.refusal = ErrorCode.NONE
        self.terminating = False

    def asks(self, now: int) -> ErrorCode:
        """It asks for its subscription."""
        last = max((each for each in (self.asked, self.pushed) if each is not None), default=None)
        if last is None or now - last >= PUSH_INTERVAL_MS:
            self.asked = now
        elif self.refusal not in MAY_ASK_AGAIN:
            return ErrorCode.THROTTLING_QUOTA_EXCEEDED
        self.refusal = ErrorCode.NONE
        return ErrorCode.NONE

    def pushes(
        self, now: int, subscription_id: int, codec: int, size: int, limit: int, *, last: bool
    ) -> ErrorCode:
        """It pushes `size` bytes of metrics; `last` when it says that it ends."""
        self.refusal = self._judge(now, subscription_id, codec, size > limit, last)
        self.terminating = last
        return self.refusal

    def _judge(self, now: int, subscription_id: int, codec: int, too_large: bool, last: bool) -> ErrorCode:
        if self.terminating:
            return ErrorCode.INVALID_REQUEST
        in_turn = self.pushed is None or now - self.pushed >= PUSH_INTERVAL_MS
        if in_turn or (self.asked is not None and self.pushed is not None and self.asked > self.pushed):
            self.pushed = now
        elif not last:
            return ErrorCode.THROTTLING_QUOTA_EXCEEDED
        if subscription_id != self.subscription_id:
            return ErrorCode.UNKNOWN_SUBSCRIPTION_ID
        if codec not in CODECS:
            return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
        return ErrorCode.TELEMETRY_TOO_LARGE if too_large else ErrorCode.NONE


class Telemetry:
    """The clients of a node."""

    __slots__ = ("_clients",)

    def __init__(self) -> None:
        self._clients: dict[Uuid, Client] = {}

    def client(self, instance: Uuid) -> Client:
        found = self._clients.pop(instance, None) or Client(instance)
        self._clients[instance] = found
        if len(self._clients) > CLIENTS_MAX:
            del self._clients[next(iter(self._clients))]
        return found
