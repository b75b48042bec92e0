"""Whoever asked a shard, and what is to be told them.

Who is told may ask again in the same breath, so nobody is told before the machine and its log say the same: what may go
is put here, and leaves at the end of whatever was done.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from ottla.broker.later import Later
from ottla.core.coordination.contract import Call, Reply
from ottla.core.model.errors import KafkaError

Token: TypeAlias = "Future[Any] | Later[Any]"
"""What is told the answer: a future where somebody awaits it, a `Later` where it is the reply as it stands."""


class Outbox:
    """`perform` makes a machine's call; `abandoned` hears of a token whose owner does not want the answer any more."""

    def __init__(self, perform: Callable[[Call], None], abandoned: Callable[[Token], None]) -> None:
        self._perform = perform
        self._abandoned = abandoned
        self._asked: dict[Token, None] = {}
        self._ready: deque[tuple[Sequence[Reply], Sequence[Call]]] = deque()

    @property
    def waiting(self) -> int:
        """How many have asked and were not told."""
        return len(self._asked)

    def expect(self, token: Token) -> None:
        """Somebody has asked, and is told something in any case."""
        self._asked[token] = None
        token.add_done_callback(self._forget)

    def release(self, replies: Sequence[Reply], calls: Sequence[Call]) -> None:
        """These may go now."""
        self._ready.append((replies, calls))

    def send_off(self) -> None:
        while self._ready:
            replies, calls = self._ready.popleft()
            for reply in replies:
                token, body = cast("Token", reply.token), reply.body
                if not token.done():
                    if isinstance(body, KafkaError):
                        token.set_exception(body)
                    else:
                        token.set_result(body)
            for call in calls:
                self._perform(call)

    def refuse(self, error: KafkaError) -> None:
        """What may go goes; everybody else who has asked hears `error`."""
        self.send_off()
        for token in list(self._asked):
            if not token.done():
                token.set_exception(error)

    def _forget(self, token: Token) -> None:
        if self._asked.pop(token, self) is None and token.cancelled():
            self._abandoned(token)
