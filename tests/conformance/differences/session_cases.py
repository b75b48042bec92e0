"""A fetch session from its first question to its end (KIP-227): one that names topics, one that uses their ids.

Each question takes the session a step further, so they make sense in this order and together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ottla.core.wire.messages import fetch
from tests.conformance.differences.case import STAND_IN, Case, id_of

BY_NAME, BY_ID = 12, 18
SESSIONS: Final = {BY_NAME: STAND_IN + b"\1", BY_ID: STAND_IN + b"\2"}
"""Version → what stands for the number that the broker gave the session."""
Offsets = Mapping[tuple[str, int], int]
FIRST: Final[Offsets] = {("data", 0): 0, ("empty", 0): 0, ("mangled", 1): 0}


def number(version: int) -> int:
    """What a question of this version says for the number of its session; 0 where it has none."""
    return int.from_bytes(SESSIONS.get(version, b""), "big", signed=True)


def request(
    offsets: Offsets, *, session_id: int = 0, epoch: int = 0, forgotten: Sequence[tuple[str, int]] = ()
) -> fetch.FetchRequest:
    def named(topic: str) -> dict[str, Any]:
        return {"topic": topic, "topic_id": id_of(topic)}

    return fetch.FetchRequest(
        max_wait_ms=20,
        min_bytes=1,
        max_bytes=1 << 20,
        session_id=session_id,
        session_epoch=epoch,
        topics=[
            fetch.FetchTopic(
                **named(topic),
                partitions=[
                    fetch.FetchPartition(partition=index, fetch_offset=at, partition_max_bytes=1 << 20)
                ],
            )
            for (topic, index), at in offsets.items()
        ],
        forgotten_topics_data=[
            fetch.ForgottenTopic(**named(topic), partitions=[index]) for topic, index in forgotten
        ],
    )


def beginnings() -> Iterator[tuple[Case, bytes]]:
    """What begins the sessions, and what stands for the number in the answer."""
    for version, stand_in in SESSIONS.items():
        yield Case("Fetch: a session begins", request(FIRST), (version,)), stand_in


def session_cases() -> Iterator[Case]:
    def step(name: str, epoch: int, offsets: Offsets, forgotten: Sequence[tuple[str, int]] = ()) -> Case:
        return Case(
            f"Fetch: session, {name}",
            lambda version: request(offsets, session_id=number(version), epoch=epoch, forgotten=forgotten),
            (BY_NAME, BY_ID),
        )

    yield step("what was written since", 1, {})
    yield step("the same again, as nobody moved on", 2, {})
    yield step("to the next batch", 3, {("data", 0): 3})
    yield step("to an offset that is not there", 4, {("data", 0): 1_000_000})
    yield step("and again", 5, {})
    yield step("back", 6, {("data", 0): 0})
    yield step("an epoch of before", 6, {})
    yield step("an epoch to come", 9, {})
    yield step("one more partition", 7, {("data", 1): 0})
    yield step("a partition that is not there", 8, {("data", 9): 0})
    yield step("which is told again", 9, {})
    yield step("forget them", 10, {}, [("data", 0), ("data", 1), ("data", 9)])
    yield step("nothing left but the end of two", 11, {})
    yield step("forget what was never asked for", 12, {}, [("numbered", 0)])
    yield step("forget and ask in one", 13, {("mangled", 1): 0}, [("mangled", 1)])
    for session, version in ((BY_NAME, BY_ID), (BY_ID, BY_NAME)):
        asked = request({}, session_id=number(session), epoch=14)
        yield Case("Fetch: session, of another kind of names", asked, (version,))
    yield step("after that", 14, {})
    yield step("its end", -1, {("empty", 0): 0})
    yield step("beyond its end", 15, {})
