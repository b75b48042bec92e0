"""ShareFetch and ShareAcknowledge: members who open sessions, acquire records and say what became of them.

Sessions, locks and offsets go on from one question to the next, so each version has a story of its own, told in order
by two members of a group on one connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from ottla.core.model.ids import Uuid
from ottla.core.wire.apis import ApiKey
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages import initialize_share_group_state as beginning
from ottla.core.wire.messages import produce, share_acknowledge, share_fetch
from tests.conformance.differences.case import STAND_IN, Case, id_of
from tests.conformance.differences.data_cases import batch

EMPTY: Final = id_of("empty")
NOWHERE: Final = Uuid(STAND_IN + b"no such topic")
TAKERS: Final = "takers"
"""A group that reads the topic `empty`."""
WAIT_MS: Final = 300
ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4

SHARE_TOPICS: Final[dict[str, tuple[int, dict[str, str]]]] = {"shared-1": (2, {}), "shared-2": (2, {})}

SHARE_RECORD_BASES: Final[dict[ApiKey, dict[str, Any]]] = {
    ApiKey.SHARE_FETCH: {
        "group_id": TAKERS,
        "member_id": "a stranger",
        "max_wait_ms": WAIT_MS,
        "max_bytes": 1 << 20,
        "max_records": 10,
        "batch_size": 10,
        "topics": [{"topic_id": EMPTY, "partitions": [{"partition_index": 0}]}],
        "forgotten_topics_data": [{"topic_id": id_of("data"), "partitions": [0]}],
    },
    ApiKey.SHARE_ACKNOWLEDGE: {
        "group_id": TAKERS,
        "member_id": "nobody",
        "share_session_epoch": 1,
        "topics": [
            {
                "topic_id": EMPTY,
                "partitions": [
                    {
                        "partition_index": 0,
                        "acknowledgement_batches": [
                            {"first_offset": 0, "last_offset": 1, "acknowledge_types": [1, 2]}
                        ],
                    }
                ],
            }
        ],
    },
}

Said = tuple[int, int, Sequence[int]]


class Story:
    """The questions of one version."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.group = f"sharers-{version}"
        self.topic = f"shared-{version}"
        self.id = id_of(self.topic)

    def case(self, name: str, request: Body) -> Case:
        return Case(name, request, (self.version,))

    def fetch(self, name: str, epoch: int, *partitions: int, **fields: Any) -> Case:
        said: dict[int, list[Said]] = fields.pop("said", {})
        forgotten: list[int] = fields.pop("forgotten", [])
        topic = share_fetch.FetchTopic(
            topic_id=fields.pop("topic_id", self.id),
            partitions=[
                share_fetch.FetchPartition(
                    partition_index=index,
                    acknowledgement_batches=[
                        share_fetch.AcknowledgementBatch(
                            first_offset=first, last_offset=last, acknowledge_types=list(types)
                        )
                        for first, last, types in said.get(index, [])
                    ],
                )
                for index in [*partitions, *(each for each in said if each not in partitions)]
            ],
        )
        everything: dict[str, Any] = {
            "group_id": self.group,
            "member_id": "first",
            "share_session_epoch": epoch,
            "max_wait_ms": WAIT_MS,
            "min_bytes": 1,
            "max_bytes": 1 << 20,
            "max_records": 100,
            "batch_size": 100,
            "topics": [topic] if topic.partitions else [],
            "forgotten_topics_data": [share_fetch.ForgottenTopic(topic_id=self.id, partitions=forgotten)]
            if forgotten
            else [],
            **fields,
        }
        return self.case(f"ShareFetch: {name}", share_fetch.ShareFetchRequest(**everything))

    def say(self, name: str, epoch: int, *said: Said, **fields: Any) -> Case:
        partition = share_acknowledge.AcknowledgePartition(
            partition_index=fields.pop("partition", 0),
            acknowledgement_batches=[
                share_acknowledge.AcknowledgementBatch(
                    first_offset=first, last_offset=last, acknowledge_types=list(types)
                )
                for first, last, types in said
            ],
        )
        topic = share_acknowledge.AcknowledgeTopic(
            topic_id=fields.pop("topic_id", self.id), partitions=[partition]
        )
        everything: dict[str, Any] = {
            "group_id": self.group,
            "member_id": "first",
            "share_session_epoch": epoch,
            "topics": [topic],
            **fields,
        }
        request = share_acknowledge.ShareAcknowledgeRequest(**everything)
        return self.case(f"ShareAcknowledge: {name}", request)

    # -- in order

    def told(self) -> Iterator[Case]:
        yield from self.beginning()
        yield from self.before_a_session()
        yield from self.acquiring()
        yield from self.acknowledging()
        yield from self.acknowledging_beside_a_fetch()
        yield from self.wishing()
        yield from self.ending()

    def beginning(self) -> Iterator[Case]:
        """Three batches of five records; groups begin at the first. Named so that one pattern asks the whole story."""
        of = produce.TopicProduceData(
            name=self.topic,
            partition_data=[produce.PartitionProduceData(index=0, records=batch(5))],
        )
        for count in range(3):
            request = produce.ProduceRequest(acks=-1, timeout_ms=5_000, topic_data=[of])
            yield Case(f"ShareFetch: something to share, {count}", request, (12,))
        for group, topic, partitions in ((self.group, self.id, 2), (TAKERS, EMPTY, 1)):
            each = [
                beginning.PartitionData(partition=index, state_epoch=1, start_offset=0)
                for index in range(partitions)
            ]
            for one in each:
                state = beginning.InitializeStateData(topic_id=topic, partitions=[one])
                yield Case(
                    f"ShareFetch: where {group} begins in {one.partition}",
                    beginning.InitializeShareGroupStateRequest(group_id=group, topics=[state]),
                )

    def before_a_session(self) -> Iterator[Case]:
        yield self.fetch("no session", 1, 0)
        yield self.fetch("no session to close", -1, 0)
        yield self.fetch("a negative epoch", -2, 0)
        yield self.fetch("no member", 0, 0, member_id="")
        yield self.fetch("a null member", 0, 0, member_id=None)
        yield self.fetch("a member with a long name", 0, 0, member_id="m" * 37)
        yield self.fetch("no group", 0, 0, group_id=None)
        yield self.fetch("acknowledgements before the first fetch", 0, said={0: [(0, 0, [1])]})
        yield self.fetch("a partition twice", 0, 0, 0)
        yield self.say("no session", 1, (0, 0, [1]))
        yield self.say("to open a session", 0, (0, 0, [1]))
        yield self.say("no session to close", -1, (0, 0, [1]))
        yield self.say("no member", 1, (0, 0, [1]), member_id="")
        yield self.say("a null member", 1, (0, 0, [1]), member_id=None)
        yield self.say("a member with a long name", 1, (0, 0, [1]), member_id="m" * 37)
        yield self.say("no group", 1, (0, 0, [1]), group_id=None)

    def acquiring(self) -> Iterator[Case]:
        """The first member holds 0 to 9, the second 10 to 14."""
        yield self.fetch("open a session", 0, 0, max_records=6, batch_size=3)
        yield self.fetch("open another", 0, 0, member_id="second")
        yield self.fetch("nothing left", 1, member_id="second", max_wait_ms=50)
        yield self.fetch("an old epoch", 0, 9, member_id="third", max_wait_ms=0)
        yield self.fetch("the wrong epoch", 7)
        yield self.say("the wrong epoch", 7, (0, 0, [1]))

    def acknowledging(self) -> Iterator[Case]:
        """Afterwards the first member holds 7 to 9; 2 was released, and done are 0, 1, 3 to 6."""
        yield self.say("one of each", 1, (0, 4, [ACCEPT, ACCEPT, RELEASE, REJECT, 0]))
        yield self.say("once more", 2, (0, 4, [ACCEPT]))
        yield self.say("what was released", 3, (2, 2, [ACCEPT]))
        yield self.say("below the start", 4, (0, 1, [ACCEPT]))
        yield self.say("what another holds", 5, (10, 14, [ACCEPT]))
        yield self.say("what nobody had", 6, (15, 20, [ACCEPT]))
        yield self.say("more than anybody had", 7, (12, 20, [ACCEPT]))
        yield self.say("far beyond", 8, (100, 200, [ACCEPT]))
        yield self.say("part of a batch", 9, (5, 6, [ACCEPT]))
        yield self.say("that part again", 10, (5, 6, [ACCEPT]))
        yield self.say("backwards", 11, (9, 7, [ACCEPT]))
        yield self.say("overlapping", 12, (7, 8, [RELEASE]), (7, 9, [ACCEPT]))
        yield self.say("out of order", 13, (8, 8, [ACCEPT]), (7, 7, [ACCEPT]))
        yield self.say("no types", 14, (7, 7, []))
        yield self.say("too few types", 15, (7, 9, [1, 1]))
        yield self.say("too many types", 16, (7, 7, [1, 1]))
        yield self.say("an unknown type", 17, (7, 7, [5]))
        yield self.say("a negative type", 18, (7, 7, [-1]))
        yield self.say("a renewal without saying so", 19, (7, 7, [RENEW]))
        yield self.say("a renewal", 20, (7, 7, [RENEW]), is_renew_ack=self.version > 1)
        yield self.say("good and bad together", 21, (7, 8, [ACCEPT]), (9, 11, [ACCEPT]))
        yield self.say("a partition that is not there", 22, (0, 0, [ACCEPT]), partition=9)
        yield self.say("a partition that nobody reads", 23, (0, 0, [ACCEPT]), partition=1)
        yield self.say("a topic that is not there", 24, (0, 0, [ACCEPT]), topic_id=NOWHERE)
        yield self.say("nothing", 25)
        yield self.say("no topics", 26, topics=[])

    def acknowledging_beside_a_fetch(self) -> Iterator[Case]:
        yield self.fetch("what was released", 27)
        yield self.fetch("accept one", 28, said={0: [(2, 2, [ACCEPT])]}, max_wait_ms=50)
        yield self.fetch("accept what is not held", 29, said={0: [(2, 2, [ACCEPT])]}, max_wait_ms=50)
        yield self.fetch("release one", 30, said={0: [(7, 7, [RELEASE])]}, max_wait_ms=2_000)
        yield self.fetch("backwards", 31, said={0: [(8, 7, [ACCEPT])]}, max_wait_ms=50)
        yield self.fetch("an unknown type", 32, said={0: [(8, 8, [9])]}, max_wait_ms=50)
        yield self.fetch("a partition that nobody reads", 33, said={1: [(0, 0, [ACCEPT])]}, max_wait_ms=50)
        yield self.fetch("a partition that is not there", 34, said={9: [(0, 0, [ACCEPT])]}, max_wait_ms=50)
        yield self.fetch("it stays in the session", 35, max_wait_ms=50)
        yield self.fetch("forget it", 36, forgotten=[9, 1, 77], max_wait_ms=50)
        yield self.fetch("renew and fetch", 37, said={0: [(8, 8, [RENEW])]}, is_renew_ack=self.version > 1)
        if self.version > 1:
            nothing = {"min_bytes": 0, "max_bytes": 0, "max_records": 0, "max_wait_ms": 0}
            yield self.fetch("renew", 37, said={0: [(8, 8, [RENEW])]}, is_renew_ack=True, **nothing)
            yield self.fetch("renew nothing", 38, is_renew_ack=True, **nothing)

    def wishing(self) -> Iterator[Case]:
        """Other members ask for more than there is, and for less than nothing."""
        for name, fields in (
            ("no records", {"max_records": 0}),
            ("fewer records than none", {"max_records": -1}),
            ("no bytes", {"max_bytes": 0}),
            ("no time", {"max_wait_ms": 0}),
            ("less time than none", {"max_wait_ms": -1}),
            ("fewer bytes than none at least", {"min_bytes": -1}),
        ):
            yield self.fetch(name, 0, 0, member_id="third", **{"max_wait_ms": 50, **fields})
        yield self.say("let one go for others", -1, (10, 10, [RELEASE]), member_id="second")
        yield self.fetch("a partition without records", 0, 1, member_id="fourth", max_wait_ms=200)
        if self.version > 1:
            yield self.fetch("an unknown mode", 0, 0, member_id="third", share_acquire_mode=7)
            yield self.fetch(
                "two records exactly", 0, 0, member_id="fourth", share_acquire_mode=1, max_records=2
            )
        yield self.fetch("one byte", 0, 0, member_id="third", max_bytes=1)
        yield self.fetch("more bytes than there are", 0, 1, 0, member_id="fifth", max_bytes=2**31 - 1)
        yield self.fetch("fewer bytes than none", 0, 0, 1, member_id="fifth", max_bytes=-1)
        yield self.fetch("a topic that is not there", 0, 0, member_id="fifth", topic_id=NOWHERE)
        yield self.fetch("a partition that is not there, first", 0, 7, 0, member_id="fifth", max_wait_ms=50)
        yield self.fetch("a topic that is not there, later", 1, 0, member_id="fifth", topic_id=NOWHERE)

    def ending(self) -> Iterator[Case]:
        yield self.fetch("the last", -1, said={0: [(8, 8, [ACCEPT])]})
        yield self.fetch("behind the last", 40)
        yield self.say("behind the last", 40, (9, 9, [ACCEPT]))
        yield self.fetch("a group without state", 0, 0, group_id="stateless", max_wait_ms=1_000)
        yield self.say("a group without state", -1, (0, 0, [ACCEPT]), group_id="stateless")


def share_record_cases() -> Iterator[Case]:
    for version in (1, 2):
        yield from Story(version).told()
