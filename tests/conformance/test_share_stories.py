"""Random stories of share groups, told to Apache Kafka and to Ottla: who gets which records must be the same.

Members fetch, accept, release and reject at random, in batches and record by record, with all sizes and both acquire
modes; every answer is compared before the story goes on. A failure names its seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ottla.core.model.ids import uuid_text
from ottla.core.records.batch import headers
from ottla.core.wire.messages import create_topics, find_coordinator, produce, read_share_group_state
from ottla.core.wire.messages import initialize_share_group_state as beginning
from tests.apache_kafka import start_kafka
from tests.conformance.differences.case import Case, Question, id_of
from tests.conformance.differences.comparing import masked
from tests.conformance.differences.data_cases import batch
from tests.conformance.differences.share_record_cases import Story
from tests.conformance.differences.speaking import Asked, Tree
from tests.conformance.test_differences import ask_until_done
from tests.nodes import Node, ottla

STORIES = 12
STEPS = 120
RESTARTED = 1_000
MEMBERS = ("ada", "bob", "cyd")
ACCEPT, RELEASE, REJECT = 1, 2, 3
FAULT = -1

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asked, Asked]]:
    kafka = start_kafka(Path(tmp_path_factory.mktemp("kafka")))
    own = Node(Path(tmp_path_factory.mktemp("ottla")), ottla())
    try:
        own.start()
        yield Asked(kafka), Asked(own)
    finally:
        own.kill()
        kafka.kill()


class Telling:
    """One story: a topic of its own, and who holds what, by Kafka's own answers."""

    def __init__(self, pair: tuple[Asked, Asked], seed: int) -> None:
        self.pair = pair
        self.random = Random(seed)
        self.story = Story(2)
        self.story.group = f"story-{seed}"
        self.story.topic = f"story-{seed}"
        self.story.id = id_of(self.story.topic)
        self.epochs = dict.fromkeys(MEMBERS, 0)
        self.held: dict[str, list[int]] = {name: [] for name in MEMBERS}
        self.log: list[str] = []
        self.nonsense = 0.05

    def ask(self, case: Case, version: int = 2) -> Tree:
        (question,) = case.questions()
        for broker in self.pair:
            broker.put(question)
        answers = [_offsets(masked(broker.hear(question), broker.node)) for broker in self.pair]
        self.log.append(question.said)
        if answers[0]["error_code"] == FAULT:
            return answers[0]  # Kafka fails over offsets around a start behind which it holds nothing
        assert answers[0] == answers[1], "\n".join(
            [*self.log[-12:], f"Kafka  {answers[0]}", f"Ottla  {answers[1]}"]
        )
        return answers[0]

    def begin(self) -> None:
        new = create_topics.CreatableTopic(name=self.story.topic, num_partitions=1, replication_factor=1)
        for broker in self.pair:
            made = broker.ask(_only(Case("", create_topics.CreateTopicsRequest(topics=[new]), (7,))))
            broker.learn(self.story.id, made["topics"][0]["topic_id"])
        key = f"{self.story.group}:{uuid_text(bytes(16))}:0"
        find = find_coordinator.FindCoordinatorRequest(coordinator_keys=[key], key_type=2)
        each = beginning.PartitionData(partition=0, state_epoch=1, start_offset=0)
        state = beginning.InitializeStateData(topic_id=self.story.id, partitions=[each])
        start = beginning.InitializeShareGroupStateRequest(group_id=self.story.group, topics=[state])
        for broker in self.pair:
            ask_until_done(broker, _only(Case("", find, (6,))))
            ask_until_done(broker, _only(Case("", start, (0,))))
        self.produce()

    def produce(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            of = produce.TopicProduceData(
                name=self.story.topic,
                partition_data=[
                    produce.PartitionProduceData(index=0, records=batch(self.random.randint(2, 12)))
                ],
            )
            request = produce.ProduceRequest(acks=-1, timeout_ms=5_000, topic_data=[of])
            for broker in self.pair:
                ask_until_done(broker, _only(Case("", request, (12,))))
        self.log.append("more records")

    def fetch(self, member: str, said: list[Any] | None = None) -> None:
        fields: dict[str, Any] = {
            "member_id": member,
            "min_bytes": 0,
            "max_wait_ms": 1_000,
            "max_records": self.random.choice((1, 2, 5, 10, 100)),
            "batch_size": self.random.choice((1, 3, 100)),
            "share_acquire_mode": self.random.choice((0, 0, 1)),
            "max_bytes": self.random.choice((1, 300, 1 << 20)),
        }
        first = self.epochs[member] == 0
        case = self.story.fetch(
            "a story", self.epochs[member], *([0] if first else []), said={0: said} if said else {}, **fields
        )
        answer = self.ask(case)
        self.epochs[member] += 1
        for topic in answer["responses"]:
            for partition in topic["partitions"]:
                for each in partition["acquired_records"]:
                    self.held[member] += range(each["first_offset"], each["last_offset"] + 1)

    def something_said(self, member: str, *, releases: int = 8) -> list[Any]:
        """Of a stretch that the member holds; sometimes of what it does not hold. `releases`: how often to let go."""
        held = sorted(self.held[member])
        if not held and not self.nonsense:
            return []
        if not held or (releases and self.random.random() < self.nonsense):
            first = self.random.randint(0, 40)
            return [(first, first + self.random.randint(0, 5), [ACCEPT])]
        first = last = self.random.choice(held)
        most = self.random.choice((0, 3, 50))
        while last + 1 in held and last - first < most:
            last += 1
        while first - 1 in held and last - first < most:
            first -= 1
        count = last - first + 1
        kinds = self.random.choices((ACCEPT, RELEASE, REJECT, 0), (4, releases, 1, 1), k=count)
        if self.random.random() < 0.5:
            kinds = self.random.choices((ACCEPT, RELEASE), (4, releases))
        self.held[member] = [each for each in held if not first <= each <= last]
        return [(first, last, kinds)]

    def begin_again(self) -> None:
        """Both brokers were killed: nobody holds anything, and the stored state says what is done."""
        each = read_share_group_state.PartitionData(partition=0, leader_epoch=0)
        of = read_share_group_state.ReadStateData(topic_id=self.story.id, partitions=[each])
        read = read_share_group_state.ReadShareGroupStateRequest(group_id=self.story.group, topics=[of])
        for broker in self.pair:
            ask_until_done(broker, _only(Case("", read, (0,))))
        self.epochs = dict.fromkeys(MEMBERS, 0)
        self.held = {name: [] for name in MEMBERS}
        self.log.append("both were killed")
        # Kafka's start stays behind for a while then, so that what was done is refused where we pass over it.
        self.nonsense = 0

    def step(self) -> None:
        member = self.random.choice(MEMBERS)
        what = self.random.random()
        if self.epochs[member] == 0 or what < 0.4:
            self.fetch(member)
        elif what < 0.85:
            said = self.something_said(member)
            self.ask(self.story.say("a story", self.epochs[member], *said, member_id=member))
            self.epochs[member] += 1
        elif what < 0.97:
            # What is let go beside a fetch may be acquired by it, or the fetch was faster: that is chance.
            said = self.something_said(member, releases=0) if self.held[member] else []
            self.fetch(member, said)
        else:
            self.produce()


def _offsets(answer: Tree) -> Tree:
    """Records by the offsets of their batches, as a batch that was cut at the bound of bytes is nothing to a reader; and
    errors without their words."""
    for topic in answer["responses"]:
        for partition in topic["partitions"]:
            for field in ("error_message", "acknowledge_error_message"):
                partition.pop(field, None)
            if partition.get("records"):
                partition["records"] = [
                    (header.base_offset, header.last_offset) for _, header in headers(partition["records"])
                ]
    return answer


def _only(case: Case) -> Question:
    (question,) = case.questions()
    return question


@pytest.mark.parametrize("seed", range(STORIES))
def test_the_same_story(pair: tuple[Asked, Asked], seed: int) -> None:
    telling = Telling(pair, seed)
    telling.begin()
    for _ in range(STEPS):
        telling.step()


def test_the_same_stories_go_on_when_both_were_killed(pair: tuple[Asked, Asked]) -> None:
    tellings = [Telling(pair, seed) for seed in range(RESTARTED, RESTARTED + STORIES)]
    for telling in tellings:
        telling.begin()
        for _ in range(STEPS // 2):
            telling.step()
    for broker in pair:
        broker.node.kill()  # before the connections end: then nobody has let anything go
    for broker in pair:
        broker.close()
        broker.node.start()
    for telling in tellings:
        telling.begin_again()
        for _ in range(STEPS // 2):
            telling.step()
