"""What is known for sure about a consumer group (KIP-848): who owns which partition, and in which epoch.

* No two members own one partition at one time.
* The epoch of a member never goes back.
* Who was heard of within its session timeout is not shut out, also when one answer was lost on the way.
* A commit of an older epoch counts for partitions that the member has had since then, and for no others (KIP-1251).
* Nobody skips a record.

A partition is a member's from the answer that assigns it until the member *sends* a heartbeat without it, leaves, or can no
longer be sure that its session stands: counted from when it sent the last heartbeat that was answered, the coordinator
counts from later.

A heartbeat whose connection broke may arrive late, after those that were sent on the next one, and say of the member
what is not so any more. What is assigned from then on is not judged, until the member has passed the epoch of that heartbeat
twice, or the node was killed and the heartbeat with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from ottla.core.model.errors import ErrorCode
from ottla.sim.judge.facts import Violation

Spot: TypeAlias = "tuple[str, int]"
"""Topic and partition."""

ROUNDING_MS: Final = 2
"""Two clocks that count whole milliseconds may differ by so much about one span."""
JOINING: Final = 0


class Since(NamedTuple):
    """A partition was given to its member in an epoch between these two, both included."""

    first: int
    last: int


class Membership:
    """A member from one joining to its end, as it knows itself. Times are the world's milliseconds."""

    __slots__ = ("asked", "ended", "epochs", "member", "owned", "revoking", "telling", "unanswered")

    def __init__(self, member: str) -> None:
        self.member = member
        self.epochs: list[int] = []
        """Those it has heard, each once, the newest last."""
        self.owned: dict[Spot, Since] = {}
        self.revoking: frozenset[Spot] = frozenset()
        """What it owns and was told to give up."""
        self.ended = False
        self.asked = 0
        """When it sent the last heartbeat that was answered."""
        self.telling: int | None = None
        """When it sent the first heartbeat after which it had, or may have had, something to give up."""
        self.unanswered = 0
        """Heartbeats since the last good answer of which nobody knows whether they were carried out."""

    @property
    def epoch(self) -> int:
        """The newest that it has heard; JOINING before that."""
        return self.epochs[-1] if self.epochs else JOINING


