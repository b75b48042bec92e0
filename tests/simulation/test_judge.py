"""The judge judges: worlds whose disk or node breaks a promise are found out, and soon."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ottla.sim.disk.inode import Inode
from ottla.sim.judge.facts import Violation
from ottla.sim.report import explain
from ottla.sim.story import Story
from ottla.sim.swarm import End

STEPS = 200


def is_partition(path: str) -> bool:
    return "-" in path and "__cluster_metadata" not in path


def lies_about_syncs(story: Story) -> None:
    """A disk that says it has written the records, and has not."""
    story.node.machine.volume.lies = lambda operation, path: path.endswith(".log") and is_partition(path)
    story.plan.ends = {End.POWER: 1}


def forgets_names(story: Story) -> None:
    """A file system that syncs files and not the directories of partitions."""
    story.node.machine.volume.lies = lambda operation, path: (
        operation == "sync_directory" and is_partition(path)
    )
    story.plan.ends = {End.POWER: 1}


def acknowledges_before_it_writes(story: Story) -> None:
    """A process whose death takes what it has not synced: as if answers went out before the write."""
    story.node.kill = story.node.lose_power  # type: ignore[method-assign]
    story.plan.ends = {End.KILL: 1}


def lets_bits_rot(story: Story) -> None:
    """A byte in the middle of a log changes while the machine is dark."""
    machine = story.node.machine
    lose_power = story.node.lose_power

    def rot() -> None:
        lose_power()
        for above, directory in machine.volume.root.walk():
            for name, node in directory.entries.items():
                if is_partition(above) and name.endswith(".log") and isinstance(node, Inode) and node.data:
                    node.data[len(node.data) // 2] ^= 1

    story.node.lose_power = rot  # type: ignore[method-assign]
    story.plan.ends = {End.POWER: 1}


def found(fault: Callable[[Story], None], seed: int) -> str | None:
    """What is told of it, None when nobody noticed."""
    story = Story(seed, STEPS)
    fault(story)
    try:
        story.run()
    except Exception as error:
        return explain(story, error)
    return None


@pytest.mark.parametrize(
    ("fault", "within"),
    [
        (lies_about_syncs, 20),
        (forgets_names, 20),
        (acknowledges_before_it_writes, 10),
        (lets_bits_rot, 20),
    ],
)
def test_a_broken_promise_is_found(fault: Callable[[Story], None], within: int) -> None:
    told = next((text for seed in range(1, within + 1) if (text := found(fault, seed))), None)
    assert told is not None, f"{fault.__name__}: nobody noticed within {within} seeds"
    assert "again: make sim SEED=" in told


def test_a_failure_says_what_was_promised_and_how_to_see_it_again() -> None:
    told = next(text for seed in range(1, 20) if (text := found(acknowledges_before_it_writes, seed)))
    assert f"{Violation.__name__}: " in told
    assert f"STEPS={STEPS}" in told
    assert "kills node 1" in told or "loses its power" in told
