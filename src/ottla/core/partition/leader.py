"""One replicated partition, as its leader sees it.

Records are committed once every in-sync replica (ISR) holds them; the high watermark is where the committed part ends,
and consumers see nothing beyond it. The leader itself is one of the in-sync replicas: what it wrote counts at once,
except where `flush.messages` demands a flush first: then its own part stands still until the disk has answered.

A partition with fewer in-sync replicas than `min.insync.replicas` (or than it has replicas, if those are fewer,
KIP-966) takes no acks=all records, and its high watermark does not move.

The machine holds offsets and epochs only. Records never come near it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import NO_EPOCH
from ottla.core.partition.events import (
    Advanced,
    Answer,
    Appended,
    Awaits,
    Changed,
    Effect,
    Elected,
    Event,
    Flushed,
    FollowerFetched,
    Resigned,
)

_NOTHING: tuple[Effect, ...] = ()


class Leader:
    """A machine (see `core.model.machine`). It has no deadline: who waits brings its own."""

    __slots__ = (
        "_flush_to",
        "_followers",
        "_node_id",
        "_own",
        "_waiting_committed",
        "_waiting_own",
        "effective_min_insync",
        "end_offset",
        "enough_in_sync",
        "high_watermark",
        "isr",
        "leader_epoch",
        "leading",
        "min_insync_replicas",
        "replicas",
    )

    def __init__(self, node_id: int) -> None:
        self._node_id = node_id
        self.leading = False
        self.leader_epoch = -1
        self.end_offset = 0
        self.high_watermark = 0
        self.replicas: Sequence[int] = ()
        self.isr: Sequence[int] = ()
        self.min_insync_replicas = 1
        self.effective_min_insync = 0
        self.enough_in_sync = True
        """Whether records with acks=all may be taken: asked for every append, so it is kept, not computed."""
        self._own = 0  # how far this node's own copy counts
        self._flush_to = -1  # `_own` stands still until the disk holds everything below this; -1: it does not
        self._followers: dict[int, int] = {}  # replica -> end offset
        self._waiting_committed: deque[Awaits] = deque()
        self._waiting_own: deque[Awaits] = deque()

    @property
    def deadline(self) -> int | None:
        return None

    @property
    def unflushed(self) -> bool:
        """Whether something written counts only after a flush that has not happened yet."""
        return self._flush_to >= 0

    def check_acks(self, acks: int) -> None:
        """Raises NOT_ENOUGH_REPLICAS when records with acks=all cannot be committed now."""
        if acks == -1 and not self.enough_in_sync:
            raise KafkaError(
                ErrorCode.NOT_ENOUGH_REPLICAS,
                f"The size of the current ISR {list(self.isr)} is insufficient to satisfy the min.isr requirement "
                f"of {self.effective_min_insync}",
            )

    def safe(self, offset: int, *, committed: bool) -> bool:
        """Whether an answer for everything below `offset` may leave at once."""
        return (self.high_watermark if committed else self._own) >= offset

    def step(self, now: int, event: Event) -> Sequence[Effect]:
        kind = type(event)
        if kind is Appended:  # first: one comes with every append
            return self._appended(event)  # type: ignore[arg-type]
        if kind is Flushed:
            return self._flushed(event)  # type: ignore[arg-type]
        if kind is Awaits:
            return self._awaits(event)  # type: ignore[arg-type]
        if kind is FollowerFetched:
            return self._follower_fetched(event)  # type: ignore[arg-type]
        if kind is Elected:
            return self._elected(event)  # type: ignore[arg-type]
        if kind is Changed:
            return self._changed(event)  # type: ignore[arg-type]
        return self._resigned(event)  # type: ignore[arg-type]

    # -- events

    def _elected(self, event: Elected) -> Sequence[Effect]:
        self.leading = True
        self.leader_epoch = event.leader_epoch
        self._take_replicas(event)
        self.end_offset = self._own = event.end_offset
        self.high_watermark = min(event.high_watermark, event.end_offset)
        self._flush_to = -1
        self._followers = {replica: -1 for replica in event.replicas if replica != self._node_id}
        return self._advance()

    def _changed(self, event: Changed) -> Sequence[Effect]:
        self._take_replicas(event)
        known = self._followers
        self._followers = {
            replica: known.get(replica, -1) for replica in event.replicas if replica != self._node_id
        }
        return self._advance()

    def _take_replicas(self, event: Elected | Changed) -> None:
        self.replicas, self.isr = event.replicas, event.isr
        self.min_insync_replicas = event.min_insync_replicas
        self.effective_min_insync = min(event.min_insync_replicas, len(event.replicas))
        self.enough_in_sync = len(event.isr) >= self.effective_min_insync

    def _appended(self, event: Appended) -> Sequence[Effect]:
        self.end_offset = event.end_offset
        if event.flush:
            self._flush_to = event.end_offset
        elif self._flush_to < 0:
            self._own = event.end_offset
            return self._advance()
        return _NOTHING

    def _flushed(self, event: Flushed) -> Sequence[Effect]:
        if event.up_to >= self._flush_to >= 0:
            self._flush_to = -1
            self._own = self.end_offset
        else:
            self._own = max(self._own, min(event.up_to, self.end_offset))
        return self._advance()

    def _follower_fetched(self, event: FollowerFetched) -> Sequence[Effect]:
        if event.replica in self._followers:
            self._followers[event.replica] = event.offset
        return self._advance()

    def _awaits(self, event: Awaits) -> Sequence[Effect]:
        if not self.leading:
            return [Answer(event.token, ErrorCode.NOT_LEADER_OR_FOLLOWER)]
        (self._waiting_committed if event.committed else self._waiting_own).append(event)
        return self._answers()

    def _resigned(self, event: Resigned) -> Sequence[Effect]:
        self.leading = False
        waiting = [*self._waiting_committed, *self._waiting_own]
        self._waiting_committed.clear()
        self._waiting_own.clear()
        return [Answer(each.token, event.code) for each in waiting]

    # -- consequences

    def _advance(self) -> Sequence[Effect]:
        committed = self._own
        if self._followers:
            if not self.enough_in_sync:
                committed = self.high_watermark
            else:
                held = [self._followers[each] for each in self.isr if each in self._followers]
                committed = min([committed, *held])
        if committed > self.high_watermark:
            self.high_watermark = committed
            if not self._waiting_committed and not self._waiting_own:
                return (Advanced(committed),)
            return (Advanced(committed), *self._answers())
        return self._answers() if self._waiting_own else _NOTHING

    def _answers(self) -> Sequence[Effect]:
        if not self._waiting_committed and not self._waiting_own:
            return _NOTHING
        answers: list[Effect] = []
        code = ErrorCode.NONE if self.enough_in_sync else ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
        while self._waiting_committed and self._waiting_committed[0].offset <= self.high_watermark:
            answers.append(Answer(self._waiting_committed.popleft().token, code))
        while self._waiting_own and self._waiting_own[0].offset <= self._own:
            answers.append(Answer(self._waiting_own.popleft().token, ErrorCode.NONE))
        return answers


def check_leader_epoch(asked: int, current: int) -> None:
    """KIP-320: a client and the leader must speak of the same epoch (-1: the client does not say).

    Raises FENCED_LEADER_EPOCH (the client is behind) or UNKNOWN_LEADER_EPOCH (we are).
    """
    if asked in (NO_EPOCH, current):
        return
    if asked < current:
        raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
    raise KafkaError(ErrorCode.UNKNOWN_LEADER_EPOCH)