class ConsumerFacts:
    """All of a run, about one group."""

    def __init__(self, session_ms: int, rebalance_ms: int, reached: Counter[str]) -> None:
        self.reached = reached
        self.life = 0
        """How often the node was started."""
        self._session_ms = session_ms
        self._rebalance_ms = rebalance_ms
        self._owners: dict[Spot, Membership] = {}
        self._late: dict[str, list[int]] = {}
        """Member → epochs of heartbeats that may still arrive."""
        self._read: dict[int, int] = {}

    def node_started(self) -> None:
        """What was on its way to the node of before is lost with it."""
        self.life += 1
        self._late.clear()

    # -- what is certain

    def stands(self, membership: Membership, now: int) -> bool:
        """Whether the coordinator cannot have given the member up."""
        telling = membership.telling
        return (
            not membership.ended
            and now < membership.asked + self._session_ms - ROUNDING_MS
            and (telling is None or now < telling + self._rebalance_ms - ROUNDING_MS)
        )

    def certain(self, membership: Membership) -> bool:
        """Whether no heartbeat of the member can still arrive late."""
        return not self._late.get(membership.member)

    # -- heartbeats

    def asks(self, membership: Membership, now: int, has: Collection[Spot] | None) -> None:
        """A heartbeat is sent; `has` is what it says that the member has, None: nothing of that."""
        if membership.telling is None:
            membership.telling = now
        if has is not None:
            for spot in [each for each in membership.owned if each not in has]:
                del membership.owned[spot]
                self._release(membership, spot)

    def answered(
        self,
        membership: Membership,
        asked: int,
        now: int,
        epoch: int,
        assigned: Collection[Spot] | None,
    ) -> None:
        """The answer to what was sent then. `assigned` is what the member is to have, None: what it was told before."""
        before = membership.epoch
        if epoch < before:
            raise Violation(
                f"member {membership.member} was in epoch {before}, and is told that it is in {epoch}"
            )
        if not membership.epochs or epoch > before:
            membership.epochs.append(epoch)
            self._outrun(membership, before)
            self.reached["member epochs"] += 1
        membership.asked, membership.unanswered = asked, 0
        if assigned is not None:
            for spot in assigned:
                membership.owned.setdefault(spot, Since(before, epoch))
            membership.revoking = frozenset(membership.owned).difference(assigned)
        else:
            membership.revoking = membership.revoking.intersection(membership.owned)
        if self.certain(membership):
            if not membership.revoking:
                membership.telling = None
            if self.stands(membership, now):
                self._claim(membership, now)

    def _outrun(self, membership: Membership, previous: int) -> None:
        """The coordinator takes the epoch before the newest, and nothing older, unless somebody joins."""
        late = [each for each in self._late.get(membership.member, ()) if each == JOINING or each >= previous]
        self._late[membership.member] = late

    def _claim(self, membership: Membership, now: int) -> None:
        """What the member has is its own now."""
        for spot in membership.owned:
            other = self._owners.get(spot)
            if other is not None and other is not membership and self.stands(other, now):
                raise Violation(
                    f"{spot[0]}-{spot[1]} belongs to {other.member} in epoch {other.epoch}, which has not given it up, "
                    f"and to {membership.member} in epoch {membership.epoch}"
                )
            if other is not membership:
                self.reached["partitions owned"] += 1
            self._owners[spot] = membership

    def _release(self, membership: Membership, spot: Spot) -> None:
        if self._owners.get(spot) is membership:
            del self._owners[spot]

    def unheard(self, membership: Membership, epoch: int, *, late: bool) -> None:
        """A heartbeat with this epoch was carried out, or not; `late`: or will be."""
        membership.unanswered += 1
        if late:
            self._late.setdefault(membership.member, []).append(epoch)

    def ends(self, membership: Membership) -> None:
        """The member has left, or is somebody else from now on."""
        membership.ended = True
        for spot in membership.owned:
            self._release(membership, spot)
        membership.owned.clear()

    def shut_out(self, membership: Membership, code: ErrorCode, now: int) -> None:
        """The coordinator does not know the member, or not in this epoch.

        One lost answer is no reason: the coordinator takes the epoch before, from a member that says what it has, as one does
        that missed an answer. Two are, and so is a heartbeat from before the last answer: it may have moved the member on
        unnoticed.
        """
        late = len(self._late.get(membership.member, ()))
        excused = membership.unanswered > 1 or late > membership.unanswered
        if membership.epochs and not excused and self.stands(membership, now):
            raise Violation(
                f"member {membership.member} is shut out in epoch {membership.epoch}: {code.name}. Its session stands since "
                f"{membership.asked} ms, and lasts {self._session_ms} ms"
            )
        self.ends(membership)
        self.reached["members shut out"] += 1

    # -- commits

    def verdict(self, membership: Membership, spot: Spot, epoch: int) -> bool | None:
        """Whether a commit with an epoch that the member has heard must be taken while it stands; None: it may be."""
        if not self.certain(membership):
            return None
        since = membership.owned.get(spot)
        if since is None:
            return False if epoch < membership.epoch and not membership.unanswered else None
        if epoch >= since.last:
            return True
        return False if epoch < since.first else None

    # -- records

    def reads(self, partition: int, first: int, end: int) -> None:
        """A member has read the records from `first` up to `end`."""
        known = self._read.get(partition, 0)
        if first > known:
            raise Violation(
                f"nobody has read {known} to {first} of partition {partition}, and a member begins there"
            )
        self._read[partition] = max(known, end)
        self.reached["records consumed"] += max(end - known, 0)

    def complete(self, ends: Mapping[int, int]) -> None:
        """Up to these ends everything is said to be read."""
        for partition, end in ends.items():
            if self._read.get(partition, 0) < end:
                raise Violation(
                    f"partition {partition} counts as read up to {end}: it was read up to {self._read.get(partition, 0)}"
                )

    # -- the group seen from outside

    def described(self, shares: Mapping[str, Iterable[Spot]]) -> None:
        """What each member has, says the coordinator."""
        owners: dict[Spot, str] = {}
        for member, spots in shares.items():
            for spot in spots:
                other = owners.setdefault(spot, member)
                if other != member:
                    raise Violation(f"{spot[0]}-{spot[1]} is described as that of {other} and of {member}")
        self.reached["consumer groups described"] += 1
