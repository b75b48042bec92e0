"""The same requests to Apache Kafka 4.3 and to Ottla, valid and invalid, old versions and new: the same answers.

The questions are in `differences/*_cases.py`, and `differences/mangling.py` makes thousands more of them; where the two
may differ, and why, stands in `differences/accepted.py`. To ask only some, name them by a shell pattern:

    OTTLA_TEST_CASES='Fetch: *' pytest tests/conformance/test_differences.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest

from ottla.core.wire.apis import ApiKey, ListenerRole
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages import (
    add_partitions_to_txn,
    create_topics,
    find_coordinator,
    init_producer_id,
    offset_commit,
    produce,
)
from ottla.core.wire.messages.api_versions import ApiVersionsRequest
from tests.apache_kafka import start_kafka
from tests.conformance.differences.accepted import ACCEPTED, UNASKED, Accepted
from tests.conformance.differences.admin_cases import admin_cases
from tests.conformance.differences.bases import BASES, BATCH, bases, body
from tests.conformance.differences.case import CONTROLLER, Case, Question
from tests.conformance.differences.census import Census, succeeded
from tests.conformance.differences.comparing import Difference, differences, masked
from tests.conformance.differences.consumer_cases import consumer_cases
from tests.conformance.differences.controller_bases import (
    DIRECTORY,
    EPOCH_STAND_IN,
    controller_bases,
    quorum_bases,
)
from tests.conformance.differences.controller_cases import controller_cases
from tests.conformance.differences.data_cases import data_cases
from tests.conformance.differences.frame_cases import frame_questions
from tests.conformance.differences.mangled_questions import mangled_questions
from tests.conformance.differences.own_facts import broker_epoch, directory_id
from tests.conformance.differences.session_cases import beginnings, session_cases
from tests.conformance.differences.share_cases import share_cases
from tests.conformance.differences.share_record_cases import SHARE_TOPICS, share_record_cases
from tests.conformance.differences.speaking import Asked, Tree, asks_for_patience
from tests.conformance.differences.streams_cases import STREAMS_SETTINGS, streams_cases
from tests.conformance.differences.topic_cases import topic_cases
from tests.nodes import Node, ottla

pytestmark = pytest.mark.timeout(300)

TOPICS: dict[str, tuple[int, dict[str, str]]] = {
    "data": (2, {}),
    "empty": (1, {}),
    "numbered": (1, {}),
    "changing": (1, {}),
    "spoiled": (1, {}),
    "growing": (2, {}),
    "marked": (1, {}),
    "mangled": (2, {}),
    "in-sync": (1, {}),
    "assigned": (1, {}),
    "doomed-id": (1, {}),
    **{f"doomed-{version}": (1, {}) for version in range(1, 7)},
    "compacted": (1, {"cleanup.policy": "compact"}),
    "small": (1, {"max.message.bytes": "200"}),
    "two-in-sync": (1, {"min.insync.replicas": "2"}),
    "stamped": (1, {"message.timestamp.type": "LogAppendTime"}),
    "recoded": (1, {"compression.type": "gzip"}),
    **SHARE_TOPICS,
    "recent-only": (1, {"message.timestamp.before.max.ms": "1000"}),
}
CHANGING = ("Create", "Delete", "Alter", "Incremental", "Update")
SETTLE_SECONDS = 0.1
"""A change that the controller has answered is known to Kafka's broker a little later."""
SETTINGS = {
    "auto.create.topics.enable": "true",
    "num.partitions": "2",
    "group.share.assignment.interval.ms": "0",  # the epochs of members would depend on time
    "group.consumer.assignment.interval.ms": "0",
    "group.consumer.session.timeout.ms": "600000",
    "group.consumer.max.session.timeout.ms": "600000",
    **STREAMS_SETTINGS,
    "broker.session.timeout.ms": "600000",  # who was heard of once stays, however slow the test is
}
ONLY = os.environ.get("OTTLA_TEST_CASES")
SHARE_PARTITION = "g:4L6g3nShT-eMCtK--X86sw:0"
PATIENCE = 50
SHOWN = 60
"""So many differences are told in full; one cause tends to have many."""


