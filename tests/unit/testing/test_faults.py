"""What a test says of a fault, and what the broker is told."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.api_key import ApiKey
from ottla.testing import words
from ottla.testing.faults import Faults


class Told:
    """A broker that notes what it is asked."""

    def __init__(self) -> None:
        self.words: list[words.Command] = []

    def __call__(self, command: words.Command) -> Any:
        self.words.append(command)
        return 3


@pytest.mark.parametrize("name", ["OFFSET_COMMIT", "OffsetCommit", "offset_commit", "offsetCommit", 8])
def test_an_api_has_many_spellings(name: str | int) -> None:
    told = Told()
    Faults(told).delay(name, ms=5, times=2, client_id="shop", lasting_ms=9)
    assert told.words == [words.Inject(1, words.Delay((ApiKey.OFFSET_COMMIT,), "shop", 2, 5), 9)]


@pytest.mark.parametrize("name", ["NOT_COORDINATOR", "not_coordinator", 16])
def test_an_error_is_a_name_or_a_code(name: str | int) -> None:
    told = Told()
    Faults(told).fail("PRODUCE", "FETCH", error=name)
    fault = words.Fail((0, 1), None, None, ErrorCode.NOT_COORDINATOR, False)
    assert told.words == [words.Inject(1, fault, None)]


def test_a_cut_strikes_once_and_no_api_named_is_all_of_them() -> None:
    told = Told()
    Faults(told).cut()
    assert told.words == [words.Inject(1, words.Cut((), None, 1), None)]


@pytest.mark.parametrize(
    ("apis", "error", "told"),
    [
        (["PRODUCT"], "NOT_COORDINATOR", "there is no API 'PRODUCT'; did you mean PRODUCE?"),
        (["#"], "NOT_COORDINATOR", "there is no API '#'"),
        ([-7], "NOT_COORDINATOR", "-7"),
        (
            ["FETCH"],
            "NOT_A_COORDINATOR",
            "there is no error 'NOT_A_COORDINATOR'; did you mean NOT_COORDINATOR?",
        ),
        (["FETCH"], 4711, "4711"),
        (["FETCH"], "NONE", "NONE is no error"),
    ],
)
def test_what_does_not_exist_is_refused(apis: list[str | int], error: str | int, told: str) -> None:
    broker = Told()
    with pytest.raises(ValueError) as refused:
        Faults(broker).fail(*apis, error=error)
    assert told in str(refused.value)
    assert broker.words == []


@pytest.mark.parametrize("number", [-1, 0])
def test_times_and_spans_are_positive(number: int) -> None:
    faults = Faults(Told())
    with pytest.raises(ValueError, match="times"):
        faults.cut(times=number)
    with pytest.raises(ValueError, match="lasting_ms"):
        faults.refuse(lasting_ms=number)
    with pytest.raises(ValueError, match="ms"):
        faults.delay(ms=number)


def test_a_fault_is_lifted_once_and_remembers_how_often_it_struck() -> None:
    told = Told()
    with Faults(told).cut("FETCH") as fault:
        assert fault.struck == 3
    fault.lift()
    assert fault.struck == 3
    assert told.words[1:] == [words.CountStruck(1), words.Lift(1)]
