"""Faults on demand: what a cluster does to its clients on a bad day, at the moment a test wants it.

Every fault lasts until it is lifted: by `lift`, by leaving its `with` block, by `Faults.lift_all`, by `Broker.reset`, or when
the broker stops.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.api_key import ApiKey
from ottla.testing import words

if TYPE_CHECKING:
    from collections.abc import Callable

ApiName: TypeAlias = "str | int"
"""An API: `"OFFSET_COMMIT"`, `"OffsetCommit"` or `"offset_commit"`, or its number."""
ErrorName: TypeAlias = "str | int"
"""An error: `"NOT_COORDINATOR"`, or its code."""


class Fault:
    """One fault that is set. A context manager that lifts it."""

    def __init__(self, id_: int, ask: Callable[[words.Command], Any]) -> None:
        self._id = id_
        self._ask = ask
        self._struck: int | None = None

    @property
    def struck(self) -> int:
        """How many requests it has struck. Faults of partitions and of the port strike none."""
        if self._struck is not None:
            return self._struck
        struck: int = self._ask(words.CountStruck(self._id))
        return struck

    def lift(self) -> None:
        """End it. Answers that it holds back leave at once. Once it is over, this does nothing."""
        if self._struck is None:
            self._struck = self._ask(words.Lift(self._id))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lift()


class Faults:
    """The faults of a broker. Each method sets one, at once; raises `BrokerFailed` when the broker does not run, and
    ValueError for an API or an error that does not exist.

    `apis`: which requests are struck; none named: all. `times`: how many, then the fault is spent. `client_id`: only those
    of clients that call themselves so. `lasting_ms`: the fault lifts itself after so long.
    """

    def __init__(self, ask: Callable[[words.Command], Any]) -> None:
        self._ask = ask
        self._ids = count(1)

    def delay(
        self,
        *apis: ApiName,
        ms: int,
        times: int | None = None,
        client_id: str | None = None,
        lasting_ms: int | None = None,
    ) -> Fault:
        """Requests are carried out, and their answers held back for `ms`."""
        _check_positive("ms", ms)
        return self._set(words.Delay(_keys(apis), client_id, times, ms), lasting_ms)

    def fail(
        self,
        *apis: ApiName,
        error: ErrorName,
        times: int | None = None,
        client_id: str | None = None,
        executed: bool = False,
        lasting_ms: int | None = None,
    ) -> Fault:
        """Requests are answered with `error`, each as its API says it: beside every topic or partition named, if it can. With `executed` they are carried out all the
        same, as when an answer is lost on its way: a producer without idempotence then writes twice."""
        code = int(_error(error))
        return self._set(words.Fail(_keys(apis), client_id, times, code, executed), lasting_ms)

    def cut(
        self,
        *apis: ApiName,
        times: int | None = 1,
        client_id: str | None = None,
        lasting_ms: int | None = None,
    ) -> Fault:
        """Requests are carried out, half of the answer is sent, and the connection ends."""
        return self._set(words.Cut(_keys(apis), client_id, times), lasting_ms)

    def refuse(self, *, drop: bool = False, lasting_ms: int | None = None) -> Fault:
        """Nobody can connect any more. With `drop`, those who are connected are cut off too: the broker seems gone."""
        return self._set(words.Refuse(drop), lasting_ms)

    def leaderless(self, topic: str, partition: int = 0, *, lasting_ms: int | None = None) -> Fault:
        """The partition has no leader: it can be neither written nor read, and the metadata say so. When the fault is
        lifted its leader comes back, in a new epoch. Raises BrokerFailed when there is no such partition."""
        return self._set(words.Leaderless(topic, partition), lasting_ms)

    def rebalance(self, group: str) -> None:
        """Make the group rebalance now. Members of a classic group are asked to join again; members of a consumer, share
        or streams group lose what they have and come back. Raises BrokerFailed for a group without members."""
        self._ask(words.Rebalance(group))

    def lift_all(self) -> None:
        """End all faults."""
        self._ask(words.Lift(None))

    def _set(self, fault: words.Fault, lasting_ms: int | None) -> Fault:
        if isinstance(fault, words.Requests):
            _check_positive("times", fault.times)
        _check_positive("lasting_ms", lasting_ms)
        id_ = next(self._ids)
        self._ask(words.Inject(id_, fault, lasting_ms))
        return Fault(id_, self._ask)


def _keys(apis: tuple[ApiName, ...]) -> tuple[int, ...]:
    return tuple(int(_key(each)) for each in apis)


def _key(api: ApiName) -> ApiKey:
    if isinstance(api, int):
        return ApiKey(api)
    plain = {key.name: _plain(key.name) for key in ApiKey}
    for key in ApiKey:
        if plain[key.name] == _plain(api):
            return key
    raise ValueError(_unknown("API", api, plain))


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _error(error: ErrorName) -> ErrorCode:
    found = ErrorCode(error) if isinstance(error, int) else ErrorCode.__members__.get(error.upper())
    if found is None:
        raise ValueError(
            _unknown("error", str(error), {name: name.lower() for name in ErrorCode.__members__})
        )
    if found == ErrorCode.NONE:
        raise ValueError("NONE is no error")
    return found


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and value <= 0:
        raise ValueError(f"{name} is {value}: more than 0, please")


def _unknown(what: str, name: str, known: dict[str, str]) -> str:
    near = get_close_matches(name.lower(), known.values(), n=1)
    meant = next((key for key, plain in known.items() if near and plain == near[0]), None)
    return f"there is no {what} {name!r}" + (f"; did you mean {meant}?" if meant else "")
