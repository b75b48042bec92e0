"""Incremental fetch sessions (KIP-227).

A client that follows many partitions names them once. The broker keeps the list in a session; later requests carry
only what changed, later answers only partitions that have news. Session epochs count the requests: 0 asks for a new
session, -1 for none, any other number must be the next one of the session named.

The cache has a bounded number of slots. A new session takes the place of one that was unused for long, or of a smaller
one that is not young; a follower's session goes before a consumer's. Otherwise the client gets session id 0 and
goes on with full requests.

Of thousands of partitions a few have news. A session keeps those apart that are due to be read; whoever reads takes
out what has nothing to tell until it changes, and puts it back when it does (its `Watch`). That saves work and
nothing else: answers are those of a walk over all partitions, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol, TypeAlias

import msgspec

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid

NO_SESSION: Final = 0
INITIAL_EPOCH: Final = 0
FINAL_EPOCH: Final = -1
LAST_EPOCH: Final = (1 << 31) - 1
EVICTION_MS: Final = 120_000

Key: TypeAlias = "tuple[str | Uuid, int]"
"""(topic name or topic id, partition): sessions are of one kind or the other."""


class Wanted(msgspec.Struct):
    """A partition that somebody fetches, and what the last answer of its session said of it."""

    topic: str
    topic_id: Uuid
    partition: int
    fetch_offset: int
    max_bytes: int
    leader_epoch: int = -1
    last_fetched_epoch: int = -1
    follower_log_start_offset: int = -1
    high_watermark: int = -1
    log_start_offset: int = -1
    place: int = 0
    """Its place in the order of service: rises along the partitions of a session."""

    @property
    def key(self) -> Key:
        return (self.topic or self.topic_id, self.partition)


class Answered(Protocol):
    """What a session must know of a partition's answer (`PartitionData` of the Fetch response)."""

    error_code: int
    high_watermark: int
    log_start_offset: int
    preferred_read_replica: int


class Watch(Protocol):
    """Whoever puts partitions of a session back among those due."""

    def forget(self, key: Key) -> None:
        """The session does not follow it any more."""
        ...

    def close(self) -> None:
        """The session is no more."""
        ...


class Session:
    """The partitions of one client, in the order in which they are served.

    `due` are those that may have news, in no order; `terms` is what else answers depend on.
    """

    __slots__ = (
        "_last_place",
        "cached_size",
        "created",
        "due",
        "epoch",
        "id",
        "last_used",
        "partitions",
        "privileged",
        "terms",
        "uses_ids",
        "watch",
    )

    def __init__(
        self, session_id: int, partitions: dict[Key, Wanted], now: int, *, uses_ids: bool, privileged: bool
    ) -> None:
        self.id = session_id
        self.partitions = partitions
        for place, each in enumerate(partitions.values()):
            each.place = place
        self._last_place = len(partitions)
        self.due = dict(partitions)
        self.terms: object = None
        self.watch: Watch | None = None
        self.uses_ids = uses_ids
        self.privileged = privileged
        self.created = now
        self.last_used = now
        self.cached_size = len(partitions)
        self.epoch = 1

    def update(self, wanted: Iterable[Wanted], forgotten: Iterable[Key]) -> None:
        for each in wanted:
            known = self.partitions.get(each.key)
            if known is None:
                each.place = self._next_place()
            else:
                each.high_watermark = known.high_watermark
                each.log_start_offset = known.log_start_offset
                each.place = known.place
            self.partitions[each.key] = self.due[each.key] = each
        for key in forgotten:
            self.due.pop(key, None)
            if self.partitions.pop(key, None) is not None and self.watch is not None:
                self.watch.forget(key)

    def due_in_order(self) -> dict[Key, Wanted]:
        """What has to be read now."""
        if len(self.due) == len(self.partitions):
            return self.partitions
        return {each.key: each for each in sorted(self.due.values(), key=_place)}

    def all_due(self) -> None:
        self.due = dict(self.partitions)

    def to_the_back(self, key: Key) -> None:
        """It was served: the others come first next time."""
        each = self.partitions.pop(key)
        each.place = self._next_place()
        self.partitions[key] = each

    def _next_place(self) -> int:
        self._last_place += 1
        return self._last_place


def _place(wanted: Wanted) -> int:
    return wanted.place


class FetchContext:
    """One fetch, with or without a session. `error` is set when the session it names cannot serve it."""

    __slots__ = ("creates", "error", "expected_epoch", "partitions", "privileged", "session", "uses_ids")

    def __init__(
        self,
        partitions: dict[Key, Wanted],
        *,
        uses_ids: bool,
        privileged: bool = False,
        creates: bool = False,
        session: Session | None = None,
        error: ErrorCode = ErrorCode.NONE,
    ) -> None:
        self.partitions = partitions
        self.uses_ids = uses_ids
        self.privileged = privileged
        self.creates = creates
        self.session = session
        self.expected_epoch = 0 if session is None else session.epoch
        self.error = error

    @property
    def incremental(self) -> bool:
        return self.session is not None

    @property
    def has_settled(self) -> bool:
        """Whether the session follows partitions that this fetch need not read."""
        return self.session is not None and len(self.session.due) < len(self.session.partitions)


