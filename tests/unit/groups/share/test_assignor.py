"""The simple assignor: balance first, then members keep what they have."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.groups.share.assignor import assign
from ottla.core.groups.share.group import Assignment
from ottla.core.model.ids import Uuid

A, B, C = (Uuid(bytes([number]) * 16) for number in (1, 2, 3))

topics = st.frozensets(st.sampled_from([A, B, C]), max_size=3)
partitions = st.dictionaries(
    st.sampled_from([A, B, C]), st.integers(1, 7).map(lambda count: frozenset(range(count))), max_size=3
)
groups = st.dictionaries(st.sampled_from(list("mnopqrstuv")), topics, max_size=10)


@given(readers=groups, before=groups, found=partitions)
@settings(max_examples=150)
def test_every_partition_that_somebody_reads_is_assigned_to_readers(
    readers: dict[str, frozenset[Uuid]],
    before: dict[str, frozenset[Uuid]],
    found: dict[Uuid, frozenset[int]],
) -> None:
    held = assign(before, found, {})
    dealt = assign(readers, found, held)
    assert dealt.keys() == readers.keys()
    count: Counter[tuple[Uuid, int]] = Counter()
    for member, assignment in dealt.items():
        assert assignment.keys() <= readers[member]
        count.update((topic, index) for topic, indexes in assignment.items() for index in indexes)
    read = frozenset().union(*readers.values())
    assert set(count) == {(topic, index) for topic in read for index in found.get(topic, ())}
    if len(set(readers.values())) == 1:
        sizes = [sum(map(len, each.values())) for each in dealt.values()]
        assert max(sizes) - min(sizes) <= 1 or max(sizes) <= -(-len(readers) // len(count)) * len(count)


@given(count=st.integers(1, 9), members=st.integers(1, 12))
def test_one_topic_is_shared_out_evenly(count: int, members: int) -> None:
    found = {A: frozenset(range(count))}
    dealt = assign({str(each): frozenset({A}) for each in range(members)}, found, {})
    sizes = [len(each.get(A, ())) for each in dealt.values()]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 1 or members < count
    shared = Counter(index for each in dealt.values() for index in each.get(A, ()))
    assert max(shared.values()) <= -(-members // count)


def test_what_one_has_one_keeps() -> None:
    found = {A: frozenset(range(4))}
    before: dict[str, Assignment] = {"m": {A: frozenset({1, 3})}, "n": {A: frozenset({0, 2})}}
    assert assign({"m": frozenset({A}), "n": frozenset({A})}, found, before) == before
    after = assign({name: frozenset({A}) for name in "mno"}, found, before)
    moved = after["o"][A]
    assert len(moved) == 1
    assert after["m"][A] <= before["m"][A]
    assert after["n"][A] <= before["n"][A]


def test_each_topic_goes_to_its_readers() -> None:
    found = {A: frozenset(range(2)), B: frozenset(range(2))}
    dealt = assign({"m": frozenset({A}), "n": frozenset({B}), "o": frozenset({A, B})}, found, {})
    assert dealt["m"].keys() == {A}
    assert dealt["n"].keys() == {B}
    assert dealt["o"].keys() == {A, B}


def test_nobody_gets_nothing() -> None:
    assert assign({}, {A: frozenset({0})}, {}) == {}
    assert assign({"m": frozenset()}, {A: frozenset({0})}, {}) == {"m": {}}
    assert assign({"m": frozenset({A})}, {}, {"m": {A: frozenset({0})}}) == {"m": {}}
