"""The plan of a seek: where partitions would go, and the file that takes it back."""

from __future__ import annotations

import pytest

from ottla.cli.group.plan import BadPlan, Move, plan_text, planned, read_plan, shifted

A, B = ("orders", 0), ("orders", 1)


def test_moves_are_held_within_the_log() -> None:
    moves = planned({A: 3, B: 99}, {A: 50}, {A: 10, B: 0}, {A: 60, B: 40})
    assert moves == [
        Move("orders", 0, 50, 10, "3 is gone: the oldest there is"),
        Move("orders", 1, None, 40, "99 is not there yet: the end"),
    ]
    assert [each.row()["change"] for each in moves] == [-40, None]


def test_a_log_whose_ends_nobody_knows_holds_nothing_back() -> None:
    assert planned({A: 7}, {}, {}, {}) == [Move("orders", 0, None, 7)]


def test_shifts_need_a_commit_and_stop_at_zero() -> None:
    assert shifted([A, B], {A: 5}, -10) == ({A: 0}, [B])
    assert shifted([A], {A: 5}, 10**30) == ({A: 2**63 - 1}, [])


def test_what_is_written_is_read() -> None:
    offsets = {A: 5, B: None, ("a,b", 3): 2**63 - 1}
    assert read_plan(plan_text(offsets)) == offsets
    assert read_plan("topic,partition,offset\n\norders, 0 , 5\n") == {A: 5}
    assert read_plan("orders,0,5\r\norders,1,6\r\n") == {A: 5, B: 6}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no line"),
        ("orders,0", "line 1: not topic,partition,offset"),
        ("orders,0,5\norders,x,5", "line 2: 'x' is no partition"),
        ("orders,0,-5", "line 1: '-5' is no offset"),
        ("orders,0,9223372036854775808", "is no offset"),
        ("orders,4294967296,1", "is no partition"),
        ("orders,0,5\norders,0,6", "line 2: orders-0 for the second time"),
        (",0,5", "line 1: no topic"),
        ('"orders,0,5', "line 1: unexpected end"),
        ("o" * 200_000 + ",0,5", "line 1: field larger than field limit"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_by_its_line(text: str, said: str) -> None:
    with pytest.raises(BadPlan, match=said):
        read_plan(text)
