"""Joining batches of delivery state."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.share_state.combining import combine
from ottla.core.share_state.requests import StateBatch

AVAILABLE, ACKNOWLEDGED, ARCHIVED = 0, 2, 4

batches = st.lists(
    st.builds(
        lambda first, size, state, count: StateBatch(first, first + size, state, count),
        st.integers(0, 30),
        st.integers(0, 12),
        st.sampled_from([AVAILABLE, ACKNOWLEDGED, ARCHIVED]),
        st.integers(1, 3),
    ),
    max_size=8,
)


def by_offset(each: list[StateBatch], start: int) -> dict[int, tuple[int, int]]:
    """Offset → (count, state) of the batch that is further on."""
    found: dict[int, tuple[int, int]] = {}
    for first, last, state, count in each:
        for offset in range(max(first, start), last + 1):
            found[offset] = max(found.get(offset, (0, 0)), (count, state))
    return found


@given(stored=batches, changes=batches, start=st.integers(-1, 40))
@settings(max_examples=150)
def test_the_answer_says_of_every_offset_what_counts_there(
    stored: list[StateBatch], changes: list[StateBatch], start: int
) -> None:
    joined = combine(stored, changes, start)
    assert by_offset(list(joined), -1) == by_offset(stored + changes, start)
    for before, after in pairwise(joined):
        assert before.last_offset < after.first_offset
        assert before.last_offset + 1 < after.first_offset or before[2:] != after[2:]


def test_what_is_further_on_splits_what_is_not() -> None:
    joined = combine([StateBatch(0, 9, AVAILABLE, 1)], [StateBatch(3, 5, ACKNOWLEDGED, 1)], -1)
    assert joined == ((0, 2, AVAILABLE, 1), (3, 5, ACKNOWLEDGED, 1), (6, 9, AVAILABLE, 1))


def test_a_late_repetition_changes_nothing() -> None:
    stored = [StateBatch(0, 9, ARCHIVED, 2)]
    assert combine(stored, [StateBatch(0, 9, AVAILABLE, 1)], -1) == tuple(stored)


def test_what_lies_before_the_start_is_gone() -> None:
    assert combine([StateBatch(0, 4, ACKNOWLEDGED, 1), StateBatch(5, 9, AVAILABLE, 1)], [], 7) == (
        (7, 9, AVAILABLE, 1),
    )


def test_a_batch_that_ends_before_it_begins_says_nothing() -> None:
    assert combine([], [StateBatch(5, 4, ACKNOWLEDGED, 1)], -1) == ()
