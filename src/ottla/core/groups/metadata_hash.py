"""What the members of a group read, as one number: when it changes, the partitions have to be shared anew.

The number is written beside the group's epoch, so that the next coordinator (Kafka's too) sees what changed while nobody
watched. It is XXH3 over the hashes of the topics in the order of their names, each of which is XXH3 over

    byte 0 · id (two int64) · name · partitions int32 · each partition: index int32 · its racks, sorted: length int32, rack

all little-endian, text as UTF-16 units with their number as int32 behind them. No topic at all is 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack
from typing import Final

from ottla.core.coordination.contract import Topic, Topics
from ottla.core.groups.xxh3 import xxh3

NO_TOPICS: Final = 0
_MAGIC: Final = b"\x00"


class TopicHashes:
    """The hashes of topics as they are now. `changes` grows with every change of any topic: who remembers the number it
    had when it looked knows whether to look again."""

    __slots__ = ("_by_name", "_topics", "changes")

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._by_name: dict[str, int | None] = {}
        self.changes = 0

    def changed(self, names: Iterable[str]) -> None:
        """These topics are new, gone, or have other partitions or racks."""
        self.changes += 1
        for name in names:
            self._by_name.pop(name, None)

    def of_group(self, names: Iterable[str]) -> int:
        """The hash of a group that reads these topics, signed as records hold it; those that do not exist count as
        nothing."""
        found = [each for name in sorted(names, key=_utf16) if (each := self._of(name)) is not None]
        return _signed(xxh3(pack(f"<{len(found)}Q", *found))) if found else NO_TOPICS

    def _of(self, name: str) -> int | None:
        try:
            return self._by_name[name]
        except KeyError:
            topic = self._topics.named(name)
            found = self._by_name[name] = None if topic is None else topic_hash(topic)
            return found


def topic_hash(topic: Topic) -> int:
    """The hash of one topic, unsigned."""
    parts = [_MAGIC, topic.id[7::-1], topic.id[:7:-1], _text(topic.name), pack("<i", topic.partitions)]
    for index in range(topic.partitions):
        parts.append(pack("<i", index))
        if index < len(topic.racks):
            for rack in sorted(topic.racks[index], key=_utf16):
                parts += (pack("<i", len(_utf16(rack)) // 2), _text(rack))
    return xxh3(b"".join(parts))


def _text(value: str) -> bytes:
    units = value.encode("utf-16-le", "surrogatepass")
    return units + pack("<i", len(units) // 2)


def _utf16(value: str) -> bytes:
    """As Java compares text: by its UTF-16 units."""
    return value.encode("utf-16-be", "surrogatepass")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
