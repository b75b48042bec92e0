"""The judge of the whole node: which topics there are, with which settings, and every batch that was ever sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import Enum

from ottla.core.model.ids import Uuid
from ottla.core.records.record import Record
from ottla.sim.judge.facts import Fate, Sent, Violation
from ottla.sim.judge.partition import PartitionFacts


class Being(Enum):
    """Whether a topic exists."""

    ASKED = "its creation has no answer: it may exist"
    THERE = "created and acknowledged"
    LEAVING = "its deletion has no answer: it may be gone"
    GONE = "deleted and acknowledged, or never created"


class TopicFacts:
    """One incarnation of a topic: a name may come back, with another id."""

    def __init__(self, cluster: ClusterFacts, name: str, configs: Mapping[str, str], partitions: int) -> None:
        self.cluster = cluster
        self.name = name
        self.id: Uuid | None = None
        self.being = Being.ASKED
        self.configs = dict(configs)
        self.unsure: set[str] = set()
        """Configs whose change has no answer."""
        self._changing: Counter[str] = Counter()
        self._contested: set[str] = set()
        self.flush_ms_since = 0
        """When `flush.ms` was changed last, in the world's ms."""
        self.may_shrink = any(key.startswith("retention") for key in configs)
        self.always_flushed = self.flushes_always
        """From its creation on."""
        self.partitions = [PartitionFacts(self, index) for index in range(partitions)]

    def __repr__(self) -> str:
        return f"topic {self.name}"

    @property
    def compacted(self) -> bool:
        return "compact" in self.configs.get("cleanup.policy", "")

    @property
    def flushes_always(self) -> bool:
        return self.configs.get("flush.messages") == "1" and "flush.messages" not in self.unsure

    @property
    def flush_ms(self) -> int | None:
        text = self.configs.get("flush.ms")
        return None if text is None or "flush.ms" in self.unsure else int(text)

    def change_asked(self, key: str) -> None:
        """A config is about to be changed. While two changes of one are under way, nobody knows which comes last."""
        self.unsure.add(key)
        if self._changing[key]:
            self._contested.add(key)
        self._changing[key] += 1

    def change_answered(self, key: str, value: str | None) -> None:
        """`value` is what it was set to, None when it was refused."""
        self._changing[key] -= 1
        if value is not None and key not in self._contested:
            self.configs[key] = value
            self.unsure.discard(key)
        if not self._changing[key]:
            self._contested.discard(key)

    def configs_told(self, told: Mapping[str, str | None]) -> None:
        """What is there when nobody changes anything: what was in doubt is decided."""
        for key in sorted(self.unsure):
            self.configs[key] = told[key] or ""
        self.unsure.clear()
        self._changing.clear()
        self._contested.clear()

    @property
    def usable(self) -> bool:
        return self.being is Being.THERE

    def shares_name(self, partition: PartitionFacts) -> bool:
        """Whether a batch sent to this topic by name may have reached that partition: same name, same index."""
        return partition.topic.name == self.name


class ClusterFacts:
    """`topics` has every incarnation, oldest first."""

    def __init__(self) -> None:
        self.topics: list[TopicFacts] = []
        self.sent: dict[int, Sent] = {}
        self.calm = True
        """Nothing is wrong with the node: it has no reason to refuse anything."""

    def topic(self, name: str) -> TopicFacts | None:
        """The newest incarnation that is not certainly gone."""
        for topic in reversed(self.topics):
            if topic.name == name and topic.being is not Being.GONE:
                return topic
        return None

    def usable(self) -> list[TopicFacts]:
        return [topic for topic in self.topics if topic.usable]

    def create(self, name: str, configs: Mapping[str, str], partitions: int) -> TopicFacts:
        topic = TopicFacts(self, name, configs, partitions)
        self.topics.append(topic)
        return topic

    def send(self, partition: PartitionFacts, sender: str, records: list[Record], acks: int) -> Sent:
        """A new batch; the records' marks are the caller's to make, from `next_batch`."""
        sent = Sent(self.next_batch, partition, sender, partition.next_number(sender), records, acks)
        self.sent[sent.name] = sent
        return sent

    @property
    def next_batch(self) -> int:
        return len(self.sent)

    # -- crashes

    def settle(self, now: int) -> None:
        for topic in self.topics:
            for partition in topic.partitions:
                partition.settle(now)

    def stopped(self) -> None:
        for topic in self.topics:
            for partition in topic.partitions:
                partition.stopped()

    def settle_topics(self, there: Mapping[str, Uuid]) -> None:
        """These topics are there after a start: what was in doubt is decided. Raises Violation."""
        for topic in self.topics:
            found = there.get(topic.name)
            same = found is not None and topic.id in (None, found)
            if topic.being is Being.THERE and not same:
                raise Violation(f"{topic} was created and is not there (found: {found!r})")
            if topic.being is Being.GONE and topic.id is not None and found == topic.id:
                raise Violation(f"{topic} was deleted and is there")
            if topic.being in (Being.ASKED, Being.LEAVING):
                topic.being = Being.THERE if same and self.topic(topic.name) is topic else Being.GONE
            if topic.being is Being.THERE:
                topic.id = found
        unknown = there.keys() - {topic.name for topic in self.topics if topic.being is Being.THERE}
        if unknown:
            raise Violation(f"nobody created the topics {sorted(unknown)}")

    def close_open(self) -> None:
        """After a crash everything that is there was read: what has no answer and was not found never comes."""
        found = {
            batch.name
            for topic in self.topics
            for partition in topic.partitions
            for batch, _ in partition.places.values()
        }
        for sent in self.sent.values():
            if sent.fate is Fate.OPEN and sent.name not in found:
                sent.fate = Fate.GONE
