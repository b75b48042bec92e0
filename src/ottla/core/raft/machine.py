"""The Raft machine of the metadata log, in Kafka's dialect (KIP-595, KIP-853): events in, effects out.

How a replica becomes leader, told in events and effects:

    Start                       it remembers some epoch e
      -> Persist(e+1, voted: me)
    Persisted                   the vote is on the platter; with one voter it is a majority
      -> Persist(e+1, leader: me)
    Persisted
      -> Append(leader change, …)   the first records of every epoch
      -> Lead(e+1)                  records of others may follow
    Flushed(offset)             the log is on the platter up to here
      -> Commit(offset)             once the epoch's own first record is among it

What has to be durable before something else happens is a `Persist`, and what it permits comes only with the
`Persisted` that answers it.

The quorum has exactly one voter: the machine asks nobody for votes and waits for no other replica's fetch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from ottla.core.raft.election import ElectionState
from ottla.core.raft.voters import ReplicaKey, VoterSet
from ottla.core.records.control import ControlMessage
from ottla.core.wire.messages.records.control import KRaftVersionRecord, LeaderChangeMessage


class Start(msgspec.Struct, frozen=True):
    """The log is open and read: take part."""


class Persisted(msgspec.Struct, frozen=True):
    """The election state of a `Persist` is durable."""

    state: ElectionState


class Flushed(msgspec.Struct, frozen=True):
    """Our own log is durable below `offset`."""

    offset: int


class Resign(msgspec.Struct, frozen=True):
    """The node is stopping, or its log has failed: lead no longer."""


Event: TypeAlias = Start | Persisted | Flushed | Resign


class Persist(msgspec.Struct, frozen=True):
    """Make the election state durable, then answer with `Persisted`."""

    state: ElectionState


class Append(msgspec.Struct, frozen=True):
    """Write these control records as one batch of `epoch`."""

    epoch: int
    messages: list[ControlMessage]


class Lead(msgspec.Struct, frozen=True):
    """We lead `epoch`."""

    epoch: int


class Commit(msgspec.Struct, frozen=True):
    """Everything below `high_watermark` is decided for good."""

    high_watermark: int


class Follow(msgspec.Struct, frozen=True):
    """We no longer lead; nobody is known to."""

    epoch: int


Effect: TypeAlias = Persist | Append | Lead | Commit | Follow


class RaftMachine:
    """One replica. `end_offset` is that of the log as it was opened."""

    def __init__(
        self,
        me: ReplicaKey,
        voters: VoterSet,
        election: ElectionState,
        *,
        kraft_version: int,
        end_offset: int,
        voters_in_log: bool,
    ) -> None:
        if set(voters.voters) != {me.id} or not voters.includes(me):
            names = ", ".join(map(str, sorted(voters.voters))) or "nobody"
            raise ValueError(
                f"the metadata quorum's voters are {names}, and this node is {me.id}: a quorum of several nodes "
                "is not built yet"
            )
        self.me = me
        self.voters = voters
        self.election = election
        self.kraft_version = kraft_version
        self.high_watermark = -1
        self._end_offset = end_offset
        self._voters_in_log = voters_in_log
        self._votes: set[int] = set()
        self._epoch_start: int | None = None

    @property
    def deadline(self) -> int | None:
        """One voter waits for nobody."""
        return None

    @property
    def epoch(self) -> int:
        return self.election.epoch

    @property
    def leading(self) -> bool:
        return self._epoch_start is not None

    def step(self, now: int, event: Event) -> Sequence[Effect]:
        """Take one event. What it returns is performed in order."""
        match event:
            case Start():
                return self._stand()
            case Persisted(state):
                return self._persisted(state)
            case Flushed(offset):
                return self._flushed(offset)
            case Resign():
                return self._resign()

    def _stand(self) -> Sequence[Effect]:
        # An epoch that somebody may have led already is never led again: we always begin a new one.
        self._votes.clear()
        self.election = ElectionState(
            self.election.epoch + 1, voted_id=self.me.id, voted_directory_id=self.me.directory_id
        )
        return [Persist(self.election)]

    def _persisted(self, state: ElectionState) -> Sequence[Effect]:
        if state != self.election:
            return []
        if state.leader_id == self.me.id:
            return self._lead()
        if state.voted_id == self.me.id:
            self._votes.add(self.me.id)
            if len(self._votes) >= self.voters.majority:
                self.election = ElectionState(state.epoch, leader_id=self.me.id)
                return [Persist(self.election)]
        return []

    def _lead(self) -> Sequence[Effect]:
        self._epoch_start = self._end_offset
        change = LeaderChangeMessage(
            leader_id=self.me.id,
            voters=self.voters.leader_change_voters(),
            granting_voters=[v for v in self.voters.leader_change_voters() if v.voter_id in self._votes],
        )
        messages: list[ControlMessage] = [change]
        if self.kraft_version > 0 and not self._voters_in_log:
            # The voters of a freshly formatted directory stand in its first checkpoint only, which is never sent
            # to anybody: the first leader writes them into the log (KIP-853).
            messages += [KRaftVersionRecord(kraft_version=self.kraft_version), self.voters.record()]
            self._voters_in_log = True
        return [Append(self.election.epoch, messages), Lead(self.election.epoch)]

    def _flushed(self, offset: int) -> Sequence[Effect]:
        # A majority of one is ourselves. Records of earlier epochs are committed only together with one of ours
        # (Raft, section 5.4.2): hence "beyond the epoch's start".
        if self._epoch_start is None or offset <= max(self._epoch_start, self.high_watermark):
            return []
        self.high_watermark = offset
        return [Commit(offset)]

    def _resign(self) -> Sequence[Effect]:
        if self._epoch_start is None:
            return []
        self._epoch_start = None
        self.election = ElectionState(self.election.epoch)
        return [Follow(self.election.epoch)]
