"""A node while one of its disks fails, and after that: the right errors, others unharmed, nothing acknowledged lost.

Each story (`disk_stories`) is told twice: by a real process on a file system that fails on demand, and by a node inside
this process on a Disk door that does. Apache Kafka does the same in all of them but for a full disk, where it gives the
whole directory up.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ottla.broker.storage.opening import DirectoryRefused
from tests.system import faulty_disk
from tests.system.asking import Asker
from tests.system.disk_stories import (
    COMPACTED,
    FLUSHED,
    HIGH_WATERMARKS,
    RECOVERY_POINTS,
    SMALL_SEGMENTS,
    STARTS,
    STORIES,
    Outcome,
    Story,
    end_a_topic,
    some,
)
from tests.system.failing_node import InsideNode, OutsideNode, failing_node

SECONDS = 15
KINDS: dict[str, type[OutsideNode | InsideNode]] = {"process": OutsideNode, "inside": InsideNode}


class Writer:
    """An idempotent producer of one partition that tries a refused record again, later."""

    def __init__(self, asker: Asker, topic: str) -> None:
        self.asker = asker
        self._topic = topic
        self._sequence = 0
        self.acknowledged: dict[int, bytes] = {}
        """Offset -> value."""

    def write(self) -> str:
        """One record; the code by name. A refused one comes again next time."""
        value = b"%s %d" % (self._topic.encode(), self._sequence)
        code, offset = self.asker.produce(self._topic, value, sequence=self._sequence)
        if code == "NONE":
            assert offset not in self.acknowledged
            self.acknowledged[offset] = value
            self._sequence += 1
        else:
            assert offset == -1
        return code

    def check(self) -> None:
        """What was acknowledged is there, where it was said to be, and once."""
        first = min(self.acknowledged)
        offset, found = first, dict[int, bytes]()
        while offset <= max(self.acknowledged):
            code, values = self.asker.fetch(self._topic, offset)
            assert code == "NONE" and values, (code, offset)
            found |= dict(enumerate(values, offset))
            offset = max(found) + 1
        assert {at: found.get(at) for at in self.acknowledged} == self.acknowledged
        ours = [value for value in found.values() if value.startswith(self._topic.encode())]
        assert len(ours) == len(set(ours)) == len(self.acknowledged)


class Told:
    """A node in the middle of a story."""

    def __init__(self, node: OutsideNode | InsideNode, story: Story) -> None:
        self.node = node
        self.story = story
        self.asker = Asker(node.port)
        self.failing = str(node.disk.path / "logs")
        self._place_topics()
        self.here, self.there = Writer(self.asker, "here"), Writer(self.asker, "there")
        for _ in range(5):
            assert self.here.write() == self.there.write() == "NONE"
        self._beginning = len(node.said())

    def _place_topics(self) -> None:
        """New logs go to the directory with the fewest: fill the other one up to it."""
        for name in ("filler", "here", "there"):
            assert self.asker.create(name, **(self.story.topic if name == "here" else {})) == "NONE"
            eventually(lambda name=name: self.asker.partition(name)[0] == "NONE")  # type: ignore[misc]
        behind = Path(self.node.disk.behind) / "logs"
        if not (behind / "here-0").is_dir():
            pytest.fail("the topic did not come to lie on the failing disk")
        for name in self.story.extra:
            assert self.asker.create(name) == "NONE"

    def fail(self) -> None:
        self.node.disk.forget("logs/here-0/*.log")
        for operation, path in self.story.faults:
            self.node.disk.fail(operation, path, errno=self.story.errno)

    def work(self) -> None:
        self.story.work(self.asker)

    def news(self) -> str:
        return self.node.said()[self._beginning :]

    def restart(self) -> None:
        self.node.stop()
        self.node.start()
        eventually(lambda: self.asker.partition("here")[0] == "NONE")

    def all_is_well(self) -> None:
        for _ in range(3):
            assert self.here.write() == self.there.write() == "NONE"
        assert self.asker.log_dirs()[self.failing] == "NONE"
        self.there.check()
        if self.story.topic.get("cleanup_policy") != "compact" and "retention_bytes" not in self.story.topic:
            self.here.check()


def eventually(true: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def goes_offline(told: Told) -> None:
    eventually(lambda: told.here.write() == "KAFKA_STORAGE_ERROR")
    eventually(lambda: told.asker.log_dirs()[told.failing] == "KAFKA_STORAGE_ERROR")
    eventually(lambda: told.asker.partition("here") == ("LEADER_NOT_AVAILABLE", -1, [1]))
    for _ in range(2):
        assert told.here.write() == told.asker.fetch("here")[0] == "KAFKA_STORAGE_ERROR"
        assert told.there.write() == told.asker.fetch("there")[0] == "NONE"
    told.node.disk.heal()
    assert told.here.write() == "KAFKA_STORAGE_ERROR", "what a disk lost meanwhile, nobody knows"
    assert told.asker.create("later") == "NONE", "on the directory that is left"
    assert told.news().count("is offline: error while") == 1
    told.restart()
    told.all_is_well()


def waits_for_room(told: Told) -> None:
    held = dict(told.here.acknowledged)
    for _ in range(3):
        told.here.write()
        assert told.there.write() == "NONE"
    time.sleep(1)
    assert told.asker.log_dirs()[told.failing] == "NONE"
    assert told.asker.fetch("here", max(told.here.acknowledged))[0] == "NONE"
    assert "is offline" not in told.news()
    assert told.news().count("is full: error while") <= 1, "not a line for every refusal"
    told.node.disk.heal()
    eventually(lambda: told.here.write() == "NONE")
    assert held.items() <= told.here.acknowledged.items()
    told.all_is_well()
    told.restart()
    told.all_is_well()


def cannot_be_read(told: Told) -> None:
    assert told.asker.fetch("here")[0] == "KAFKA_STORAGE_ERROR"
    for _ in range(3):
        assert told.here.write() == told.there.write() == "NONE"
        assert told.asker.fetch("here")[0] == "KAFKA_STORAGE_ERROR"
        assert told.asker.fetch("there")[0] == "NONE"
    assert told.asker.log_dirs()[told.failing] == "NONE"
    assert told.news().count("could not be read") == 1
    told.node.disk.heal()
    told.all_is_well()


def is_unharmed(told: Told) -> None:
    for _ in range(10):
        assert told.here.write() == told.there.write() == "NONE"
        time.sleep(0.1)
    assert told.news().count("ERROR") <= 10, told.news()
    told.node.disk.heal()
    told.all_is_well()
    assert told.asker.create("afterwards") == "NONE"
    told.restart()
    told.all_is_well()


def ends(told: Told) -> None:
    assert told.node.exit_code() == 1
    assert "CRITICAL" in told.news() and "cannot go on" in told.news()
    told.node.disk.heal()
    told.restart()
    told.all_is_well()


COMES_OF_IT: dict[Outcome, Callable[[Told], None]] = {
    Outcome.OFFLINE: goes_offline,
    Outcome.FULL: waits_for_room,
    Outcome.UNREADABLE: cannot_be_read,
    Outcome.UNHARMED: is_unharmed,
    Outcome.ENDS: ends,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", STORIES, ids=str)
def test_a_disk_fails(story: Story, kind: str, tmp_path: Path) -> None:
    lacking = faulty_disk.missing() if kind == "process" else None
    if lacking:
        pytest.skip(lacking)
    if story.child and kind == "inside":
        pytest.skip("a child process opens the disk by itself, past the door")
    with failing_node(KINDS[kind], tmp_path, story.node, metadata=story.metadata) as node:
        told = Told(node, story)
        told.fail()
        try:
            told.work()
        except OSError:
            assert story.outcome == Outcome.ENDS
        COMES_OF_IT[story.outcome](told)
        assert node.disk.hits(), "nothing failed: the story is about something else"


def test_a_slow_disk_is_nobody_elses_latency(tmp_path: Path) -> None:
    """Every sync takes a second on that disk, whatever it is for; who has nothing to do with it notices nothing.

    Inside only: a mounted FUSE holds the lock of a file or directory while it is synced, which a disk does not."""
    topic = COMPACTED | FLUSHED
    often = RECOVERY_POINTS | STARTS | HIGH_WATERMARKS
    story = Story("slow", (), "", Outcome.UNHARMED, node=often, topic=topic, extra=("gone-1", "gone-2"))
    with failing_node(InsideNode, tmp_path, story.node, metadata=False) as node:
        told = Told(node, story)
        for operation, path in (("fsync", "*/logs/*"), ("fsyncdir", "*/logs*")):
            node.disk.fail(operation, path, seconds=1)
        work = threading.Thread(target=lambda: (some(told.asker), end_a_topic(told.asker)))
        work.start()
        longest = 0.0
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            began = time.monotonic()
            assert told.there.write() == "NONE"
            assert told.asker.fetch("there")[0] == "NONE"
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.02)
        node.disk.heal()
        work.join()
        assert longest < 0.7, f"somebody waited {longest:.1f} s"
        synced = {hit.rpartition("/")[2].rpartition(".")[2] for hit in node.disk.hits()}
        assert synced >= {"log", "index", "tmp", "logs", "here-0"}, synced
        told.there.check()


@pytest.mark.parametrize("part", ["logs", "logs/here-0"])
def test_what_somebody_removes_under_the_node_takes_nothing_else_along(part: str, tmp_path: Path) -> None:
    story = Story("removed", (), "", Outcome.OFFLINE, node=HIGH_WATERMARKS, topic=SMALL_SEGMENTS)
    with failing_node(InsideNode, tmp_path, story.node, metadata=False) as node:
        told = Told(node, story)
        shutil.rmtree(node.disk.path / part)
        some(told.asker)
        eventually(lambda: told.asker.log_dirs()[told.failing] == "KAFKA_STORAGE_ERROR")
        for _ in range(3):
            assert told.here.write() == "KAFKA_STORAGE_ERROR"
            assert told.there.write() == told.asker.fetch("there")[0] == "NONE"
        node.stop()
        if part == "logs":
            with pytest.raises(DirectoryRefused, match="not formatted"):
                node.start()
            node.stop()
            (node.disk.path / part).mkdir()
            with pytest.raises(DirectoryRefused, match="not formatted"):
                node.start()
            return
        node.start()
        eventually(lambda: told.asker.partition("there")[0] == "NONE")
        assert told.there.write() == "NONE"
        told.there.check()
