"""The contract of every machine in the house.

Everything here is a log and a machine that reads it. A machine is a plain object without sockets, files, clock or
chance; what it needs of those comes in as arguments, what it wants done goes out as values.

* A `Machine` takes one event at a time: `step(now, event)` returns effects, `deadline` says when it wants to be
  called with nothing but the time. Nothing else is called from outside.
* A `ReplicatedMachine` owns state that a log can rebuild. Its two sides never mix: `handle` decides and changes
  nothing, `apply` changes and decides nothing. Recovery, following and leading all go through `apply`, so the test
  for "restart" is: replay.

The runtime around a replicated machine applies the records at once, so that the next request decides on what the
last one wrote, and lets a reply go only when all that it saw is committed.

Time is an integer of milliseconds. `now` is monotonic and serves every deadline; `wall` is the calendar and serves
record timestamps and retention only, so a clock that jumps expires nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

EventT = TypeVar("EventT", contravariant=True)
EffectT = TypeVar("EffectT", covariant=True)
RequestT = TypeVar("RequestT", contravariant=True)
RecordT = TypeVar("RecordT")
ReplyT = TypeVar("ReplyT")


class Machine(Protocol[EventT, EffectT]):
    """Events in, effects out."""

    @property
    def deadline(self) -> int | None:
        """Monotonic milliseconds at which `step` wants a tick, or None."""
        ...

    def step(self, now: int, event: EventT) -> Sequence[EffectT]: ...


class Outcome(Generic[RecordT, ReplyT]):
    """What `handle` decided: the records to append and the reply to give once they are committed."""

    __slots__ = ("records", "reply")

    def __init__(self, records: Sequence[RecordT], reply: ReplyT) -> None:
        self.records = records
        self.reply = reply

    def __repr__(self) -> str:
        return f"Outcome({len(self.records)} records, {self.reply!r})"


class ReplicatedMachine(Protocol[RequestT, RecordT, ReplyT]):
    """`handle` decides, `apply` changes."""

    def handle(self, now: int, request: RequestT) -> Outcome[RecordT, ReplyT]: ...

    def apply(self, offset: int, record: RecordT) -> None: ...
