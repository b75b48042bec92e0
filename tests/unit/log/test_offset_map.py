"""The fixed-size map from keys to offsets."""

from __future__ import annotations

import random

import pytest

from ottla.core.log.offset_map import ENTRY_BYTES, OffsetMap


def test_the_newest_offset_of_a_key_is_kept() -> None:
    offsets = OffsetMap(10_000)
    assert offsets.get(b"a") == -1
    assert offsets.put(b"a", 0)
    assert offsets.put(b"", 1)
    assert offsets.put(b"a", 7)
    assert (offsets.get(b"a"), offsets.get(b""), offsets.get(b"b")) == (7, 1, -1)
    assert (len(offsets), offsets.latest_offset) == (2, 7)


def test_it_never_takes_more_than_it_was_given() -> None:
    for memory in (24 * 3, 1000, 100_003):
        offsets = OffsetMap(memory)
        assert offsets.memory_bytes <= memory
        assert offsets.capacity <= 0.9 * memory / ENTRY_BYTES


def test_it_takes_less_when_few_keys_can_come() -> None:
    assert OffsetMap(128 * 1024 * 1024, at_most=100).memory_bytes < 4000


def test_a_full_map_says_so_and_still_moves_keys_it_has() -> None:
    chance = random.Random(1)
    offsets = OffsetMap(24 * 1000)
    keys = [chance.randbytes(8) for _ in range(offsets.capacity)]
    assert all(offsets.put(key, offset) for offset, key in enumerate(keys))
    assert not offsets.put(b"one too many", 5000)
    assert offsets.latest_offset == len(keys) - 1
    assert offsets.put(keys[3], 6000)
    assert [offsets.get(key) for key in keys[:5]] == [0, 1, 2, 6000, 4]
    assert offsets.get(b"one too many") == -1


def test_it_agrees_with_a_dict() -> None:
    chance = random.Random(2)
    offsets, model = OffsetMap(24 * 700), {}
    for offset in range(3000):
        key = b"%d" % chance.randrange(600)
        assert offsets.put(key, offset)
        model[key] = offset
    assert {key: offsets.get(key) for key in model} == model
    assert len(offsets) == len(model)


def test_room_for_no_key_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"dedupe\.buffer\.size"):
        OffsetMap(24)
