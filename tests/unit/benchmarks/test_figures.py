from __future__ import annotations

import pytest
from benchmarks.figures import Figure, median, number, percentile, percentiles


def test_a_percentile_is_the_value_that_this_share_does_not_exceed() -> None:
    hundred = list(range(1, 101))
    assert [percentile(hundred, share) for share in (0.5, 0.99, 0.999, 1.0)] == [50, 99, 100, 100]
    assert percentile([7.0], 0.5) == 7.0
    assert percentile([1, 2, 3], 0.5) == 2


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_percentiles_are_milliseconds_of_seconds_in_any_order() -> None:
    waits = [number / 1000 for number in range(1000, 0, -1)]
    assert percentiles(waits) == pytest.approx({"p50": 500, "p99": 990, "p999": 999})


def test_a_goal_is_a_floor_for_more_and_a_ceiling_for_less() -> None:
    more, less = Figure("a", "A", "MB/s", 1.5), Figure("b", "B", "s", 0.4, less=True)
    assert [more.met(1.49), more.met(1.5), less.met(0.4), less.met(0.41)] == [False, True, True, False]
    assert (more.shown_goal(), less.shown_goal()) == ("≥ 1.5×", "≤ 0.4×")
    without = Figure("c", "C", "s")
    assert (without.met(9.0), without.shown_goal()) == (None, "")


def test_the_median_over_the_rounds() -> None:
    assert median({"a": [3.0, 1.0, 2.0]}, "a") == 2.0
    assert median({"a": []}, "a") is None
    assert median({}, "a") is None


def test_numbers_keep_three_digits_that_matter() -> None:
    assert [number(value) for value in (0.123, 12.34, 123.4, 1234567.8)] == [
        "0.12",
        "12.3",
        "123",
        "1,234,568",
    ]
