"""What is asked of the share coordinator, each about one share partition, and what it answers.

The coordinator keeps for a group what was delivered of a partition (KIP-932): from where on records are still to be
delivered (`start_offset`, the share-partition start offset), and beyond that point, in batches, what became of them.

Two epochs fence writers. The *state epoch* grows when an administrator begins the state anew; the *leader epoch* is that of
the partition's leader who writes. A request with an older one than the coordinator has seen is refused; a writer who says -1 is not checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ottla.core.model.ids import Uuid, uuid_text

UNINITIALIZED: Final = -1
"""The start offset of a share partition from which nothing was delivered yet, and its count of deliveries completed."""


class SharePartitionKey(NamedTuple):
    """A partition as one group shares it."""

    group: str
    topic_id: Uuid
    partition: int

    @property
    def coordinator_key(self) -> str:
        """The name by which its coordinator is found: `group:topicId:partition`."""
        return f"{self.group}:{uuid_text(self.topic_id)}:{self.partition}"


class StateBatch(NamedTuple):
    """Offsets, both ends included, of which the same is known: 0 available, 2 acknowledged, 4 archived."""

    first_offset: int
    last_offset: int
    delivery_state: int
    delivery_count: int


class PartitionState(NamedTuple):
    """What is stored of a share partition, as it is told to who asks."""

    state_epoch: int
    leader_epoch: int
    start_offset: int
    delivery_complete_count: int
    batches: Sequence[StateBatch] = ()


ABSENT: Final = PartitionState(0, 0, UNINITIALIZED, UNINITIALIZED)
"""What a summary tells of a share partition that nothing is stored of."""


class Initialize(NamedTuple):
    """Begin the state, or begin it anew. Answered by None."""

    key: SharePartitionKey
    state_epoch: int
    start_offset: int


class Read(NamedTuple):
    """The state, for a leader who will write it: its epoch counts from now on. Answered by a `PartitionState`."""

    key: SharePartitionKey
    leader_epoch: int


class Write(NamedTuple):
    """Store how far delivery has come; batches hold what changed, `start_offset` -1 leaves it. Answered by None."""

    key: SharePartitionKey
    state_epoch: int
    leader_epoch: int
    start_offset: int
    delivery_complete_count: int
    batches: Sequence[StateBatch]


class Delete(NamedTuple):
    """Forget the state. Answered by None, also when there was none."""

    key: SharePartitionKey


class ReadSummary(NamedTuple):
    """The state without its batches; nobody's epoch counts. Answered by a `PartitionState`."""

    key: SharePartitionKey
