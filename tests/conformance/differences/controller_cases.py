"""What changes something when it succeeds, asked on the listener of the controller: once in each version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ottla.core.wire.apis import API, ApiKey, ListenerRole
from ottla.core.wire.declaration import Body
from tests.conformance.differences.bases import Said, body
from tests.conformance.differences.case import BROKER, CONTROLLER, Case, title_of
from tests.conformance.differences.controller_bases import CONTROLLER_BASES


def asking(
    name: str,
    key: ApiKey,
    said: Said,
    versions: Sequence[int] | None = None,
    listener: ListenerRole = CONTROLLER,
) -> Case:
    """One case. Topics end in the version, counted from that of CreateTopics which made them."""
    cls = API[key].request

    def request(version: int) -> Body:
        number = version - cls.wire.versions.first
        topics = [{**each, "name": f"{each['name']}-{number}"} for each in said.get("topics", [])]
        if key is ApiKey.DELETE_TOPICS and version < 6:
            return body(cls, {**said, "topics": [], "topic_names": [topics[0]["name"]]})
        return body(cls, {**said, "topics": topics})

    return Case(f"{title_of(API[key], listener)}: {name}", request, versions, listener)


def controller_cases() -> Iterator[Case]:
    one = {"name": "of-the-controller", "num_partitions": 1, "replication_factor": 1}
    other = {**one, "name": "grown-there"}
    yield asking("a topic", ApiKey.CREATE_TOPICS, {"topics": [one]})
    yield asking("the same again", ApiKey.CREATE_TOPICS, {"topics": [one]}, (7,))
    yield asking("another", ApiKey.CREATE_TOPICS, {"topics": [other]})
    grown = {"name": other["name"], "count": 3, "assignments": None}
    yield asking("more", ApiKey.CREATE_PARTITIONS, {"topics": [grown], "timeout_ms": 9_000})
    gone = {"topics": [{"name": one["name"]}], "timeout_ms": 9_000}
    yield asking("what is there", ApiKey.DELETE_TOPICS, gone)
    yield asking("what was there", ApiKey.DELETE_TOPICS, gone, (2, 6))
    registration = CONTROLLER_BASES[ApiKey.BROKER_REGISTRATION]
    for listener in (CONTROLLER, BROKER):
        again = f"for the {listener} listener"
        yield asking(f"again {again}", ApiKey.BROKER_REGISTRATION, registration, (4,))
        yield asking("a silent broker", ApiKey.UNREGISTER_BROKER, {"broker_id": 7}, listener=listener)
        yield asking("the same again", ApiKey.UNREGISTER_BROKER, {"broker_id": 7}, listener=listener)
