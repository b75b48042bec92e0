"""The end of a producer's epochs (KAFKA-18660, 19367, 20090, 20310): whatever happens around 32767, ids stay valid, grow,
are remembered, and no transaction is left behind."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.coordination import batches
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.transactions.requests import AddPartitions, Ended, Initialised
from ottla.core.transactions.transaction import MAX_EPOCH, Status
from tests.unit.transactions.driving import PLACES, V2, Transactions

STEPS = st.lists(
    st.sampled_from(
        [
            "begin",
            "go on",
            "go on as before",
            "add",
            "commit",
            "abort",
            "end as before",
            "mark",
            "fail to mark",
            "time out",
            "restart",
        ]
    ),
    min_size=5,
    max_size=40,
)


class Producer:
    """A client that uses what it was told last, and sometimes what it was told before that."""

    def __init__(self, left: int, version: int) -> None:
        self.version = version
        self.each = Transactions(level=version)
        self.told = (-1, -1)
        self.before = (-1, -1)
        self.marked: list[tuple[int, int]] = []
        self.learn(self.each.begin_producer())
        machine: Any = self.each.machine
        aged = msgspec.structs.replace(self.each.one, producer_epoch=MAX_EPOCH - left)
        machine.state.transactions["t"] = aged
        self._keep(aged)
        self.told = self.before = (aged.producer_id, aged.producer_epoch)

    def _keep(self, aged: Any) -> None:
        """The log tells of the aged producer too."""
        machine: Any = self.each.machine
        self.each.log.append((*batches.encode(machine.state.record("t", aged)), None))

    def learn(self, answer: Any) -> None:
        if isinstance(answer, Initialised | Ended) and answer.producer_epoch >= 0:
            new = (int(answer.producer_id), answer.producer_epoch)
            assert 0 <= new[1] < MAX_EPOCH, "an epoch that is kept for fencing was given away"
            assert new >= self.told or new == self.before, f"{new} was given after {self.told}"
            if new != self.told:
                self.before, self.told = self.told, new

    def step(self, what: str) -> None:
        each = self.each
        match what:
            case "begin":
                self.learn(each.begin_producer())
            case "go on":
                self.learn(each.begin_producer(self.told))
            case "go on as before":
                each.begin_producer(self.before)
            case "add":
                each.ask(AddPartitions("t", *self.told, PLACES, self.version))
            case "commit" | "abort":
                self.learn(each.end(what == "commit", self.told, self.version))
            case "end as before":
                each.end(True, self.before, self.version)
            case "mark":
                self.see_markers()
                each.mark()
            case "fail to mark":
                self.see_markers()
                each.mark(ErrorCode.NOT_LEADER_OR_FOLLOWER)
                each.pass_time(100)
            case "time out":
                each.pass_time(75_000)
            case "restart":
                each.calls.clear()
                each.restart()
        self.check()

    def see_markers(self) -> None:
        for call in self.each.calls:
            marker = (call.body.producer_id, call.body.producer_epoch)
            assert 0 <= marker[1] <= MAX_EPOCH
            assert not self.marked or marker >= self.marked[-1], "a marker would be refused as an old one"
            self.marked.append(marker)

    def check(self) -> None:
        one = self.each.one
        assert 0 <= one.producer_epoch <= MAX_EPOCH
        assert (one.next_producer_id >= 0) <= one.status.ending
        replayed: Any = self.each.replayed()
        assert replayed.state.transactions == {"t": one}, "the log tells something else"


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, left=st.integers(0, 4), version=st.sampled_from([1, V2]))
def test_nothing_breaks_where_the_epochs_end(steps: list[str], left: int, version: int) -> None:
    producer = Producer(left, version)
    for step in steps:
        producer.step(step)
    # Whatever happened: time ends every transaction, and a producer can begin and commit.
    each = producer.each
    each.pass_time(75_000)
    producer.step("mark")
    assert each.one.status not in (Status.ONGOING, Status.PREPARE_COMMIT, Status.PREPARE_ABORT)
    answer = each.begin_producer()
    assert isinstance(answer, Initialised), answer
    producer.told = (answer.producer_id, answer.producer_epoch)
    producer.step("add")
    assert each.one.status is Status.ONGOING
    assert not isinstance(each.end(True, producer.told, version), KafkaError)
    producer.step("mark")
    assert each.one.status is Status.COMPLETE_COMMIT
