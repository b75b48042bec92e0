"""The same requests to Apache Kafka 4.3 and to Ottla, valid and invalid, old versions and new: the same answers.

The questions are in `differences/*_cases.py`; where the two may differ, and why, stands in `differences/accepted.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from ottla.core.wire.apis import API
from ottla.core.wire.messages import create_topics
from tests.apache_kafka import start_kafka
from tests.conformance.differences.accepted import ACCEPTED, Accepted
from tests.conformance.differences.admin_cases import admin_cases
from tests.conformance.differences.case import Case
from tests.conformance.differences.comparing import Difference, differences, masked
from tests.conformance.differences.data_cases import data_cases
from tests.conformance.differences.speaking import Asked
from tests.conformance.differences.topic_cases import topic_cases
from tests.nodes import Node, ottla

TOPICS: dict[str, tuple[int, dict[str, str]]] = {
    "data": (2, {}),
    "empty": (1, {}),
    "numbered": (1, {}),
    "changing": (1, {}),
    "spoiled": (1, {}),
    "growing": (2, {}),
    "doomed-id": (1, {}),
    **{f"doomed-{version}": (1, {}) for version in range(1, 7)},
    "compacted": (1, {"cleanup.policy": "compact"}),
    "small": (1, {"max.message.bytes": "200"}),
    "two-in-sync": (1, {"min.insync.replicas": "2"}),
    "stamped": (1, {"message.timestamp.type": "LogAppendTime"}),
    "recoded": (1, {"compression.type": "gzip"}),
    "recent-only": (1, {"message.timestamp.before.max.ms": "1000"}),
}
CHANGING = ("Create", "Delete", "Alter", "Incremental", "Update")
SETTLE_SECONDS = 0.02
"""A change that the controller has answered is known to Kafka's broker a little later."""
SETTINGS = {"auto.create.topics.enable": "true", "num.partitions": "2"}


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


def prepare(broker: Asked) -> None:
    new = [
        create_topics.CreatableTopic(
            name=name,
            num_partitions=partitions,
            replication_factor=1,
            configs=[create_topics.CreatableTopicConfig(name=key, value=of) for key, of in configs.items()],
        )
        for name, (partitions, configs) in TOPICS.items()
    ]
    made = broker.ask(Case("topics", create_topics.CreateTopicsRequest(topics=new)), 7)
    assert all(topic["error_code"] == 0 for topic in made["topics"]), made
    time.sleep(0.5)
    broker.learn_topics()


def outcomes(kafka: Asked, own: Asked, case: Case) -> Iterator[tuple[str, Difference]]:
    """What differs, under the name of the case with its version."""
    api = next(each for each in API.values() if each.request is type(case.request(0)))
    versions = range(api.min_version, api.max_stable_version + 1) if case.versions is None else case.versions
    for version in versions:
        answers = [masked(each.ask(case, version), each.node) for each in (kafka, own)]
        if case.name.startswith(CHANGING):
            time.sleep(SETTLE_SECONDS)
        name = f"{case.name} v{version}"
        for found in differences("", *answers):
            yield name, found


def test_the_answers_are_those_of_apache_kafka(both: tuple[Asked, Asked]) -> None:
    unexplained: list[str] = []
    met: set[Accepted] = set()
    for case in [*data_cases(), *admin_cases(), *topic_cases()]:
        for name, found in outcomes(*both, case):
            reasons = [
                each
                for each in ACCEPTED
                if fnmatchcase(name, each.cases) and fnmatchcase(found.where, each.fields)
            ]
            met.update(reasons)
            if not reasons:
                unexplained.append(f"{name}  {found}")
    assert not unexplained, "\n".join(["Ottla answers otherwise:", *unexplained])
    idle = [f"{each.cases}  {each.fields}" for each in ACCEPTED if each not in met]
    assert not idle, "\n".join(["these no longer differ, take them out of accepted.py:", *idle])
