"""Share sessions (KIP-932): which partitions a member of a share group fetches, remembered from request to request.

A session belongs to a member. Its epochs count the requests: 0 opens it (anew,
if need be), the next requests carry 1, 2, 3 …, and -1 closes it. A node has a bounded number of them; there is no
eviction: who comes too late is refused and tries again.

A session lives no longer than the connection it was opened on; what the member holds is let go then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid

INITIAL_EPOCH: Final = 0
FINAL_EPOCH: Final = -1
_LAST_EPOCH: Final = (1 << 31) - 1

Key: TypeAlias = "tuple[Uuid, int]"
"""(topic id, partition)."""


class Owner(NamedTuple):
    """Whose session it is."""

    group: str
    member: str


class ShareSession:
    """`partitions` are in the order in which they are served: those that gave records last stand last."""

    __slots__ = ("ended", "epoch", "held", "owner", "partitions")

    def __init__(self, owner: Owner, partitions: Iterable[tuple[Key, str | None]]) -> None:
        self.owner = owner
        self.epoch = 1
        """The one that the next request must carry."""
        self.partitions: dict[Key, Member] = {key: Member(topic) for key, topic in partitions}
        self.held: dict[Key, None] = {}
        """Where it gave the member records; the member may have taken the partition out of the session since."""
        self.ended = False

    def update(self, added: Iterable[tuple[Key, str | None]], forgotten: Iterable[Key]) -> None:
        for key, topic in added:
            if key not in self.partitions:
                self.partitions[key] = Member(topic, is_news=True)
        for key in forgotten:
            self.partitions.pop(key, None)

    def advance(self) -> None:
        self.epoch = 1 if self.epoch == _LAST_EPOCH else self.epoch + 1

    def is_worth_telling(self, key: Key, *, error: int, size: int) -> bool:
        """Whether an answer to a later request must name the partition: it has records, an error, or none any more."""
        known = self.partitions.get(key)
        if known is None:
            return True
        told = size > 0 or error != 0 or known.is_news
        known.is_news = error != 0
        if told and size > 0:
            self.partitions[key] = self.partitions.pop(key)
        return told


class Member:
    """A partition in a session. `topic` is None when nobody knew the id as the partition was named."""

    __slots__ = ("is_news", "topic")

    def __init__(self, topic: str | None, *, is_news: bool = False) -> None:
        self.topic = topic
        self.is_news = is_news
        """The next answer names it, whatever there is to say."""


class ShareSessions:
    """All of a node's, at most `slots`."""

    __slots__ = ("_by_owner", "slots")

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._by_owner: dict[Owner, ShareSession] = {}

    def __len__(self) -> int:
        return len(self._by_owner)

    def of(self, owner: Owner) -> ShareSession:
        """Raises SHARE_SESSION_NOT_FOUND."""
        session = self._by_owner.get(owner)
        if session is None:
            raise KafkaError(ErrorCode.SHARE_SESSION_NOT_FOUND)
        return session

    def open(self, owner: Owner, partitions: Iterable[tuple[Key, str | None]]) -> ShareSession:
        """In place of the one before, if there is one: its records are the new one's. Raises SHARE_SESSION_LIMIT_REACHED."""
        before = self._by_owner.get(owner)
        if before is None and len(self._by_owner) >= self.slots:
            raise KafkaError(ErrorCode.SHARE_SESSION_LIMIT_REACHED)
        session = ShareSession(owner, partitions)
        if before is not None:
            session.held, before.ended = before.held, True
        self._by_owner[owner] = session
        return session

    def advance(self, owner: Owner, epoch: int) -> ShareSession:
        """The session, for the request that carries `epoch`. Raises SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH."""
        session = self.of(owner)
        if session.epoch != epoch:
            raise KafkaError(
                ErrorCode.INVALID_SHARE_SESSION_EPOCH,
                f"The session of {owner.member} expects epoch {session.epoch}, not {epoch}",
            )
        session.advance()
        return session

    def is_open(self, session: ShareSession) -> bool:
        """Whether it is this one that its owner has; it may have been closed, or opened anew."""
        return self._by_owner.get(session.owner) is session

    def close(self, session: ShareSession) -> bool:
        """False when it is not open any more; another of the same owner may be."""
        if not self.is_open(session):
            return False
        del self._by_owner[session.owner]
        session.ended = True
        return True

    def of_group(self, group: str) -> bool:
        """Whether the group has any."""
        return any(owner.group == group for owner in self._by_owner)

    def clear(self) -> None:
        """Share groups are no longer served."""
        self._by_owner.clear()