class Outcome(NamedTuple):
    """What both answered, as far as they may be compared."""

    question: Question
    kafka: Tree
    own: Tree

    @property
    def found(self) -> list[Difference]:
        return list(differences("", self.kafka, self.own))


class Told(NamedTuple):
    unlike: list[Outcome]
    census: Census


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asked, Asked]]:
    """(Apache Kafka, Ottla), with the same topics."""
    kafka = start_kafka(Path(tmp_path_factory.mktemp("kafka")), properties=SETTINGS)
    own = Node(Path(tmp_path_factory.mktemp("ottla")), ottla(), SETTINGS)
    try:
        own.start()
        pair = Asked(kafka), Asked(own)
        for each in pair:
            prepare(each)
        yield pair
        for each in pair:
            each.close()
    finally:
        own.kill()
        kafka.kill()


@pytest.fixture(scope="module")
def told(both: tuple[Asked, Asked]) -> Told:
    """All questions put to both, or those that were asked for."""
    kafka, own = both
    told = Told([], Census({role: served(own, role) for role in ListenerRole}))
    changed = False
    for question in questions():
        if changed and not question.name.startswith(CHANGING):
            time.sleep(SETTLE_SECONDS)
        changed = question.name.startswith(CHANGING)
        answers = at_once(kafka, own, question)
        told.census.count(question, answers[0])
        outcome = Outcome(question, masked(answers[0], kafka.node), masked(answers[1], own.node))
        if outcome.kafka != outcome.own:
            told.unlike.append(outcome)
    return told


def served(broker: Asked, listener: ListenerRole) -> list[ApiKey]:
    """The APIs that a broker advertises on this listener."""
    asked = ApiVersionsRequest(client_software_name="test", client_software_version="1")
    (question,) = Case("served", asked, (4,), listener).questions()
    return [ApiKey(each["api_key"]) for each in broker.ask(question)["api_keys"]]


def questions() -> Iterator[Question]:
    cases = [
        *data_cases(),
        *session_cases(),
        *admin_cases(),
        *share_cases(),
        *share_record_cases(),
        *consumer_cases(),
        *streams_cases(),
        *topic_cases(),
    ]
    in_order = (
        *(each for base in quorum_bases() for each in mangled_questions(*base, CONTROLLER)),
        *frame_questions(),
        *(each for case in cases for each in case.questions()),
        *(each for base in controller_bases() for each in mangled_questions(*base, CONTROLLER)),
        *(each for case in controller_cases() for each in case.questions()),
        *(each for base in bases() for each in mangled_questions(*base)),
    )
    for question in in_order:
        if fnmatchcase(question.name, ONLY or "*") and not any(
            fnmatchcase(question.name, each.cases) for each in UNASKED
        ):
            yield question


def at_once(kafka: Asked, own: Asked, question: Question) -> tuple[Tree, Tree]:
    for each in (kafka, own):
        each.put(question)
    answers = [each.hear(question) for each in (kafka, own)]
    for at, each in enumerate((kafka, own)):
        for _ in range(PATIENCE):
            if not asks_for_patience(answers[at]):
                break
            time.sleep(0.1)
            answers[at] = each.ask(question)
    return answers[0], answers[1]


def prepare(broker: Asked) -> None:
    """The same topics on both, and one record for the mangled requests to find."""
    new = [
        create_topics.CreatableTopic(
            name=name,
            num_partitions=partitions,
            replication_factor=1,
            configs=[create_topics.CreatableTopicConfig(name=key, value=of) for key, of in configs.items()],
        )
        for name, (partitions, configs) in TOPICS.items()
    ]
    record = produce.TopicProduceData(
        name="mangled", partition_data=[produce.PartitionProduceData(index=0, records=BATCH)]
    )
    first = produce.ProduceRequest(acks=-1, timeout_ms=5_000, topic_data=[record])
    for request, version in ((create_topics.CreateTopicsRequest(topics=new), 7), (first, 12)):
        (question,) = Case("prepare", request, (version,)).questions()
        ask_until_done(broker, question)
    prepare_coordinators(broker)
    broker.learn_topics()
    for case, stand_in in beginnings():
        (question,) = case.questions()
        session_id = ask_until_done(broker, question)["session_id"]
        broker.learn(stand_in, session_id.to_bytes(4, "big"), in_answers=False)
    broker.learn(DIRECTORY, directory_id(broker.node))
    broker.learn(EPOCH_STAND_IN, broker_epoch(broker.node).to_bytes(8, "big"), in_answers=False)


