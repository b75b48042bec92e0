"""What a broker under test is told, and what it answers: values that a thread hands over as they are, a pipe as JSON."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec


class BrokerFailed(Exception):
    """A broker under test could not do what it was asked, or is not there any more. The text says why."""


class Word(msgspec.Struct, frozen=True, tag=True):
    """Anything that can be said to a broker."""


# -- faults


class Requests(Word, frozen=True):
    """Which requests a fault strikes: of these APIs (none named: of all), of this client (None: of any), so many times
    (None: until it is lifted)."""

    apis: tuple[int, ...]
    client_id: str | None
    times: int | None


class Delay(Requests, frozen=True):
    """The answer is held back for `ms`."""

    ms: int


class Fail(Requests, frozen=True):
    """The answer is this error; `executed`: after the request was carried out all the same."""

    error: int
    executed: bool


class Cut(Requests, frozen=True):
    """The connection ends in the middle of the answer."""


class Refuse(Word, frozen=True):
    """Nobody can connect; `drop`: those who are connected are cut off."""

    drop: bool


class Leaderless(Word, frozen=True):
    """A partition has no leader."""

    topic: str
    partition: int


Fault: TypeAlias = Delay | Fail | Cut | Refuse | Leaderless


# -- commands


class CreateTopic(Word, frozen=True):
    name: str
    partitions: int
    configs: dict[str, str]


class DeleteTopic(Word, frozen=True):
    name: str


class ListTopics(Word, frozen=True):
    """Answered with their names, those of the coordinators left out."""


class Reset(Word, frozen=True):
    """Forget all that users have made."""


class Rebalance(Word, frozen=True):
    group: str


class Inject(Word, frozen=True):
    """`id` is the teller's to choose; after `lasting_ms` (None: never) the fault is lifted by itself."""

    id: int
    fault: Fault
    lasting_ms: int | None


class Lift(Word, frozen=True):
    """End a fault, or all of them (None). One that is over already is no error."""

    id: int | None


class CountStruck(Word, frozen=True):
    """Answered with how often a fault has struck."""

    id: int


Command: TypeAlias = CreateTopic | DeleteTopic | ListTopics | Reset | Rebalance | Inject | Lift | CountStruck


# -- a child process


class Launch(Word, frozen=True):
    """The first line to a child: the node it is to run. `temporary`: a directory with all it has, when nobody will miss it."""

    properties: dict[str, str]
    port: int
    temporary: str | None


class Stop(Word, frozen=True):
    """The last line to a child: end cleanly."""


class Done(Word, frozen=True):
    value: Any = None


class Refused(Word, frozen=True):
    reason: str
