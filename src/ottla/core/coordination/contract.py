"""The contract between a coordinator and the runtime that carries it.

A coordinator is the replicated machine over one partition of `__consumer_offsets`, `__transaction_state` or
`__share_group_state`. Requests come in with a token; a `Decision` goes out: records to write, replies for tokens (this
request's or those of others that had to wait), calls to other parts of the cluster.

The runtime (`broker/coordination`) writes the records, lets the machine `apply` them at once, and lets replies and
calls go only when everything written before them is committed. So a decision may build on what the one before it
wrote, and nobody ever sees what could still be lost.

What a machine remembers falls in two parts. *Hard* state changes in `apply` alone, so that a replay of the log rebuilds
it. *Soft* state (who waits to join, session timers) may change in `handle` and `tick`; when the machine is loaded
anew it begins empty, and clients find their way back by asking again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from ottla.core.model.ids import Uuid
from ottla.core.wire.declaration import Body


class Moment(NamedTuple):
    """Milliseconds: `now` is monotonic and serves deadlines, `wall` is the calendar and goes into records."""

    now: int
    wall: int


class Request(NamedTuple):
    """A request and who asks: the message itself, or what a handler made of it. `fresh` is an id that nobody has had:
    for member ids, where one is to be made."""

    body: Any
    version: int
    client_id: str = ""
    client_host: str = ""
    fresh: str = ""


class Record(NamedTuple):
    """A record to write. No value is a tombstone; `version` is that of the value."""

    key: Body
    value: Body | None
    version: int = 0


class Producer(NamedTuple):
    """Whose transaction a batch belongs to."""

    id: int
    epoch: int


class Reply(NamedTuple):
    """The answer for whoever holds `token`: a message, what the asking handler makes one of, or an error."""

    token: object
    body: Any


class Call(NamedTuple):
    """A request to another part of the cluster. Its answer comes back as `answered(call, …)`."""

    name: str
    body: Any


class Decision(NamedTuple):
    """What follows from a request, from time, or from an answer.

    `records` are written whole or not at all, in one batch, as part of the transaction of `producer` if there is one.
    With `divisible` they may be spread over several batches: many tombstones, for example.
    """

    records: Sequence[Record] = ()
    replies: Sequence[Reply] = ()
    calls: Sequence[Call] = ()
    producer: Producer | None = None
    divisible: bool = False
    notes: Sequence[str] = ()
    """Lines an operator would look for in the log."""


NOTHING = Decision()


class Topic(NamedTuple):
    """A topic as coordinators see it. `racks` are those of each partition's replicas."""

    id: Uuid
    name: str
    partitions: int
    racks: Sequence[frozenset[str]] = ()


class Topics(Protocol):
    """The topics of the cluster, as committed."""

    def named(self, name: str) -> Topic | None: ...

    def with_id(self, topic_id: Uuid) -> Topic | None: ...

    def names(self) -> Iterable[str]: ...

    @property
    def version(self) -> int:
        """Grows with every change of the metadata: the offset of its last record."""
        ...


class Coordinator(Protocol):
    """The machine. Each call returns before the next is made."""

    @property
    def deadline(self) -> int | None:
        """Monotonic milliseconds at which `tick` wants to be called, or None."""
        ...

    def handle(self, moment: Moment, token: object, request: Request) -> Decision:
        """Decide on a request. A KafkaError raised is the answer for `token`. A token without a reply waits."""
        ...

    def abandoned(self, token: object) -> None:
        """Whoever held the token has gone; a reply to it would not be read."""
        ...

    def apply(self, moment: Moment, key: Body, value: Body | None, producer: Producer | None) -> None:
        """Let a record change the state. With `producer` it counts once that transaction has ended well.

        Raises DecodeError, and changes nothing, for a record of the log that says what is not known here."""
        ...

    def ended(self, producer_id: int, committed: bool) -> None:
        """The marker of a transaction is in the log."""
        ...

    def loaded(self, moment: Moment) -> Decision:
        """Every record has been applied: take up the work."""
        ...

    def tick(self, moment: Moment) -> Decision:
        """Time has come for what `deadline` announced."""
        ...

    def answered(self, moment: Moment, call: Call, answer: Any) -> Decision:
        """A call has been answered, or has failed with a KafkaError."""
        ...

    def topics_changed(self, moment: Moment, changed: frozenset[str], deleted: frozenset[str]) -> Decision:
        """Topics with these names have other partitions or racks, or are gone; `Topics` says how it is now."""
        ...


class Placing(Coordinator, Protocol):
    """A machine that wants to know where its records lie, because it has its log cut."""

    def placed(self, offset: int, key: Body, value: Body | None) -> None:
        """A record that was applied is in the log at this offset."""
        ...
