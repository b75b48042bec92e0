"""The leader epoch cache."""

from __future__ import annotations

from ottla.core.log.checkpoints import format_epochs, parse_epochs
from ottla.core.log.epochs import LeaderEpochs


def test_the_end_of_an_epoch_is_the_start_of_the_next_known_one() -> None:
    epochs = LeaderEpochs([(1, 0), (3, 10), (6, 20)])
    assert epochs.end_offset(6, 25) == (6, 25)
    assert epochs.end_offset(3, 25) == (3, 20)
    assert epochs.end_offset(4, 25) == (3, 20), "an epoch without records ends where the one before it does"
    assert epochs.end_offset(0, 25) == (0, 0), "older than anything known"
    assert epochs.end_offset(7, 25) is None
    assert epochs.end_offset(-1, 25) is None
    assert LeaderEpochs().end_offset(3, 25) is None


def test_entries_that_contradict_a_new_one_go() -> None:
    epochs = LeaderEpochs([(1, 0), (3, 10), (6, 20)])
    epochs.assign(4, 15)
    assert epochs.entries() == [(1, 0), (3, 10), (4, 15)]
    epochs.assign(5, 10)
    assert epochs.entries() == [(1, 0), (5, 10)]
    epochs.assign(5, 30)
    assert epochs.entries() == [(1, 0), (5, 10)], "an epoch begins once"


def test_cutting_both_ends() -> None:
    epochs = LeaderEpochs([(1, 0), (3, 10), (6, 20)])
    epochs.truncate_start(15)
    assert epochs.entries() == [(3, 15), (6, 20)] and epochs.changed
    epochs.changed = False
    epochs.truncate_end(21)
    assert not epochs.changed
    epochs.truncate_end(20)
    assert epochs.entries() == [(3, 15)] and epochs.changed
    assert (epochs.epoch_at(14), epochs.epoch_at(15), epochs.latest) == (None, 3, 3)


def test_the_checkpoint_is_text() -> None:
    entries = [(0, 0), (4, 12345678901)]
    assert format_epochs(entries) == "0\n2\n0 0\n4 12345678901\n"
    assert parse_epochs(format_epochs(entries)) == entries