def ask_until_done(broker: Asked, question: Question) -> Tree:
    """What was just made may take a moment to be ready."""
    for _ in range(PATIENCE):
        made = broker.ask(question)
        if succeeded(made):
            return made
        time.sleep(0.2)
    pytest.fail(f"{question.name}: {made}")


def prepare_coordinators(broker: Asked) -> None:
    """A group that has committed, and an open transaction, on coordinators that are ready."""
    begins = BASES[ApiKey.ADD_PARTITIONS_TO_TXN]
    requests: list[tuple[Body, int]] = [
        (find_coordinator.FindCoordinatorRequest(key="readers", key_type=0), 3),
        (find_coordinator.FindCoordinatorRequest(key="writer", key_type=1), 3),
        (find_coordinator.FindCoordinatorRequest(coordinator_keys=[SHARE_PARTITION], key_type=2), 6),
        (body(offset_commit.OffsetCommitRequest, BASES[ApiKey.OFFSET_COMMIT]), 8),
        (
            init_producer_id.InitProducerIdRequest(transactional_id="writer", transaction_timeout_ms=900_000),
            4,
        ),
        (body(add_partitions_to_txn.AddPartitionsToTxnRequest, {**begins, "transactions": []}), 3),
    ]
    for request, version in requests:
        (question,) = Case("prepare", request, (version,)).questions()
        made = ask_until_done(broker, question)
        if isinstance(request, init_producer_id.InitProducerIdRequest):
            assert (made["producer_id"], made["producer_epoch"]) == (0, 0)


def reasons(outcome: Outcome, found: Difference) -> list[Accepted]:
    return [
        each
        for each in ACCEPTED
        if fnmatchcase(outcome.question.name, each.cases) and fnmatchcase(found.where, each.fields)
    ]


def report(outcome: Outcome, found: list[Difference]) -> str:
    """A difference, for somebody who has to find its cause."""
    lines = [
        outcome.question.name,
        *(f"    {each}" for each in found),
        f"  asked   {outcome.question.said:.1000}",
        f"  kafka   {outcome.kafka!r:.1000}",
        f"  ottla   {outcome.own!r:.1000}",
        f"  again   OTTLA_TEST_CASES={outcome.question.name!r} pytest {__file__}",
    ]
    return "\n".join(lines)


def test_the_answers_are_those_of_apache_kafka(told: Told) -> None:
    unexplained = [
        report(outcome, found)
        for outcome in told.unlike
        if (found := [each for each in outcome.found if not reasons(outcome, each)])
    ]
    assert not unexplained, "\n".join(
        [f"Ottla answers otherwise to {len(unexplained)} requests:", *unexplained[:SHOWN]]
    )


@pytest.mark.skipif(ONLY is not None, reason="only some questions are asked")
def test_what_is_accepted_still_differs(told: Told) -> None:
    met = {each for outcome in told.unlike for found in outcome.found for each in reasons(outcome, found)}
    idle = [f"{each.cases}  {each.fields}" for each in ACCEPTED if each not in met and not each.by_chance]
    assert not idle, "\n".join(["these no longer differ, take them out of accepted.py:", *idle])


@pytest.mark.skipif(ONLY is not None, reason="only some questions are asked")
def test_every_api_is_asked_in_every_version(told: Told) -> None:
    gaps = list(told.census.gaps())
    assert not gaps, "\n".join(["too few questions:", *gaps, *told.census.table()])
