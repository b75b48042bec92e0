"""What is known for sure about a share group: who holds which record, what is done with, how often what was delivered.

* No record is acquired while a lock on it stands.
* What was accepted or rejected, in time or late, and answered so, is not delivered again, whatever the node went through.
* No record is delivered more often than the group allows, and no delivery is forgotten while the node lives.
* A member whose lock stands is not refused.
* In the end every record is done with: somebody said so, or it was delivered as often as is allowed.

Nobody outside sees the moment in which a record is acquired: it lies between the question and its answer. Nor does
anybody see when the node gives a member up whose connection broke. So two deliveries that overlap are only a
*suspicion*. It is proven when both sessions have been answered once more: then neither had ended between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from ottla.sim.coordination.facts import Place
from ottla.sim.judge.facts import Violation

ROUNDING_MS: Final = 2
"""Two clocks that count whole milliseconds may differ by so much about one span."""


class ShareSession:
    """A share session as its member knows it. `ended`: the member gave it up, or cannot know whether it still is."""

    __slots__ = ("ended", "member", "suspicions")

    def __init__(self, member: str) -> None:
        self.member = member
        self.ended = False
        self.suspicions: list[Suspicion] = []

    def end(self) -> None:
        self.ended = True
        self.suspicions.clear()


class Hold:
    """A record that was delivered. Its lock stands at least from `heard` until `until`; it began not before `asked`."""

    __slots__ = ("asked", "heard", "place", "session", "until")

    def __init__(self, session: ShareSession, place: Place, asked: int, heard: int, lock_ms: int) -> None:
        self.session = session
        self.place = place
        self.asked = asked
        self.heard = heard
        self.until = asked + lock_ms - ROUNDING_MS

    def stands(self, now: int) -> bool:
        """Whether it is certain that the lock has not ended."""
        return not self.session.ended and now < self.until


class Suspicion:
    """Two deliveries that overlap, unless one of the sessions had ended meanwhile."""

    __slots__ = ("raised", "text", "unproven")

    def __init__(self, text: str, raised: int, sessions: Iterable[ShareSession]) -> None:
        self.text = text
        self.raised = raised
        self.unproven = list(dict.fromkeys(sessions))


class ShareFacts:
    """All of a run, about one group and one topic. Times are the world's milliseconds."""

    def __init__(self, lock_ms: int, deliveries_max: int, reached: Counter[str]) -> None:
        self.lock_ms = lock_ms
        self.deliveries_max = deliveries_max
        self.reached = reached
        self._holds: dict[Place, Hold] = {}
        self._done: dict[Place, int] = {}
        self._doubtful: set[Place] = set()
        self._heard: Counter[Place] = Counter()
        self._heard_in_life: dict[Place, list[int]] = {}
        self._unheard: Counter[int] = Counter()
        self._starts: dict[int, int] = {}

    # -- deliveries

    def delivered(self, session: ShareSession, place: Place, deliveries: int, asked: int, now: int) -> Hold:
        """An answer to what was asked then gives a record, and says how often that was done."""
        done = self._done.get(place)
        if done is not None and asked >= done:
            raise Violation(
                f"record {place} was done with, and is delivered to {session.member} all the same"
            )
        self._heard[place] += 1
        if deliveries > self.deliveries_max:
            raise Violation(
                f"record {place} is delivered {deliveries} times, {self.deliveries_max} are allowed"
            )
        heard = self._heard_in_life.setdefault(place, [])
        earlier = sum(when < asked for when in heard)  # answers may overtake each other
        heard.append(now)
        if deliveries <= earlier:
            raise Violation(
                f"the node says that it delivers record {place} for time {deliveries}; "
                f"since it was started it had done so {earlier} times before"
            )
        hold = Hold(session, place, asked, now, self.lock_ms)
        before = self._holds.get(place)
        if before is not None and before.stands(now) and before.heard < hold.until:
            self._suspect(before, hold)
        if before is None or before.until < hold.until:
            self._holds[place] = hold
        self.reached["records shared"] += 1
        self.reached["records shared again"] += deliveries > 1
        return hold

    def _suspect(self, one: Hold, other: Hold) -> None:
        text = (
            f"record {one.place} was delivered to {one.session.member} (asked at {one.asked} ms, "
            f"heard at {one.heard} ms) and to {other.session.member} ({other.asked}, {other.heard}); "
            f"a lock lasts {self.lock_ms} ms"
        )
        suspicion = Suspicion(text, other.heard, (one.session, other.session))
        for session in suspicion.unproven:
            session.suspicions.append(suspicion)

    def answered(self, session: ShareSession, asked: int) -> None:
        """The node knew the session when it answered what was asked then."""
        for suspicion in session.suspicions:
            if asked > suspicion.raised and session in suspicion.unproven:
                suspicion.unproven.remove(session)
                if not suspicion.unproven:
                    raise Violation(f"two hold one record: {suspicion.text}")

    def unheard(self, partitions: Iterable[int]) -> None:
        """A fetch has no answer: it may have been given any record."""
        self._unheard.update(partitions)

    def node_started(self) -> None:
        """Deliveries are written down when they end: the node may have forgotten those that had not."""
        self._heard_in_life.clear()

    # -- what became of them

    def forget(self, hold: Hold) -> None:
        """The member lets go of the record, or nobody knows; also when it speaks of an earlier delivery to itself."""
        found = self._holds.get(hold.place)
        if found is not None and found.session.member == hold.session.member:
            del self._holds[hold.place]

    def renewed(self, hold: Hold, asked: int) -> None:
        """The lock began anew, at this time or later."""
        hold.until = max(hold.until, asked + self.lock_ms - ROUNDING_MS)
        self.reached["locks renewed"] += 1

    def done(self, place: Place, now: int) -> None:
        """Accepted or rejected, and the answer says so."""
        self._done.setdefault(place, now)
        self.reached["shared records done with"] += 1

    def doubts(self, place: Place) -> None:
        """Accepted or rejected, but nobody knows whether that counts."""
        self._doubtful.add(place)

    # -- everything

    def told_start(self, partition: int, start: int) -> None:
        """Below this the group is done, says the coordinator while no member is at work."""
        before = self._starts.get(partition, 0)
        if start < before:
            raise Violation(
                f"the group had come to {before} in partition {partition}, and now it is at {start}"
            )
        self._starts[partition] = start
        self.complete({partition: start})

    def start(self, partition: int) -> int:
        """What the coordinator said last; 0: nothing yet."""
        return self._starts.get(partition, 0)

    def complete(self, ends: Mapping[int, int]) -> None:
        """Up to these ends every record is said to be done with."""
        for partition, end in ends.items():
            for offset in range(end):
                place = (partition, offset)
                tries = self._heard[place] + self._unheard[partition]
                if place not in self._done and place not in self._doubtful and tries < self.deliveries_max:
                    raise Violation(
                        f"record {place} counts as done with: nobody said so, it was delivered {self._heard[place]} "
                        f"times, and {self._unheard[partition]} fetches have no answer"
                    )