class FetchSessions:
    """All sessions of a node, at most `slots`, least recently used first."""

    __slots__ = ("_sessions", "eviction_ms", "evictions", "slots")

    def __init__(self, slots: int, eviction_ms: int = EVICTION_MS) -> None:
        self.slots = slots
        self.eviction_ms = eviction_ms
        self.evictions = 0
        self._sessions: dict[int, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def _close(self, session_id: int) -> None:
        session = self._sessions.pop(session_id, None)
        if session is not None and session.watch is not None:
            session.watch.close()

    def begin(
        self,
        now: int,
        session_id: int,
        epoch: int,
        wanted: Iterable[Wanted],
        forgotten: Iterable[Key],
        *,
        uses_ids: bool,
        privileged: bool = False,
        terms: object = None,
    ) -> FetchContext:
        """What this request fetches. On other `terms` than the last one of its session it reads every partition."""
        if epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            if session_id != NO_SESSION:
                self._close(session_id)
            partitions = {each.key: each for each in wanted}
            creates = epoch == INITIAL_EPOCH
            return FetchContext(partitions, uses_ids=uses_ids, privileged=privileged, creates=creates)
        session = self._sessions.get(session_id)
        if session is None:
            return FetchContext({}, uses_ids=uses_ids, error=ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != epoch:
            return FetchContext({}, uses_ids=uses_ids, error=ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.uses_ids != uses_ids:
            return FetchContext({}, uses_ids=uses_ids, error=ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        session.update(wanted, forgotten)
        if not session.partitions:
            self._close(session_id)
            return FetchContext({}, uses_ids=uses_ids)
        if session.terms != terms:
            session.terms = terms
            session.all_due()
        self._touch(session, now)
        session.epoch = 1 if session.epoch == LAST_EPOCH else session.epoch + 1
        return FetchContext(session.due_in_order(), uses_ids=uses_ids, session=session)

    def end(
        self,
        now: int,
        context: FetchContext,
        answers: Mapping[Key, Answered],
        new_id: int,
        sizes: Mapping[Key, int],
    ) -> tuple[ErrorCode, int, list[Key]]:
        """(error, session id, partitions to name in the answer). `sizes` are the record bytes of each answer.

        `new_id` is a random number of 1 to 2**31 - 1; should it be taken, the next free one is.
        """
        session = context.session
        if session is None:
            session_id = self._create(now, context, answers, new_id) if context.creates else NO_SESSION
            return ErrorCode.NONE, session_id, list(answers)
        if session.epoch != context.expected_epoch:
            return ErrorCode.INVALID_FETCH_SESSION_EPOCH, session.id, []
        named: list[Key] = []
        for key, answer in answers.items():
            known = session.partitions.get(key)
            size = sizes.get(key, 0)
            if known is None or _has_news(known, answer, size):
                named.append(key)
            if known is not None and size:
                session.to_the_back(key)
        return ErrorCode.NONE, session.id, named

    def _create(self, now: int, context: FetchContext, answers: Mapping[Key, Answered], new_id: int) -> int:
        if len(self._sessions) >= self.slots and not self._evict(now, context):
            return NO_SESSION
        session_id = new_id
        while session_id in self._sessions or session_id == NO_SESSION:
            session_id = session_id % LAST_EPOCH + 1
        for key, answer in answers.items():
            known = context.partitions.get(key)
            if known is not None:
                known.high_watermark = answer.high_watermark if answer.error_code == 0 else -1
                known.log_start_offset = answer.log_start_offset
        self._sessions[session_id] = Session(
            session_id, context.partitions, now, uses_ids=context.uses_ids, privileged=context.privileged
        )
        return session_id

    def _touch(self, session: Session, now: int) -> None:
        session.last_used = now
        session.cached_size = len(session.partitions)
        del self._sessions[session.id]
        self._sessions[session.id] = session

    def _evict(self, now: int, context: FetchContext) -> bool:
        if not self._sessions:
            return False
        oldest = next(iter(self._sessions.values()))
        if now - oldest.last_used > self.eviction_ms:
            victim = oldest
        else:
            candidates = [
                each
                for each in self._sessions.values()
                if now - each.created > self.eviction_ms or (context.privileged and not each.privileged)
            ]
            if not candidates:
                return False
            victim = min(candidates, key=lambda each: (each.privileged, each.cached_size))
            if (context.privileged, len(context.partitions)) < (victim.privileged, victim.cached_size):
                return False
        self._close(victim.id)
        self.evictions += 1
        return True


def _has_news(known: Wanted, answer: Answered, size: int) -> bool:
    news = size > 0 or answer.preferred_read_replica != -1
    if known.high_watermark != answer.high_watermark:
        known.high_watermark = answer.high_watermark
        news = True
    if known.log_start_offset != answer.log_start_offset:
        known.log_start_offset = answer.log_start_offset
        news = True
    if answer.error_code:
        known.high_watermark = -1  # so that the partition is named again when the error is gone
        news = True
    diverging = getattr(answer, "diverging_epoch", None)
    return news or (diverging is not None and diverging.end_offset != -1)
